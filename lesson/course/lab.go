package course

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// nameless is when a thread is known to sleep in no function that has a name: a
// kernel without CONFIG_KALLSYMS tells none.
const nameless = time.Second

// patience is how long an experiment waits for what the kernel is about to do.
const patience = 5 * time.Second

// A Lab is where one experiment happens: two processes, server and client, that
// are born when they are first used and end with it. Its methods make calls and
// read evidence, and tell of both. What goes wrong, but for the errno of a call
// that is the lesson itself, ends the experiment: the methods panic with a trouble,
// which try catches.
type Lab struct {
	ctx  context.Context
	walk *Walk
	part Part

	preparing *preparation // during setup

	mu    sync.Mutex
	ends  map[stage.Role]*stage.Private
	calls []Made
	own   *serveOwn // fd3's own server, if there is one
	after []func()  // what end has to do besides, the last first
	over  bool

	hidden bool // the Board is empty
}

func newLab(ctx context.Context, w *Walk, p Part) *Lab {
	return &Lab{ctx: ctx, walk: w, part: p, ends: make(map[stage.Role]*stage.Private)}
}

// A trouble is why an experiment cannot go on.
type trouble struct{ error }

// try runs a step; what it panics with as trouble is its error.
func (l *Lab) try(step func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			t, ok := r.(trouble)
			if !ok {
				panic(r)
			}
			err = t.error
			if ctx := l.ctx.Err(); ctx != nil {
				err = ctx
			}
		}
	}()
	step()
	return l.ctx.Err()
}

func (l *Lab) failf(format string, args ...any) {
	panic(trouble{fmt.Errorf(format, args...)})
}

// end ends both processes.
func (l *Lab) end() {
	l.mu.Lock()
	ends, after := l.ends, l.after
	l.ends, l.after, l.over = nil, nil, true
	l.mu.Unlock()
	for _, p := range ends {
		p.End()
	}
	for _, f := range slices.Backward(after) {
		f()
	}
}

// atEnd has something done when the experiment is over, on every way out: what
// was begun last ends first.
func (l *Lab) atEnd(f func()) {
	l.mu.Lock()
	over := l.over
	if !over {
		l.after = append(l.after, f)
	}
	l.mu.Unlock()
	if over {
		f()
	}
}

// process is the process of a role, started if it does not run.
func (l *Lab) process(role stage.Role) *stage.Private {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		panic(trouble{context.Canceled})
	}
	p, ok := l.ends[role]
	if !ok {
		var err error
		if p, err = stage.StartPrivate(role); err != nil {
			panic(trouble{err})
		}
		l.ends[role] = p
	}
	return p
}

func (l *Lab) pid(role stage.Role) int { return l.process(role).PID() }

// kill ends a process of the experiment. The next call in its role starts another.
func (l *Lab) kill(role stage.Role) {
	l.process(role).End()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.ends, role)
}

// do makes one call that does not have to wait, and tells of it.
func (l *Lab) do(role stage.Role, o stage.Order) sockets.Call {
	p := l.begin(role, o)
	select {
	case <-p.over:
	case <-time.After(patience):
		l.failf("%s did not return within %s", o.Do, patience)
	}
	return p.wait()
}

// A pending call is in the kernel, or has returned.
type pending struct {
	lab  *Lab
	role stage.Role
	name string
	over chan struct{} // closed when the call has returned

	call sockets.Call // valid when it is over
	err  error

	mu      sync.Mutex
	entered sockets.Call
}

// begin begins a call that may block; wait has its result.
func (l *Lab) begin(role stage.Role, o stage.Order) *pending {
	process := l.process(role)
	p := &pending{lab: l, role: role, name: o.Do, over: make(chan struct{})}
	go func() {
		defer close(p.over)
		p.call, p.err = process.Do(l.ctx, o, func(c sockets.Call) {
			l.made(role, process.PID(), c)
			p.mu.Lock()
			p.entered = c
			p.mu.Unlock()
		})
	}()
	return p
}

// wait returns when the call does, and tells of it.
func (p *pending) wait() sockets.Call {
	select {
	case <-p.over:
	case <-p.lab.ctx.Done():
		panic(trouble{p.lab.ctx.Err()})
	}
	if p.err != nil {
		p.lab.failf("%s: %w", p.name, p.err)
	}
	p.lab.told(p.role, p.call)
	return p.call
}

