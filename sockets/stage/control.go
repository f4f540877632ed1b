package stage

import (
	"errors"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// IdleEnd is how long a stage lives when nothing is asked of it.
const IdleEnd = time.Hour

// firstControlFD is where the control descriptors begin: far above those that a
// learner looks at, and below the usual soft limit of 1024.
const firstControlFD = 1000

// control answers the orders that come over the control socket.
type control struct {
	machine  *Machine
	path     string // of the control socket, removed at the end
	listener int
	idle     time.Duration

	mu    sync.Mutex
	lines int       // open connections
	used  time.Time // when one last began or ended
}

// Main is the whole life of a stage process: it takes the control socket that
// its starter listens on as descriptor 3, moves it out of the way, and makes
// calls on this thread until it is told to quit, gets SIGTERM, or has been idle
// for so long. It does not return. It must be called from the main goroutine,
// locked to the main thread.
func Main(role Role, path string, idle time.Duration) {
	// The name that ss -p and ps show.
	if name, err := unix.BytePtrFromString("fd3-" + string(role)); err == nil {
		unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(name)), 0, 0, 0)
	}
	// Where Yama restricts ptrace(2), this lets its user run strace on it.
	unix.Prctl(unix.PR_SET_PTRACER, ^uintptr(0), 0, 0, 0)
	listener, err := moveUp(3)
	if err != nil {
		os.Exit(1)
	}
	c := &control{machine: NewMachine(), path: path, listener: listener, idle: idle, used: time.Now()}
	signal.Ignore(unix.SIGHUP, unix.SIGINT)
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, unix.SIGTERM)
	go func() {
		<-terminate
		c.end()
	}()
	go c.serve()
	c.machine.Run()
}

// moveUp gives fd a high number, so that the low ones are free.
func moveUp(fd int) (int, error) {
	first := firstControlFD
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil && limit.Cur < firstControlFD+24 {
		first = int(limit.Cur) - 24
	}
	high, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, first)
	if err != nil {
		return fd, err
	}
	return high, unix.Close(fd)
}

// serve accepts until the stage has been idle for too long. It waits in poll(2):
// a Go timer would open an epoll and an eventfd.
func (c *control) serve() {
	runtime.LockOSThread()
	for {
		left := time.Until(c.endsIdle())
		if left <= 0 {
			c.end()
		}
		ready, err := unix.Poll([]unix.PollFd{{Fd: int32(c.listener), Events: unix.POLLIN}}, int(left.Milliseconds())+1)
		if err != nil && err != unix.EINTR {
			c.end()
		}
		if ready <= 0 {
			continue
		}
		fd, _, err := unix.Accept4(c.listener, unix.SOCK_CLOEXEC)
		if err != nil {
			continue
		}
		if fd, err = moveUp(fd); err != nil || !sameUser(fd) {
			unix.Close(fd)
			continue
		}
		c.count(+1)
		go func() {
			defer c.count(-1)
			c.answer(&line{fd: fd})
		}()
	}
}

// sameUser checks who is at the other end, by SO_PEERCRED (unix(7)).
func sameUser(fd int) bool {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	return err == nil && int(cred.Uid) == os.Geteuid()
}

func (c *control) count(change int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines += change
	c.used = time.Now()
}

// endsIdle is when the stage ends if nothing is asked of it from now on. A
// connection that is open is somebody waiting, so the hour begins anew.
func (c *control) endsIdle() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lines > 0 {
		return time.Now().Add(c.idle)
	}
	return c.used.Add(c.idle)
}

// answer reads orders from one connection and answers each.
func (c *control) answer(l *line) {
	defer l.close()
	for {
		var o Order
		if err := l.read(&o); err != nil {
			return
		}
		if o.Do == quit {
			unix.Unlink(c.path) // before the answer, so that a new stage can start at once
			l.write(c.report(Report{Bye: true}))
			c.end()
		}
		if o.Version != Version() {
			l.write(c.report(Report{Error: "version"}))
			return
		}
		switch o.Do {
		case wait:
			c.machine.Wait()
			fallthrough
		case state, collect:
			s := c.machine.State(o.Do != state)
			s.EndsIdle = time.Now().Add(c.idle)
			if err := l.write(c.report(Report{State: &s})); err != nil {
				return
			}
		default:
			if !c.call(l, o) {
				return
			}
		}
	}
}

// call makes one call and tells of it while it goes on. A command that has gone
// away meanwhile (Ctrl-C) does not end the call; its result is kept.
func (c *control) call(l *line, o Order) bool {
	calls, err := c.machine.Start(o)
	var busy *BusyError
	switch {
	case errors.As(err, &busy):
		return l.write(c.report(Report{Busy: &busy.Call})) == nil
	case err != nil:
		return l.write(c.report(Report{Error: err.Error()})) == nil
	}
	var last sockets.Call
	there := true
	for last = range calls {
		if err := l.write(c.report(Report{Call: &last})); err != nil {
			there = false
		}
	}
	c.machine.Settle(last, there)
	return there
}

func (c *control) report(r Report) Report {
	r.Version, r.PID = Version(), os.Getpid()
	return r
}

// end is the one way out: the control socket goes, and with the process all its
// descriptors. The files of unix sockets that it bound go too.
func (c *control) end() {
	unix.Unlink(c.path)
	for _, path := range c.machine.paths() {
		unix.Unlink(path)
	}
	os.Exit(0)
}

// paths are the socket files in the file system that this process bound.
func (m *Machine) paths() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.bound)
}
