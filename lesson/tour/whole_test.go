package tour

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"fd3/lesson/course"
)

// The whole course on the full screen, from the first lesson to the last, with
// right and wrong predictions, on terminals of all sizes. One of them changes its
// size again and again.
func TestScreenGoesThroughTheCourse(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 36}, {200, 60}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			t.Parallel()
			x := open(t, size[0], size[1], course.IDs()[0])
			x.sees(`THE QUESTION`)
			met := make(map[string]bool)
			for n, vain := 0, 0; ; n++ {
				if place := lessonShown.FindStringSubmatch(x.screen()); place != nil && !met[place[1]] {
					met[place[1]] = true
					if size[0] == 120 {
						x.resize(60, 20)
						x.sees(`80x24`)
						x.resize(size[0], size[1])
						x.sees(lessonShown.String())
					}
				}
				keys := x.nextKeys(n)
				if keys == "" {
					break
				}
				before := x.screen()
				x.press(keys)
				if x.changes(before) {
					vain = 0
				} else if vain++; vain == 10 {
					t.Fatalf("%q does nothing:\n%s", keys, before)
				}
			}
			children := x.children()
			x.press(" ")
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

var (
	lessonShown = regexp.MustCompile(`lesson \d+ of \d+: (\w+), part`)
	sayShown    = regexp.MustCompile(`1-\d answer`)
)

// changes waits a little for the screen to be another than before. It need not
// change: where half a frame was read, the footer was not of the same page.
func (x *terminal) changes(before string) bool {
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); time.Sleep(3 * time.Millisecond) {
		if x.screen() != before {
			return true
		}
	}
	return false
}

// nextKeys waits until something can be pressed, and says what the n-th key of a
// learner is: an answer, now the first and now the second, a skipped exercise, or
// Space. It is empty at the end of the course, and after it: a key that seemed to do
// nothing may have been pressed twice.
func (x *terminal) nextKeys(n int) (keys string) {
	x.t.Helper()
	x.until("a key", func() bool {
		footer := x.footer()
		switch {
		case strings.Contains(footer, "Space end"), x.isGone():
			keys = ""
		case strings.Contains(footer, "s skip") && sayShown.MatchString(footer):
			keys = fmt.Sprint(1 + n%2)
		case strings.Contains(footer, "s skip"):
			keys = "s"
		case strings.Contains(footer, "Space "):
			keys = " "
		default:
			return false
		}
		return true
	})
	return keys
}
