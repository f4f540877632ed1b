package stage

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// Private is a stage of one owner, with no name and no file. It is reached by two
// lines, socketpair(2) each, that are made before its first socket: orders take no
// descriptor in it, so its owner may look as often as it likes. It ends when its
// owner does, however that ends (SIGKILL too). All methods may be called from
// anywhere.
type Private struct {
	role   Role
	cmd    *exec.Cmd
	pid    int
	calls  wire
	states wire

	ended  chan struct{}   // closed when the process is gone and reaped
	how    unix.WaitStatus // valid once ended is closed; 0 where another process has reaped it
	closed chan struct{}   // closed when the owner's ends of the lines are, too

	mu     sync.Mutex
	inside sockets.Call // the call under way, while calls.turn is taken
	begun  bool         // the stage has told of it
}

// A wire is the owner's end of a line, and the turn of the one who uses it.
type wire struct {
	Line
	turn chan struct{} // has room for one
}

// StartPrivate starts a stage that only its caller can reach, at a place; nil is here.
// The caller ends it with End.
func StartPrivate(in Place, role Role) (*Private, error) {
	p := &Private{role: role, ended: make(chan struct{}), closed: make(chan struct{})}
	var files []*os.File // the stage's ends
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	wires := []*wire{&p.calls, &p.states}
	for i, w := range wires {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			for _, w := range wires[:i] {
				w.Close()
			}
			return nil, fmt.Errorf("start the %s process: socketpair: %w", role, err)
		}
		*w = wire{Line{FD: pair[0]}, make(chan struct{}, 1)}
		files = append(files, os.NewFile(uintptr(pair[1]), "line"))
	}
	var err error
	if p.cmd, err = spawn(in, role, "", 0, files...); err != nil {
		p.calls.Close()
		p.states.Close()
		return nil, fmt.Errorf("start the %s process: %w", role, err)
	}
	p.pid = p.cmd.Process.Pid
	go p.reap()
	return p, nil
}

// reap waits for the end of the process. Then it takes both turns, for good, and
// closes the lines when nobody uses them any more.
func (p *Private) reap() {
	p.cmd.Wait() // its error says what ProcessState does
	if s := p.cmd.ProcessState; s != nil {
		p.how = unix.WaitStatus(s.Sys().(syscall.WaitStatus))
	} else {
		waitForOther(p.pid)
	}
	close(p.ended)
	p.calls.turn <- struct{}{}
	p.states.turn <- struct{}{}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls.Close()
	p.states.Close()
	close(p.closed)
}

// waitForOther waits for the end of a process that another one has started and reaps:
// how it ended, only that one hears (wait(2)).
func waitForOther(pid int) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil { // it is gone
		return
	}
	defer unix.Close(fd)
	for {
		ended, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1)
		if ended > 0 || err != nil && err != unix.EINTR {
			return
		}
	}
}

// ask sends one order and gives its reports to each until that says to stop. An
// *EndedError it returns when the process is reaped, so that Ended knows how.
func (p *Private) ask(w *wire, o Order, each func(Report) (more bool)) error {
	err := w.ask(p.role, o, each)
	if _, broken := err.(*EndedError); broken {
		select {
		case <-p.ended:
		case <-time.After(Patience):
			return p.silence(true)
		}
	}
	return err
}

// silence is the error about a process that does not answer.
func (p *Private) silence(hung bool) error {
	e := &SilentError{Role: p.role, PID: p.pid, Hung: hung}
	e.Why, e.Do = condition(p.pid)
	return e
}

func (p *Private) stopped() bool { return stopped(p.pid) }

// why is the error of a context that has ended: the caller's own, or that of a process
// which did not answer.
func (p *Private) why(ctx context.Context) error {
	if context.Cause(ctx) == errSilent {
		return p.silence(false)
	}
	return ctx.Err()
}

