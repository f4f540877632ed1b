package lab

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"fd3/lesson"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// Nameless is when a thread is known to sleep in no function that has a name: a
// kernel without CONFIG_KALLSYMS tells none.
const Nameless = time.Second

// Patience is how long an experiment waits for what the kernel is about to do.
const Patience = 5 * time.Second

// A Lab is where one experiment happens: its parties, processes that are born when
// they are first used and end with it. Most experiments have a server and a client;
// there may be any others. The methods of a Lab make calls and read evidence, and
// tell of both. Any error, but for the errno of a call that is the lesson itself, ends
// the experiment: the methods panic with a trouble, which Try catches.
type Lab struct {
	ctx       context.Context
	part      Part
	showEvent func(lesson.Event)
	notes     *Notes

	preparing bool         // within Setup
	prepared  *preparation // what Setup has made and is not told yet

	mu       sync.Mutex
	parties  map[stage.Role]*stage.Private
	born     []stage.Role // the parties: Server, Client, then others as they were born
	calls    []Made
	besides  []func() (kernel.Party, bool) // on the Board besides the parties, as long as they run
	after    []func()                      // for End to do besides, the last first
	programs int                           // that run besides the parties
	seen     map[netip.AddrPort]bool       // addresses that the parties' sockets had
	over     bool

	hidden bool // the Board is empty

	network *Network // nil: the parties are on this machine's own

	looking sync.Mutex // for what follows
	history kernel.History
	known   map[*stage.Private]kernel.Party // as they were looked at last
}

// New returns the Lab of one experiment or exercise. It tells of it by show, and
// writes to notes.
func New(ctx context.Context, p Part, show func(lesson.Event), notes *Notes) *Lab {
	return &Lab{ctx: ctx, part: p, showEvent: show, notes: notes, parties: make(map[stage.Role]*stage.Private), known: make(map[*stage.Private]kernel.Party)}
}

// Context returns the context that ends the experiment.
func (l *Lab) Context() context.Context { return l.ctx }

// A trouble is why an experiment cannot go on.
type trouble struct{ error }

// Try runs a step, and returns why it could not go on, or nil if it came to its end.
func (l *Lab) Try(step func()) (err error) {
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
	defer l.tellPrepared()
	step()
	return l.ctx.Err()
}

// Fatalf ends the step with an error.
func (l *Lab) Fatalf(format string, args ...any) {
	panic(trouble{fmt.Errorf(format, args...)})
}

// End ends the parties, and calls the functions of Cleanup.
func (l *Lab) End() {
	l.mu.Lock()
	parties, after := l.parties, l.after
	l.parties, l.born, l.after, l.over = nil, nil, nil, true
	l.mu.Unlock()
	for _, p := range parties {
		p.End()
	}
	for _, f := range slices.Backward(after) {
		f()
	}
}

// Cleanup has f called when the experiment is over, on every way out. The functions of
// several calls run in reverse order.
func (l *Lab) Cleanup(f func()) {
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

// Runs says that a program runs besides the parties, with timeouts of its own. stop
// ends it when the experiment is over.
func (l *Lab) Runs(stop func()) {
	l.Cleanup(stop)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.programs++
}

// process returns the process of a party, and starts it if it does not run.
func (l *Lab) process(role stage.Role) *stage.Private {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		panic(trouble{context.Canceled})
	}
	p, ok := l.parties[role]
	if !ok {
		var err error
		if p, err = stage.StartPrivate(l.network.place(role), role); err != nil {
			panic(trouble{err})
		}
		l.parties[role] = p
		l.born = append(l.born, role)
		slices.SortStableFunc(l.born, func(a, b stage.Role) int { return cmp.Compare(place(a), place(b)) })
	}
	return p
}

// place returns where a party stands among the others: the server and the client, of
// which nearly every lesson tells, come first.
func place(role stage.Role) int {
	switch role {
	case Server:
		return 0
	case Client:
		return 1
	}
	return 2
}

// PID returns the number of the process of a party, and starts it if it does not run.
func (l *Lab) PID(role stage.Role) int { return l.process(role).PID() }

// Kill ends the process of a party, if it has one. The next call in its name starts
// another.
func (l *Lab) Kill(role stage.Role) {
	l.mu.Lock()
	p := l.parties[role]
	delete(l.parties, role)
	l.born = slices.DeleteFunc(l.born, func(r stage.Role) bool { return r == role })
	l.mu.Unlock()
	if p != nil {
		p.End()
	}
}

// Do makes one call of a party that does not have to wait, and tells of it.
func (l *Lab) Do(role stage.Role, o stage.Order) sockets.Call {
	p := l.Begin(role, o)
	select {
	case <-p.over:
	case <-time.After(Patience):
		l.Fatalf("%s did not return within %s", o.Do, Patience)
	}
	return p.Wait()
}

// A Pending call is in the kernel, or has returned.
type Pending struct {
	lab  *Lab
	role stage.Role
	name string
	over chan struct{} // closed when the call has returned

	call sockets.Call // valid when it is over
	err  error

	mu      sync.Mutex
	entered sockets.Call
}

