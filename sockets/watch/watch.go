package watch

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// A Watch follows processes. It is used once.
type Watch struct {
	// Tell is told of each Event, on the thread that follows the processes. Those that stand
	// still meanwhile do not go on before it returns.
	Tell func(*Event)

	// Still has processes stand still while something is told of them, so that what the
	// kernel is asked besides is of that moment. Otherwise they do so only where root does
	// not watch, and for All.
	Still bool

	// Skip reports whether a call is to be left alone that only moves bytes, asks, sets or
	// waits, whatever the number: it is not told, and the thread does not stop again when it
	// returns. It acts on a socket, or waits for several (0). All such calls may be left
	// alone until a time, where that is not zero. Skip may be nil.
	Skip func(number int, socket uint64) (skip bool, until time.Time)

	// Counted is told of calls that were left alone until such a time, before the next call
	// on the same socket, or at the end. It may be nil where Skip is.
	Counted func(socket uint64, calls int)

	// All has every call told, not those of interest alone.
	All bool

	// Short has calls told only when they have returned, and without their statements in C
	// and in Go: the rest is less work.
	Short bool

	// Stdout is what the command has as its standard output; nil: that of this process.
	Stdout *os.File

	// Suspend is called when the command has been stopped from its terminal, as by Ctrl-Z
	// (SIGTSTP, SIGTTIN, SIGTTOU): whoever waits for the watcher is to see it stopped too.
	// It returns when the watcher has been continued. It may be nil.
	Suspend func()

	root     int  // the process that was started, or attached to
	attached bool // not started here: there is no filter, and each call stops
	live     bool // the command is executed
	end      unix.WaitStatus

	threads   map[int]*thread
	processes map[int]*process
	holders   map[uint64]int // how many descriptors of a socket there are in all tables, and under way in messages
	flying    map[uint64]int // how many of these are under way
	standing  standing       // the memory of the thread that stands still
	memory    sockets.Memory // of the thread that something is told of
	describe  func(int, sockets.Registers, sockets.Memory) sockets.Call

	traced  *tracepoints // who tells of processes that do not stop; nil: ptrace(2) does
	said    record       // what they have said last
	clock   clock
	resting time.Time // until when they only count

	waker  int  // a process of ours that ends when Stop is called: wait4(2) returns then
	ending bool // it has

	mu    sync.Mutex
	over  atomic.Bool // Stop has been called
	alarm int         // what the waker waits for; -1: there is none
	pids  []int       // of the processes
}

// begin makes room for what is followed.
func (w *Watch) begin() {
	w.threads, w.processes = make(map[int]*thread), make(map[int]*process)
	w.holders, w.flying = make(map[uint64]int), make(map[uint64]int)
	w.alarm = -1
	w.describe = sockets.Describe
	if w.Short {
		w.describe = sockets.DescribeShort
	}
	w.memory = &w.standing
	quiet()
}

// onItsOwnThread runs f on one thread, since ptrace(2) answers only the one that has
// attached. It is one that has no children yet: wait4(2) would wait for them, too.
func onItsOwnThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if children, _ := os.ReadFile("/proc/thread-self/children"); len(children) > 0 {
			onItsOwnThread(f) // held here, this thread cannot be taken again
			return
		}
		f()
	}()
	<-done
}

// follow is told of each stop, until no process is left.
func (w *Watch) follow() error {
	for {
		if len(w.threads) == 0 && w.waker != 0 { // nobody is left whom Stop could let go
			w.Stop()
		}
		var status unix.WaitStatus
		tid, err := unix.Wait4(-1, &status, unix.WALL|unix.WNOTHREAD, nil)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.ECHILD:
			return nil
		case err != nil:
			return fmt.Errorf("wait4: %w", err)
		}
		w.hear(tid, status)
	}
}

// hear is told of what wait4(2) says.
func (w *Watch) hear(tid int, status unix.WaitStatus) {
	switch {
	case tid == w.waker:
		w.waker = 0
		w.letGo()
	case status.Stopped():
		w.stop(tid, status)
	default:
		w.gone(tid, status)
	}
}

// stop is told that a thread stands still, and has it go on.
func (w *Watch) stop(tid int, status unix.WaitStatus) {
	t := w.thread(tid)
	signal, event := status.StopSignal(), int(status)>>16
	if w.ending {
		w.detach(t, signal, event)
		return
	}
	inject := unix.Signal(0)
	switch {
	case signal == unix.SIGTRAP|0x80 || event == unix.PTRACE_EVENT_SECCOMP:
		w.atCall(t)
	case event == unix.PTRACE_EVENT_EXEC:
		w.executed(t)
	case event == unix.PTRACE_EVENT_STOP && stopping(signal):
		ptrace(unix.PTRACE_LISTEN, tid, 0, 0)
		if tid == w.root && signal != unix.SIGSTOP && !w.attached && w.Suspend != nil {
			w.Suspend()
			w.continued()
		}
		return
	case event == 0:
		inject = signal
	}
	w.resume(t, inject)
}

func stopping(s unix.Signal) bool {
	return s == unix.SIGSTOP || s == unix.SIGTSTP || s == unix.SIGTTIN || s == unix.SIGTTOU
}

// continued is called when the watcher was stopped along with the command, and has been
// continued along with it. A thread may have been about to stop by the same signal when
// the watcher stopped: it must not any more, since its SIGCONT has come already.
func (w *Watch) continued() {
	for {
		var status unix.WaitStatus
		tid, err := unix.Wait4(-1, &status, unix.WALL|unix.WNOTHREAD|unix.WNOHANG, nil)
		if err != nil || tid == 0 {
			return
		}
		if signal := status.StopSignal(); status.Stopped() && int(status)>>16 == 0 && stopping(signal) && signal != unix.SIGSTOP {
			w.resume(w.thread(tid), 0)
			continue
		}
		w.hear(tid, status)
	}
}

