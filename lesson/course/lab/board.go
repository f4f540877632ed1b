package lab

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// A Board is the kernel's side at one moment: what it has of the processes of an
// experiment, seen from outside, and the last calls of these.
type Board struct {
	Of     Part             // the experiment or the exercise
	Now    kernel.Snapshot  // without hosts where no process has been born yet, or where it is kept back (Hide)
	Before *kernel.Snapshot // what there was before the step that was begun last; in an exercise, before the last change; nil: nothing has changed
	Err    error            // why Now is older than this moment; nil where it is not
	Calls  []Made           // the oldest first
}

// Event returns the Event that shows what the kernel has, and whether there is anything.
func (b Board) Event() (e lesson.Event, any bool) {
	return lesson.Event{Kind: lesson.KindSnapshot, Step: b.Of.Lesson, Snapshot: &b.Now, Before: b.Before}, len(b.Now.Hosts) > 0
}

// Made is a call of a process, as strace would print it.
type Made struct {
	Role     stage.Role
	PID      int
	Text     string
	Bad      bool // it failed; a connect that has not waited has not
	New      bool // it belongs to the step that was begun last
	Returned bool
	Besides  bool // of a program that is no party
}

// maxMade is how many calls a Board has at most.
const maxMade = 30

// made keeps a call for the Board. A call that returns takes the place of itself
// as it was entered.
func (l *Lab) made(role stage.Role, pid int, c sockets.Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.Returned {
		l.calls = slices.DeleteFunc(l.calls, func(m Made) bool { return m.PID == pid && !m.Returned })
	}
	l.keep(Made{Role: role, PID: pid, Text: c.Strace(), Bad: c.Errno != 0 && c.Errno != unix.EINPROGRESS, New: true, Returned: c.Returned})
	l.network.keep(role, pid, c)
}

// madeBesides keeps a call of a program that is no party.
func (l *Lab) madeBesides(name string, e lesson.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keep(Made{Role: stage.Role(name), PID: e.PID, Text: e.Strace, Bad: e.Errno != 0 && e.Errno != int(unix.EINPROGRESS), New: true, Returned: true, Besides: true})
}

func (l *Lab) keep(m Made) {
	l.calls = append(l.calls, m)
	if len(l.calls) > maxMade {
		l.calls = l.calls[1:]
	}
}

// Mark says that a step begins: what changes from here on stands out on the Board, until
// the next one begins.
func (l *Lab) Mark() {
	l.looking.Lock()
	defer l.looking.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.born)+len(l.besides) == 0 {
		l.history.Look(nil, nil) // there is nothing yet, and nothing that could fail
	}
	l.history.Mark()
	for i := range l.calls {
		l.calls[i].New = false
	}
}

// Board looks at the processes and at the kernel.
func (l *Lab) Board(ctx context.Context) Board {
	l.looking.Lock()
	defer l.looking.Unlock()
	l.mu.Lock()
	b := Board{Of: l.part}
	if l.hidden {
		l.mu.Unlock()
		return b
	}
	b.Calls = slices.Clone(l.calls)
	besides := slices.Clone(l.besides)
	var born []*stage.Private
	for _, name := range l.born {
		born = append(born, l.parties[name])
	}
	names := slices.Clone(l.born)
	network := l.network
	l.mu.Unlock()
	var parties []kernel.Party
	for _, party := range besides {
		if p, runs := party(); runs {
			parties = append(parties, p)
		}
	}
	for i, p := range born {
		parties = append(parties, l.outside(ctx, names[i], p))
	}
	var between *kernel.Cable
	if between, b.Err = network.between(); b.Err == nil {
		b.Err = l.history.Look(parties, between)
	}
	b.Now, b.Before = l.history.Now, l.history.Before
	return b
}

// answer is how long a process has to tell of the connections that it has closed.
const answer = 250 * time.Millisecond

// outside returns a party as it is looked at from outside. Its process is asked for no
// more than the connections that it has closed; one that does not answer has told of the
// earlier ones, and of the others a History knows those that it has seen.
func (l *Lab) outside(ctx context.Context, name stage.Role, p *stage.Private) kernel.Party {
	party, known := l.known[p]
	if !known {
		party = kernel.Party{Name: string(name), PID: p.PID(), Net: l.netOf(name), Own: stage.FirstControlFD}
	}
	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	if s, err := p.State(ctx); err == nil {
		party.Own, party.Left = s.Reserved, nil
		for _, x := range s.Left {
			party.Left = append(party.Left, [2]netip.AddrPort{x.Local.AddrPort(), x.Peer.AddrPort()})
		}
	}
	l.known[p] = party
	return party
}

// OnBoard has the Board show a party that is no process of the Lab's own, as long as it
// runs.
func (l *Lab) OnBoard(party func() (p kernel.Party, runs bool)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.besides = append(l.besides, party)
}

// Hide leaves the Board empty: it would be the answer to the exercise.
func (l *Lab) Hide() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hidden = true
}

// Gone returns the name of a party whose process the learner has ended, or "" if there
// is none.
func (l *Lab) Gone() stage.Role {
	l.mu.Lock()
	defer l.mu.Unlock()
	for role, p := range l.parties {
		if t, err := kernel.Thread(p.PID(), p.PID()); err != nil || t.State == 'Z' {
			return role
		}
	}
	return ""
}
