package tour

import (
	"strings"
	"testing"
	"time"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/view"
)

// By itself the tour stays as long as there is to read.
func TestStay(t *testing.T) {
	for _, c := range []struct {
		pace  time.Duration
		words int
		want  time.Duration
	}{
		{5 * time.Second, 0, 5 * time.Second},
		{5 * time.Second, 20, 5 * time.Second},
		{5 * time.Second, 100, 25 * time.Second},
		{0, 100, 0},
		{time.Microsecond, 40, 2 * time.Microsecond},
	} {
		if got := (Options{Pace: c.pace}).stay(c.words); got != c.want {
			t.Errorf("%d words at %s stay for %s, not %s", c.words, c.pace, got, c.want)
		}
	}
}

func TestWordCount(t *testing.T) {
	var n wordCount
	n.Write([]byte("\x1b[1m── A word\x1b[0m, `listen(3, 1) = 0` ███░░ ▶ 漢字\n"))
	if n != 6 {
		t.Errorf("%d words", n)
	}
}

// Of a page only what is in sight and new has to be read.
func TestNewWords(t *testing.T) {
	s := still(view.Look{}, lab.Explain)
	s.resize(80, 24)
	text := func(words int) lesson.Event {
		return lesson.Event{Kind: lesson.KindText, Section: "explain", Text: strings.Repeat("word ", words)}
	}
	p := s.page()
	p.events = []lesson.Event{text(50)}
	all := s.newWords()
	if all < 50 || all > 55 { // with the heading
		t.Errorf("%d words", all)
	}
	p.follow()
	p.events = append(p.events, text(10))
	if now := s.newWords(); now < 10 || now > 15 {
		t.Errorf("after that %d words", now)
	}
	p.events = []lesson.Event{text(5000)}
	p.unread = 0
	if now := s.newWords(); now > 24*80/5 {
		t.Errorf("%d words in sight", now)
	}
}
