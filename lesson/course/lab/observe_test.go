package lab

import "testing"

func TestReadings(t *testing.T) {
	for _, test := range []struct {
		read, said    string
		legible, same bool
	}{
		{"2", "2", true, true},
		{" 2 connections", "2", true, true},
		{"-1", "-1", true, true},
		{"002", "2", true, true},
		{"3", "2", true, false},
		{"two", "2", false, false},
		{"", "2", false, false},
		{"99999999999999999999", "2", false, false},
		{"SYN_SENT", "SYN_SENT", true, true},
		{"syn-sent", "SYN_SENT", true, true},
		{"estab", "ESTABLISHED", true, true},
		{"fin-wait-2", "FIN_WAIT2", true, true},
		{"close-wait", "TIME_WAIT", true, false},
		{"2", "LISTEN", false, false},
		{"listening", "LISTEN", false, false},
		{"eaddrinuse", "EADDRINUSE", true, true},
		{"EAGAIN", "EADDRINUSE", true, false},
	} {
		if legible := Instead(test.read, test.said) == ""; legible != test.legible {
			t.Errorf("%q of %q is legible: %v", test.read, test.said, legible)
		}
		if same := test.legible && SameReading(test.read, test.said); same != test.same {
			t.Errorf("%q is what the kernel said, %q: %v", test.read, test.said, same)
		}
	}
}

func TestObservationIsAPartOfAnExperiment(t *testing.T) {
	l := Lesson{ID: "one", Words: `# one: a lesson

## experiment a: about it

Watch it.

- look: Now.

### observe number

How many
are there?

Look: at the row
of them.

## verdict a

There are {number}.
`}.Read()
	want := Observation{Note: "number", Text: "How many\nare there?", Look: "at the row of them."}
	if got := l.Observation("a"); got != want {
		t.Errorf("%+v", got)
	}
	if p := l.Parts[0]; p.Text != "Watch it." || len(p.Steps) != 1 || len(p.About) != 0 {
		t.Errorf("%+v", p)
	}
	if got := l.Observation("b"); got != (Observation{}) {
		t.Errorf("%+v", got)
	}
}
