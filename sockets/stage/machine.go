package stage

import (
	"errors"
	"iter"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets"
	"fd3/sockets/kernel"
)

// Machine makes calls one after another on one thread: the one that runs Run. Its other
// methods may be called from anywhere.
type Machine struct {
	jobs    chan job
	started time.Time

	mu      sync.Mutex
	tid     int                   // of the thread that runs Run
	became  map[int]*sockets.Call // each descriptor of a socket, and the call that made that what it is; after dup two have one
	left    []Ends                // conversations that were closed, the oldest first; at most maxLeft
	closing sockets.Sockaddr      // the address of the socket that close is called on
	bound   []SocketFile          // that bind made
	blocked *sockets.Call         // the call that Run is inside
	open    int                   // calls begun whose result is neither delivered nor kept
	unseen  []sockets.Call        // calls that returned when nobody was waiting
	last    *sockets.Call         // the newest call that has returned, or nil
	history []sockets.Call        // those that have returned, the oldest first; at most maxHistory
	settled *sync.Cond            // open has become 0
}

// A job is a call to make, and where to tell of it.
type job struct {
	order Order
	calls chan sockets.Call // has room for every report of one call, so that Run never waits for a reader
	told  chan struct{}     // a report was taken; has room for one
}

// roomForCalls bounds the reports of one order: entered and returned, and again
// for each time that a signal interrupts it. Older ones give way to newer.
const roomForCalls = 16

// maxHistory bounds how many calls are remembered, and headOfData how many bytes of what
// each carried: strace(1) prints no more than 32.
const (
	maxHistory = 256
	headOfData = 33
)

// maxLeft bounds how many conversations that are over are remembered.
const maxLeft = 16

// NewMachine makes a Machine that has no socket yet.
func NewMachine() *Machine {
	m := &Machine{jobs: make(chan job, 1), started: time.Now(), became: make(map[int]*sockets.Call)}
	m.settled = sync.NewCond(&m.mu)
	return m
}

// Run makes the calls that Local, or the stage of this process, is ordered to make,
// until Stop. The caller has locked it to the thread that it wants the calls on.
func (m *Machine) Run() {
	m.mu.Lock()
	m.tid = unix.Gettid()
	m.mu.Unlock()
	mortal := false // SIGPIPE ends the process
	for j := range m.jobs {
		tracer := sockets.Tracer{Observe: func(c sockets.Call) {
			m.note(c)
			if c.Returned || !mortal {
				j.tell(c)
				return
			}
			select {
			case <-j.told: // of an earlier report
			default:
			}
			j.tell(c)
			<-j.told // the process may end with the call, and its owner knows of it
		}}
		c := perform(&tracer, j.order)
		if j.order.Do == "sigaction" && c.Errno == 0 {
			mortal = j.order.Value == int(sockets.SIG_DFL)
		}
		close(j.calls)
	}
}

// tell passes a report on. It never waits for a reader.
func (j job) tell(c sockets.Call) {
	for {
		select {
		case j.calls <- c:
			return
		default:
			select {
			case <-j.calls:
			default:
			}
		}
	}
}

// Stop ends Run, once the calls that were begun have returned.
func (m *Machine) Stop() { close(m.jobs) }

// note keeps the books: which call is in the kernel, which descriptors are ours.
func (m *Machine) note(c sockets.Call) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !c.Returned || c.Errno == unix.EINTR && c.Name != "close" {
		m.blocked = &c
		return
	}
	m.blocked = nil
	m.history = append(m.history[max(0, len(m.history)-maxHistory+1):], head(c))
	switch {
	case c.Name == "close":
		made := m.became[c.FD]
		delete(m.became, c.FD)
		if last := !slices.Contains(slices.Collect(maps.Values(m.became)), made); last && made != nil && made.Addr.Port() != 0 {
			m.left = append(m.left[max(0, len(m.left)-maxLeft+1):], Ends{m.closing, made.Addr})
		}
	case c.Errno == 0 && (c.Name == "socket" || c.Name == "accept4"):
		m.became[int(c.Ret)] = &c
	case c.Name == "dup" && c.Errno == 0 && m.became[c.FD] != nil:
		m.became[int(c.Ret)] = m.became[c.FD]
	case c.Name == "connect" && (c.Errno == 0 || c.Errno == unix.EINPROGRESS):
		if made := m.became[c.FD]; made != nil {
			*made = c // for every descriptor of that socket
		} else {
			m.became[c.FD] = &c
		}
	}
}

