package lab

import (
	"maps"
	"strings"
	"sync"
)

// Notes are what the experiments of one lesson have read, by the names that its
// words have for it, and what they have proved. They may be used from several
// goroutines.
type Notes struct {
	mu      sync.Mutex
	values  map[string]string
	answers map[string]string
}

// NewNotes returns Notes that begin with these values.
func NewNotes(values map[string]string) *Notes {
	return &Notes{values: maps.Clone(values), answers: make(map[string]string)}
}

// Values returns a copy of what was read so far.
func (n *Notes) Values() map[string]string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.values)
}

// Blank puts the name of a value, in capitals, in the place of each value that is not
// the same in before.
func (n *Notes) Blank(before map[string]string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for name, value := range n.values {
		if was, ok := before[name]; !ok || was != value {
			n.values[name] = strings.ToUpper(name)
		}
	}
}

// Answer returns the choice that the experiment of that name has proved, or "" if
// it has proved none.
func (n *Notes) Answer(experiment string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.answers[experiment]
}

func (n *Notes) note(name, value string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.values[name] = value
}

func (n *Notes) answer(experiment, choice string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answers[experiment] = choice
}
