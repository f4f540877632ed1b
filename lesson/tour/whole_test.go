package tour

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"fd3/lesson/course"
)

// The course on the full screen, with right and wrong predictions: all of it where it has
// to suffice, and a third each on terminals of other sizes. One of them changes its size
// again and again.
func TestScreenGoesThroughTheCourse(t *testing.T) {
	ids := course.IDs()
	third := (len(ids) + 2) / 3
	for _, walk := range []struct {
		columns, lines int
		lessons        []string
	}{
		{80, 24, ids},
		{60, 18, ids[:third]},
		{120, 36, ids[third : 2*third]},
		{200, 60, ids[2*third:]},
	} {
		t.Run(fmt.Sprintf("%dx%d", walk.columns, walk.lines), func(t *testing.T) {
			t.Parallel()
			x := open(t, walk.columns, walk.lines, walk.lessons[0])
			x.sees(`THE QUESTION`)
			met := make(map[string]bool)
			for n := 0; ; n++ {
				if place := lessonShown.FindStringSubmatch(x.screen()); place != nil && !met[place[1]] {
					if len(met) == len(walk.lessons) {
						x.press("q")
						break
					}
					met[place[1]] = true
					if walk.columns == 120 {
						x.resize(60, 18)
						x.resize(walk.columns, walk.lines)
						x.sees(lessonShown.String())
					}
				}
				key := x.nextKey(n)
				if key == "" {
					children := x.children()
					if len(children) == 0 {
						t.Error("the last exercise has no process")
					}
					defer x.areGone(children)
					x.press("space")
					break
				}
				x.press(key)
			}
			x.ends(0)
			for _, id := range walk.lessons {
				if !met[id] {
					t.Errorf("the lesson %s never came", id)
				}
			}
		})
	}
}

var lessonShown = regexp.MustCompile(`lesson \d+ of \d+: (\w+), part`)

// nextKey waits until something can be pressed, and returns what the n-th key of a
// learner is: an answer, now the first and now the second, what they may have read, a
// skipped exercise, or Space.
// It is empty at the end of the course.
func (x *terminal) nextKey(n int) (key string) {
	x.t.Helper()
	x.until("a key", func() bool {
		switch skip := x.offers("s"); {
		case x.offers("backspace") && !strings.Contains(x.screen(), "is asked for"):
			key = "enter"
		case x.offers("esc"): // it was no number
			x.press("esc")
			key = "s"
		case skip && x.offers("1"):
			key = fmt.Sprint(1 + n%2)
		case skip:
			key = "s"
		case x.offers("space"):
			key = "space"
		default:
			return false
		}
		return true
	})
	if key == "space" && strings.Contains(x.screen(), "Space end") {
		return ""
	}
	return key
}
