package course

import (
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
)

// The faults of a server written in Go on system calls.

// A futexLock is a lock as the C library makes one: a word that is 1 while
// somebody has it, and futex(2) to wait until it changes.
type futexLock struct{ word atomic.Uint32 }

func (f *futexLock) lock() {
	for !f.word.CompareAndSwap(0, 1) {
		f.futex(0 /* FUTEX_WAIT */, 1)
	}
}

func (f *futexLock) unlock() {
	f.word.Store(0)
	f.futex(1 /* FUTEX_WAKE */, 1)
}

func (f *futexLock) futex(op, value uintptr) {
	const private = 128 // FUTEX_PRIVATE_FLAG: within one process
	unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&f.word)), op|private, value, 0, 0, 0)
}

// faultLock starts a server twice on a port that is taken. The first attempt
// fails and keeps its lock.
func faultLock(l *Lab) map[string]func() {
	var addr sockets.Sockaddr
	var held futexLock
	var stop atomic.Bool
	begin := func(lock *futexLock, unlock bool) sockets.Call {
		lock.lock()
		if unlock {
			defer lock.unlock()
		}
		if stop.Load() {
			return sockets.Call{}
		}
		t := sockets.Tracer{}
		fd := int(t.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0).Ret)
		defer unix.Close(fd)
		call := t.Bind(fd, addr)
		l.toldHere(call)
		return call
	}
	return map[string]func(){
		"taken": func() { addr = l.taken() },
		"first": func() { l.note("errno", begin(&held, false).ErrnoName()) },
		"second": func() {
			task, over := sleeper(func() { begin(&held, false) })
			l.atEnd(func() { stop.Store(true); held.unlock(); <-over })
			l.showSleeper(task)
		},
		"mended": func() {
			var lock futexLock
			begin(&lock, true)
			begin(&lock, true)
			l.show(lesson.Evidence{Fact: "the lock", Value: fmt.Sprintf("%d: free", lock.word.Load()), Source: "the word in memory that futex(2) waits on"})
		},
	}
}

// sleeper runs f on a thread of its own, and gives the number of the thread.
func sleeper(f func()) (tid int, over chan struct{}) {
	over = make(chan struct{})
	started := make(chan int)
	go func() {
		defer close(over)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		started <- unix.Gettid()
		f()
	}()
	return <-started, over
}

// showSleeper waits until a thread of this process sleeps in futex(2), and shows
// where in the kernel.
func (l *Lab) showSleeper(tid int) {
	task := l.sleeps(unix.Getpid(), tid, "futex", func(t kernel.Task) bool { return t.Syscall.Number == unix.SYS_FUTEX })
	path := fmt.Sprintf("/proc/%d/task/%d", unix.Getpid(), tid)
	l.note("wchan", task.Wchan)
	l.show(lesson.Evidence{Fact: "second attempt", Value: fmt.Sprintf("%s in %s, system call %d (futex)", task.StateName, task.Wchan, task.Syscall.Number),
		Source: path + "/wchan, " + path + "/syscall", Command: "cat " + path + "/wchan"})
}

// toldHere shows a call that fd3 itself has made.
func (l *Lab) toldHere(c sockets.Call) {
	e := lesson.Returned(c)
	e.Step, e.Process, e.PID, e.Recap, e.Title = l.part.Lesson, "fd3", unix.Getpid(), true, "fd3"
	l.walk.Show(e)
}

// faultLeak tries a taken port again and again, and forgets the socket each time.
func faultLeak(l *Lab) map[string]func() {
	const attempts = 3
	var addr sockets.Sockaddr
	try := func() int {
		fd := l.stream(server)
		l.bind(server, fd, addr)
		return fd
	}
	return map[string]func(){
		"taken": func() { addr = l.taken() },
		"wrong": func() {
			l.setup(func() {
				for range attempts {
					try()
				}
			})
			l.note("leaked", len(l.showTable("after the attempts")))
		},
		"right": func() {
			l.kill(server)
			l.setup(func() {
				for range attempts {
					l.close(server, try())
				}
			})
			l.note("kept", len(l.showTable("after the attempts")))
		},
	}
}

// taken is the address of a listener of the client process.
func (l *Lab) taken() sockets.Sockaddr {
	var fd int
	l.setup(func() {
		fd = l.stream(client)
		l.must(l.bind(client, fd, loopback(0)))
		l.must(l.listen(client, fd, 1))
	})
	return l.asked(client, fd).Local
}

