package step

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"fd3/lesson"
	"fd3/lesson/words"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// opening tells what is about to happen.
func (r *Runner) opening(s *scene) {
	s.known = nil
	if s.opts.Explain == recapOnly {
		return
	}
	r.show(s, lesson.Event{Kind: lesson.KindStep, Title: page(s.step.Name).Title, Life: life(s.role)})
	if s.opts.Explain != lesson.None {
		r.say(s, "before", s.step.Name, "before")
	}
}

// closing tells what has happened: the arguments, the bytes, the evidence, what
// it means, what to try and what comes next.
func (r *Runner) closing(ctx context.Context, s *scene) {
	s.known = nil
	full := s.opts.Explain == lesson.Full
	failed := s.failed()
	if s.opts.Explain == recapOnly {
		r.recap(s)
		return
	}
	if full {
		r.arguments(s)
	}
	r.bytes(s)
	if failed {
		r.failure(s)
	} else {
		r.evidence(s, s.step.Facts)
		if full {
			r.say(s, "meaning", s.step.Name, "meaning")
		}
	}
	if s.opts.Explain != lesson.None && (!failed || s.step.Answers) && !s.opts.goesOn {
		if full {
			r.commands(s, "try")
		}
		r.lies(ctx, s)
		r.commands(s, "next")
	}
}

// recap tells a prerequisite in one line, or why it failed.
func (r *Runner) recap(s *scene) {
	e := lesson.Returned(s.call)
	if s.failed() {
		r.show(s, e)
		if !s.interrupted {
			r.failure(s)
		}
		return
	}
	e.Text = r.text(s, s.step.Name, "recap")
	r.show(s, e)
}

// failure tells what an errno means for this call, with the evidence for it.
func (r *Runner) failure(s *scene) {
	r.evidence(s, failures[s.call.Errno])
	if s.opts.Explain == lesson.None {
		return
	}
	heading := s.call.ErrnoName()
	places := []struct{ id, heading string }{{s.step.Name, heading}, {"errno", heading}, {"errno", "other"}}
	if same := making(s.step.Call); same != nil { // an inner step shares the words of the call's own
		places = slices.Insert(places, 1, struct{ id, heading string }{same.Name, heading})
	}
	for _, place := range places {
		if _, ok := page(place.id).Section(place.heading, s.cases()...); ok {
			r.say(s, "errno", place.id, place.heading)
			return
		}
	}
}

func (r *Runner) evidence(s *scene, facts []fact) {
	for _, fact := range facts {
		for _, e := range fact(s) {
			r.show(s, e.Event())
		}
	}
}

func (r *Runner) arguments(s *scene) {
	for _, a := range s.call.Args {
		text, ok := page(s.step.Name).Section("arguments/"+a.Name, s.cases()...)
		if !ok {
			continue
		}
		r.show(s, lesson.Event{Kind: lesson.KindArgument, Name: a.Name, Value: a.Value, Text: r.filled(s, text)})
	}
}

// say shows a section of the words.
func (r *Runner) say(s *scene, section, id, heading string) {
	if text := r.text(s, id, heading); text != "" {
		r.show(s, lesson.Event{Kind: lesson.KindText, Section: section, Text: text})
	}
}

// text is a section of the words in the variant that fits, with its values.
func (r *Runner) text(s *scene, id, heading string) string {
	raw, ok := page(id).Section(heading, s.cases()...)
	if !ok {
		r.complain(fmt.Errorf("%s.md has no section %q", id, heading))
		return ""
	}
	return r.filled(s, raw)
}

func (r *Runner) filled(s *scene, text string) string {
	filled, err := words.FillParagraphs(text, s.values())
	r.unknown(s, err)
	return filled
}

// unknown complains of values that the words name and the kernel did not tell.
func (r *Runner) unknown(s *scene, err error) {
	if err != nil {
		r.complain(fmt.Errorf("%s after %s: %w", s.step.Name, s.call.Strace(), err))
	}
}

func (r *Runner) complain(err error) {
	if r.Complain != nil {
		r.Complain(err)
	}
}

// commands shows a section that is a list of commands: "- `command`: words".
func (r *Runner) commands(s *scene, section string) { r.list(s, section, s.step.Name, section) }

// list shows a list of commands in the words.
func (r *Runner) list(s *scene, section, id, heading string) {
	raw, ok := page(id).Section(heading, s.cases()...)
	if !ok {
		return
	}
	items, err := words.Commands(raw, s.values())
	r.unknown(s, err)
	for _, item := range items {
		r.show(s, lesson.Event{Kind: lesson.KindText, Section: section, Command: s.around(item.Name), Text: item.Text})
	}
}

// show fills in what every event of a scene says, and passes it on.
func (r *Runner) show(s *scene, e lesson.Event) {
	e.Step, e.Process, e.PID = s.step.Name, string(s.role), s.pid()
	e.Recap = s.opts.Explain == recapOnly
	e.Command = s.there(e.Command)
	r.Show(e)
}

// asksNetwork are the commands that say what the network namespace has that they run in,
// and the host that they are about; empty: that of the process.
var asksNetwork = map[string]stage.Role{"ss": "", "ip": "", "sysctl": "", "nstat": server, "curl": client}

// there returns a command as it is typed for a host, where the process does not stand on
// this machine's own network. Who listens is asked at the server.
func (s *scene) there(command string) string {
	tool, _, _ := strings.Cut(command, " ")
	about, asks := asksNetwork[tool]
	if s.after.party(s.role).Net == kernel.Own() || !asks {
		return command
	}
	if strings.HasPrefix(command, "ss -l") {
		about = server
	}
	return onHost(cmp.Or(about, s.role), command)
}

// around is there for a command of the words, which looks at both ends.
func (s *scene) around(command string) string {
	typed := s.there(command)
	if typed == command || !strings.HasPrefix(command, "ss ") || strings.HasPrefix(command, "ss -l") {
		return typed
	}
	return onHost(client, command) + "; " + onHost(server, command)
}

func onHost(role stage.Role, command string) string {
	return fmt.Sprintf("fd3 on %s -- %s", role, command)
}