// Do makes the stage make one call. observe, which may be nil, hears of it when it
// is entered and when it has returned. While another call is under way the answer
// is a *BusyError; where the process does not begin the call within Patience, it is a
// *SilentError. When the context ends first, Do returns its error and the call goes on:
// what it returns, nobody hears.
func (p *Private) Do(ctx context.Context, o Order, observe func(sockets.Call)) (sockets.Call, error) {
	if err := o.check(); err != nil {
		return sockets.Call{}, err
	}
	if err := ctx.Err(); err != nil {
		return sockets.Call{}, err
	}
	if err := p.begin(o); err != nil {
		return sockets.Call{}, err
	}
	ctx, answered, cancel := limited(ctx, p.stopped)
	defer cancel()
	calls, failed := make(chan sockets.Call, roomForCalls), make(chan error, 1)
	go func() {
		err := p.ask(&p.calls, o, func(r Report) bool {
			answered()
			if r.Call == nil {
				return true
			}
			p.mu.Lock()
			p.inside, p.begun = *r.Call, true
			p.mu.Unlock()
			select {
			case calls <- *r.Call:
			case <-ctx.Done():
			}
			return !final(*r.Call)
		})
		<-p.calls.turn // before the result: with it, the next call may be ordered
		failed <- err
		close(calls)
	}()
	var last sockets.Call
	for {
		select {
		case c, more := <-calls:
			if !more {
				return last, <-failed
			}
			last = c
			if observe != nil {
				observe(c)
			}
		case <-ctx.Done():
			return last, p.why(ctx)
		}
	}
}

// begin takes the turn for a call, or tells why that cannot be.
func (p *Private) begin(o Order) error {
	if p.stopped() {
		return p.silence(false)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case p.calls.turn <- struct{}{}:
		p.inside, p.begun = sockets.Call{Name: o.Do, FD: o.FD, Start: time.Now()}, false // until the stage tells of the call itself
		return nil
	default:
	}
	select {
	case <-p.ended:
		return &EndedError{p.role, o.Do}
	default:
	}
	if !p.begun && time.Since(p.inside.Start) > Patience {
		return p.silence(false)
	}
	return &BusyError{p.inside}
}

// State tells what stands where in the stage, also while that is blocked in a
// call. It fails with a *SilentError where the process does not answer within Patience.
func (p *Private) State(ctx context.Context) (State, error) {
	if p.stopped() {
		return State{}, p.silence(false)
	}
	ctx, _, cancel := limited(ctx, p.stopped)
	defer cancel()
	select {
	case <-p.ended:
		return State{}, &EndedError{p.role, state}
	default:
	}
	select {
	case p.states.turn <- struct{}{}:
	case <-p.ended:
		return State{}, &EndedError{p.role, state}
	case <-ctx.Done():
		return State{}, p.why(ctx)
	}
	type answer struct {
		state State
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		var a answer
		a.err = p.ask(&p.states, Order{Do: state}, func(r Report) bool {
			if r.State != nil {
				a.state = *r.State
			}
			return false
		})
		<-p.states.turn
		answers <- a
	}()
	select {
	case a := <-answers:
		return a.state, a.err
	case <-ctx.Done():
		return State{}, p.why(ctx)
	}
}

// PID returns the number of the process. It stays when the process has ended.
func (p *Private) PID() int { return p.pid }

// endPatience is how long End lets the process end by itself.
const endPatience = 2 * time.Second

// End ends the process and returns when it is gone and nothing is left of it: no
// zombie, no descriptor. A Do or State that is under way returns an *EndedError.
func (p *Private) End() {
	p.hangUp()
	p.cmd.Process.Signal(unix.SIGCONT) // one that is stopped cannot see that its line has hung up
	select {
	case <-p.ended:
	case <-time.After(endPatience):
		p.cmd.Process.Kill()
	}
	<-p.closed
}

// hangUp is what the stage sees when its owner is gone. It closes nothing that
// somebody may be reading.
func (p *Private) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.closed:
	default:
		unix.Shutdown(p.states.FD, unix.SHUT_RDWR)
	}
}

// Ended reports whether the process has ended, and how (wait(2)).
func (p *Private) Ended() (how unix.WaitStatus, ended bool) {
	select {
	case <-p.ended:
		return p.how, true
	default:
		return 0, false
	}
}
