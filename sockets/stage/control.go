package stage

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// IdleEnd is how long a stage lives when nothing is asked of it.
const IdleEnd = time.Hour

// FirstControlFD is where the control descriptors begin: far above those that a
// learner looks at, and below the usual limit of 1024. Where the limit is lower,
// they are the last controlRoom below it, or the upper half of it.
const (
	FirstControlFD = 1000
	controlRoom    = 24
)

// control answers the orders that come over the control socket or, in a private
// stage, over the two lines of its owner.
type control struct {
	machine  *Machine
	control  SocketFile // removed at the end; the zero value in a private stage
	first    int        // the lowest number of a control descriptor
	listener int
	idle     time.Duration
	private  bool

	mu    sync.Mutex
	lines map[int]bool // descriptors of the open connections
	used  time.Time    // when one last began or ended
}

// live is the whole life of a stage process: it takes the control socket that
// its starter listens on as descriptor 3, moves it out of the way, and makes
// calls on this thread until it is told to quit, gets SIGTERM, or has been idle
// for so long. It does not return.
//
// With the path "" it is the life of a private stage: descriptors 3 and 4 are the
// lines to its owner, and it ends with the first of them, however long that takes.
func live(role Role, path string, idle time.Duration) {
	// The name that ss -p and ps show.
	if name, err := unix.BytePtrFromString("fd3-" + string(role)); err == nil {
		unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(name)), 0, 0, 0)
	}
	// Where Yama restricts ptrace(2), this lets its user run strace on it.
	unix.Prctl(unix.PR_SET_PTRACER, ^uintptr(0), 0, 0, 0)
	ownCollector()
	_, _ = time.Now().Zone() // opens the time zone's file now, and not at a socket's time
	c := &control{machine: NewMachine(), first: reserve(), idle: idle, private: path == "", used: time.Now(), lines: make(map[int]bool)}
	if path != "" {
		c.control = FileAt(path)
	}
	lines := []int{3}
	if path == "" {
		lines = append(lines, 4)
	}
	for i := range lines {
		var err error
		if lines[i], err = c.moveUp(lines[i]); err != nil {
			fmt.Fprintf(os.Stderr, "no descriptor for the control line: %v\n", err)
			os.Exit(1)
		}
	}
	c.withRoom(func() (int, error) {
		raisePoller(c.first)
		return 0, nil
	})
	signal.Ignore(unix.SIGHUP, unix.SIGINT)
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, unix.SIGTERM)
	go func() {
		<-terminate
		c.end()
	}()
	SayAlive()
	if path == "" {
		c.own(lines)
	} else {
		c.listener = lines[0]
		go c.serve()
	}
	c.machine.Run()
}

// own answers the owner of a private stage. It ends the process with the first
// line that ends, also while a call blocks whose result that line waits for.
func (c *control) own(lines []int) {
	watched := make([]unix.PollFd, len(lines))
	for i, fd := range lines {
		watched[i] = unix.PollFd{Fd: int32(fd), Events: unix.POLLRDHUP}
		go func() {
			c.answer(&Line{FD: fd})
			c.end()
		}()
	}
	go func() {
		for {
			if _, err := unix.Poll(watched, -1); err != unix.EINTR {
				c.end()
			}
		}
	}()
}

// reserve chooses where the control descriptors begin. Under a low limit the soft
// one is set there, so that the sockets reach it (EMFILE) and the stage still
// hears its commands.
func reserve() (first int) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Max >= FirstControlFD+controlRoom {
		return FirstControlFD
	}
	limit.Cur = limit.Max - min(controlRoom, limit.Max/2)
	unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	return int(limit.Cur)
}

// withRoom calls open, which makes a control descriptor, with the soft limit
// raised above it where that is lower.
func (c *control) withRoom(open func() (int, error)) (int, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return -1, err
	}
	room := limit
	if room.Cur = min(uint64(c.first+controlRoom), limit.Max); room.Cur > limit.Cur {
		unix.Setrlimit(unix.RLIMIT_NOFILE, &room)
		defer unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	}
	return open()
}

// moveUp gives fd a high number, so that the low ones are free.
func (c *control) moveUp(fd int) (int, error) {
	if fd >= c.first {
		return fd, nil
	}
	defer unix.Close(fd)
	return c.withRoom(func() (int, error) { return unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, c.first) })
}