// ErrUnknownOrder is the answer to an Order.Do that names no call.
var ErrUnknownOrder = errors.New("unknown order")

// BusyError says that the thread is inside a call, so that no other can be made.
type BusyError struct{ Call sockets.Call }

func (e *BusyError) Error() string { return "busy: blocked in " + e.Call.Name }

// start begins a call. The sequence gives the call as entered and as returned; the
// caller takes it to its end, and answers that with settle. start never waits: while a
// call is in the kernel its answer is a *BusyError.
func (m *Machine) start(o Order) (iter.Seq[sockets.Call], error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.blocked != nil {
		return nil, &BusyError{*m.blocked}
	}
	if o.Do == "close" {
		m.closing = sockets.Sockname(o.FD) // asked here, and not on the thread of the calls
	}
	m.blocked = &sockets.Call{Name: o.Do, FD: o.FD, Start: time.Now()} // until the call itself is noted
	m.open++
	j := job{o, make(chan sockets.Call, roomForCalls), make(chan struct{}, 1)}
	m.jobs <- j
	return func(yield func(sockets.Call) bool) {
		for more := true; more; {
			var c sockets.Call
			if c, more = <-j.calls; more {
				m.Witness(c) // here, and not on the thread of the calls: strace there shows those only
				more = yield(c)
				j.reported()
			}
		}
	}, nil
}

// reported says that a report has gone where it belongs.
func (j job) reported() {
	select {
	case j.told <- struct{}{}:
	default:
	}
}

// settle ends what start began. A result that nobody was there to see is kept
// until take.
func (m *Machine) settle(c sockets.Call, seen bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = &c
	if !seen {
		m.unseen = append(m.unseen, c)
	}
	if m.open--; m.open == 0 {
		m.settled.Broadcast()
	}
}

// head is a call with the beginning of what it carried.
func head(c sockets.Call) sockets.Call {
	if len(c.Data) > headOfData {
		c.Data = slices.Clone(c.Data[:headOfData])
	}
	return c
}

// calls are those that are remembered, and the one that the thread is inside.
func (m *Machine) calls() []sockets.Call {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := slices.Clone(m.history)
	if m.blocked != nil {
		all = append(all, head(*m.blocked))
	}
	return all
}

// wait returns when no call is in the kernel.
func (m *Machine) wait() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.open > 0 {
		m.settled.Wait()
	}
}

// take hands over the unseen results, to one caller alone. Should it fail to tell
// them, putBack has them again.
func (m *Machine) take() []sockets.Call {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := m.unseen
	m.unseen = nil
	return taken
}

// putBack keeps results that were taken and not told.
func (m *Machine) putBack(calls []sockets.Call) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.unseen = append(calls, m.unseen...)
}

// state tells what stands where.
func (m *Machine) state() State {
	m.mu.Lock()
	became := make(map[int]sockets.Call, len(m.became))
	for fd, made := range m.became {
		became[fd] = *made
	}
	s := State{PID: os.Getpid(), TID: m.tid, Started: m.started, Blocked: m.blocked, Last: m.last, Left: slices.Clone(m.left), Unseen: slices.Clone(m.unseen)}
	m.mu.Unlock()
	for _, fd := range slices.Sorted(maps.Keys(became)) {
		if asked, err := kernel.Ask(fd); err == nil {
			made := became[fd]
			if made.Addr.Wildcard() && asked.Connected() {
				made.Addr = asked.Peer
				m.met(fd, made)
			}
			s.Sockets = append(s.Sockets, Socket{asked, made.Name, made.Addr, made.Start})
		}
	}
	return s
}

// met notes which address the kernel has taken where connect was given the wildcard. When
// the peer is gone it does not tell any more.
func (m *Machine) met(fd int, c sockets.Call) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if made := m.became[fd]; made != nil && made.Start.Equal(c.Start) {
		made.Addr = c.Addr
	}
}
