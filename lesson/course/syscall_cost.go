package course

import (
	"fmt"
	"runtime"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"fd3/lesson"
)

// The samples of a measurement, of which the median counts.
const syscallRounds = 9

// measured is what one operation takes in nanoseconds: the median of some rounds,
// in each of which run does it times times.
func (l *Lab) measured(times int, run func(times int)) float64 {
	return l.median(func() time.Duration {
		start := time.Now()
		run(times)
		return time.Since(start)
	}) / float64(times)
}

// median is that of some rounds, each of which says what it took, in nanoseconds.
func (l *Lab) median(round func() time.Duration) float64 {
	samples := make([]time.Duration, syscallRounds)
	for i := range samples {
		if l.ctx.Err() != nil {
			l.failf("%w", l.ctx.Err())
		}
		samples[i] = round()
	}
	slices.Sort(samples)
	return float64(samples[syscallRounds/2].Nanoseconds())
}

func nanoseconds(ns float64) string {
	if ns < 10 {
		return fmt.Sprintf("%.1f ns", ns)
	}
	return lesson.Took(time.Duration(ns))
}

// functionCall is a function that does next to nothing.
//
//go:noinline
func functionCall(b byte) byte { return b }

func syscallCost(l *Lab) map[string]func() {
	type cost struct {
		fact string
		ns   float64
	}
	var costs []cost
	keep := func(name, fact string, ns float64) {
		costs = append(costs, cost{fact, ns})
		l.note(name, nanoseconds(ns))
	}
	measure := func(name, fact string, times int, run func(times int)) { keep(name, fact, l.measured(times, run)) }
	one := []byte{'x'}
	return map[string]func(){
		"function": func() {
			measure("function", "a function call", 200000, func(times int) {
				for range times {
					functionCall(one[0])
				}
			})
			l.show(lesson.Evidence{Fact: costs[0].fact, Value: nanoseconds(costs[0].ns), Source: "measured now"})
		},
		"calls": func() {
			null := l.syscallOpen("/dev/null")
			measure("empty", "getppid, which does next to nothing", 5000, func(times int) {
				for range times {
					unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
				}
			})
			measure("write", "write of a byte to /dev/null", 5000, func(times int) { writeByte(null, one, times) })
			const bytes = 128
			keep("socket", "write of a byte to a socket", l.writes(l.syscallPair(), bytes, 1)/bytes)
			most := 0.0
			for _, c := range costs {
				most = max(most, c.ns)
			}
			for _, c := range costs {
				l.show(lesson.Evidence{Fact: c.fact, Value: nanoseconds(c.ns), Source: "measured now", Have: int64(c.ns * 10), Full: int64(most * 10)})
			}
			ratio := costs[2].ns / costs[0].ns
			l.note("ratio", fmt.Sprintf("%.0f", ratio))
			switch {
			case ratio < 10:
				l.answer("few")
			case ratio < 100:
				l.answer("tens")
			default:
				l.answer("hundreds")
			}
		},
		"clock": func() {
			start := time.Now()
			library := l.measured(5000, func(times int) {
				for range times {
					time.Since(start)
				}
			})
			var t unix.Timespec
			call := l.measured(5000, func(times int) {
				for range times {
					unix.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_MONOTONIC, uintptr(unsafe.Pointer(&t)), 0)
				}
			})
			full := int64(max(library, call) * 10)
			l.show(lesson.Evidence{Fact: "the clock, asked as programs do", Value: nanoseconds(library), Source: "measured now", Have: int64(library * 10), Full: full})
			l.show(lesson.Evidence{Fact: "the clock, by a system call", Value: nanoseconds(call), Source: "measured now", Have: int64(call * 10), Full: full})
			l.note("clock", nanoseconds(library))
			l.note("clock_call", nanoseconds(call))
			l.note("instruction", syscallInstruction())
		},
	}
}

// syscallInstruction is what takes the processor into the kernel: syscall(2),
// Architecture calling conventions.
func syscallInstruction() string {
	switch runtime.GOARCH {
	case "amd64", "mips64", "mips64le", "mips", "mipsle":
		return "syscall"
	case "arm64":
		return "svc #0"
	case "386":
		return "int $0x80"
	case "riscv64":
		return "ecall"
	case "s390x":
		return "svc 0"
	case "ppc64", "ppc64le":
		return "sc"
	case "loong64":
		return "syscall 0"
	}
	return "swi 0x0" // arm
}

func writeByte(fd int, one []byte, times int) {
	for range times {
		unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&one[0])), 1)
	}
}

// syscallOpen opens a file for writing, until the experiment is over.
func (l *Lab) syscallOpen(path string) (fd int) {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		l.failf("%s: %w", path, err)
	}
	l.atEnd(func() { unix.Close(fd) })
	return fd
}

// syscallPair is a pair of Unix sockets, open until the experiment is over. No
// call on them blocks for long.
func (l *Lab) syscallPair() [2]int {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		l.failf("socketpair: %w", err)
	}
	l.atEnd(func() {
		unix.Close(pair[0])
		unix.Close(pair[1])
	})
	limit := unix.NsecToTimeval(time.Second.Nanoseconds())
	unix.SetsockoptTimeval(pair[0], unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit)
	unix.SetsockoptTimeval(pair[1], unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit)
	return pair
}

func syscallMany(l *Lab) map[string]func() {
	const total, piece = 64 << 10, 16
	var once float64
	var pair [2]int
	return map[string]func(){
		"once": func() {
			pair = l.syscallPair()
			once = l.writes(pair, total, total)
			l.show(lesson.Evidence{Fact: "1 write", Value: fmt.Sprintf("%s in %s", lesson.Counted(total, "byte"), nanoseconds(once)), Source: "measured now"})
		},
		"pieces": func() {
			many := l.writes(pair, total, piece)
			l.show(lesson.Evidence{Fact: "1 write", Value: nanoseconds(once), Source: "measured now", Have: int64(once), Full: int64(many)})
			l.show(lesson.Evidence{Fact: fmt.Sprintf("%d writes", total/piece), Value: nanoseconds(many), Source: "measured now", Have: int64(many), Full: int64(many)})
			ratio := many / once
			l.note("once", nanoseconds(once))
			l.note("many", nanoseconds(many))
			l.note("writes", total/piece)
			l.note("ratio", fmt.Sprintf("%.0f", ratio))
			switch {
			case ratio < 2:
				l.answer("same")
			case ratio < 10:
				l.answer("some")
			default:
				l.answer("tens")
			}
		},
	}
}

// writes is what it takes, in nanoseconds, to write so many bytes to one socket of
// a pair in pieces. They are read from the other whenever there are 64 pieces, or
// all, and that time does not count.
func (l *Lab) writes(pair [2]int, total, piece int) float64 {
	data, room := make([]byte, piece), make([]byte, total)
	return l.median(func() (took time.Duration) {
		for sent := 0; sent < total; {
			start := time.Now()
			for end := min(sent+64*piece, total); sent < end; {
				n, err := unix.Write(pair[0], data)
				if err != nil {
					l.failf("write: %w", err)
				}
				sent += n
			}
			took += time.Since(start)
			if _, err := unix.Read(pair[1], room); err != nil {
				l.failf("read: %w", err)
			}
		}
		return took
	})
}
