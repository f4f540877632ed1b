package drawing

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"fd3/lesson"
	"fd3/sockets/wire"
)

// A Ladder is what happened between two hosts, arranged in steps: the calls at the outer
// sides, the packets as arrows between, time downwards.
type Ladder struct {
	sides [2]lesson.Side // left and right
	steps []step
}

// A step is one line of a Ladder, or a few where its words need them.
type step struct {
	margin [2]string // what stands at each side: a call, a result, a state
	inside [2]within // whether a call lasts there
	weight [2]weight // of what stands in the margins
	arrow  *arrow
	at     time.Time // when its packet came onto the cable
	fold   string    // words about steps that are left out
}

// within says where a step is in a call at its side.
type within uint8

const (
	outside within = iota
	enters
	lasts
	leaves
)

// An arrow is a packet on its way.
type arrow struct {
	from  int      // the side that sent it
	words []string // what it says, the most important first; those at the end may be left out
	must  string   // what is said in any case
	fate  wire.Fate
}

// NewLadder arranges what happened. A run of packets that say nothing new is folded.
func NewLadder(l lesson.Ladder) Ladder {
	b := &ladderBuilder{ladder: Ladder{sides: [2]lesson.Side{l.Left, l.Right}}}
	rungs := l.Rungs
	for i := 0; i < len(rungs); {
		n := alike(rungs[i:])
		if n < leastFolded {
			b.add(rungs[i])
			i++
			continue
		}
		b.add(rungs[i])
		b.add(rungs[i+1])
		b.next().fold = foldedWords(rungs[i+2 : i+n-1])
		b.add(rungs[i+n-1])
		i += n
	}
	return b.ladder
}

// A ladderBuilder makes the steps of a Ladder, one rung after the other.
type ladderBuilder struct {
	ladder Ladder
	state  [2]string // of the socket at each side, as it was said last
	calls  [2]int    // how many calls last there
}

func (b *ladderBuilder) side(host string) int {
	if host == b.ladder.sides[1].Name {
		return 1
	}
	return 0
}

// next begins a step.
func (b *ladderBuilder) next() *step {
	var s step
	for side := range 2 {
		if b.calls[side] > 0 {
			s.inside[side] = lasts
		}
	}
	b.ladder.steps = append(b.ladder.steps, s)
	return b.last()
}

func (b *ladderBuilder) last() *step { return &b.ladder.steps[len(b.ladder.steps)-1] }

// free returns the last step if nothing stands there yet at a side and no packet is on
// its way, or else a new one.
func (b *ladderBuilder) free(side int) *step {
	if n := len(b.ladder.steps); n > 0 {
		if s := b.last(); s.margin[side] == "" && s.arrow == nil && s.fold == "" && (s.inside[side] == outside || s.inside[side] == lasts) {
			return s
		}
	}
	return b.next()
}

func (b *ladderBuilder) add(r lesson.Rung) {
	if r.Packet != nil {
		b.packet(r.Packet)
	} else {
		b.call(r)
	}
}

func (b *ladderBuilder) call(r lesson.Rung) {
	side := b.side(r.Host)
	s := b.next()
	call := brief(r.Call)
	if r.Process != "" && r.Process != r.Host {
		call = r.Process + ": " + call
	}
	switch {
	case r.Call != "" && r.Returned != "":
		s.margin[side] = call + " =" + tie + r.Returned
	case r.Call != "":
		s.margin[side] = call
		if b.calls[side]++; s.inside[side] == outside {
			s.inside[side] = enters
		}
	default:
		s.margin[side] = "=" + tie + r.Returned
		if b.calls[side] = max(b.calls[side]-1, 0); b.calls[side] == 0 {
			s.inside[side] = leaves
		}
	}
}

// tie is a blank that no line is broken at.
const tie = "\u00a0"

// brief is a call with its first argument alone: which descriptor it acts on.
func brief(call string) string {
	first, _, several := strings.Cut(call, ",")
	if !several {
		return call
	}
	return first + "," + tie + "…)"
}