// blocks waits until the process sleeps inside the call, and shows where in the
// kernel. It fails if the call returns instead.
func (p *pending) blocks() kernel.Task {
	l := p.lab
	var entered sockets.Call
	l.until(p.name+" to be entered", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		entered = p.entered
		return !entered.Start.IsZero()
	})
	task := l.sleeps(l.pid(p.role), l.pid(p.role), p.name, func(kernel.Task) bool {
		select {
		case <-p.over:
			l.failf("%s returned where it was expected to wait", p.name)
		default:
		}
		return true
	})
	l.showCall(p.role, lesson.Entered(entered))
	path := fmt.Sprintf("/proc/%d/wchan", l.pid(p.role))
	l.show(lesson.Evidence{Fact: string(p.role), Value: task.StateName + " in " + task.Wchan, Source: path, Command: "cat " + path})
	return task
}

// sleeps waits until a thread sleeps in a call, which there knows, and gives where
// in the kernel. A thread that falls asleep between the readings has no function to
// sleep in yet. Where it never has one, the name of the call has to do.
func (l *Lab) sleeps(pid, tid int, call string, there func(kernel.Task) bool) (task kernel.Task) {
	begin := time.Now()
	l.until(call+" to block", func() bool {
		var err error
		task, err = kernel.Thread(pid, tid)
		asleep := err == nil && task.State == 'S' && task.Syscall.Form == kernel.SyscallBlocked
		return there(task) && asleep && (task.Wchan != "" || time.Since(begin) > nameless)
	})
	task.Wchan = cmp.Or(task.Wchan, call)
	return task
}

// told shows a call that has returned.
func (l *Lab) told(role stage.Role, c sockets.Call) {
	if l.preparing != nil {
		l.preparing.add(role, l.pid(role), c)
		return
	}
	l.showCall(role, lesson.Returned(c))
}

// setup makes calls that only prepare what the experiment is about. They are told
// in one line.
func (l *Lab) setup(prepare func()) {
	if l.preparing != nil {
		prepare()
		return
	}
	p := &preparation{}
	l.preparing = p
	func() {
		defer func() { l.preparing = nil }()
		prepare()
	}()
	if len(p.calls) == 0 {
		return
	}
	l.walk.Show(lesson.Event{Kind: lesson.KindSetup, Step: l.part.Lesson, Text: p.text.String(), Calls: p.calls})
}

// A preparation is the calls of a setup: each, and all in a line.
type preparation struct {
	role  stage.Role // of the last
	calls []lesson.Made
	text  strings.Builder
}

func (p *preparation) add(role stage.Role, pid int, c sockets.Call) {
	p.calls = append(p.calls, lesson.Made{Process: string(role), PID: pid, Strace: c.Strace()})
	switch {
	case p.role != role && p.role != "":
		p.text.WriteString("; " + string(role) + ": ")
	case p.role != role:
		p.text.WriteString(string(role) + ": ")
	default:
		p.text.WriteString(", ")
	}
	p.role = role
	p.text.WriteString(c.Name)
	if c.Errno != 0 || c.Ret != 0 {
		p.text.WriteString(" = " + said(c))
	}
}

// said is what a call returned, in a word.
func said(c sockets.Call) string {
	if c.Errno != 0 {
		return c.ErrnoName()
	}
	return fmt.Sprint(c.Ret)
}

// until waits for what the kernel is about to do.
func (l *Lab) until(what string, true func() bool) {
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		switch {
		case true():
			return
		case l.ctx.Err() != nil:
			panic(trouble{l.ctx.Err()})
		case time.Now().After(end):
			l.failf("waited %s for %s", patience, what)
		}
	}
}

// note keeps what was read under the name that the words have for it.
func (l *Lab) note(name string, value any) {
	l.walk.mu.Lock()
	defer l.walk.mu.Unlock()
	l.walk.values[name] = fmt.Sprint(value)
}

// answer says which choice of the prediction the kernel has proved.
func (l *Lab) answer(choice string) {
	l.walk.mu.Lock()
	defer l.walk.mu.Unlock()
	l.walk.answers[l.part.Name] = choice
}

// state is what a process and its sockets say of themselves.
func (l *Lab) state(role stage.Role) stage.State {
	s, err := l.process(role).State(l.ctx)
	if err != nil {
		l.failf("ask the %s process: %w", role, err)
	}
	return s
}

// asked is what the kernel says of one socket of a process.
func (l *Lab) asked(role stage.Role, fd int) stage.Socket {
	for _, x := range l.state(role).Sockets {
		if x.FD == fd {
			return x
		}
	}
	l.failf("the %s process has no socket %d", role, fd)
	return stage.Socket{}
}
