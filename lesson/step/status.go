package step

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/stage"
)

// Status tells where the processes stand: what the kernel has of them, also of one that
// does not answer, and the call that one is blocked in. In full it lists their
// descriptors and sockets, with states and queues, and says when they end.
func (r *Runner) Status(ctx context.Context, explain lesson.Explain) error {
	var now sight
	_, err := r.unseen(ctx, nil)
	if err == nil {
		now, err = look(ctx, r.Parties)
	}
	var silent *stage.SilentError
	if err != nil && !errors.As(err, &silent) {
		return err
	}
	if err == nil && len(now.ends) == 0 {
		r.Show(lesson.Event{Kind: lesson.KindText, Section: "status", Text: fmt.Sprintf("No process runs on the stage `%s`. `fd3 socket` starts one.", r.Name)})
		return nil
	}
	out := Lookout{Parties: r.Parties, Cable: r.Cable}
	if failed := out.find(ctx, silent); failed != nil {
		return failed
	}
	if picture, failed := out.look(); failed == nil && len(out.found) > 0 { // a container may hide sock_diag(7)
		r.Show(picture)
	}
	if err != nil {
		return err
	}
	for _, p := range r.Parties {
		end, ok := now.ends[p.Name]
		switch {
		case ok && explain == lesson.Full:
			r.processStatus(ctx, p.Name, end, now)
		case ok && end.Blocked != nil:
			r.standing(ctx, p.Name, end, now)
		}
	}
	if explain != lesson.Full {
		r.Show(lesson.Event{Kind: lesson.KindText, Section: "status", Text: "As a list, with where each line is read: `fd3 status --explain full`"})
	}
	return nil
}

// status is no step: no call is made. Its events bear its name.
var status = &Step{Name: "status"}

func (r *Runner) processStatus(ctx context.Context, role stage.Role, end stage.State, now sight) {
	s := &scene{todo: todo{status, role}, name: r.Name, opts: DefaultOptions(), before: now, after: now}
	r.show(s, lesson.Event{
		Kind:  lesson.KindProcess,
		Title: fmt.Sprintf("The %s process, pid %d", role, end.PID),
		Text: fmt.Sprintf("Runs for %s. Ends by itself in %s if nothing is asked of it; `fd3 reset` ends it now.",
			roughly(time.Since(end.Started), time.Second, "second"), roughly(time.Until(end.EndsIdle), time.Minute, "minute")),
	})
	if end.Blocked != nil {
		r.standing(ctx, role, end, now)
	}
	for _, e := range descriptors(s) {
		r.show(s, e.Event())
	}
	for _, x := range end.Sockets {
		fd := x.FD
		value, note := describe(role, x, now)
		r.show(s, lesson.Event{Kind: lesson.KindSocket, FD: &fd, Value: value, Text: note, Source: "getsockopt(2), sock_diag(7)", Command: socketCommand(x)})
	}
}

// roughly is a time in whole units.
func roughly(d, unit time.Duration, name string) string {
	if d = d.Round(unit); d < unit {
		return "less than a " + name
	}
	return lesson.Took(d)
}

// standing tells the call that a process is blocked in.
func (r *Runner) standing(ctx context.Context, role stage.Role, end stage.State, now sight) {
	s := &scene{todo: todo{status, role}, name: r.Name, opts: DefaultOptions(), before: now, after: now}
	s.call = *end.Blocked
	r.show(s, lesson.Entered(s.call))
	t, _ := s.sleeping()
	r.blocks(ctx, s, t)
}

func socketCommand(x stage.Socket) string {
	if x.Listening || x.Connected() {
		return facts.Show(x)
	}
	return ""
}

