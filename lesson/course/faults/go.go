package faults

import (
	"cmp"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
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

// lock starts a server twice on a port that is taken. The first attempt
// fails and keeps its lock.
func lock(l *lab.Lab) []lab.Step {
	var addr sockets.Sockaddr
	var held, free futexLock
	var stop atomic.Bool
	begin := func(lock *futexLock, unlock bool) sockets.Call {
		lock.lock()
		if unlock {
			defer lock.unlock()
		}
		if stop.Load() {
			return sockets.Call{}
		}
		t := sockets.Tracer{Observe: func(sockets.Call) {}} // so that its calls are put into words
		fd := int(t.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0).Ret)
		defer unix.Close(fd)
		call := t.Bind(fd, addr)
		toldHere(l, call)
		return call
	}
	return []lab.Step{
		{Name: "taken", Do: func() { addr = taken(l) }},
		{Name: "first", Do: func() { l.Note("errno", begin(&held, false).ErrnoName()) }},
		{Name: "second", Do: func() {
			task, over := sleeper(func() { begin(&held, false) })
			l.Cleanup(func() { stop.Store(true); held.unlock(); <-over })
			showSleeper(l, task)
		}},
		{Name: "mended", Do: func() { begin(&free, true) }},
		{Name: "again", Do: func() {
			begin(&free, true)
			l.Show(lesson.Evidence{Fact: "the lock", Value: fmt.Sprintf("%d: free", free.word.Load()), Source: "the word in memory that futex(2) waits on"})
		}},
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
func showSleeper(l *lab.Lab, tid int) {
	task := l.Sleeps(unix.Getpid(), tid, "futex", func(t kernel.Task) bool { return t.Syscall.Number == unix.SYS_FUTEX })
	l.Note("wchan", task.Wchan)
	l.Show(facts.AsleepIn("second attempt", unix.Getpid(), tid, task, fmt.Sprintf("system call %d (futex)", task.Syscall.Number)))
}

// toldHere shows a call that fd3 itself has made.
func toldHere(l *lab.Lab, c sockets.Call) {
	e := lesson.Returned(c)
	e.Process, e.PID, e.Recap, e.Title = "fd3", unix.Getpid(), true, "fd3"
	l.Tell(e)
}

// leak tries a taken port again and again, and forgets the socket each time.
func leak(l *lab.Lab) []lab.Step {
	const attempts = 3
	var addr sockets.Sockaddr
	try := func() int {
		fd := l.Stream(lab.Server)
		l.Bind(lab.Server, fd, addr)
		return fd
	}
	return []lab.Step{
		{Name: "taken", Do: func() { addr = taken(l) }},
		{Name: "wrong", Do: func() {
			l.Setup(func() {
				for range attempts {
					try()
				}
			})
			l.Note("leaked", showTable(l, "after the attempts"))
		}},
		{Name: "right", Do: func() {
			l.Kill(lab.Server)
			l.Setup(func() {
				for range attempts {
					l.Close(lab.Server, try())
				}
			})
			l.Note("kept", showTable(l, "after the attempts"))
		}},
	}
}

// taken is the address of a listener of the client process.
func taken(l *lab.Lab) sockets.Sockaddr {
	var fd int
	l.Setup(func() {
		fd = l.Stream(lab.Client)
		l.Must(l.Bind(lab.Client, fd, lab.Loopback(0)))
		l.Must(l.Listen(lab.Client, fd, 1))
	})
	return l.Ask(lab.Client, fd).Local
}

// showTable shows the descriptors of the server from 3 up.
func showTable(l *lab.Lab, when string) int {
	s := l.State(lab.Server)
	fds, _, err := s.Descriptors()
	if err != nil {
		l.Fatalf("/proc/%d/fd: %w", s.PID, err)
	}
	fds = slices.DeleteFunc(fds, func(fd kernel.FD) bool { return fd.Number < 3 })
	e := facts.Descriptors(s.PID, fds, 0, 0)
	e.Fact, e.Value = when, cmp.Or(e.Value, "nothing from 3 up")
	l.Show(e)
	return len(fds)
}

// forgotten answers clients and never closes.
func forgotten(l *lab.Lab) []lab.Step {
	const clients = 3
	var fd int
	var addr sockets.Sockaddr
	var conns []int
	return []lab.Step{
		{Name: "wrong", Do: func() {
			fd, addr = l.Listener(clients)
			l.Setup(func() {
				for range clients {
					c := l.Connect(addr)
					conns = append(conns, l.Accept(fd))
					l.Close(lab.Client, c)
				}
			})
		}},
		{Name: "look", Do: func() {
			l.Note("waiting", showCloseWait(l, addr))
			showTable(l, "fd table")
		}},
		{Name: "right", Do: func() {
			l.Close(lab.Server, conns[0])
			showCloseWait(l, addr)
		}},
		{Name: "others", Do: func() {
			l.Setup(func() {
				for _, conn := range conns[1:] {
					l.Close(lab.Server, conn)
				}
			})
			l.Note("left", showCloseWait(l, addr))
		}},
	}
}

func showCloseWait(l *lab.Lab, addr sockets.Sockaddr) int {
	n := len(l.RowsAt(addr, kernel.CloseWait))
	l.Show(facts.CloseWaiting(n, addr.Port()))
	return n
}

// address copies an address of 16 bytes into a place for 4.
func address(l *lab.Lab) []lab.Step {
	meant := netip.MustParseAddr("127.0.0.1")
	bound := func(ip [4]byte) string {
		fd := l.Unbound(lab.Server)
		l.Must(l.Bind(lab.Server, fd, sockets.InetSockaddr(netip.AddrPortFrom(netip.AddrFrom4(ip), 0))))
		local := l.Ask(lab.Server, fd).Local
		l.Show(facts.LocalAddress(local, ""))
		return local.AddrPort().Addr().String()
	}
	return []lab.Step{
		{Name: "wrong", Do: func() {
			long := meant.As16()
			var ip [4]byte
			copy(ip[:], long[:])
			l.Show(lesson.Evidence{Fact: "the 16 bytes", Value: fmt.Sprintf("% x", long), Source: "net/netip in this process"})
			got := bound(ip)
			l.Note("wrong", got)
			switch got {
			case meant.String():
				l.Answer("meant")
			case "0.0.0.0":
				l.Answer("any")
			}
		}},
		{Name: "right", Do: func() { l.Note("right", bound(meant.As4())) }},
	}
}

// constant takes the backlog from a constant of Go's package syscall.
func constant(l *lab.Lab) []lab.Step {
	backlog := func(n int) int {
		fd, _ := l.Bound()
		l.Must(l.Listen(lab.Server, fd, n))
		got := l.ShowQueue(fd).Backlog
		return got
	}
	return []lab.Step{
		{Name: "wrong", Do: func() {
			l.Note("constant", syscall.SOMAXCONN)
			l.Note("got", backlog(syscall.SOMAXCONN))
		}},
		{Name: "right", Do: func() {
			limit, err := l.Net().SysctlInt("net.core.somaxconn")
			if err != nil {
				l.Fatalf("net.core.somaxconn: %w", err)
			}
			l.Note("possible", backlog(limit))
		}},
	}
}

// empty takes the first line of a request apart that never came.
func empty(l *lab.Lab) []lab.Step {
	var fd int
	var addr sockets.Sockaddr
	receive := func() sockets.Call {
		var conn int
		l.Setup(func() {
			c := l.Connect(addr)
			l.Close(lab.Client, c)
			conn = l.Accept(fd)
		})
		return l.Must(l.Recv(lab.Server, conn, bufferSize))
	}
	return []lab.Step{
		{Name: "wrong", Do: func() {
			fd, addr = l.Listener(1)
			call := receive()
			l.Note("read", call.Ret)
			path, crash := secondWord(string(call.Data))
			if crash == nil {
				l.Note("crash", "nothing: the path is "+path)
				return
			}
			l.Note("crash", crash)
			l.Show(lesson.Evidence{Fact: "the program", Value: fmt.Sprintf("panic: %v", crash), Source: "the Go runtime"})
		}},
		{Name: "right", Do: func() {
			call := receive()
			if call.Ret == 0 {
				l.Show(lesson.Evidence{Fact: "the program", Value: "0 bytes: the client is gone; the next one, please", Source: "recvfrom(2), RETURN VALUE"})
			}
		}},
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
