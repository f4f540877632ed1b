package course

import (
	"context"
	"strings"
	"testing"

	"fd3/lesson"
	"fd3/lesson/course/lab"
)

// recallable are two lessons; the first has two questions, one of which names what an
// experiment reads.
func recallable() []lab.Lesson {
	one := lab.Lesson{ID: "one", Words: `# one: first

## question
Why?

## predict plain: a plain question
What now?

- yes: Yes.
- no: No.

## verdict plain
It is so.

### no
It only looks like that.

## predict read: a question about a value
What of {number}?

- yes: Yes.
- no: No.
`}
	two := lab.Lesson{ID: "two", Words: "# two: second\n\n## question\nWhat?\n\n## recap\n- That."}
	return []lab.Lesson{one.Read(), two.Read()}
}

// A lesson opens with a question of an earlier one, and tells what the kernel said then.
func TestRecall(t *testing.T) {
	p := &Progress{}
	for _, name := range []string{"plain", "read"} {
		p.Predicted("one", name, "no")
		p.answered("one", name, "yes")
	}
	var told []lesson.Event
	say := "no"
	w := &Walk{Lessons: recallable(), Progress: p, Show: func(e lesson.Event) { told = append(told, e) }, Complain: func(err error) { t.Error(err) },
		Ask: func(_ context.Context, p lab.Part) (string, error) {
			if p.Lesson != "one" || p.Name != "plain" {
				t.Errorf("asked for %s %s", p.Lesson, p.Name)
			}
			return say, nil
		}}
	open := func(at Place) (text string) {
		t.Helper()
		told = nil
		w.Anew(at.Lesson)
		if err := w.Go(t.Context(), at, nil); err != nil {
			t.Fatal(err)
		}
		for _, e := range told {
			text += e.Section + " " + e.Text + "\n"
		}
		return text
	}
	if text := open(Place{1, 0}); !strings.Contains(text, "recall From the lesson `one`: a plain question.") ||
		!strings.Contains(text, "recalled The kernel said: Yes.\n\nYou said: No.\n\nIt only looks like that.\nquestion What?") {
		t.Error(text)
	}
	say = ""
	if text := open(Place{1, 0}); !strings.Contains(text, "recalled The kernel said: Yes.\nquestion") {
		t.Error(text)
	}
	say = "yes"
	if text := open(Place{1, 0}); !strings.Contains(text, "You said the same.") {
		t.Error(text)
	}
	for _, at := range []Place{{0, 0}, {1, 1}} { // nothing is earlier; not the beginning
		if text := open(at); strings.Contains(text, "recall") {
			t.Error(text)
		}
	}
	w.Ask = nil
	if text := open(Place{1, 0}); strings.Contains(text, "recall") {
		t.Error(text)
	}
}
