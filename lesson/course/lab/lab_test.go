package lab

import (
	"slices"
	"testing"
)

func TestWhatBeganLastEndsFirst(t *testing.T) {
	l := New(t.Context(), Part{}, nil, nil)
	var ended []int
	for i := range 3 {
		l.Cleanup(func() { ended = append(ended, i) })
	}
	l.End()
	if !slices.Equal(ended, []int{2, 1, 0}) {
		t.Errorf("ended in this order: %v", ended)
	}
}
