package wire

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// An Order is what is to be done with a cable, or with a packet that lies on it.
type Order struct {
	Do     string        `json:"do"`               // one of verbs
	Number int           `json:"number,omitempty"` // which packet; 0: the first that lies on the cable
	When   string        `json:"when,omitempty"`   // hold: words of Filters, with commas between
	Delay  time.Duration `json:"delay,omitempty"`  // delay, and flow: of each packet
	Lose   int           `json:"lose,omitempty"`   // flow: so many packets of each host
	Of     int           `json:"of,omitempty"`     // flow: of so many; 0: none is lost
	Netem  bool          `json:"netem,omitempty"`  // flow: the kernel's netem is to do that, where there is one, and not the cable
	Off    int           `json:"off,omitempty"`    // rst: so far beside the sequence number that is expected
	To     string        `json:"to,omitempty"`     // rst, syn: the host that is to get it
	Port   int           `json:"port,omitempty"`   // syn: of that host
	Count  int           `json:"count,omitempty"`  // syn: how many
	Byte   *int          `json:"byte,omitempty"`   // corrupt: in which byte; none: in the last
	MTU    int           `json:"mtu,omitempty"`    // icmp: what the router says to be the most
	After  int           `json:"after,omitempty"`  // record: the packets behind this number
}

// A Report is what came of an Order.
type Report struct {
	Holds   string   `json:"holds"`              // words of Filters; empty: everything flows
	Way     Way      `json:"way"`                // what becomes of what flows
	Netem   bool     `json:"netem,omitempty"`    // flow: netem does that, and not the cable
	NoNetem string   `json:"no_netem,omitempty"` // flow: why the cable does it, where netem was asked for
	Lie     int      `json:"lie"`                // how many packets lie on the cable
	Newest  int      `json:"newest"`             // the number of the newest packet
	Before  int      `json:"before"`             // and of the one that was it before the Order
	Touched []int    `json:"touched,omitempty"`  // the packets that something was done to
	Packets []Packet `json:"packets,omitempty"`  // record: some of them, without what Parse finds
}

// verbs are what can be done, by the name in an Order.
var verbs = map[string]func(*Cable, Order) ([]*packet, error){
	"look":    func(*Cable, Order) ([]*packet, error) { return nil, nil },
	"record":  func(*Cable, Order) ([]*packet, error) { return nil, nil },
	"next":    (*Cable).next,
	"drop":    (*Cable).drop,
	"dup":     (*Cable).dup,
	"swap":    (*Cable).swap,
	"corrupt": (*Cable).corrupt,
	"delay":   (*Cable).delay,
	"flow":    (*Cable).flow,
	"hold":    (*Cable).hold,
	"rst":     (*Cable).rst,
	"icmp":    (*Cable).icmp,
	"syn":     (*Cable).syn,
}