// describe is one socket in a line, and what its queues mean in this state.
func describe(role stage.Role, x stage.Socket, now sight) (value, note string) {
	kind := sockets.DomainName(x.Domain) + " " + sockets.TypeName(x.Type)
	switch {
	case x.Listening:
		q, ok := now.queue(role, x)
		if !ok {
			return fmt.Sprintf("%s, LISTEN on %s", kind, x.Local), ""
		}
		return fmt.Sprintf("%s, LISTEN on %s, accept queue %d, backlog %d", kind, x.Local, q.Waiting, q.Backlog), "Here Recv-Q and Send-Q of `ss` count connections: waiting, and the backlog."
	case x.Connected() && x.Domain == unix.AF_UNIX:
		if x.Stream() {
			return fmt.Sprintf("%s, connected, %d unread", kind, x.Unread), ""
		}
		return fmt.Sprintf("%s, connected, %d unread", kind, x.Unread), now.messages(role, x)
	case x.Connected() && x.Stream():
		own, peer := now.rows(role, x)
		state := x.State().String()
		if own != nil {
			state = own.State.String()
		}
		received, sent := now.queues(role, x)
		value = fmt.Sprintf("%s, %s, %s to %s, %d unread, %d not acknowledged", kind, state, x.Local, x.Peer, received.Bytes, sent.Bytes)
		var notes []string
		if peer != nil {
			notes = append(notes, fmt.Sprintf("The other end is in %s.", peer.State))
		}
		for _, counted := range []string{facts.RecvQ(received), facts.SendQ(sent)} {
			if counted != "" {
				notes = append(notes, counted)
			}
		}
		return value, strings.Join(notes, " ")
	case x.Conversation() && x.TCP != nil:
		return fmt.Sprintf("%s, %s, %s to %s, no peer", kind, x.State(), x.Local, x.With), ""
	case x.Connected():
		return fmt.Sprintf("%s, %s to %s, %d unread", kind, x.Local, x.Peer, x.Unread), now.messages(role, x)
	case x.Bound() && x.Type == unix.SOCK_DGRAM:
		return fmt.Sprintf("%s, bound to %s, %d unread", kind, x.Local, x.Unread), now.messages(role, x)
	case x.Bound():
		return fmt.Sprintf("%s, bound to %s", kind, x.Local), ""
	}
	return fmt.Sprintf("%s, no address yet", kind), ""
}

// messages says what is counted of the datagrams that wait at a socket of a party.
func (s sight) messages(role stage.Role, x stage.Socket) string {
	var memory uint32
	if own, _ := s.rows(role, x); own != nil {
		memory = own.RQueue
	}
	return facts.Messages(x.Unread, memory)
}

// Reset ends the processes of the stage.
func (r *Runner) Reset(ctx context.Context, quit func(context.Context, stage.Role) (stage.Farewell, error)) error {
	ended := 0
	for _, p := range r.Parties {
		role := p.Name
		bye, err := quit(ctx, role)
		if errors.Is(err, stage.ErrNone) {
			continue
		} else if err != nil {
			return err
		}
		ended++
		text := fmt.Sprintf("The %s process %d has ended. ", role, bye.PID)
		if bye.Forced != "" {
			text = fmt.Sprintf("The %s process %d did not answer: %s. So `SIGKILL` has ended it. ", role, bye.PID, bye.Forced)
		}
		r.Show(lesson.Event{Kind: lesson.KindText, Process: string(role), PID: bye.PID, Section: "ended",
			Text: text + "The kernel closed its sockets, and its control socket is removed." + Became(bye.Files)})
	}
	if ended == 0 {
		r.Show(lesson.Event{Kind: lesson.KindText, Section: "ended", Text: fmt.Sprintf("No process ran on the stage `%s`.", r.Name)})
	}
	return nil
}

// Became says, in sentences after a space each, what became of the files that bind(2)
// had made.
func Became(files []stage.Removal) string {
	var text strings.Builder
	for _, f := range files {
		if f.Removed {
			fmt.Fprintf(&text, " The file `%s` that its `bind` made is removed.", f.Path)
		} else {
			fmt.Fprintf(&text, " What lies at `%s` is left: %s.", f.Path, f.Left)
		}
	}
	return text.String()
}
