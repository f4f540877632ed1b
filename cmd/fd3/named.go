package main

import (
	"regexp"
	"strings"

	"fd3/lesson"
)

// A stageFlag is the name of the stage that --stage has given, or "" where nothing has, or
// FD3_STAGE. What is typed next has to name the stage again: the commands of fd3 that a
// learner reads have the flag too.
type stageFlag string

var (
	inCode   = regexp.MustCompile("(?m)`[^`]+`|^    .*$") // of Markdown
	atItsEnd = regexp.MustCompile(`: fd3 [a-z].*$`)       // of an error
	ofFD3    = regexp.MustCompile(`\bfd3(\s+[a-z])`)
)

// command returns a command with the flag.
func (s stageFlag) command(text string) string {
	if s == "" || strings.Contains(text, "--stage") {
		return text
	}
	return ofFD3.ReplaceAllString(text, "fd3 --stage "+string(s)+"$1")
}

// event returns an Event with the flag in each command that it offers.
func (s stageFlag) event(e lesson.Event) lesson.Event {
	e.Command = s.command(e.Command)
	e.Text = inCode.ReplaceAllStringFunc(e.Text, s.command)
	return e
}

// show is output.show, with the flag in what is shown.
func (a *app) show(failed *error) (func(lesson.Event), error) {
	show, err := a.output.show(failed)
	return func(e lesson.Event) { show(a.flag.event(e)) }, err
}

// line returns the line of an error with the flag in the command that it ends with.
func (s stageFlag) line(text string) string {
	return atItsEnd.ReplaceAllStringFunc(text, s.command)
}
