package glossary

import (
	"slices"
	"testing"

	"fd3/lesson"
)

// An entry tells its words, its evidence, where it is written and what is near, as
// much of it as it is asked for.
func TestEntryTells(t *testing.T) {
	e, ok := LookUp("accept queue")
	if !ok {
		t.Fatal("no accept queue")
	}
	for level, want := range map[lesson.Explain][]string{
		lesson.Full:  {"meaning", "evidence", "evidence", "references", "next", "next", "next"},
		lesson.Short: {"meaning", "evidence", "evidence"},
		lesson.None:  {"evidence", "evidence"},
	} {
		var got []string
		e.Tell(level, func(e lesson.Event) {
			if e.Step != "explain" {
				t.Errorf("%+v", e)
			}
			if e.Kind == lesson.KindEvidence {
				got = append(got, "evidence")
			} else {
				got = append(got, e.Section)
			}
		})
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", level, got, want)
		}
	}
}
