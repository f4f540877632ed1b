package main

import (
	"testing"

	"fd3/lesson"
)

// What a learner reads can be typed as it stands.
func TestCommandsNameTheStage(t *testing.T) {
	e := lesson.Event{
		Command: "fd3 on server -- ss -ltn; fd3 status",
		Text:    "fd3 takes `fd3 wire\ndown`, and `fd3 on --stage other client`, and `fd3`:\n\n    fd3 wire next   # once\n\nso `ss -ltn`.",
	}
	for _, c := range []struct {
		flag            stageFlag
		command, text   string
		complaint, want string
	}{
		{"", e.Command, e.Text, "no network. Make one: fd3 wire up", "no network. Make one: fd3 wire up"},
		{"zoo", "fd3 --stage zoo on server -- ss -ltn; fd3 --stage zoo status",
			"fd3 takes `fd3 --stage zoo wire\ndown`, and `fd3 on --stage other client`, and `fd3`:\n\n    fd3 --stage zoo wire next   # once\n\nso `ss -ltn`.",
			"fd3 needs more. Make one: fd3 wire up", "fd3 needs more. Make one: fd3 --stage zoo wire up"},
	} {
		if got := c.flag.event(e); got.Command != c.command || got.Text != c.text {
			t.Errorf("%q: %q, %q", c.flag, got.Command, got.Text)
		}
		if got := c.flag.line(c.complaint); got != c.want {
			t.Errorf("%q: %q", c.flag, got)
		}
	}
}
