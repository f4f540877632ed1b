package syscall

import (
	"fmt"
	"runtime"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
)

// The samples of a measurement, of which the median counts.
const rounds = 9

// measured is what one operation takes in nanoseconds: the median of some rounds,
// in each of which run does it times times.
func measured(l *lab.Lab, times int, run func(times int)) float64 {
	return median(l, func() time.Duration {
		start := time.Now()
		run(times)
		return time.Since(start)
	}) / float64(times)
}

// median is that of some rounds, each of which says what it took, in nanoseconds.
func median(l *lab.Lab, round func() time.Duration) float64 {
	samples := make([]time.Duration, rounds)
	for i := range samples {
		if l.Context().Err() != nil {
			l.Fatalf("%w", l.Context().Err())
		}
		samples[i] = round()
	}
	slices.Sort(samples)
	return float64(samples[rounds/2].Nanoseconds())
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

// cost measures calls of functions and of the kernel. It is long for its steps, which
// share what each leaves for the next.
func cost(l *lab.Lab) []lab.Step {
	type cost struct {
		fact string
		ns   float64
	}
	var costs []cost
	keep := func(name, fact string, ns float64) {
		costs = append(costs, cost{fact, ns})
		l.Note(name, nanoseconds(ns))
	}
	measure := func(name, fact string, times int, run func(times int)) { keep(name, fact, measured(l, times, run)) }
	one := []byte{'x'}
	return []lab.Step{
		{Name: "function", Do: func() {
			measure("function", "a function call", 200000, func(times int) {
				for range times {
					functionCall(one[0])
				}
			})
			l.Show(lesson.Evidence{Fact: costs[0].fact, Value: nanoseconds(costs[0].ns), Source: "measured now"})
		}},
		{Name: "calls", Do: func() {
			null := openNull(l, "/dev/null")
			measure("empty", "getppid, which does next to nothing", 5000, func(times int) {
				for range times {
					unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
				}
			})
			measure("write", "write of a byte to /dev/null", 5000, func(times int) { writeByte(null, one, times) })
			const bytes = 128
			keep("socket", "write of a byte to a socket", writes(l, socketPair(l), bytes, 1)/bytes)
			most := 0.0
			for _, c := range costs {
				most = max(most, c.ns)
			}
			for _, c := range costs {
				l.Show(lesson.Evidence{Fact: c.fact, Value: nanoseconds(c.ns), Source: "measured now", Have: int64(c.ns * 10), Full: int64(most * 10)})
			}
			ratio := costs[2].ns / costs[0].ns
			l.Note("ratio", fmt.Sprintf("%.0f", ratio))
			switch {
			case ratio < 5:
				l.Answer("few")
			case ratio < 5000:
				l.Answer("more")
			default:
				l.Answer("thousands")
			}
		}},
		{Name: "clock", Do: func() {
			start := time.Now()
			library := measured(l, 5000, func(times int) {
				for range times {
					time.Since(start)
				}
			})
			var t unix.Timespec
			call := measured(l, 5000, func(times int) {
				for range times {
					unix.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_MONOTONIC, uintptr(unsafe.Pointer(&t)), 0)
				}
			})
			full := int64(max(library, call) * 10)
			l.Show(lesson.Evidence{Fact: "the clock, asked as programs do", Value: nanoseconds(library), Source: "measured now", Have: int64(library * 10), Full: full})
			l.Show(lesson.Evidence{Fact: "the clock, by a system call", Value: nanoseconds(call), Source: "measured now", Have: int64(call * 10), Full: full})
			l.Note("clock", nanoseconds(library))
			l.Note("clock_call", nanoseconds(call))
			l.Note("instruction", instruction())
		}},
	}
}

// instruction is what takes the processor into the kernel: syscall(2),
// Architecture calling conventions.
func instruction() string {
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

// openNull opens a file for writing, until the experiment is over.
func openNull(l *lab.Lab, path string) (fd int) {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		l.Fatalf("%s: %w", path, err)
	}
	l.Cleanup(func() { unix.Close(fd) })
	return fd
}

// socketPair is a pair of Unix sockets, open until the experiment is over. No
// call on them blocks for long.
func socketPair(l *lab.Lab) [2]int {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		l.Fatalf("socketpair: %w", err)
	}
	l.Cleanup(func() {
		unix.Close(pair[0])
		unix.Close(pair[1])
	})
	limit := unix.NsecToTimeval(time.Second.Nanoseconds())
	unix.SetsockoptTimeval(pair[0], unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit)
	unix.SetsockoptTimeval(pair[1], unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit)
	return pair
}

func many(l *lab.Lab) []lab.Step {
	const total = 64 << 10
	piece := l.Param("piece")
	pieces := (total + piece - 1) / piece
	var once float64
	var pair [2]int
	return []lab.Step{
		{Name: "once", Do: func() {
			pair = socketPair(l)
			once = writes(l, pair, total, total)
			l.Show(lesson.Evidence{Fact: "1 write", Value: fmt.Sprintf("%s in %s", lesson.Counted(total, "byte"), nanoseconds(once)), Source: "measured now"})
		}},
		{Name: "pieces", Do: func() {
			many := writes(l, pair, total, piece)
			l.Show(lesson.Evidence{Fact: "1 write", Value: nanoseconds(once), Source: "measured now", Have: int64(once), Full: int64(many)})
			l.Show(lesson.Evidence{Fact: fmt.Sprintf("%d writes", pieces), Value: nanoseconds(many), Source: "measured now", Have: int64(many), Full: int64(many)})
			ratio := many / once
			l.Note("once", nanoseconds(once))
			l.Note("many", nanoseconds(many))
			l.Note("writes", pieces)
			l.Note("ratio", fmt.Sprintf("%.0f", ratio))
			switch {
			case ratio < 2:
				l.Answer("same")
			case ratio < 10:
				l.Answer("some")
			default:
				l.Answer("tens")
			}
		}},
	}
}

// writes is what it takes, in nanoseconds, to write so many bytes to one socket of
// a pair in pieces. They are read from the other whenever there are 64 pieces, or
// all, and that time does not count.
func writes(l *lab.Lab, pair [2]int, total, piece int) float64 {
	data, room := make([]byte, piece), make([]byte, total)
	return median(l, func() (took time.Duration) {
		for sent := 0; sent < total; {
			start := time.Now()
			for end := min(sent+64*piece, total); sent < end; {
				n, err := unix.Write(pair[0], data)
				if err != nil {
					l.Fatalf("write: %w", err)
				}
				sent += n
			}
			took += time.Since(start)
			if _, err := unix.Read(pair[1], room); err != nil {
				l.Fatalf("read: %w", err)
			}
		}
		return took
	})
}
