package drawing

import (
	"cmp"
	"fmt"
	"slices"

	"fd3/lesson"
	"fd3/sockets/kernel"
)

// A Picture is a Snapshot arranged in boxes, rows and links.
type Picture struct {
	boxes []*box
	links []link
	cable *cable             // between the hosts; nil: there is none
	diff  *kernel.Difference // nil where nothing was known before

	files  int     // descriptors of no sockets that are left out for want of room
	brief  brevity // which details are left out where they would take a line
	queues int     // empty ones that are left out then
	still  int     // boxes that are left out: nothing has changed there
}

// A box is a process with its descriptors, or what no process holds.
type box struct {
	name   string // "server 4711", or what the sockets without a process are
	comm   string // of a process that is no party: its name alone
	state  string // what the process does, if it does not just stand still
	where  string // where in the kernel it does it, after the state
	right  bool   // listeners are at the right, their clients at the left
	nobody bool   // no process holds what is in it
	routes bool   // it is the router, which is no process
	mark   mark
	rows   []*row

	hidden []*row // left out for want of room
}

// A row is one descriptor, or one place in a queue.
type row struct {
	part   part
	mark   mark
	number string         // the descriptor, or several: "0-2"; empty for what is none
	text   string         // what it is
	short  string         // the same in fewer words, for want of room; empty: there are none
	more   []string       // what is to be said of it besides
	socket *kernel.Socket // nil: none
	hides  int            // how many places of a queue it stands for, for want of room
	free   bool           // of a queue: nobody waits there; or a queue in one row in which nobody waits
	others int            // how many descriptors it counts
}

// part says what a row is of a box.
type part uint8

const (
	descriptor part = iota
	top             // the upper edge of a queue
	slot            // a place in a queue
	bottom          // the lower edge of a queue
	refused         // before a queue that has no room
)

// A mark says what became of something since the Snapshot before.
type mark uint8

const (
	unchanged mark = iota
	added
	changed
	gone
)

// sign is what stands before what has changed.
func (m mark) sign() string { return [...]string{" ", "+", "~", "-"}[m] }

// A link is the way between two ends.
type link struct {
	from, to *row
	label    string // what is on its way
	by       *row   // whose label it is
	broken   bool   // nothing can be sent any more, or not yet
	refused  bool   // it reaches the host, and no socket
}

// New arranges a Snapshot. Where before is not nil, what has changed since then is marked.
func New(now kernel.Snapshot, before *kernel.Snapshot) Picture {
	var p Picture
	if before != nil {
		d := now.Since(*before)
		p.diff = &d
	}
	ends, refused := make(map[*kernel.Socket]*row), make(map[*kernel.Socket]*row)
	listening := slices.ContainsFunc(now.Hosts, listens)
	var hosts []hosted
	for i := range now.Hosts {
		h := hosted{Picture: &p, Host: &now.Hosts[i], all: now, ends: ends, refused: refused}
		h.arrange(!listening && i == 0 && now.Cable == nil)
		hosts = append(hosts, h)
	}
	for _, h := range hosts { // when each end has its row
		for i := range h.Sockets {
			h.connect(&h.Sockets[i])
		}
	}
	if now.Cable != nil {
		p.cable = newCable(now.Cable, p.diff)
		if r := now.Cable.Router; r != nil {
			var was *kernel.Router
			if before != nil && before.Cable != nil {
				was = before.Cable.Router
			}
			p.boxes = append(p.boxes, routed(r, was)) // the last one: nearest to the cable
		}
	}
	return p
}

// listens reports whether a host has a listening socket.
func listens(h kernel.Host) bool {
	return slices.ContainsFunc(h.Sockets, func(s kernel.Socket) bool { return s.State == kernel.Listen })
}

// hosted adds a host to a Picture.
type hosted struct {
	*Picture
	*kernel.Host
	all     kernel.Snapshot         // with the other hosts
	ends    map[*kernel.Socket]*row // the row at which the link of a socket ends
	refused map[*kernel.Socket]*row // where that of a socket ends that no queue has taken
}

// end reports whether the host is an end of a cable, and whether it is the right one.
func (h hosted) end() (right, is bool) {
	c := h.all.Cable
	if c == nil || h.Name == "" {
		return false, false
	}
	return h.Name == c.Ends[1].Name, true
}

// arrange makes the boxes of the host. At an end of a cable all stand at the side where it
// is. Elsewhere, if nobody listens anywhere, the first process of the first host stands at
// the right.
func (h hosted) arrange(first bool) {
	for i, p := range h.Processes {
		b := &box{name: fmt.Sprintf("%s %d", p.Name, p.PID), mark: h.marked(p)}
		b.state, b.where = doing(p)
		if right, is := h.end(); is {
			b.right = right
		} else {
			b.right = h.listens(p) || first && i == 0
		}
		if !p.Party {
			b.comm = p.Name
		}
		h.boxes = append(h.boxes, b)
		h.descriptors(b, p)
	}
	h.orphans()
}

