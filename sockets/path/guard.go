package path

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A guard is a process that removes an instance, as soon as this one lets go of it or ends,
// however it ends: a pipe ends with the last process that has its other end.
type guard struct {
	cmd *exec.Cmd
	end *os.File
}

// guardCommand is the first argument of a process that is to be a guard. The name of the
// instance follows.
const guardCommand = "path-guard"

// Become is the whole life of a guard, where the arguments of this process say that it is
// one. Otherwise it does nothing. A program that traces calls it first in main, and a test
// in TestMain.
func Become() {
	if len(os.Args) != 3 || os.Args[1] != guardCommand {
		return
	}
	signal.Ignore(unix.SIGHUP, unix.SIGINT, unix.SIGTERM, unix.SIGPIPE, unix.SIGQUIT)
	for b := make([]byte, 1); ; {
		if _, err := unix.Read(0, b); err != unix.EINTR {
			break
		}
	}
	name := filepath.Base(os.Args[2])
	if fs, err := openTracefs(); err == nil {
		dir := fs.dir + "/instances/" + name
		for range 1000 { // while a file of it is open in a process that is just ending
			if unix.Rmdir(dir) != unix.EBUSY {
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
	os.Exit(0)
}

func newGuard(name string) (*guard, error) {
	read, end, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	cmd := exec.Command("/proc/self/exe", guardCommand, name)
	cmd.Args[0] = os.Args[0]
	cmd.Dir = "/"
	cmd.Stdin = read
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		end.Close()
		return nil, fmt.Errorf("start the process that would remove the trace instance: %w", err)
	}
	return &guard{cmd, end}, nil
}

// dismiss has the guard do its work, as the end of this process would.
func (g *guard) dismiss() {
	g.end.Close()
	go g.cmd.Wait()
}
