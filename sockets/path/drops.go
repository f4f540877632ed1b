package path

import (
	"cmp"
	"fmt"
	"slices"
)

// Drops waits for packets that the kernel throws away, whoever's they are.
type Drops struct{ in *instance }

// A Drop is packets that were thrown away in one place for one reason.
type Drop struct {
	Reason   string // the kernel's word (enum skb_drop_reason)
	Function string // that has thrown them away
	File     string // which defines it; empty: the table does not have it
	Process  string // on whose thread it ran: of a softirq that says nothing
	Softirq  bool
	Count    int
}

// OpenDrops begins to wait. Where this user may not trace, or the kernel cannot tell of
// drops, the error is a *DeniedError. Close has to follow.
func OpenDrops() (*Drops, error) {
	in, err := newInstance()
	if err != nil {
		return nil, err
	}
	for _, s := range [][2]string{{"options/stacktrace", "1"}, {"events/skb/kfree_skb/enable", "1"}, {"tracing_on", "1"}} {
		if err := write(in.dir, s[0], s[1]); err != nil {
			in.close()
			return nil, deniedAt("skb:kfree_skb of tracefs", err)
		}
	}
	return &Drops{in}, nil
}

// End returns what was thrown away until now, the most frequent first. A packet that was
// freed without a reason is not among it: mostly nothing is lost then.
func (d *Drops) End() ([]Drop, error) {
	if err := write(d.in.dir, "tracing_on", "0"); err != nil {
		return nil, fmt.Errorf("tracefs: %w", err)
	}
	text, err := read(d.in.dir, "trace")
	if err != nil {
		return nil, fmt.Errorf("tracefs: %w", err)
	}
	return dropsOf(parse(string(text))), nil
}

func dropsOf(all []record) []Drop {
	count := make(map[Drop]int)
	for _, r := range all {
		if r.event != drop || r.reason() == Unspecified || r.reason() == "" || len(r.stack) == 0 {
			continue
		}
		d := Drop{Reason: r.reason(), Function: r.stack[len(r.stack)-1], Process: r.comm, Softirq: r.soft || r.has(softirqs...)}
		if d.Softirq {
			d.Process = ""
		}
		d.File = Functions().File(d.Function)
		count[d]++
	}
	var drops []Drop
	for d, n := range count {
		d.Count = n
		drops = append(drops, d)
	}
	slices.SortFunc(drops, func(a, b Drop) int {
		return cmp.Or(b.Count-a.Count, cmp.Compare(a.Reason+a.Function+a.Process, b.Reason+b.Function+b.Process))
	})
	return drops
}

// Close removes the ring buffer.
func (d *Drops) Close() error { return d.in.close() }
