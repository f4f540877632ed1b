package stage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// Start makes sure that the stage runs. It reports whether it had to start it, and
// whether an earlier one of that name had crashed.
func (r Remote) Start(idle time.Duration) (started, crashed bool, err error) {
	if runs, err := r.runs(); runs || err != nil {
		return false, false, err
	}
	unlock, err := lockFolder(Folder())
	if err != nil {
		return false, false, err
	}
	defer unlock()
	if runs, err := r.runs(); runs || err != nil { // another command was faster
		return false, false, err
	}
	crashed = r.removeStale()
	fd, err := r.listen()
	if err != nil {
		return false, crashed, err
	}
	file := FileAt(r.path())
	control := os.NewFile(uintptr(fd), r.path())
	defer control.Close()
	cmd, err := spawn(r.In, r.Role, r.path(), idle, control)
	if err == nil {
		err = cmd.Process.Release()
	}
	if err != nil {
		file.Remove()
		return false, crashed, fmt.Errorf("start the %s process: %w", r.Role, err)
	}
	return true, crashed, nil
}

// runs reports whether the stage has a process behind its control socket.
func (r Remote) runs() (bool, error) {
	l, err := r.Dial()
	switch {
	case err == nil:
		l.Close()
		return true, nil
	case errors.Is(err, ErrNone):
		return false, nil
	}
	return false, err
}

// listen makes the control socket. The starter listens, so that whoever comes
// next can already connect while the process is still coming up.
func (r Remote) listen() (fd int, err error) {
	if len(r.path()) > sockets.MaxUnixPath {
		return -1, &FolderError{Folder(), fmt.Sprintf("has too long a path for a unix socket: %d bytes at most (unix(7))", sockets.MaxUnixPath), nil}
	}
	fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer func() {
		if err != nil {
			unix.Close(fd)
		}
	}()
	// fchmod(2) on the socket before bind sets the mode of the file that bind
	// makes: there is no moment in which others could connect.
	if err := unix.Fchmod(fd, 0o600); err != nil {
		return -1, err
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: r.path()}); err != nil {
		return -1, &FolderError{Folder(), fmt.Sprintf("takes no socket %s", filepath.Base(r.path())), err}
	}
	return fd, unix.Listen(fd, unix.SOMAXCONN)
}

// spawn starts the process in a session of its own, so that neither Ctrl-C nor a
// closed terminal reaches it, with /dev/null on 0 to 2 and the files, by which it
// is driven, from 3 on. It returns when the process lives as a stage, or with a
// *StartError when it has ended before that. Descriptors that this process itself has
// inherited stay with it: each would take a low number in the stage, or keep a pipe of
// the caller's open.
func spawn(in Place, role Role, path string, idle time.Duration, files ...*os.File) (*exec.Cmd, error) {
	unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	cmd := exec.Command("/proc/self/exe", Command, string(role), path, idle.String())
	cmd.Args[0] = os.Args[0]
	cmd.Dir = "/"
	// A C library would count the CPUs for its malloc at some later time, and open a
	// file for it at a low number (mallopt(3), M_ARENA_MAX).
	cmd.Env = append(os.Environ(), "MALLOC_ARENA_MAX=1")
	cmd.ExtraFiles = files
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if path == "" { // one that is stopped cannot see that its owner has ended
		cmd.SysProcAttr.Pdeathsig = unix.SIGCONT
	}
	said, stderr, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer said.Close()
	cmd.Stderr = stderr
	if in != nil {
		err = in.Start(cmd)
	} else {
		err = cmd.Start()
	}
	stderr.Close()
	if err != nil {
		return nil, err
	}
	if text, lives := lastWords(said); !lives {
		cmd.Process.Kill()
		cmd.Wait()
		return nil, &StartError{text}
	}
	return cmd, nil
}

// alive is what a stage writes to stderr, which is a pipe of its starter's until then.
const alive = "\x00"

// lastWords reads what a process writes to stderr until it lives as a stage. Where it
// has ended before, text is the first line. One that is slow counts as alive: whoever
// asks it something is told.
func lastWords(said *os.File) (text string, lives bool) {
	said.SetReadDeadline(time.Now().Add(Patience))
	all, err := io.ReadAll(said)
	if errors.Is(err, os.ErrDeadlineExceeded) || bytes.HasSuffix(all, []byte(alive)) {
		return "", true
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(all)), "\n")
	return first, false
}

// SayAlive tells the starter that this process lives, as a stage or whatever it is to be. From then on its stderr
// is /dev/null, as its stdout is. Nobody may read the pipe any more, which is no fault:
// hence no os.Stderr, where that ends the process by SIGPIPE (os/signal).
func SayAlive() {
	unix.Write(2, []byte(alive))
	unix.Dup2(1, 2)
}
