package kernel

import "time"

// A History is what was seen of some processes last, and what there was before that
// changed.
type History struct {
	Now    Snapshot
	Before *Snapshot // nil as long as nothing has changed

	since  time.Time // when it changed last; zero: nothing was seen yet
	marked bool
}

// together is how long after a change another belongs to the same step.
const together = 600 * time.Millisecond

// Look takes a Snapshot of the processes, and keeps it. The cable is what lies between
// two hosts, of which one or both are theirs; nil: there is none.
func (h *History) Look(parties []Party, cable *Cable) error {
	seen, err := Look(parties, h.Now, cable.nets()...)
	if err != nil {
		return err
	}
	seen.join(cable)
	switch {
	case h.since.IsZero():
		h.since = time.Now()
	case !h.marked && !seen.Since(h.Now).Empty():
		if time.Since(h.since) > together || h.Before == nil {
			before := h.Now
			h.Before = &before
		}
		h.since = time.Now()
	}
	h.Now = seen
	return nil
}

// Mark says that a step begins: what is seen from here on is compared with what was seen
// last, until the next Mark. It does nothing where nothing was seen yet.
func (h *History) Mark() {
	if h.since.IsZero() {
		return
	}
	before := h.Now
	h.Before, h.marked = &before, true
}
