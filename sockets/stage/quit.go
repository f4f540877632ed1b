package stage

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/sockets/kernel"
)

// A Farewell is how a stage ended.
type Farewell struct {
	PID    int
	Forced string    // in what state it did not answer, so that SIGKILL ended it; empty: it ended when asked
	Files  []Removal // what became of the files of its unix sockets
}

// Quit ends the stage's process, of whatever version it is, and returns when the kernel
// says that it is gone. A process that does not answer is killed. Quit fails with
// ErrNone where there is none, after sweeping what a crashed one left.
func (r Remote) Quit(ctx context.Context) (Farewell, error) {
	var f Farewell
	err := r.ask(ctx, Order{Do: quit}, func(report Report) bool {
		f.PID, f.Files = report.PID, report.Files
		return false
	})
	var silent *SilentError
	switch {
	case errors.Is(err, ErrNone):
		r.sweep()
	case errors.As(err, &silent) && silent.PID != 0:
		return r.kill(silent)
	case err == nil:
		pidfd, err := unix.PidfdOpen(f.PID, 0)
		switch {
		case err == unix.ESRCH:
			return f, nil
		case err != nil:
			return f, fmt.Errorf("whether the %s process %d has ended is not known: pidfd_open(2): %w", r.Role, f.PID, err)
		}
		defer unix.Close(pidfd)
		if !ended(pidfd, Patience) {
			return f, stays(r.Role, f.PID)
		}
	}
	return f, err
}

// kill ends the process behind the control socket by SIGKILL, and sweeps after it as
// far as the kernel tells which files were its own.
func (r Remote) kill(silent *SilentError) (Farewell, error) {
	pid, pidfd, found := r.process()
	if !found {
		return Farewell{}, silent
	}
	defer unix.Close(pidfd)
	f := Farewell{PID: pid}
	f.Forced, _ = condition(pid)
	files := boundBy(pid)
	if err := unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0); err != nil && err != unix.ESRCH {
		return f, err
	}
	if !ended(pidfd, Patience) {
		return f, stays(r.Role, pid)
	}
	r.sweep()
	for _, file := range files {
		if file.path == r.path() {
			continue
		}
		if removal := file.Remove(); removal.told() {
			f.Files = append(f.Files, removal)
		}
	}
	return f, nil
}

// stays is the error about a process that was to end and has not.
func stays(role Role, pid int) error {
	state, remedy := condition(pid)
	return &SilentError{Role: role, PID: pid, Why: "it was to end, and " + state, Do: remedy}
}

// boundBy returns the files of the unix sockets that a process has open, by device and
// inode as sock_diag(7) tells them. In a network namespace that this process may not
// enter it tells none, and a file system of layers may number its files otherwise: then
// the file is not known again.
func boundBy(pid int) (files []SocketFile) {
	net, err := kernel.Of(pid)
	if err != nil {
		return nil
	}
	defer net.Close()
	rows, err := net.UnixTable()
	if err != nil {
		return nil
	}
	fds, _ := kernel.FDs(pid)
	open := make(map[uint64]bool)
	for _, fd := range fds {
		open[fd.Inode] = fd.Inode != 0
	}
	made := make(map[uint64]kernel.UnixSocket)
	all, _ := net.Unix()
	for _, socket := range all {
		made[socket.Inode] = socket
	}
	at := make(map[string]int) // in files: a connection has the path of its listener
	for _, row := range rows {
		if !open[row.Inode] || !strings.HasPrefix(row.Path, "/") {
			continue
		}
		socket, file := made[row.Inode], FileAt(row.Path)
		own := socket.Made(&unix.Stat_t{Dev: file.dev, Ino: file.ino})
		if !own {
			file = SocketFile{path: row.Path, dev: socket.Dev, ino: uint64(socket.FileInode)}
		}
		switch i, seen := at[row.Path]; {
		case !seen:
			at[row.Path] = len(files)
			files = append(files, file)
		case own: // the path was bound twice, and this socket has the file of now
			files[i] = file
		}
	}
	return files
}

// Crashed reports whether a stage has ended without a goodbye, and removes what it left: it
// is reported once.
func (r Remote) Crashed() bool {
	return unix.Access(r.path(), unix.F_OK) == nil && r.sweep()
}

// sweep removes the control socket that a crashed stage left, and reports whether there was
// one. The lock keeps a stage that is just being started from being taken for one.
func (r Remote) sweep() bool {
	if trusted(Folder()) != nil {
		return false
	}
	unlock, err := lockFolder(Folder())
	if err != nil {
		return false
	}
	defer unlock()
	runs, err := r.runs()
	return !runs && err == nil && r.removeStale()
}

// removeStale removes the control socket that a crashed stage left: a socket's file that
// Dial has found nobody behind.
func (r Remote) removeStale() bool { return FileAt(r.path()).Remove().Removed }
