package watch

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// guarding is what the process of a guard has in place of the signals to be ignored.
const guarding = "guard"

// What a guard has besides its gate.
const (
	guardedAt   = 4 // the descriptor of the map of processes; those of the links follow
	guardsPause = 10 * time.Millisecond
)

// guard starts a process that kills all that are followed when this one has ended before
// them, in whatever way. It has descriptors of the kernel's programs, which so go on to note
// who is followed until nobody is left. It has a session of its own: what is typed at the
// terminal is not for it. release has it end, and waits for that.
func (t *tracepoints) guard() (release func(), err error) {
	nowhere, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer nowhere.Close()
	inner, gate, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer inner.Close()
	files := []uintptr{nowhere.Fd(), nowhere.Fd(), nowhere.Fd(), inner.Fd(), uintptr(t.processes.FD())}
	for _, l := range t.links {
		if l, ok := l.(interface{ FD() int }); ok {
			files = append(files, uintptr(l.FD()))
		}
	}
	args := []string{os.Args[0], First, "3", guarding, fmt.Sprint(guardedAt)}
	pid, err := syscall.ForkExec("/proc/self/exe", args, &syscall.ProcAttr{Env: os.Environ(), Files: files, Sys: &syscall.SysProcAttr{Setsid: true}})
	if err != nil {
		gate.Close()
		return nil, fmt.Errorf("fork: %w", err)
	}
	return func() {
		gate.Close()
		unix.Wait4(pid, nil, 0, nil)
	}, nil
}

// guard kills who is followed, until nobody is, and ends. They are stopped first: a script
// whose command is killed before it would go on to the next one.
func guard() {
	processes, err := ebpf.NewMapFromFD(guardedAt)
	for left := err == nil; left; time.Sleep(guardsPause) {
		left = false
		for _, s := range []unix.Signal{unix.SIGSTOP, unix.SIGKILL} {
			var pid, state uint32
			for all := processes.Iterate(); all.Next(&pid, &state); left = true {
				if unix.Kill(int(pid), s) == unix.ESRCH {
					processes.Delete(pid)
				}
			}
		}
	}
	os.Exit(0)
}
