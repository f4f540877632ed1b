package stage

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets/kernel"
)

// Patience is how long a stage may take for the things that a live one does at once: it
// tells its state, begins a call, ends. A call that has begun may stay in the kernel
// without a limit, and Wait has none.
const Patience = 5 * time.Second

// glance is when a process that has not answered is looked at.
const glance = 500 * time.Millisecond

// A SilentError says that a stage's process lives and does not answer.
type SilentError struct {
	Role Role
	PID  int    // 0: it is not known which process has the control socket
	Hung bool   // it has hung up, instead of saying nothing for the time of Patience
	Why  string // its state, as the kernel has it
	Do   string // the command that makes it answer, or ends it; empty: none is known
}

func (e *SilentError) Error() string {
	process := fmt.Sprintf("the %s process", e.Role)
	if e.PID != 0 {
		process += fmt.Sprintf(" %d", e.PID)
	}
	verb := "does not answer"
	if e.Hung {
		verb = "hangs up instead of answering"
	}
	text := fmt.Sprintf("%s %s: %s", process, verb, e.Why)
	if e.Do != "" {
		text += ". " + e.Do
	}
	return text
}

// condition says in what state a process is that does not answer, and what makes it
// answer, if anything does.
func condition(pid int) (state, remedy string) {
	task, err := kernel.Thread(pid, pid)
	if err != nil {
		return "it has ended meanwhile", ""
	}
	state = fmt.Sprintf("its State is %c (%s), says /proc/%d/status", task.State, task.StateName, pid)
	switch task.State {
	case 'T':
		return state, fmt.Sprintf("Let it go on: kill -CONT %d", pid)
	case 't':
		return state, fmt.Sprintf("A debugger holds it: let it go on there. Which one: grep TracerPid /proc/%d/status", pid)
	case 'D':
		return state, fmt.Sprintf("It waits inside the kernel. Where: cat /proc/%d/wchan", pid)
	}
	var limit unix.Rlimit
	if unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &limit) == nil && limit.Cur < FirstControlFD+controlRoom {
		state += fmt.Sprintf(", and its RLIMIT_NOFILE is %d, which may leave it no descriptor to hear fd3 with", limit.Cur)
	}
	return state, ""
}

// errSilent is the cause of a context that limited has ended.
var errSilent = errors.New("no answer")

// limited is a context that ends, with the cause errSilent, unless answered is called
// within Patience, or sooner where the process is stopped. cancel gives back what it
// holds.
func limited(ctx context.Context, stopped func() bool) (limited context.Context, answered, cancel func()) {
	limited, end := context.WithCancelCause(ctx)
	var settled atomic.Bool // by what came first, the answer or the limit
	giveUp := func() {
		if settled.CompareAndSwap(false, true) {
			end(errSilent)
		}
	}
	early := time.AfterFunc(glance, func() {
		if stopped() {
			giveUp()
		}
	})
	late := time.AfterFunc(Patience, giveUp)
	answered = func() {
		settled.CompareAndSwap(false, true)
		early.Stop()
		late.Stop()
	}
	return limited, answered, func() { answered(); end(nil) }
}

// stopped reports whether a signal has stopped a process (SIGSTOP), so that there is no
// use in waiting.
func stopped(pid int) bool {
	task, err := kernel.Thread(pid, pid)
	return err == nil && task.State == 'T'
}
