package tour

import (
	"strings"
	"time"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// breath is how many words a learner reads in one Pace. With a Pace of 5 s that makes 240
// words a minute; adults read English prose silently at 238 (Brysbaert 2019).
const breath = 20

// stay returns how long so many new words stay before the tour goes on by itself: one
// Pace at least.
func (o Options) stay(words int) time.Duration {
	return time.Duration(float64(o.Pace) * float64(max(words, breath)) / breath)
}

// A wordCount counts the words that are written to it, without what only draws.
type wordCount int

func (n *wordCount) Write(text []byte) (int, error) {
	for _, word := range strings.Fields(ansi.Strip(string(text))) {
		if strings.ContainsFunc(word, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
			*n++
		}
	}
	return len(text), nil
}
