package stage

import (
	"context"
	"errors"
	"fmt"
	"os"
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
	return fmt.Sprintf("the %s process ended in the middle of %s", e.Role, e.Do)
}

// Remote is a stage in a process of its own, reached by its control socket.
type Remote struct {
	Name string
	Role Role
}

// path is where the control socket lies.
func (r Remote) path() string {
	return filepath.Join(Folder(), r.Name+"."+string(r.Role)+".sock")
}

// dial connects to the stage. It fails with ErrNone when there is no process
// behind the socket, whether or not a crashed one left the file.
func (r Remote) dial() (*line, error) {
	if err := trusted(Folder()); errors.Is(err, os.ErrNotExist) || err == nil && len(r.path()) > sockets.MaxUnixPath {
		return nil, ErrNone
	} else if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	switch err := unix.Connect(fd, &unix.SockaddrUnix{Name: r.path()}); err {
	case nil:
	case unix.ENOENT, unix.ECONNREFUSED:
		unix.Close(fd)
		return nil, ErrNone
	default:
		unix.Close(fd)
		return nil, fmt.Errorf("connect to %s: %w", r.path(), err)
	}
	if !sameUser(fd) {
		unix.Close(fd)
		return nil, &FolderError{r.path(), "is served by another user"}
	}
	return &line{fd: fd}, nil
}

// ask sends one order and gives its reports to each until that says to stop.
// When the context ends first, the stage goes on and ask returns the context's
// error.
func (r Remote) ask(ctx context.Context, o Order, each func(Report) (more bool)) error {
	l, err := r.dial()
	if err != nil {
		return err
	}
	hungUp := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(hungUp)
		unix.Shutdown(l.fd, unix.SHUT_RDWR)
	})
	defer func() {
		if !stop() {
			<-hungUp // or the shutdown(2) would meet whatever has the number next
		}
		l.close()
	}()
	err = l.ask(r.Role, o, each)
	var ended *EndedError
	if errors.As(err, &ended) && ctx.Err() != nil { // it is this end that hung up
		return ctx.Err()
	}
	return err
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

// quitPatience is how long Quit waits for an answer.
const quitPatience = 3 * time.Second

// Quit ends the stage's process, of whatever version it is, and returns its pid.
// It fails with ErrNone, after sweeping what a crashed one left.
func (r Remote) Quit(ctx context.Context) (pid int, err error) {
	ctx, cancel := context.WithTimeout(ctx, quitPatience)
	defer cancel()
	err = r.ask(ctx, Order{Do: quit}, func(report Report) bool {
		pid = report.PID
		return false
	})
	switch {
	case errors.Is(err, ErrNone):
		r.sweep()
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("the %s process does not answer: it may be stopped. Let it go on with: pkill -CONT -x fd3-%s", r.Role, r.Role)
	}
	return pid, err
}

// sweep removes the control socket that a crashed stage left. The lock keeps a
// stage that is just being started from being taken for one.
func (r Remote) sweep() {
	if trusted(Folder()) != nil {
		return
	}
	unlock, err := lockFolder(Folder())
	if err != nil {
		return
	}
	defer unlock()
	if l, err := r.dial(); err == nil {
		l.close()
	} else if errors.Is(err, ErrNone) {
		unix.Unlink(r.path())
	}
}