// Begin begins a call that may block. Pending.Wait has its result.
func (l *Lab) Begin(role stage.Role, o stage.Order) *Pending {
	process := l.process(role)
	p := &Pending{lab: l, role: role, name: o.Do, over: make(chan struct{})}
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

// Done returns a channel that is closed when the call has returned.
func (p *Pending) Done() <-chan struct{} { return p.over }

// Wait returns when the call does, and tells of it.
func (p *Pending) Wait() sockets.Call {
	select {
	case <-p.over:
	case <-p.lab.ctx.Done():
		panic(trouble{p.lab.ctx.Err()})
	}
	if p.err != nil {
		p.lab.Fatalf("%s: %w", p.name, p.err)
	}
	p.lab.told(p.role, p.call)
	return p.call
}

// Blocks waits until the process sleeps inside the call, and shows where in the
// kernel. It fails if the call returns instead.
func (p *Pending) Blocks() kernel.Task {
	l := p.lab
	var entered sockets.Call
	l.Until(p.name+" to be entered", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		entered = p.entered
		return !entered.Start.IsZero()
	})
	task := l.Sleeps(l.PID(p.role), l.PID(p.role), p.name, func(kernel.Task) bool {
		select {
		case <-p.over:
			l.Fatalf("%s returned where it was expected to wait", p.name)
		default:
		}
		return true
	})
	l.showCall(p.role, lesson.Entered(entered))
	l.Show(facts.Asleep(string(p.role), l.PID(p.role), task))
	return task
}

// Sleeps waits until a thread sleeps in a call, which there knows, and returns where
// in the kernel. A thread that falls asleep between the readings has no function to
// sleep in yet. Where it never has one, the name of the call has to do.
func (l *Lab) Sleeps(pid, tid int, call string, there func(kernel.Task) bool) (task kernel.Task) {
	begin := time.Now()
	l.Until(call+" to block", func() bool {
		var err error
		task, err = kernel.Thread(pid, tid)
		asleep := err == nil && task.State == 'S' && task.Syscall.Form == kernel.SyscallBlocked
		return there(task) && asleep && (task.Wchan != "" || time.Since(begin) > Nameless)
	})
	task.Wchan = cmp.Or(task.Wchan, call)
	return task
}

// told shows a call that has returned.
func (l *Lab) told(role stage.Role, c sockets.Call) {
	if l.preparing {
		l.prepared.add(role, l.PID(role), c)
		return
	}
	l.showCall(role, lesson.Returned(c))
}

// Setup makes calls that the experiment is not about: they prepare it, or end what is
// over, or make once more what was seen before. They are told in one line, with those of
// the next Setup if nothing else is told in between.
func (l *Lab) Setup(prepare func()) {
	if l.preparing {
		prepare()
		return
	}
	if l.prepared == nil {
		l.prepared = &preparation{}
	}
	l.preparing = true
	defer func() { l.preparing = false }()
	prepare()
}

// tellPrepared tells of what Setup has made.
func (l *Lab) tellPrepared() {
	p := l.prepared
	l.prepared = nil
	if p != nil && len(p.calls) > 0 {
		l.Tell(lesson.Event{Kind: lesson.KindSetup, Text: p.text.String(), Calls: p.calls})
	}
}

// A preparation is the calls of a setup: each, and all in a line.
type preparation struct {
	who   string // has made the last
	calls []lesson.Made
	text  strings.Builder
}

func (p *preparation) add(role stage.Role, pid int, c sockets.Call) {
	p.calls = append(p.calls, lesson.Made{Process: string(role), PID: pid, Strace: c.Strace()})
	p.write(string(role), c.Name, Said(c))
}

// told adds a call of a program that is no party.
func (p *preparation) told(name string, e lesson.Event) {
	p.calls = append(p.calls, lesson.Made{Process: name, PID: e.PID, Strace: e.Strace})
	said := e.ErrnoName
	if said == "" {
		said = fmt.Sprint(*e.Ret)
	}
	p.write(fmt.Sprintf("%s %d", name, e.PID), e.Name, said)
}

// write writes a call behind the others, and whose it is if they were somebody else's.
func (p *preparation) write(who, call, said string) {
	switch {
	case p.who != who && p.who != "":
		p.text.WriteString("; " + who + ": ")
	case p.who != who:
		p.text.WriteString(who + ": ")
	default:
		p.text.WriteString(", ")
	}
	p.who = who
	p.text.WriteString(call)
	if said != "0" {
		p.text.WriteString(" = " + said)
	}
}

// Said returns what a call returned, in a word.
func Said(c sockets.Call) string {
	if c.Errno != 0 {
		return c.ErrnoName()
	}
	return fmt.Sprint(c.Ret)
}

// Until waits for what the kernel is about to do, and ends the step if that does not
// come within Patience.
func (l *Lab) Until(what string, reached func() bool) {
	for end := time.Now().Add(Patience); ; time.Sleep(2 * time.Millisecond) {
		switch {
		case reached():
			return
		case l.ctx.Err() != nil:
			panic(trouble{l.ctx.Err()})
		case time.Now().After(end):
			l.Fatalf("waited %s for %s", Patience, what)
		}
	}
}

// Note keeps what was read under the name that the words have for it.
func (l *Lab) Note(name string, value any) { l.notes.note(name, fmt.Sprint(value)) }

// Answer notes which choice of the prediction the kernel has proved.
func (l *Lab) Answer(choice string) { l.notes.answer(l.part.Name, choice) }

// State returns what a party and its sockets say of themselves.
func (l *Lab) State(role stage.Role) stage.State {
	s, err := l.process(role).State(l.ctx)
	if err != nil {
		l.Fatalf("ask the %s process: %w", role, err)
	}
	l.remember(s)
	return s
}

// Ask returns what the kernel says of one socket of a party.
func (l *Lab) Ask(role stage.Role, fd int) stage.Socket {
	for _, x := range l.State(role).Sockets {
		if x.FD == fd {
			return x
		}
	}
	l.Fatalf("the %s process has no socket %d", role, fd)
	return stage.Socket{}
}