// serve accepts until the stage has been idle for too long.
func (c *control) serve() {
	runtime.LockOSThread()
	for {
		left := time.Until(c.endsIdle())
		if left <= 0 {
			c.end()
		}
		listener := []unix.PollFd{{Fd: int32(c.listener), Events: unix.POLLIN}}
		ready, err := unix.Poll(listener, int(left.Milliseconds())+1)
		if err != nil && err != unix.EINTR || listener[0].Revents&unix.POLLNVAL != 0 {
			c.end()
		}
		if ready <= 0 {
			continue
		}
		fd, err := c.withRoom(func() (int, error) {
			fd, _, err := unix.Accept4(c.listener, unix.SOCK_CLOEXEC)
			return fd, err
		})
		if err != nil {
			unix.Poll(nil, 20) // no descriptor is free: somebody has to close one
			continue
		}
		if fd, err = c.moveUp(fd); err != nil {
			continue
		}
		if !SameUser(fd) {
			unix.Close(fd)
			continue
		}
		c.connected(fd, true)
		go func() {
			l := &Line{FD: fd}
			c.answer(l)
			c.connected(fd, false) // before the number is free for the next connection
			l.Close()
		}()
	}
}

// SameUser reports whether the other end of a Unix socket is a process of this user's, by
// SO_PEERCRED (unix(7)).
func SameUser(fd int) bool {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	return err == nil && int(cred.Uid) == os.Geteuid()
}

// connected keeps the books of the connections.
func (c *control) connected(fd int, open bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if open {
		c.lines[fd] = true
	} else {
		delete(c.lines, fd)
	}
	c.used = time.Now()
}

// endsIdle is when the stage ends if nothing is asked of it from now on. Somebody
// who waits for a call asks for something; one who has hung up does not.
func (c *control) endsIdle() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	for fd := range c.lines {
		line := []unix.PollFd{{Fd: int32(fd)}}
		if _, err := unix.Poll(line, 0); err == nil && line[0].Revents&unix.POLLHUP == 0 {
			return time.Now().Add(c.idle)
		}
	}
	return c.used.Add(c.idle)
}

// answer reads orders from one line and answers each.
func (c *control) answer(l *Line) {
	for ; ; collectGarbage() {
		var o Order
		if err := l.Read(&o); err != nil {
			return
		}
		if o.Do == quit {
			c.control.Remove() // before the answer, so that a new stage can start at once
			l.Write(c.report(Report{Bye: true, Files: c.machine.RemoveFiles()}))
			c.end()
		}
		if o.Version != Version() {
			l.Write(c.report(Report{Error: "version"}))
			return
		}
		switch o.Do {
		case wait:
			c.machine.wait()
			fallthrough
		case state, collect:
			s := c.machine.state()
			if o.Do != state {
				s.Unseen = c.machine.take()
			}
			s.Reserved = c.first
			if !c.private {
				s.EndsIdle = time.Now().Add(c.idle)
			}
			if err := l.Write(c.report(Report{State: &s})); err != nil {
				if o.Do != state {
					c.machine.putBack(s.Unseen)
				}
				return
			}
		case history:
			if err := l.Write(c.report(Report{Calls: c.machine.calls()})); err != nil {
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
func (c *control) call(l *Line, o Order) bool {
	if err := o.check(); err != nil {
		return l.Write(c.report(Report{Error: err.Error()})) == nil
	}
	if c.owns(o.FD) {
		return l.Write(c.report(Report{Error: fmt.Sprintf("descriptor %d is fd3's own: it drives this process by those from %d up", o.FD, c.first)})) == nil
	}
	calls, err := c.machine.start(o)
	var busy *BusyError
	switch {
	case errors.As(err, &busy):
		return l.Write(c.report(Report{Busy: &busy.Call})) == nil
	case err != nil:
		return l.Write(c.report(Report{Error: err.Error()})) == nil
	}
	var last sockets.Call
	there := true
	for last = range calls {
		if err := l.Write(c.report(Report{Call: &last})); err != nil {
			there = false
		}
	}
	c.machine.settle(last, there)
	return there
}

// owns reports whether a descriptor is one that the stage works by, or may become one.
func (c *control) owns(fd int) bool {
	if fd < c.first || fd < c.first+controlRoom {
		return fd >= c.first
	}
	_, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil
}

func (c *control) report(r Report) Report {
	r.Version, r.PID = Version(), os.Getpid()
	return r
}

// end is the one way out: the control socket goes, and with the process all its
// descriptors. The files of unix sockets that it bound go too.
func (c *control) end() {
	c.control.Remove()
	c.machine.RemoveFiles()
	os.Exit(0)
}