// Do does what an Order says, and returns when the hosts have answered, as far as their
// kernels do that by themselves.
func (c *Cable) Do(o Order) (Report, error) {
	verb := verbs[o.Do]
	if verb == nil {
		return Report{}, fmt.Errorf("unknown order for the cable: %q", o.Do)
	}
	c.mu.Lock()
	c.drain() // what was sent before
	r := Report{Before: c.number}
	touched, err := verb(c, o)
	c.mu.Unlock()
	if len(touched) > 0 {
		c.settle()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range touched {
		r.Touched = append(r.Touched, p.Number)
	}
	r.Holds, r.Way, r.Lie, r.Newest = c.holds.String(), c.way, c.held.packets, c.number
	if o.Do == "record" {
		r.Packets = c.since(o.After)
	}
	return r, err
}

// A kernel answers a packet in the interrupt that brings it, in microseconds.
const (
	quiet = 2 * time.Millisecond
	tries = 50 // for hosts that go on and on
)

// settle waits until nothing has come for a while.
func (c *Cable) settle() {
	last := -1
	for range tries {
		c.mu.Lock()
		c.drain()
		now := c.number
		c.mu.Unlock()
		if now == last {
			return
		}
		last = now
		time.Sleep(quiet)
	}
}

// had asks both hosts where they stand by packets that one of them has got, or will not
// get. The cable takes nothing meanwhile: no other packet can have brought them there.
func (c *Cable) had(all ...*packet) {
	time.Sleep(quiet)
	for _, p := range all {
		p.After = c.states(p)
	}
}

// atMost is how many bytes of frames one report carries.
const atMost = 2 << 20

// since returns the packets behind a number, as many as a report carries.
func (c *Cable) since(number int) []Packet {
	var all []Packet
	size := 0
	for _, p := range c.record {
		if p.Number <= number {
			continue
		}
		if size += len(p.Data) + 256; size > atMost && len(all) > 0 {
			break
		}
		told := p.Packet
		if p.Fate == Held && p.again > 0 {
			told.Note = p.repeats()
		}
		all = append(all, told)
	}
	return all
}

// chosen returns the packet that an Order is about.
func (c *Cable) chosen(o Order) (*packet, error) {
	lying := c.lying()
	switch {
	case len(lying) == 0 && len(c.holds) == 0:
		return nil, fmt.Errorf("no packet lies on the cable: it lets everything flow. Hold what comes: fd3 wire hold")
	case len(lying) == 0:
		return nil, fmt.Errorf("no packet lies on the cable")
	case o.Number == 0:
		return lying[0], nil
	}
	var numbers []string
	for _, p := range lying {
		if p.Number == o.Number {
			return p, nil
		}
		numbers = append(numbers, fmt.Sprint(p.Number))
	}
	return nil, fmt.Errorf("packet %d does not lie on the cable; these do: %s", o.Number, strings.Join(numbers, ", "))
}

// leaves notes how long a packet lay on the cable, which it leaves now.
func (c *Cable) leaves(p *packet) {
	c.held.take(p)
	c.left = time.Now()
	p.Arrived = c.left
	p.Note = "held for " + time.Since(p.Time).Round(time.Millisecond).String()
	if p.again > 0 {
		p.Note += "; " + p.repeats()
	}
}

// repeats says how often a packet was sent again.
func (p *packet) repeats() string {
	return "sent again " + counted(p.again, "time") + " while a packet of its connection lay on the cable"
}

// next lets a packet pass.
func (c *Cable) next(o Order) ([]*packet, error) {
	p, err := c.chosen(o)
	if err != nil {
		return nil, err
	}
	c.leaves(p)
	c.pass(p, Passed)
	c.had(p)
	return []*packet{p}, nil
}

// drop loses a packet.
func (c *Cable) drop(o Order) ([]*packet, error) {
	p, err := c.chosen(o)
	if err != nil {
		return nil, err
	}
	c.leaves(p)
	p.lost()
	c.had(p)
	return []*packet{p}, nil
}

// lost says that the other end will not have the packet.
func (p *packet) lost() { p.Fate, p.Arrived, p.Lost = Dropped, time.Time{}, p.Arrived }

// dup lets a packet pass twice.
func (c *Cable) dup(o Order) ([]*packet, error) {
	p, err := c.chosen(o)
	if err != nil {
		return nil, err
	}
	c.leaves(p)
	c.pass(p, Duplicated)
	c.put(p, p.Data)
	c.had(p)
	return []*packet{p}, nil
}

// swap lets the packet behind one pass before it.
func (c *Cable) swap(o Order) ([]*packet, error) {
	p, err := c.chosen(o)
	if err != nil {
		return nil, err
	}
	lying := c.lying()
	i := slices.IndexFunc(lying, func(q *packet) bool { return q.Number > p.Number && q.from == p.from })
	if i < 0 {
		return nil, fmt.Errorf("no second packet of the %s lies on the cable behind packet %d", p.From, p.Number)
	}
	second := lying[i]
	c.leaves(second)
	c.pass(second, Passed)
	c.had(second)
	c.leaves(p)
	c.pass(p, Swapped)
	c.had(p)
	return []*packet{second, p}, nil
}

// corrupt turns one bit of a packet, the lowest of a byte, and lets it pass. The last byte
// is none of the pad bytes behind an IPv4 packet, which nobody reads.
func (c *Cable) corrupt(o Order) ([]*packet, error) {
	p, err := c.chosen(o)
	if err != nil {
		return nil, err
	}
	at := len(p.Data) - 1
	if h := read(p.Data); h.ip != nil {
		at = h.end - 1
	}
	if o.Byte != nil {
		at = *o.Byte
	}
	if at < 0 || at >= len(p.Data) {
		return nil, fmt.Errorf("packet %d has %s, the first of which is byte 0: it has no byte %d", p.Number, counted(len(p.Data), "byte"), at)
	}
	c.leaves(p)
	p.Note += fmt.Sprintf("; bit 0 of byte %d turned", at)
	if o := p.Offload; o != nil && o.Checksum && at >= o.From {
		p.Note += ", and nobody can notice: the checksum is yet to be filled in"
	}
	p.Fate = Corrupted
	c.put(p, Flipped(p.Data, 8*at+7))
	c.had(p)
	return []*packet{p}, nil
}

// delay lets a packet pass after a time.
func (c *Cable) delay(o Order) ([]*packet, error) {
	p, err := c.chosen(o)
	if err != nil {
		return nil, err
	}
	if o.Delay <= 0 {
		return nil, fmt.Errorf("a packet is delayed for some time, not for %s", o.Delay)
	}
	c.leaves(p)
	p.Note += fmt.Sprintf("; then delayed by %s", o.Delay)
	p.Fate = Delayed
	p.Arrived = p.Arrived.Add(o.Delay)
	time.AfterFunc(o.Delay, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		p.Arrived = time.Now()
		c.put(p, p.Data)
		c.had(p)
		c.drain()
	})
	return []*packet{p}, nil
}

// flow lets pass what lies on the cable, and whatever comes, late or not without loss. Of
// the first packets that lie there it is known what each has done: as with next.
func (c *Cable) flow(o Order) ([]*packet, error) {
	w := Way{Delay: o.Delay, Lose: o.Lose, Of: o.Of}
	if err := w.Check(); err != nil {
		return nil, err
	}
	c.holds, c.way, c.turn = nil, w, [2]int{}
	lying := c.lying()
	for i, p := range lying {
		c.leaves(p)
		c.pass(p, Passed)
		if i < tries {
			c.had(p)
		}
	}
	return lying, nil
}

// hold lets nothing pass any more of what an Order names.
func (c *Cable) hold(o Order) ([]*packet, error) {
	holds, err := parseFilter(o.When)
	if err != nil {
		return nil, err
	}
	c.holds = holds
	return nil, nil
}
