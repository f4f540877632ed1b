package server

import (
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// epollLoop serves many connections on one thread: it asks the kernel which of
// them have something to do, and makes no call that could wait for one of them.
type epollLoop struct {
	*worker
	epoll    int
	wake     int // an eventfd: Drain writes to it
	listener int
	listens  uint32  // the events of the listener
	paused   bool    // nobody is accepted until a connection ends, or a tick
	draining bool    // the listener is closed as soon as its queue is empty
	drained  bool    // the listener is closed
	conns    []*conn // by descriptor
	fresh    []*conn // accepted and not read from yet
	events   [256]unix.EpollEvent
	change   unix.EpollEvent // what control says to the kernel
	tick     time.Duration   // when deadlines are looked at next
}

const (
	tickLength = 500 * time.Millisecond
	drainTick  = 20 * time.Millisecond // while the server is drained
)

func (s *Server) epollLoop(number, listener int) (*epollLoop, error) {
	l := &epollLoop{worker: s.worker(number), listener: listener, epoll: -1, wake: s.wakes[number]}
	if err := unix.SetNonblock(listener, true); err != nil {
		return nil, fmt.Errorf("fcntl: %w", err)
	}
	call := l.told.EpollCreate1(unix.EPOLL_CLOEXEC)
	if call.Errno != 0 {
		return nil, fmt.Errorf("epoll_create1: %w", call.Errno)
	}
	l.epoll = int(call.Ret)
	for _, fd := range []int{l.listener, l.wake} {
		events := uint32(unix.EPOLLIN)
		if fd == l.listener {
			if len(s.config.Listeners) < s.config.Loops {
				events |= unix.EPOLLEXCLUSIVE // one loop of those that share it is woken
			}
			l.listens = events
		}
		if call := l.told.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)}); call.Errno != 0 {
			unix.Close(l.epoll)
			return nil, fmt.Errorf("epoll_ctl: %w", call.Errno)
		}
	}
	return l, nil
}

// run serves until the server is drained and its last connection has ended.
func (l *epollLoop) run() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	l.tid = unix.Gettid()
	defer unix.Close(l.epoll)
	for !l.drained || l.count.open.Load() > 0 {
		n, err := l.waitEvents()
		if err != nil {
			return err
		}
		l.clock()
		l.batching, l.pieces = true, 0
		for i := range n {
			switch fd := int(l.events[i].Fd); fd {
			case l.listener:
				if !l.drained {
					l.acceptAll(maxAccepts)
				}
			case l.wake:
				l.deliver()
				l.drain()
			default:
				if c := l.connection(fd); c != nil {
					l.turn(c)
					l.settle(c, l.worker.run(c))
				}
			}
			if len(l.off) >= maxPutOff || len(l.out) >= maxPutOffBytes {
				l.deliver()
				l.batching = true
			}
		}
		l.deliver()
		if l.draining && !l.drained {
			l.emptyQueue()
		}
		if l.now >= l.tick {
			l.tick = l.now + l.tickLength()
			l.expireAll()
		}
	}
	return nil
}

// unseenWait in milliseconds is how long a loop waits without telling the Go
// scheduler. Under load there is something to do at once or soon, and the scheduler
// would have given the CPU away meanwhile, with four switches of threads. Who else
// wants to run on this CPU waits so long.
const unseenWait = 5

// waitEvents asks the kernel what can be done now.
func (l *epollLoop) waitEvents() (int, error) {
	l.current = nil
	unseen := unseenWait
	if !l.config.Quiet {
		unseen = 0 // the story is waiting to be told
		l.clock()
		if l.server.queue.calm(l.now) {
			return l.waitTold()
		}
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.epoll), uintptr(unsafe.Pointer(&l.events[0])), uintptr(len(l.events)), uintptr(unseen), 0, 0)
	if n == 0 && errno == 0 || errno == unix.EINTR {
		call := l.untold.EpollWait(l.epoll, l.events[:], l.timeout())
		n, errno = uintptr(call.Ret), call.Errno
	}
	if errno != 0 {
		return 0, fmt.Errorf("epoll_pwait: %w", errno)
	}
	return int(n), nil
}

// waitTold is the same when there is time to tell of it. A tick in which nothing
// happens is not told.
func (l *epollLoop) waitTold() (int, error) {
	t := sockets.Tracer{Observe: func(call sockets.Call) {
		if call.Returned && call.Ret != 0 {
			e := l.event(Called, nil)
			e.Call = call
			l.tell(e)
		}
	}}
	call := t.EpollWait(l.epoll, l.events[:], l.timeout())
	if call.Errno != 0 {
		return 0, fmt.Errorf("epoll_pwait: %w", call.Errno)
	}
	return int(call.Ret), nil
}

// timeout in milliseconds: a tick while there are deadlines, else for ever.
func (l *epollLoop) timeout() int {
	if l.count.open.Load() > 0 || l.paused {
		return int(l.tickLength() / time.Millisecond)
	}
	return -1
}

func (l *epollLoop) tickLength() time.Duration {
	if l.draining {
		return drainTick
	}
	return tickLength
}

func (l *epollLoop) connection(fd int) *conn {
	if fd >= len(l.conns) {
		return nil
	}
	return l.conns[fd]
}

// maxAccepts is how many connections are accepted before those that are open get
// their turn again.
const maxAccepts = 64

// acceptAll takes what is in the accept queue, up to a number, and reports whether there
// may be more. The request is often there already, so each connection is read from at
// once.
func (l *epollLoop) acceptAll(most int) (more bool) {
	for range most {
		var c *conn
		c, more = l.acceptOne()
		switch {
		case c == nil:
		case l.batching && !l.telling:
			l.fresh = append(l.fresh, c)
		default:
			l.welcome(c)
		}
		if !more {
			break
		}
	}
	for _, c := range l.fresh {
		l.welcome(c)
	}
	l.fresh = l.fresh[:0]
	return more
}

