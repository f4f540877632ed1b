package watch

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// Process attaches to processes that run already, with all their threads, and follows
// them, and all processes that they start from now on, until none of them is left or Stop
// is called.
//
// If the watcher ends before, they run on.
func (w *Watch) Process(pids ...int) (err error) {
	onItsOwnThread(func() { err = w.process(pids) })
	return err
}

func (w *Watch) process(pids []int) error {
	w.begin()
	w.attached, w.live = true, true
	if !slices.Contains(pids, os.Getpid()) && w.tracepoints() != nil {
		return w.unstopped(pids)
	}
	waker, alarm, err := spawn(false, os.Stdout, "waker", nil)
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.waker, w.alarm = waker, alarm
	w.mu.Unlock()
	for _, pid := range pids {
		if err = w.attach(pid); err != nil {
			w.letGo()
			break
		}
	}
	if failed := w.follow(); err == nil {
		err = failed
	}
	return err
}

// attach attaches to each thread of a process, also to those that it makes meanwhile.
func (w *Watch) attach(pid int) error {
	for found := true; found; {
		found = false
		names, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		if err != nil {
			return fmt.Errorf("there is no process %d", pid)
		}
		for _, name := range names {
			tid, _ := strconv.Atoi(name.Name())
			if w.threads[tid] != nil {
				continue
			}
			if err := ptrace(unix.PTRACE_SEIZE, tid, 0, options); err == unix.ESRCH && tid != pid {
				continue // it has ended
			} else if err != nil {
				return denied(pid, err, fmt.Sprint("-p ", pid))
			}
			found = true
			w.thread(tid)
			ptrace(unix.PTRACE_INTERRUPT, tid, 0, 0)
		}
	}
	return nil
}

// Stop lets processes go that run already. It may be called at any time.
func (w *Watch) Stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over.Store(true)
	if w.traced != nil {
		w.traced.reader.Flush()
	}
	if w.alarm >= 0 {
		unix.Close(w.alarm)
		w.alarm = -1
	}
}

// Signal sends a signal to the command or, when it has ended, to all that is left of what
// it has started. It may be called at any time.
func (w *Watch) Signal(s unix.Signal) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if slices.Contains(w.pids, w.root) {
		unix.Kill(w.root, s)
		return
	}
	for _, pid := range w.pids {
		unix.Kill(pid, s)
	}
}

// Runs reports whether the command has not ended yet. It may be called at any time.
func (w *Watch) Runs() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Contains(w.pids, w.root)
}

// list has Signal know which processes there are.
func (w *Watch) list() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pids = slices.Collect(maps.Keys(w.processes))
}

// letGo has each thread stop once more, to be detached from.
func (w *Watch) letGo() {
	w.ending = true
	for tid := range w.threads {
		ptrace(unix.PTRACE_INTERRUPT, tid, 0, 0)
	}
}

// detach lets a thread go that stands still.
func (w *Watch) detach(t *thread, signal unix.Signal, event int) {
	if event != 0 || signal == unix.SIGTRAP|0x80 {
		signal = 0
	}
	ptrace(unix.PTRACE_DETACH, t.tid, 0, uintptr(signal))
	delete(w.threads, t.tid)
}
