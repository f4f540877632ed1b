package stage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// ErrNone says that no stage of that name and role runs.
var ErrNone = errors.New("no such stage is running")

// A VersionError says that a stage was started by another fd3.
type VersionError struct {
	Role    Role
	PID     int
	Version string
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("the %s process %d was started by fd3 %s, and this is fd3 %s", e.Role, e.PID, e.Version, Version())
}

// An EndedError says that the stage's process ended before it had answered.
type EndedError struct {
	Role Role
	Do   string
}

func (e *EndedError) Error() string {
	if !known(e.Do) {
		return fmt.Sprintf("the %s process ended before it had answered", e.Role)
	}
	return fmt.Sprintf("the %s process ended in the middle of %s", e.Role, e.Do)
}

// Remote is a stage in a process of its own, reached by its control socket.
type Remote struct {
	Name string
	Role Role
	In   Place // where Start starts the process; nil: beside this one
}

// A Place is where a process can be started that is no child of this one.
type Place interface {
	// Start starts a command, as (*exec.Cmd).Start does, and sets its Process. What cannot
	// be sent to another process, a SysProcAttr for one, is not heeded.
	Start(*exec.Cmd) error
}

// path is where the control socket lies.
func (r Remote) path() string {
	return filepath.Join(Folder(), r.Name+"."+string(r.Role)+".sock")
}

// Dial connects to the stage. It fails with ErrNone when there is no process
// behind the socket, whether or not a crashed one left the file.
func (r Remote) Dial() (*Line, error) {
	if err := trusted(Folder()); errors.Is(err, os.ErrNotExist) || err == nil && len(r.path()) > sockets.MaxUnixPath {
		return nil, ErrNone
	} else if err != nil {
		return nil, unusable(Folder(), err)
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	switch err := connectWithin(fd, r.path(), Patience); err {
	case nil:
	case unix.EAGAIN:
		unix.Close(fd)
		return nil, r.Silence(false)
	case unix.ENOENT, unix.ECONNREFUSED:
		unix.Close(fd)
		return nil, ErrNone
	default:
		unix.Close(fd)
		return nil, fmt.Errorf("connect to %s: %w", r.path(), err)
	}
	if !SameUser(fd) {
		unix.Close(fd)
		return nil, &FolderError{r.path(), "is served by another user", nil}
	}
	return &Line{FD: fd}, nil
}

// connectWithin is connect(2), which waits where the accept queue is full: a stopped
// process takes nobody out. It fails with EAGAIN when the time is over. A signal
// interrupts a call that has a limit (EINTR, signal(7)); the Go runtime sends some.
func connectWithin(fd int, path string, limit time.Duration) error {
	for end := time.Now().Add(limit); ; {
		left := unix.NsecToTimeval(max(time.Until(end), time.Millisecond).Nanoseconds())
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &left); err != nil {
			return err
		}
		err := unix.Connect(fd, &unix.SockaddrUnix{Name: path})
		if err != unix.EINTR {
			unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &unix.Timeval{})
			return err
		}
	}
}

// ask sends one order and gives its reports to each until that says to stop. The
// first has to come within Patience, but for wait. When the context ends first, the
// stage goes on and ask returns the context's error.
func (r Remote) ask(ctx context.Context, o Order, each func(Report) (more bool)) error {
	l, err := r.Dial()
	if err != nil {
		return err
	}
	limit, answered, cancel := limited(ctx, r.stopped)
	defer cancel()
	if o.Do == wait {
		answered()
	}
	hungUp := make(chan struct{})
	stop := context.AfterFunc(limit, func() {
		defer close(hungUp)
		unix.Shutdown(l.FD, unix.SHUT_RDWR)
	})
	defer func() {
		if !stop() {
			<-hungUp // or the shutdown(2) would meet whatever has the number next
		}
		l.Close()
	}()
	pid := 0
	err = l.ask(r.Role, o, func(report Report) bool {
		answered()
		pid = report.PID
		return each(report)
	})
	var broken *EndedError
	switch {
	case !errors.As(err, &broken):
		return err
	case context.Cause(limit) == errSilent: // it is this end that hung up
		return r.Silence(false)
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return r.brokenOff(pid, broken)
}

func (r Remote) stopped() bool {
	pid, pidfd, found := r.process()
	if !found {
		return false
	}
	defer unix.Close(pidfd)
	return stopped(pid)
}

// Silence is the error about a stage that does not answer, or hangs up.
func (r Remote) Silence(hung bool) error {
	e := &SilentError{Role: r.Role, Hung: hung}
	pid, pidfd, found := r.process()
	if !found {
		e.Why, e.Do = "it is not known which one it is", "Look for it: ps -ef | grep "+Command
		return e
	}
	unix.Close(pidfd)
	e.PID = pid
	if e.Why, e.Do = condition(pid); e.Do == "" {
		e.Do = "End it: fd3 reset"
	}
	return e
}

// brokenOff finds out whether a stage whose line has ended has ended itself, which only
// the kernel knows. pid is 0 where it had not yet told it.
func (r Remote) brokenOff(pid int, ended *EndedError) error {
	for until := time.Now().Add(Patience); time.Now().Before(until); time.Sleep(time.Millisecond) {
		l, err := r.Dial()
		if errors.Is(err, ErrNone) {
			return ended // nobody has the socket any more that it listened on
		} else if err != nil {
			return err
		}
		l.Close()
		found, pidfd, ok := r.process()
		if !ok {
			continue // its descriptors are being closed
		}
		unix.Close(pidfd)
		if pid != 0 && found != pid {
			return ended
		}
		break
	}
	return r.Silence(true)
}

// Do makes the stage make one call. observe hears of it when it is entered and
// when it has returned.
func (r Remote) Do(ctx context.Context, o Order, observe func(sockets.Call)) (sockets.Call, error) {
	var last sockets.Call
	err := r.ask(ctx, o, func(report Report) bool {
		if report.Call == nil {
			return true
		}
		last = *report.Call
		observe(last)
		return !final(last)
	})
	return last, err
}

// State tells what stands where in the stage.
func (r Remote) State(ctx context.Context) (State, error) { return r.state(ctx, state) }

// Collect is State, and takes over the results that nobody has seen.
func (r Remote) Collect(ctx context.Context) (State, error) { return r.state(ctx, collect) }

// History returns the calls that the stage has made, the oldest first, and the one that it
// is inside. Of old ones, and of what they carried, it forgets some.
func (r Remote) History(ctx context.Context) ([]sockets.Call, error) {
	var calls []sockets.Call
	err := r.ask(ctx, Order{Do: history}, func(report Report) bool {
		calls = report.Calls
		return false
	})
	return calls, err
}

// Wait is Collect, as soon as the stage is in no call.
func (r Remote) Wait(ctx context.Context) (State, error) { return r.state(ctx, wait) }

func (r Remote) state(ctx context.Context, do string) (State, error) {
	var s State
	err := r.ask(ctx, Order{Do: do}, func(report Report) bool {
		if report.State != nil {
			s = *report.State
		}
		return false
	})
	return s, err
}
