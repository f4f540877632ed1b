package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// A Board is the kernel's side at one moment: the processes of the experiment,
// what they have open, and the last calls.
type Board struct {
	Of      Part    // the experiment or the exercise
	Parties []Party // those that run: the server, the client, then others as they were born
	Calls   []Made  // the oldest first
}

// A Party is one process.
type Party struct {
	Role  stage.Role
	PID   int
	Doing string // the call that it is blocked in and where in the kernel; empty: it stands still
	Rows  []Row
}

// A Row is one open descriptor.
type Row struct {
	FD   int
	Text string // what it is: "LISTEN 127.0.0.1:8080", "/dev/null"
	Bars []Bar
}

// A Bar is how much of something there is.
type Bar struct {
	Name       string
	Have, Full int64
	Text       string // how much, in words
}

// Made is a call of a process, as strace would print it.
type Made struct {
	Role stage.Role
	PID  int
	Text string
	Bad  bool // it failed; a connect that has not waited has not

	returned bool
}

// maxMade is how many calls a Board shows at most.
const maxMade = 30

// made keeps a call for the Board. A call that returns takes the place of itself
// as it was entered.
func (l *Lab) made(role stage.Role, pid int, c sockets.Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.Returned {
		l.calls = slices.DeleteFunc(l.calls, func(m Made) bool { return m.PID == pid && !m.returned })
	}
	l.calls = append(l.calls, Made{role, pid, c.Strace(), c.Errno != 0 && c.Errno != unix.EINPROGRESS, c.Returned})
	if len(l.calls) > maxMade {
		l.calls = l.calls[1:]
	}
}

// Board returns what the parties and the kernel say at this moment.
func (l *Lab) Board(ctx context.Context) Board {
	l.mu.Lock()
	if l.hidden {
		l.mu.Unlock()
		return Board{Of: l.part}
	}
	b, others := Board{Of: l.part, Calls: slices.Clone(l.calls)}, slices.Clone(l.others)
	var running []*stage.Private
	var names []stage.Role
	for _, name := range l.born {
		running, names = append(running, l.parties[name]), append(names, name)
	}
	l.mu.Unlock()
	for _, other := range others {
		b.Parties = append(b.Parties, other()...)
	}
	for i, p := range running {
		s, err := p.State(ctx)
		var silent *stage.SilentError
		switch {
		case errors.As(err, &silent):
			b.Parties = append(b.Parties, Party{Role: names[i], PID: p.PID(), Doing: doing(p.PID())})
		case err == nil:
			b.Parties = append(b.Parties, party(names[i], s))
		default: // it has just ended
		}
	}
	return b
}

// doing says what a process does that does not answer.
func doing(pid int) string {
	task, err := kernel.Thread(pid, pid)
	switch {
	case err == nil && task.State == 'T':
		return "stopped by a signal"
	case err == nil:
		return "does not answer: " + task.StateName
	}
	return "does not answer"
}

func party(role stage.Role, s stage.State) Party {
	e := Party{Role: role, PID: s.PID}
	if s.Blocked != nil {
		e.Doing = "blocked in " + s.Blocked.Name
		if t, err := kernel.Thread(s.PID, s.TID); err == nil && t.Wchan != "" {
			e.Doing += ", " + t.Wchan
		}
	}
	known := make(map[int]stage.Socket)
	for _, x := range s.Sockets {
		known[x.FD] = x
	}
	first, others := make(map[string]int), make(map[string][]string)
	fds, _, _ := s.Descriptors()
	for _, fd := range fds {
		if fd.Number < 3 {
			continue
		}
		row := Row{FD: fd.Number, Text: fd.Target}
		if x, ok := known[fd.Number]; ok {
			row.Text, row.Bars = Describe(x)
			if x.State() == kernel.SynSent { // of those that wait for the same answer one row says all
				to := fmt.Sprintf("%s to %s", x.State(), x.With)
				if i, more := first[to]; more {
					others[to] = append(others[to], fmt.Sprint(row.FD))
					e.Rows[i].Text, e.Rows[i].Bars = fmt.Sprintf("and %s: %s", strings.Join(others[to], ", "), to), nil
					continue
				}
				first[to] = len(e.Rows)
			}
		}
		e.Rows = append(e.Rows, row)
	}
	return e
}

// OnBoard has the Board show what is no process of the experiment.
func (l *Lab) OnBoard(parties func() []Party) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.others = append(l.others, parties)
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

// Describe returns what a socket is, and how full its queues are.
func Describe(x stage.Socket) (string, []Bar) {
	if x.Listening && x.TCP != nil {
		return fmt.Sprintf("LISTEN %s", x.Local), []Bar{queueBar(x.TCP)}
	}
	kind := strings.TrimPrefix(sockets.DomainName(x.Domain), "AF_") + " " + strings.TrimPrefix(sockets.TypeName(x.Type), "SOCK_")
	bars := []Bar{bytesBar("unread", received(x), x.RecvBuf, "Recv-Q"), bytesBar("not acknowledged", x.Unacked(), x.SendBuf, "Send-Q")}
	switch {
	case x.Listening:
		return fmt.Sprintf("LISTEN %s", x.Local), nil
	case x.TCP != nil && x.Conversation():
		return fmt.Sprintf("%s %s to %s", x.State(), x.Local, x.With), bars
	case x.Domain == unix.AF_UNIX && x.Connected():
		return kind + " connected", bars[:1]
	case x.Bound() && x.Stream():
		return fmt.Sprintf("%s bound to %s", kind, x.Local), nil
	case x.Bound():
		return fmt.Sprintf("%s bound to %s", kind, x.Local), bars[:1]
	}
	return kind + ", no address", nil
}

// queueBar is the accept queue of a listener. It holds one more than the backlog.
func queueBar(t *unix.TCPInfo) Bar {
	return Bar{"accept queue", int64(t.Unacked), int64(t.Sacked) + 1, fmt.Sprintf("%d waiting, backlog %d", t.Unacked, t.Sacked)}
}

// received is what waits to be read at a socket. A FIN of the peer's waits there too,
// and only the kernel's row tells whether it still does.
func received(x stage.Socket) kernel.Queued {
	switch state := x.State(); state {
	case kernel.CloseWait, kernel.Closing, kernel.LastAck:
		rows, _ := kernel.Own().TCP(state)
		if row := rows.Find(x.Local.AddrPort(), x.With.AddrPort()); row != nil {
			return row.Unread()
		}
	}
	return kernel.Queued{Bytes: x.Unread}
}

// bytesBar is a queue of bytes. Where a FIN is counted with them, it says what ss(8)
// shows in its column.
func bytesBar(name string, have kernel.Queued, full int, column string) Bar {
	text := fmt.Sprintf("%d of %d bytes", have.Bytes, full)
	if have.FIN {
		text += fmt.Sprintf(", %s %d with the FIN", column, have.Total())
	}
	return Bar{name, int64(have.Bytes), int64(full), text}
}