// welcome reads from a new connection: the request is often there already.
func (l *epollLoop) welcome(c *conn) {
	l.current = c
	l.last = nil // it may have come after the disk was asked
	if c.turned {
		l.turnAway(c)
		l.settle(c, l.flush(c))
		return
	}
	l.settle(c, l.worker.run(c))
}

// acceptOne is a connection from the queue, or nil, and whether to go on.
func (l *epollLoop) acceptOne() (c *conn, more bool) {
	l.turn(nil)
	if l.server.open.Load() >= int64(l.config.MaxConnections+turnedAway) {
		l.pause(true)
		return nil, false
	}
	fd, call, errno := l.acceptAloud(l.listener)
	switch {
	case errno == 0:
	case errno == unix.EAGAIN:
		return nil, false
	case errno == unix.ECONNABORTED: // the client has given up already
		return nil, true
	default:
		l.exhausted(call, errno)
		l.pause(true)
		return nil, false
	}
	c = l.open(fd, call)
	if fd >= len(l.conns) {
		l.conns = append(l.conns, make([]*conn, fd+64-len(l.conns))...)
	}
	l.conns[fd] = c
	return c, true
}

// pause stops watching the listener, so that a queue that cannot be emptied does
// not keep the loop busy. The clients wait in the kernel's queue.
func (l *epollLoop) pause(on bool) {
	if l.paused == on || l.drained {
		return
	}
	l.paused = on
	op := unix.EPOLL_CTL_ADD
	if on {
		op = unix.EPOLL_CTL_DEL
	}
	l.current = nil
	l.control(op, l.listener, l.listens)
}

// All connections that have something to do are read from before the first is sent
// to: the kernel's way in and its way out are long, and each stays in the CPU's cache
// so. That is worth 3 per cent with one request at a time, and 9 with 16. These bound
// how long the first one waits, and what is kept meanwhile.
const (
	maxPutOff      = 64
	maxPutOffBytes = 4 * maxOut
)

// putOff leaves the answers of a connection in w.out until deliver.
func (w *worker) putOff(c *conn) {
	c.out = w.out[w.from:len(w.out):len(w.out)]
	w.from = len(w.out)
	w.off = append(w.off, c)
}

// deliver sends what was put off, and goes on with these connections.
func (l *epollLoop) deliver() {
	l.batching = false
	for i, c := range l.off {
		l.off[i] = nil
		l.current, l.story = c, false // as when it was read from
		l.narrate(false)
		l.settle(c, l.worker.run(c))
	}
	l.off, l.out, l.from = l.off[:0], l.out[:0], 0
}

// settle has the kernel watch for what the connection waits for.
func (l *epollLoop) settle(c *conn, next wait) {
	switch next {
	case forTurn:
		return
	case forNothing:
		l.conns[c.fd] = nil
		l.end(c)
		if l.paused {
			l.pause(false)
		}
		return
	}
	if c.watched && c.waits == next {
		return
	}
	op, events := unix.EPOLL_CTL_ADD, uint32(unix.EPOLLIN)
	if c.watched {
		op = unix.EPOLL_CTL_MOD
	}
	if next == forRoom {
		events = unix.EPOLLOUT
	}
	c.watched, c.waits = true, next
	if errno := l.control(op, c.fd, events); errno != 0 {
		l.conns[c.fd] = nil
		l.end(c)
	}
}

func (l *epollLoop) control(op, fd int, events uint32) unix.Errno {
	l.change = unix.EpollEvent{Events: events, Fd: int32(fd)}
	return l.calls.EpollCtl(l.epoll, op, fd, &l.change).Errno
}

// expireAll ends the patience with those who have used it up.
func (l *epollLoop) expireAll() {
	l.pause(false)
	for _, c := range l.conns {
		if c != nil && l.now >= c.deadline {
			l.turn(c)
			l.settle(c, l.late(c))
		}
	}
}

// late ends the patience with a connection, unless what it waited for has come: this
// process may have been stopped, or may have had no CPU.
func (l *epollLoop) late(c *conn) wait {
	if !c.needsRoom() {
		if next := l.worker.run(c); next != forBytes || l.now < c.deadline {
			return next
		}
	}
	return l.expire(c)
}

// drain ends the connections that have nothing to ask, in a moment.
func (l *epollLoop) drain() {
	var counter [8]byte
	unix.Read(l.wake, counter[:])
	if l.draining {
		return
	}
	l.draining, l.tick = true, l.now
	l.pause(false)
	for _, c := range l.conns {
		if c == nil || !c.silent() || c.deadline <= l.now+drainGrace { // it may have come since Drain
			continue
		}
		since := c.deadline - l.config.Timeouts.Idle
		if c.phase == inHead {
			since = c.deadline - l.config.Timeouts.Head
		}
		if l.now < since+drainGrace {
			since = l.now
		}
		c.deadline = min(c.deadline, since+drainGrace)
	}
}

// emptyQueue accepts who came before Server.shutDoors, as far as there is room, and then
// closes the listener.
func (l *epollLoop) emptyQueue() {
	for l.acceptAll(maxAccepts) {
	}
	if l.paused { // until a connection ends
		return
	}
	l.drained = true
	if l.server.lastUser() {
		l.closeListener(l.listener)
	} else {
		l.control(unix.EPOLL_CTL_DEL, l.listener, 0)
	}
}
