package lab

import (
	"strings"
	"testing"
)

// Reading is by the words, and doing by what there is to do.
func TestMinutes(t *testing.T) {
	words := func(n int) string { return strings.Repeat("word ", n) }
	l := Lesson{Words: "# x: x\n\n## question\n" + words(100)}
	if reading, doing := l.Read().Minutes(); reading != 1 || doing != 0 {
		t.Errorf("%d and %d", reading, doing)
	}
	l.Words += "\n\n## predict a\n" + words(50) + "\n\n- yes: " + words(40) + "\n- no: " + words(40) +
		"\n\n## experiment a\nE\n\n- one: S\n- two: S\n\n## verdict a\nV\n\n### no\n" + words(100) +
		"\n\n## exercise b\nX\n\n### hint\n" + words(100) + "\n\n### done\n" + words(100)
	// 535 words; 20 s to think, 24 s to look, 5 minutes to try
	if reading, doing := l.Read().Minutes(); reading != 3 || doing != 6 {
		t.Errorf("%d and %d", reading, doing)
	}
}