// listens reports whether a process has a listening socket, or one that any datagram
// comes in by.
func (h hosted) listens(p kernel.Process) bool {
	return slices.ContainsFunc(p.Descriptors, func(d kernel.Descriptor) bool {
		s := h.Held(p.PID, d.Number)
		return s != nil && s.State == kernel.Listen
	})
}

// descriptors fills the box of a process.
func (h hosted) descriptors(b *box, p kernel.Process) {
	for i := 0; i < len(p.Descriptors); i++ {
		d := p.Descriptors[i]
		r := &row{number: fmt.Sprint(d.Number), text: d.Target, mark: h.opened(p, d)}
		s := h.Held(p.PID, d.Number)
		if s == nil {
			for i+1 < len(p.Descriptors) && follows(p.Descriptors[i], p.Descriptors[i+1]) && h.opened(p, p.Descriptors[i+1]) == r.mark {
				i++
				r.number = fmt.Sprintf("%d-%d", d.Number, p.Descriptors[i].Number)
			}
			b.rows = append(b.rows, r)
			continue
		}
		h.socket(b, r, s)
		if h.ends[s] != nil { // dup(2) or fork(2) has made a second one
			r.more = append(r.more, "the same socket as the other")
		} else {
			h.ends[s] = r
		}
		b.rows = append(b.rows, r)
		if s.State == kernel.Listen {
			h.queues(b, s)
		}
	}
	if p.Others > 0 && !p.Party {
		b.rows = append(b.rows, &row{text: lesson.Counted(p.Others, "other descriptor"), others: p.Others})
	}
	h.closed(b, p)
}

// follows reports whether two descriptors, neither of a socket, are told as a range:
// their numbers are neighbours, and they lead to the same.
func follows(d, next kernel.Descriptor) bool {
	return next.Number == d.Number+1 && next.Target == d.Target
}

// closed adds the descriptors that the process has no more.
func (h hosted) closed(b *box, p kernel.Process) {
	if h.diff == nil {
		return
	}
	var numbers []int
	for _, o := range h.diff.Descriptors {
		again := slices.ContainsFunc(p.Descriptors, func(d kernel.Descriptor) bool { return d.Number == o.Number })
		if o.PID == p.PID && o.Closed && !again {
			numbers = append(numbers, o.Number)
		}
	}
	for i := 0; i < len(numbers); i++ {
		r := &row{number: fmt.Sprint(numbers[i]), text: "closed", mark: gone}
		from := i
		for i+1 < len(numbers) && numbers[i+1] == numbers[i]+1 {
			i++
			r.number = fmt.Sprintf("%d-%d", numbers[from], numbers[i])
		}
		b.rows = append(b.rows, r)
	}
}

// queues draws the two queues of a listener, and who stands before them.
func (h hosted) queues(b *box, l *kernel.Socket) {
	var syn, accept, out []*kernel.Socket
	for i := range h.Sockets {
		s := &h.Sockets[i]
		switch {
		case l.Cookie != 0 && s.Listener == l.Cookie && s.State == kernel.SynRecv:
			syn = append(syn, s)
		case l.Cookie != 0 && s.Listener == l.Cookie:
			accept = append(accept, s)
		case s.State == kernel.SynSent && s.Peer == 0 && s.Remote.Port() == l.Local.Port():
			out = append(out, s)
		}
	}
	if l.TCP() {
		h.inTurn(accept)
	}
	if len(syn) > 0 {
		b.rows = append(b.rows, &row{part: top, text: "SYN queue"})
		for _, s := range syn {
			b.rows = append(b.rows, h.waiting(s))
		}
		b.rows = append(b.rows, &row{part: bottom})
	}
	backlog := fmt.Sprintf("backlog %d", l.Backlog)
	b.rows = append(b.rows, &row{part: top, text: "accept queue, " + backlog, short: backlog})
	for _, s := range accept {
		b.rows = append(b.rows, h.waiting(s))
	}
	if unknown := l.Waiting - len(accept); unknown > 0 {
		b.rows = append(b.rows, &row{part: slot, text: fmt.Sprintf("%d more, in no table", unknown)})
	}
	const drawn = 3 // more free places than these are a number
	free := l.Backlog + 1 - l.Waiting
	if free > drawn {
		b.rows = append(b.rows, &row{part: slot, text: fmt.Sprintf("%d free", free), free: true})
	} else {
		for range free {
			b.rows = append(b.rows, &row{part: slot, text: "free", free: true})
		}
	}
	end := &row{part: bottom}
	if l.Full() {
		end.text = "full: no room"
	}
	b.rows = append(b.rows, end)
	for _, s := range out {
		r := &row{part: refused, socket: s, mark: h.of(s), text: client(s, false) + " not answered"}
		if l.Full() {
			r.text = client(s, false) + " dropped"
		}
		b.rows = append(b.rows, r)
		h.refused[s] = r
	}
}