// resume has a thread go on until its next stop.
func (w *Watch) resume(t *thread, signal unix.Signal) {
	request := unix.PTRACE_CONT
	if t.call != nil || w.attached || w.All || w.live && t.before != nil {
		request = unix.PTRACE_SYSCALL
	}
	ptrace(request, t.tid, 0, uintptr(signal))
}

// thread returns a thread by its number; one that nobody has told of is new.
func (w *Watch) thread(tid int) *thread {
	if t := w.threads[tid]; t != nil {
		return t
	}
	s := status(tid)
	pid := s["Tgid"]
	if pid == 0 { // it is gone already
		pid = tid
	}
	p := w.processes[pid]
	t := &thread{tid: tid, process: p}
	w.threads[tid] = t
	if p == nil {
		t.process = &process{pid: pid, name: comm(pid)}
		w.processes[pid] = t.process
		w.list()
		w.began(t, s["PPid"])
	}
	return t
}

// began tells of a new process.
func (w *Watch) began(t *thread, parent int) {
	if from := w.processes[parent]; from != nil && sameFiles(t.pid, parent) {
		t.fds = from.fds
		t.fds.users++
	} else {
		t.fds = &table{users: 1}
	}
	if !w.live {
		return
	}
	if !w.attached && !w.All {
		t.before = make(map[int]int)
	}
	e := &Event{Kind: Began, Parent: parent, Sockets: w.scan(t)}
	if t.uring {
		e.Strange = Ring
	}
	if w.attached {
		_, strange := program(t.pid)
		e.Strange |= strange & Foreign
		t.foreign = strange&Foreign != 0
	}
	w.tell(t, e)
}

// scan reads anew which sockets a process has, and returns their descriptors.
func (w *Watch) scan(t *thread) []Descriptor {
	now, ring := socketsOf(t.tid)
	t.uring = t.uring || ring
	var all []Descriptor
	for fd, inode := range now {
		all = append(all, Descriptor{FD: fd, Inode: inode, Shared: w.holders[inode] > 0})
	}
	slices.SortFunc(all, func(a, b Descriptor) int { return a.FD - b.FD })
	for _, inode := range now {
		w.holders[inode]++
	}
	for _, inode := range t.fds.sockets {
		w.holders[inode]--
	}
	was := t.fds.sockets
	t.fds.sockets = now
	for _, inode := range was {
		w.closed(t, inode)
	}
	return all
}

// closed tells that a socket is closed, if it is.
func (w *Watch) closed(t *thread, inode uint64) {
	if n, there := w.holders[inode]; there && n <= 0 {
		delete(w.holders, inode)
		w.countedOn(inode)
		w.tell(t, &Event{Kind: Closed, Socket: inode})
	}
}

// executed is told that a process has become another program. Its other threads are gone,
// and the one that made the call goes by the number of the process now.
func (w *Watch) executed(t *thread) {
	for tid, other := range w.threads {
		if other.process == t.process && other != t {
			delete(w.threads, tid)
		}
	}
	t.call, t.last = nil, nil
	if !w.live {
		if t.tid != w.root || becoming(t.pid) {
			return
		}
		w.live = true
		for pid, p := range w.processes {
			if p != t.process {
				delete(w.processes, pid)
			}
		}
		t.fds = &table{users: 1}
		t.name = comm(t.pid)
		w.tell(t, &Event{Kind: Began, Parent: unix.Getpid()})
	} else if t.fds.users > 1 { // execve(2) gives it a table of its own
		t.fds.users--
		t.fds = &table{users: 1}
	}
	t.name, t.uring = comm(t.pid), false
	t.before = nil
	if !w.attached && !w.All {
		t.before = make(map[int]int)
	}
	path, strange := program(t.pid)
	w.tell(t, &Event{Kind: Executed, Path: path, Strange: strange, Sockets: w.scan(t)})
}

// gone is told that a thread has ended.
func (w *Watch) gone(tid int, status unix.WaitStatus) {
	t := w.threads[tid]
	if tid == w.root {
		w.end = status
	}
	if t == nil {
		return
	}
	delete(w.threads, tid)
	if tid != t.pid || w.processes[t.pid] != t.process { // the process goes on
		return
	}
	w.ended(t, status)
}

// Unknown is how a process has ended of which nothing is known.
const Unknown = unix.WaitStatus(1<<32 - 1)

// ended is told that a process has ended.
func (w *Watch) ended(t *thread, status unix.WaitStatus) {
	delete(w.processes, t.pid)
	w.list()
	if !w.live {
		return
	}
	w.tell(t, &Event{Kind: Ended, Status: status, Sockets: t.fds.list()})
	if t.fds.users--; t.fds.users > 0 {
		return
	}
	for _, inode := range t.fds.sockets {
		w.holders[inode]--
	}
	for _, inode := range t.fds.sockets {
		w.closed(t, inode)
	}
}

// tell tells of something that has happened to a thread or its process.
func (w *Watch) tell(t *thread, e *Event) {
	e.Time, e.PID, e.Name, e.Late = w.now(), t.pid, t.name, w.traced != nil
	if e.Kind == Entered || e.Kind == Returned {
		e.TID = t.tid
	}
	w.Tell(e)
}

// now is when it has happened.
func (w *Watch) now() time.Time {
	if w.said != nil {
		return w.clock.time(w.said.u64(atTime))
	}
	return time.Now()
}
