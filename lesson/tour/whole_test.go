package tour

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"fd3/lesson/course"
)

// The whole course on the full screen, from the first lesson to the last, with
// right and wrong predictions, on terminals of all sizes. One of them changes its
// size again and again.
func TestScreenGoesThroughTheCourse(t *testing.T) {
	for _, size := range [][2]int{{60, 18}, {80, 24}, {120, 36}, {200, 60}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			t.Parallel()
			x := open(t, size[0], size[1], course.IDs()[0])
			x.sees(`THE QUESTION`)
			met := make(map[string]bool)
			for n := 0; ; n++ {
				if place := lessonShown.FindStringSubmatch(x.screen()); place != nil && !met[place[1]] {
					met[place[1]] = true
					if size[0] == 120 {
						x.resize(60, 18)
						x.resize(size[0], size[1])
						x.sees(lessonShown.String())
					}
				}
				key := x.nextKey(n)
				if key == "" {
					break
				}
				x.press(key)
			}
			children := x.children()
			x.press("space")
			x.ends(0)
			if len(children) == 0 {
				t.Error("the last exercise has no process")
			}
			x.areGone(children)
			for _, id := range course.IDs() {
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
