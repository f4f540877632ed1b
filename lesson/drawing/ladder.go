package drawing

import (
	"cmp"
	"strings"
	"time"

	"fd3/lesson"
	"fd3/sockets/wire"
)

// A Ladder is what happened between two hosts, arranged in steps: the calls at the outer
// sides, the packets as arrows between, time downwards.
type Ladder struct {
	sides  [2]lesson.Side // left and right
	router *lesson.Side   // before the right one; nil: none
	steps  []step
}

// A step is one line of a Ladder, or a few where its words need them.
type step struct {
	margin [2]string // what stands at each side: a call, a result, a state
	inside [2]within // whether a call lasts there
	weight [2]weight // of what stands in the margins
	arrow  *arrow
	at     time.Time // when the other end had its packet
	fold   string    // words about steps that are left out
	mark   mark      // of a packet on the cable of a Picture
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
	number int      // of the packet
	from   int      // the side that sent it
	words  []string // what it says, the most important first; those at the end may be left out
	must   string   // what is said in any case
	lay    string   // how long it lay on the cable, where that is over; said if there is room for all
	fate   wire.Fate
}

// NewLadder arranges what happened. A run of packets that say nothing new is folded.
func NewLadder(l lesson.Ladder) Ladder { return arranged(l, alike) }

// WholeLadder arranges what happened, each rung in a step, however many are alike.
func WholeLadder(l lesson.Ladder) Ladder {
	return arranged(l, func([]lesson.Rung) int { return 1 })
}

// arranged arranges what happened, where alike says how many rungs from the first on say
// nothing new.
func arranged(l lesson.Ladder, alike func([]lesson.Rung) int) Ladder {
	b := &ladderBuilder{ladder: Ladder{sides: [2]lesson.Side{l.Left, l.Right}, router: l.Router}}
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
		b.next().fold = folded(rungs[i+2 : i+n-1])
		b.add(rungs[i+n-1])
		i += n
	}
	return b.ladder
}

// A ladderBuilder makes the steps of a Ladder, one rung after the other.
type ladderBuilder struct {
	ladder Ladder
	state  [2]string    // of the socket at each side, as it was said last
	since  [2]time.Time // when something happened there last that may have changed it
	calls  [2]int       // how many calls last there
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
	if r.Call != "" {
		b.since[side] = r.At
	}
	call := brief(r.Call)
	if r.Process != "" && r.Process != r.Host {
		call = r.Process + ": " + call
	}
	returned, _, _ := strings.Cut(r.Returned, " (") // after that comes what an errno means
	returned = "=" + tie + strings.ReplaceAll(returned, " ", tie)
	switch {
	case r.Call != "" && r.Returned != "":
		s.margin[side] = call + " " + returned
	case r.Call != "":
		s.margin[side] = call
		if b.calls[side]++; s.inside[side] == outside {
			s.inside[side] = enters
		}
	default:
		s.margin[side] = returned
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
	before := p.Before // when it came onto the cable: what has happened since counts more
	if p.Time.Before(b.since[from]) {
		before.From = ""
	}
	if p.Time.Before(b.since[to]) {
		before.To = ""
	}
	before.From, before.To = b.known(from, before.From), b.known(to, before.To)
	b.says(to, before.To)
	arrived := b.known(to, cmp.Or(p.After.To, before.To))
	left := p.After.From != "" && p.After.To == "" && p.Before.To != "" // both were asked for, and one is no more
	if left {
		arrived = ""
	}
	if left && b.connected(to) {
		arrived = noSocket
	}
	s := b.departs(p, from, b.isNews(from, before.From), left || b.isNews(to, arrived))
	s.arrow, s.at = newArrow(from, p), p.Had()
	b.put(s, from, before.From)
	b.put(s, to, arrived)
	b.says(from, b.known(from, cmp.Or(p.After.From, before.From)))
	if p.Fate != wire.Held && p.Fate != wire.Dropped {
		b.since[to] = p.Had()
	}
}

// A connection that is no more leaves a listener at its address, if there is one.
const (
	onlyListens = "LISTEN"
	noSocket    = "gone"
)

// connected reports whether a side was said to have a connection.
func (b *ladderBuilder) connected(side int) bool {
	was := b.state[side]
	return was != "" && was != onlyListens && was != noSocket
}

// known is a state as it is said of a side: of a connection that is no more, that it is gone.
func (b *ladderBuilder) known(side int, state string) string {
	if state == onlyListens && (b.connected(side) || b.state[side] == noSocket) {
		return noSocket
	}
	return state
}

// departs returns the step in which a packet leaves a side: that of the call that has sent
// it, or one in which its state has room if that is news; and so has that of the other
// side. A packet that comes again was sent by a timer, or for an ACK, and by no call; and
// one that has lain on the cable was not sent by a call that was made since.
func (b *ladderBuilder) departs(p *wire.Packet, from int, state, other bool) *step {
	if len(b.ladder.steps) > 0 {
		s := b.last()
		empty := s.margin[from] == ""
		if s.arrow == nil && s.fold == "" && empty == state && (empty || p.Again == 0 && !p.Time.Before(b.since[from])) && (s.margin[1-from] == "" || !other) {
			return s
		}
	}
	return b.next()
}

// isNews reports whether a side was not said to be in this state.
func (b *ladderBuilder) isNews(side int, state string) bool {
	return state != "" && state != b.state[side]
}

// put writes a state into a step, if it is news.
func (b *ladderBuilder) put(s *step, side int, state string) {
	if b.isNews(side, state) {
		s.margin[side], s.weight[side], b.state[side] = state, strong, state
	}
}

// says writes a state into the last step, or into a new one where there is no room.
func (b *ladderBuilder) says(side int, state string) {
	if !b.isNews(side, state) {
		return
	}
	if n := len(b.ladder.steps); n > 0 && b.last().margin[side] == "" && b.last().arrow == nil && b.last().fold == "" {
		b.put(b.last(), side, state)
		return
	}
	b.put(b.next(), side, state)
}

func newArrow(from int, p *wire.Packet) *arrow {
	a := &arrow{number: p.Number, from: from, fate: p.Fate, words: strings.Split(p.Summary, ", ")}
	if p.Again > 0 {
		a.must = strings.ReplaceAll("again + "+lesson.Took(time.Duration(p.Again)), " ", tie)
	}
	for _, l := range p.Labels {
		if l == wire.Retransmission && p.Again > 0 || l == wire.DuplicateACK && strings.Contains(p.Summary, "SACK") { // said already
			continue
		}
		a.must = strings.TrimPrefix(a.must+", "+string(l), ", ")
	}
	if had := p.Had(); had.After(p.Time) && p.Fate != wire.Delayed {
		a.lay = lesson.Took(had.Sub(p.Time))
	}
	return a
}
