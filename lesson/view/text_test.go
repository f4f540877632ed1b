package view

import (
	"bytes"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"fd3/lesson"
)

// drawn returns events as text of 60 columns.
func drawn(t *testing.T, events ...lesson.Event) string {
	t.Helper()
	var out strings.Builder
	v := NewText(&out, Look{Width: 60})
	for _, e := range events {
		if err := v.Show(e); err != nil {
			t.Fatal(err)
		}
	}
	for line := range strings.Lines(out.String()) {
		if n := ansi.StringWidth(strings.TrimSuffix(line, "\n")); n > 60 {
			t.Errorf("%d columns: %q", n, line)
		}
	}
	return out.String()
}

// A command that shows several facts is named once in a list of evidence, and again in
// the next list.
func TestEvidenceNamesACommandOnce(t *testing.T) {
	fact := func(name string) lesson.Event {
		return lesson.Event{Kind: lesson.KindEvidence, Fact: name, Value: "1", Source: "sock_diag(7)", Command: "ss -tn"}
	}
	list := []lesson.Event{fact("one"), fact("two")}
	if got := drawn(t, list...); strings.Count(got, "$ ss -tn") != 1 || strings.Count(got, "sock_diag(7)") != 2 {
		t.Errorf("%s", got)
	}
	between := lesson.Event{Kind: lesson.KindText, Section: "meaning", Text: "So it is."}
	if got := drawn(t, list[0], between, list[1]); strings.Count(got, "$ ss -tn") != 2 {
		t.Errorf("%s", got)
	}
}

// A call that never returned, since its process was killed in it, says so.
func TestCallThatNeverReturned(t *testing.T) {
	entered := lesson.Event{Kind: lesson.KindEnter, Title: "server", Strace: "accept4(3, "}
	over := lesson.Event{Kind: lesson.KindEvidence, Recap: true, Fact: "status", Value: "killed"}
	if got := drawn(t, entered, over); !strings.Contains(got, "server accept4(3, …\n") {
		t.Errorf("%s", got)
	}
	entered.Strace, entered.Result = "exit_group(0) = ?", "?"
	if got := drawn(t, entered, over); !strings.Contains(strings.ReplaceAll(got, tie, " "), "exit_group(0) = ?  (it never returned)") {
		t.Errorf("%s", got)
	}
}

// A member that is longer than the line has its first bytes and its last.
func TestLongMember(t *testing.T) {
	data := make([]byte, 110)
	copy(data, "\x01\x00/tmp/x")
	copy(data[107:], "end")
	got := drawn(t, lesson.Event{Kind: lesson.KindBytes, Title: "110", Form: "struct", Data: data, Spans: []lesson.Span{
		{Name: "sun_family", Start: 0, End: 2, Value: "AF_UNIX"}, {Name: "sun_path", Start: 2, End: 110, Value: "/tmp/x"}}})
	for _, want := range []string{"01 00", "2f 74 6d 70", " … 65 6e 64"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// A token that takes several rows has its name below the first.
func TestLongTokenIsNamedOnce(t *testing.T) {
	data := []byte(strings.Repeat("x", 100))
	got := drawn(t, lesson.Event{Kind: lesson.KindBytes, Title: "100", Data: data, Spans: []lesson.Span{{Name: "target", Start: 0, End: 100}}})
	if strings.Count(got, "target") != 1 || strings.Count(got, "78") != 100 {
		t.Errorf("%s", got)
	}
}

// Columns are as many as fit, and are read downwards.
func TestColumns(t *testing.T) {
	words := []string{"accept", "bind", "close", "dup", "epoll"}
	for width, want := range map[int]string{
		80: "W\n  accept  bind    close   dup     epoll\n",
		24: "W\n  accept  close   epoll\n  bind    dup\n",
		23: "W\n  accept  dup\n  bind    epoll\n  close\n",
		5:  "W\n  accept\n  bind\n  close\n  dup\n  epoll\n",
	} {
		var out bytes.Buffer
		if err := Columns(&out, Look{Width: width}, List{"W", words}); err != nil || out.String() != want {
			t.Errorf("%d columns: %v\n%s", width, err, out.String())
		}
	}
}

// A picture in the words keeps its lines, has only ASCII where nothing else can be shown,
// and is not there for those who hear the words.
func TestPictures(t *testing.T) {
	const source = "```picture\n╭───╮  ╌▶\n│ a ├─╌═╧\n╰───╯\n```\n\nThe words."
	for name, c := range map[string]struct {
		look Look
		want string
	}{
		"in cells": {Look{}, "      ╭───╮  ╌▶\n      │ a ├─╌═╧\n      ╰───╯\n\n    The words.\n"},
		"in ASCII": {Look{ASCII: true}, "      +---+  ->\n      | a +--==\n      +---+\n\n    The words.\n"},
		"in words": {Look{ASCII: true, Words: true}, "    The words.\n"},
	} {
		var out bytes.Buffer
		c.look.Width = 80
		if err := NewText(&out, c.look).Show(lesson.Event{Kind: lesson.KindText, Section: "other", Text: source}); err != nil || out.String() != c.want {
			t.Errorf("%s: %v\n%s", name, err, out.String())
		}
	}
}

// A table has its columns, of which the widest is broken where room is short. Where there is
// none, and for those who hear it, it is told row by row, each cell with the head of its
// column.
func TestTable(t *testing.T) {
	const source = "| band | folder | model |\n|---|---|---|\n| IP | `net/ipv4/ip_input.c`, `net/ipv4/ip_output.c` | 3 |\n| the program | | 7 |"
	const told = "    - band: IP; folder: `net/ipv4/ip_input.c`, `net/ipv4/ip_output.c`; model: 3\n    - band: the program; model: 7\n"
	for name, c := range map[string]struct {
		look Look
		want string
	}{
		"whole": {Look{Width: 80}, "    band         folder                                         model\n" +
			"    IP           `net/ipv4/ip_input.c`, `net/ipv4/ip_output.c`  3\n    the program                                                 7\n"},
		"short of room": {Look{Width: 60}, "    band         folder                                model\n" +
			"    IP           `net/ipv4/ip_input.c`,                3\n                 `net/ipv4/ip_output.c`\n    the program                                        7\n"},
		"no room": {Look{Width: 42}, "    - band: IP; folder:\n      `net/ipv4/ip_input.c`,\n      `net/ipv4/ip_output.c`; model: 3\n    - band: the program; model: 7\n"},
		"heard":   {Look{Width: 80, Words: true}, told},
	} {
		var out bytes.Buffer
		if err := NewText(&out, c.look).Show(lesson.Event{Kind: lesson.KindText, Section: "other", Text: source}); err != nil || out.String() != c.want {
			t.Errorf("%s: %v\n%s", name, err, out.String())
		}
	}
}
