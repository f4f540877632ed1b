package wire

import (
	"fmt"
	"time"
)

// A Way is what becomes of packets that a cable lets pass. The zero Way passes them all,
// at once.
type Way struct {
	Delay time.Duration `json:"delay_ns,omitempty"` // each comes so much later
	Lose  int           `json:"lose,omitempty"`     // so many of each host's are lost
	Of    int           `json:"of,omitempty"`       // of so many, the last of them; 0: none is
}

// mostDelay is later than any TCP waits for.
const mostDelay = time.Minute

// Check returns an error where a Way is none.
func (w Way) Check() error {
	switch {
	case w.Delay < 0 || w.Delay > mostDelay:
		return fmt.Errorf("a delay is from 0 to %s, not %s", mostDelay, w.Delay)
	case w.Of < 0 || w.Lose < 0 || w.Lose > w.Of || w.Of > maxPackets:
		return fmt.Errorf("a loss is so many of so many packets, such as 1 of 3, not %d of %d", w.Lose, w.Of)
	}
	return nil
}

// flows lets a packet go its way. Only IPv4 is lost: without ARP there would be no way.
func (c *Cable) flows(p *packet) {
	ip := read(p.Data).ip != nil
	if c.way.Of > 0 && ip {
		turn := c.turn[p.from]
		c.turn[p.from] = (turn + 1) % c.way.Of
		if turn >= c.way.Of-c.way.Lose {
			p.lost()
			p.Note = fmt.Sprintf("%d of %d is lost", c.way.Lose, c.way.Of)
			return
		}
	}
	if c.way.Delay == 0 && len(c.late) == 0 { // else it would be before those
		c.pass(p, Passed)
		return
	}
	if c.onWay.full() {
		p.lost()
		p.Note = fmt.Sprintf("no room: %s are on their way", counted(c.onWay.packets, "packet"))
		return
	}
	p.Fate, p.Note = Delayed, "by "+c.way.Delay.String()
	if c.way.Delay == 0 {
		p.Note = "behind packets that are late"
	}
	p.Arrived = p.Time.Add(c.way.Delay)
	c.late = append(c.late, p)
	c.onWay.add(p)
	if len(c.late) == 1 {
		c.wait()
	}
}

// wait has the first packet that is late delivered when it is its time.
func (c *Cable) wait() {
	time.AfterFunc(time.Until(c.late[0].Arrived), func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		for len(c.late) > 0 && time.Until(c.late[0].Arrived) <= 0 {
			p := c.late[0]
			c.late = c.late[1:]
			c.onWay.take(p)
			p.Arrived = time.Now()
			c.put(p, p.Data)
			if p.asked {
				p.After = c.states(p)
			}
		}
		if len(c.late) > 0 {
			c.wait()
		}
		c.drain()
	})
}