func (b *ladderBuilder) packet(p *wire.Packet) {
	from := b.side(p.From)
	to := 1 - from
	before, after := [2]string{}, [2]string{}
	before[from], before[to] = p.Before.From, p.Before.To
	after[from], after[to] = cmp.Or(p.After.From, p.Before.From), cmp.Or(p.After.To, p.Before.To)
	b.says(to, before[to])
	var s *step
	if before[from] != "" && before[from] != b.state[from] {
		s = b.free(from)
		if n := len(b.ladder.steps); n > 1 && s.margin[to] != "" && b.state[to] != after[to] {
			s = b.next()
		}
		s.margin[from], s.weight[from], b.state[from] = before[from], strong, before[from]
	} else if n := len(b.ladder.steps); n > 0 && b.last().arrow == nil && b.last().fold == "" && b.last().margin[from] != "" && (b.last().margin[to] == "" || after[to] == b.state[to]) {
		s = b.last()
	} else {
		s = b.next()
	}
	s.arrow, s.at = newArrow(from, p), p.Time
	if after[to] != "" && after[to] != b.state[to] {
		s.margin[to], s.weight[to], b.state[to] = after[to], strong, after[to]
	}
	b.says(from, after[from])
}

// says writes the state of a side, if it is another one than before.
func (b *ladderBuilder) says(side int, state string) {
	if state == "" || state == b.state[side] {
		return
	}
	s := b.free(side)
	s.margin[side], s.weight[side], b.state[side] = state, strong, state
}

func newArrow(from int, p *wire.Packet) *arrow {
	a := &arrow{from: from, fate: p.Fate, words: strings.Split(p.Summary, ", ")}
	if p.Again > 0 {
		a.must = strings.ReplaceAll("again + "+lesson.Took(time.Duration(p.Again)), " ", tie)
	}
	for _, l := range p.Labels {
		if p.Again == 0 || l != wire.Retransmission {
			a.must = strings.TrimPrefix(a.must+", "+string(l), ", ")
		}
	}
	return a
}

// leastFolded is how many rungs alike are folded.
const leastFolded = 6

// alike returns how many rungs from the first on are packets that say nothing new, or
// calls that move bytes.
func alike(rungs []lesson.Rung) int {
	if len(rungs) == 0 || rungs[0].Packet == nil {
		return 0
	}
	n := 0
	for n < len(rungs) && ordinary(rungs[n]) {
		n++
	}
	for n > 0 && rungs[n-1].Packet == nil {
		n--
	}
	return n
}

// transfers are the calls that move bytes.
var transfers = []string{"read", "write", "recvfrom", "sendto", "recvmsg", "sendmsg", "readv", "writev", "sendfile", "splice"}

// ordinary reports whether a rung is one of many: an ordinary segment that passed, or a
// call that moved bytes at once.
func ordinary(r lesson.Rung) bool {
	p := r.Packet
	if p == nil {
		name, _, _ := strings.Cut(r.Call, "(")
		return r.Returned != "" && !strings.HasPrefix(r.Returned, "-1") && slices.Contains(transfers, name)
	}
	s, ok := p.Segment()
	return ok && len(p.Labels) == 0 && p.Fate == wire.Passed && s.Flags&^(wire.ACK|wire.PSH) == 0 && len(s.SACK) == 0 &&
		(p.After == wire.States{} || p.After == p.Before)
}

// foldedWords count what is left out.
func foldedWords(rungs []lesson.Rung) string {
	var segments, acks, bytes, calls int
	for _, r := range rungs {
		if r.Packet == nil {
			calls++
		} else if s, _ := r.Packet.Segment(); s.Length == 0 {
			acks++
		} else {
			segments++
			bytes += s.Length
		}
	}
	var all []string
	if segments > 0 {
		all = append(all, plural(segments, "segment")+", "+plural(bytes, "byte"))
	}
	for _, c := range []struct {
		n    int
		noun string
	}{{acks, "ACK"}, {calls, "call"}} {
		if c.n > 0 {
			all = append(all, plural(c.n, c.noun))
		}
	}
	return "…" + tie + strings.Join(all, ", ") + tie + "…"
}

// plural is a number, with a comma after each three digits, and its noun.
func plural(n int, noun string) string {
	number, counted, _ := strings.Cut(lesson.Counted(n, noun), " ")
	for i := len(number) - 3; i > 0; i -= 3 {
		number = number[:i] + "," + number[i:]
	}
	return number + tie + counted
}