// inTurn puts those who wait in a queue in the order of their clients' descriptors, in
// which a client that closes none connects: the kernel tells no order for TCP, and by their
// ports, as they are in a Snapshot, the first one to be accepted would stand anywhere.
func (h hosted) inTurn(queue []*kernel.Socket) {
	var clients []uint64 // cookies
	for _, host := range h.all.Hosts {
		for _, s := range host.Sockets {
			clients = append(clients, s.Cookie)
		}
	}
	place := func(s *kernel.Socket) uint { return uint(slices.Index(clients, s.Peer)) } // none: behind all others
	slices.SortStableFunc(queue, func(a, b *kernel.Socket) int { return cmp.Compare(place(a), place(b)) })
}

// waiting is a place in a queue with who has it.
func (h hosted) waiting(s *kernel.Socket) *row {
	r := &row{part: slot, socket: s, mark: h.of(s), text: client(s, true), more: contents(s)}
	if s.State != kernel.Established {
		r.more = append([]string{s.State.String()}, r.more...)
	}
	h.ends[s] = r
	return r
}

// orphans puts what no process holds into boxes of their own, one at each side.
func (h hosted) orphans() {
	var sides [2]*box
	for i := range h.Sockets {
		s := &h.Sockets[i]
		if s.Inode != 0 && len(s.Holders) > 0 || s.Listener != 0 {
			continue
		}
		right, known := h.servers(s)
		side, name := 0, "held by no process"
		if right {
			side = 1
		}
		if s.Inode != 0 {
			name = "held by another user's process"
		}
		b := sides[side]
		if b == nil || b.name != name {
			b = &box{name: name, right: right, nobody: true}
			sides[side] = b
			h.boxes = append(h.boxes, b)
		}
		r := &row{mark: h.of(s)}
		h.socket(b, r, s)
		if !known && s.Remote.Port() != 0 {
			r.text = fmt.Sprintf("%-11s :%d to :%d", s.State, s.Local.Port(), s.Remote.Port())
		}
		h.ends[s] = r
		b.rows = append(b.rows, r)
	}
}

// servers reports whether a socket without a process is the end of the side that
// listens: it has the port of a listener, or its other end is at the left. Where nothing
// listens any more it may not be known.
func (h hosted) servers(s *kernel.Socket) (right, known bool) {
	if right, is := h.end(); is {
		return right, true
	}
	for _, l := range h.Sockets {
		if l.State == kernel.Listen && l.Local.Port() != 0 {
			if l.Local.Port() == s.Local.Port() {
				return true, true
			} else if l.Local.Port() == s.Remote.Port() {
				return false, true
			}
		}
	}
	other := h.all.Socket(s.Peer)
	for _, b := range h.boxes {
		if other != nil && slices.Contains(b.rows, h.ends[other]) {
			return !b.right, true
		}
	}
	return false, false
}

// connect links a socket with its other end, once.
func (h hosted) connect(s *kernel.Socket) {
	other := h.all.Socket(s.Peer)
	from, to := h.ends[s], h.refused[s]
	if from != nil && to != nil {
		h.links = append(h.links, link{from: from, to: to, label: flight(s), by: from, broken: true, refused: true})
		return
	}
	if other != nil {
		to = h.ends[other]
	}
	if from == nil || to == nil || from == to {
		return
	}
	if slices.ContainsFunc(h.links, func(l link) bool { return l.from == to && l.to == from || l.from == from && l.to == to }) {
		return
	}
	l := link{from: from, to: to, label: flight(s), by: from, broken: !carries(s) && !carries(other)}
	if l.label == "" {
		l.label, l.by = flight(other), to
	}
	if h.onRight(from) && !h.onRight(to) {
		l.from, l.to = to, from
	}
	h.links = append(h.links, l)
}

func (h hosted) onRight(r *row) bool {
	return slices.ContainsFunc(h.boxes, func(b *box) bool { return b.right && slices.Contains(b.rows, r) })
}

// marked says whether a process is new, or in another state than before.
func (h hosted) marked(p kernel.Process) mark {
	if h.born(p) {
		return added
	}
	if h.diff == nil || !slices.ContainsFunc(h.diff.Processes, func(q kernel.Process) bool { return q.PID == p.PID }) {
		return unchanged
	}
	return changed
}

func (h hosted) born(p kernel.Process) bool {
	return h.diff != nil && slices.Contains(h.diff.Born, p.PID)
}

// opened says whether a descriptor is new. Those that a new process has from its
// beginning are not, but for sockets.
func (h hosted) opened(p kernel.Process, d kernel.Descriptor) mark {
	if h.born(p) && h.Held(p.PID, d.Number) == nil {
		return unchanged
	}
	if h.diff == nil || !slices.Contains(h.diff.Descriptors, kernel.Opened{PID: p.PID, Descriptor: d}) {
		return unchanged
	}
	return added
}

// of says what became of a socket.
func (h hosted) of(s *kernel.Socket) mark {
	if h.diff == nil {
		return unchanged
	}
	for _, c := range h.diff.Sockets {
		if c.After == nil || c.After.Cookie != s.Cookie || c.After.Inode != s.Inode || c.After.Peer != s.Peer {
			continue
		}
		if c.Before == nil {
			return added
		}
		return changed
	}
	return unchanged
}