// showTable shows the descriptors of the server from 3 up.
func (l *Lab) showTable(when string) []string {
	s := l.state(server)
	fds, _, err := s.Descriptors()
	if err != nil {
		l.failf("/proc/%d/fd: %w", s.PID, err)
	}
	var all []string
	for _, fd := range fds {
		if fd.Number >= 3 {
			all = append(all, fmt.Sprintf("%d=%s", fd.Number, fd.Target))
		}
	}
	value := strings.Join(all, ", ")
	if value == "" {
		value = "nothing from 3 up"
	}
	l.show(lesson.Evidence{Fact: when, Value: value, Source: fmt.Sprintf("/proc/%d/fd", s.PID), Command: fmt.Sprintf("ls -l /proc/%d/fd", s.PID)})
	return all
}

// faultForgotten answers clients and never closes.
func faultForgotten(l *Lab) map[string]func() {
	const clients = 3
	var fd int
	var addr sockets.Sockaddr
	var conns []int
	return map[string]func(){
		"wrong": func() {
			fd, addr = l.listener(clients)
			l.setup(func() {
				for range clients {
					c := l.connect(addr)
					conns = append(conns, l.accept(fd))
					l.close(client, c)
				}
			})
		},
		"look": func() {
			l.note("waiting", l.showCloseWait(addr))
			l.showTable("fd table")
		},
		"right": func() {
			for _, conn := range conns {
				l.close(server, conn)
			}
			l.note("left", l.showCloseWait(addr))
		},
	}
}

func (l *Lab) showCloseWait(addr sockets.Sockaddr) int {
	n := len(l.rowsAt(addr, kernel.CloseWait))
	l.show(lesson.Evidence{Fact: "CLOSE_WAIT", Value: fmt.Sprint(n), Source: "sock_diag(7)", Command: fmt.Sprintf("ss -tan state close-wait 'sport = :%d'", addr.Port())})
	return n
}

// faultAddress copies an address of 16 bytes into a place for 4.
func faultAddress(l *Lab) map[string]func() {
	meant := netip.MustParseAddr("127.0.0.1")
	bound := func(ip [4]byte) string {
		fd := l.stream(server)
		l.must(l.bind(server, fd, sockets.InetSockaddr(netip.AddrPortFrom(netip.AddrFrom4(ip), 0))))
		local := l.asked(server, fd).Local
		l.show(lesson.Evidence{Fact: "local address", Value: local.String(), Source: "getsockname(2)"})
		return local.AddrPort().Addr().String()
	}
	return map[string]func(){
		"wrong": func() {
			long := meant.As16()
			var ip [4]byte
			copy(ip[:], long[:])
			l.show(lesson.Evidence{Fact: "the 16 bytes", Value: fmt.Sprintf("% x", long), Source: "net/netip in this process"})
			got := bound(ip)
			l.note("wrong", got)
			switch got {
			case meant.String():
				l.answer("meant")
			case "0.0.0.0":
				l.answer("any")
			}
		},
		"right": func() { l.note("right", bound(meant.As4())) },
	}
}

// faultConstant takes the backlog from a constant of Go's package syscall.
func faultConstant(l *Lab) map[string]func() {
	backlog := func(n int) int {
		fd, _ := l.bound()
		l.must(l.listen(server, fd, n))
		_, got := l.showQueue(fd)
		return got
	}
	return map[string]func(){
		"wrong": func() {
			l.note("constant", syscall.SOMAXCONN)
			l.note("got", backlog(syscall.SOMAXCONN))
		},
		"right": func() {
			limit, err := kernel.SysctlInt("net.core.somaxconn")
			if err != nil {
				l.failf("net.core.somaxconn: %w", err)
			}
			l.note("possible", backlog(limit))
		},
	}
}

// faultEmpty takes the first line of a request apart that never came.
func faultEmpty(l *Lab) map[string]func() {
	var fd int
	var addr sockets.Sockaddr
	receive := func() sockets.Call {
		var conn int
		l.setup(func() {
			c := l.connect(addr)
			l.close(client, c)
			conn = l.accept(fd)
		})
		return l.must(l.recv(server, conn, bufferSize))
	}
	return map[string]func(){
		"wrong": func() {
			fd, addr = l.listener(1)
			call := receive()
			l.note("read", call.Ret)
			path, crash := secondWord(string(call.Data))
			if crash == nil {
				l.note("crash", "nothing: the path is "+path)
				return
			}
			l.note("crash", crash)
			l.show(lesson.Evidence{Fact: "the program", Value: fmt.Sprintf("panic: %v", crash), Source: "the Go runtime"})
		},
		"right": func() {
			call := receive()
			if call.Ret == 0 {
				l.show(lesson.Evidence{Fact: "the program", Value: "0 bytes: the client is gone; the next one, please", Source: "recvfrom(2), RETURN VALUE"})
			}
		},
	}
}

// secondWord is the code at fault: it takes for granted that there are two words.
// The panic that would end the server is its error.
func secondWord(request string) (word string, crash error) {
	defer func() {
		if r := recover(); r != nil {
			crash, _ = r.(error)
		}
	}()
	return strings.Split(request, " ")[1], nil
}
