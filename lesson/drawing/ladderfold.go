package drawing

import (
	"slices"
	"strings"

	"fd3/lesson"
	"fd3/sockets/wire"
)

// leastFolded is how many rungs alike are folded.
const leastFolded = 6

// alike returns how many rungs from the first on say nothing new after the first two: they
// move bytes, or are one packet like the other.
func alike(rungs []lesson.Rung) int {
	if len(rungs) == 0 || rungs[0].Packet == nil || !usual(rungs[0].Packet) {
		return 0
	}
	n := 1
	for n < len(rungs) && moves(rungs[n]) && moves(rungs[0]) {
		n++
	}
	for n > 1 && rungs[n-1].Packet == nil {
		n--
	}
	same := 1
	for same < len(rungs) && like(rungs[same], rungs[0]) {
		same++
	}
	return max(n, same)
}

// usual reports whether a packet changes no state and is nothing special to its
// connection.
func usual(p *wire.Packet) bool {
	return len(p.Labels) == 0 && p.Again == 0 && p.Malformed == "" && (p.After == wire.States{} || p.After == p.Before)
}

// like reports whether two rungs are usual packets of one kind, which went the same way.
func like(a, b lesson.Rung) bool {
	return a.Packet != nil && usual(a.Packet) && a.Packet.From == b.Packet.From && a.Packet.Fate == b.Packet.Fate && a.Packet.Before == b.Packet.Before &&
		kind(a.Packet) == kind(b.Packet)
}

// transfers are the calls that move bytes.
var transfers = []string{"read", "write", "recvfrom", "sendto", "recvmsg", "sendmsg", "readv", "writev", "sendfile", "splice"}

// moves reports whether a rung is one of many that move bytes: a packet that passed with
// some, or acknowledges some; or a call that did so at once.
func moves(r lesson.Rung) bool {
	p := r.Packet
	if p == nil {
		name, _, _ := strings.Cut(r.Call, "(")
		return r.Returned != "" && !strings.HasPrefix(r.Returned, "-1") && slices.Contains(transfers, name)
	}
	return usual(p) && p.Fate == wire.Passed && slices.Contains([]string{segment, datagram, "ACK"}, kind(p))
}

// The kinds of packets that carry bytes.
const (
	segment  = "segment"
	datagram = "datagram"
)

// kind is what a packet counts as.
func kind(p *wire.Packet) string {
	if s, ok := p.Segment(); ok {
		if s.Length > 0 && s.Flags&^(wire.ACK|wire.PSH) == 0 {
			return segment
		}
		return s.Flags.String()
	}
	if p.Layer("UDP") != nil {
		return datagram
	}
	for i := len(p.Layers) - 1; i >= 0; i-- {
		if l := p.Layers[i]; !l.Quoted && l.Spec != "" {
			return l.Name
		}
	}
	return "frame"
}

// carried is how many bytes a packet carries for a program.
func carried(p *wire.Packet) int {
	bytes := 0
	for i := len(p.Layers) - 1; i >= 0 && !p.Layers[i].Quoted && (p.Layers[i].Name != "TCP" && p.Layers[i].Name != "UDP"); i-- {
		if p.Layers[i].Name != "padding" {
			bytes += p.Layers[i].End - p.Layers[i].Start
		}
	}
	return bytes
}

// folded counts what is left out: what carries bytes first, calls last.
func folded(rungs []lesson.Rung) string {
	var kinds []string
	counts, bytes := make(map[string]int), make(map[string]int)
	for _, r := range rungs {
		k := "call"
		if r.Packet != nil {
			k = kind(r.Packet)
			bytes[k] += carried(r.Packet)
		}
		if counts[k]++; counts[k] == 1 {
			kinds = append(kinds, k)
		}
	}
	rank := func(k string) int {
		switch k {
		case segment, datagram:
			return 0
		case "call":
			return 2
		}
		return 1
	}
	slices.SortStableFunc(kinds, func(a, b string) int { return rank(a) - rank(b) })
	var all []string
	for _, k := range kinds {
		all = append(all, plural(counts[k], k))
		if k == segment || k == datagram {
			all = append(all, plural(bytes[k], "byte"))
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
