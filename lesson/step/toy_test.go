package step

import (
	"context"
	"strings"
	"testing"

	"fd3/lesson"
	"fd3/lesson/words"
	"fd3/sockets/stage"
)

// toy is a whole step as a contributor adds one: a value in a file of its own, and
// its words. It makes a second descriptor for the server's newest connection.
var toy = add(Step{
	Name:  "toy",
	Call:  "dup",
	Makes: true,
	On:    talking,
	Needs: func(p plan) (todo, bool) { return p.talk() },
	Order: func(s *scene) stage.Order { return stage.Order{FD: s.call.FD} },
	Facts: []fact{descriptors},
	Cases: func(s *scene, c *cases) { c.add(s.stream(), "stream") },
	Values: func(s *scene, v map[string]string) {
		v["twin"] = v["fd"]
	},
})

const toyWords = `# toy: a second descriptor

## before

Soon there are two.

## meaning

Never told.

## meaning stream

Descriptor {twin} is the same socket.

## next

- ` + "`fd3 close --fd {twin}`" + `: the connection stays.
`

// A step is its value and its words. Nothing else knows of it, and what has to come
// before it, its evidence and its words are all there.
func TestToyStep(t *testing.T) {
	pages["toy"] = words.Read(toyWords)
	h := newStagehand(t)
	if err := h.Do(context.Background(), toy, DefaultOptions()); err != nil {
		t.Fatal(err)
	}
	var recaps []string
	told := make(map[string]lesson.Event)
	for _, e := range h.events {
		if e.Recap && e.Kind == lesson.KindReturn {
			recaps = append(recaps, e.Step)
		}
		if e.Step == "toy" {
			told[string(e.Kind)+" "+e.Section] = e
		}
	}
	if got := strings.Join(recaps, " "); got != "socket setsockopt bind listen socket connect accept" {
		t.Errorf("before it: %s", got)
	}
	call := told["return "]
	if call.Name != "dup" || call.Ret == nil || *call.Ret < 0 {
		t.Fatalf("the call: %+v", call)
	}
	if text := told["text meaning"].Text; !strings.Contains(text, "is the same socket") || strings.Contains(text, "{") {
		t.Errorf("the words: %q", text)
	}
	if next := told["text next"].Command; !strings.HasPrefix(next, "fd3 close --fd ") || strings.Contains(next, "{") {
		t.Errorf("what comes next: %q", next)
	}
	if table := told["evidence "]; table.Fact != "fd table" {
		t.Errorf("the evidence: %+v", table)
	}
}
