package course

import (
	"slices"
	"testing"
)

func TestWhatBeganLastEndsFirst(t *testing.T) {
	l := newLab(t.Context(), &Walk{}, Part{})
	var ended []int
	for i := range 3 {
		l.atEnd(func() { ended = append(ended, i) })
	}
	l.end()
	if !slices.Equal(ended, []int{2, 1, 0}) {
		t.Errorf("ended in this order: %v", ended)
	}
}
