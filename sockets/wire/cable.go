package wire

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// An End is where the cable meets a host.
type End struct {
	Name   string
	Socket int                                       // a packet socket, non-blocking, with SO_TIMESTAMPNS and PACKET_VNET_HDR
	State  func(local, remote netip.AddrPort) string // of the host's end of a TCP connection; empty: it has none
}

// A Cable lies between two hosts. A frame that a host sends lies on it until the cable is
// told what becomes of it, or passes at once where the cable lets it flow. All methods
// may be called from anywhere.
type Cable struct {
	ends    [2]End
	patient bool // it takes off what a kernel sends again while a person thinks

	mu      sync.Mutex
	holds   filter
	way     Way
	turn    [2]int    // of each end: how many packets of way.Of have come
	late    []*packet // in the order in which they are to be delivered
	number  int       // of the newest packet
	record  []*packet // in the order of their numbers; the oldest are forgotten
	bytes   int       // of the frames in record
	held    load      // what lies on the cable
	onWay   load      // what is late
	buffers buffers
	left    time.Time // when a packet left it last that had lain there
	turned  int       // of so many packets more it is asked what they do: one before may have changed the state of a connection

	forgedSYNs int // so many, from addresses that nobody has
}

// A packet is one of the record.
type packet struct {
	Packet
	from  int        // the end that it came in by
	vnet  vnetHeader // what is left to the device, as the kernel said it
	asked bool       // both hosts are asked where they stand by it
	again int        // how many repeats of it were taken off
}

// The record has room for so many packets, and so many bytes of frames; up to twice as
// much is there. A packet that lies on the cable is never forgotten, so that no more may
// lie there, and no more may be late: a host can send without end.
const (
	maxPackets = 10_000
	maxBytes   = 16 << 20
)

// A load is so many packets, and so many bytes of frames.
type load struct{ packets, bytes int }

func (l *load) add(p *packet)  { l.packets, l.bytes = l.packets+1, l.bytes+len(p.Data) }
func (l *load) take(p *packet) { l.packets, l.bytes = l.packets-1, l.bytes-len(p.Data) }

// full reports whether there is room for no more.
func (l load) full() bool { return l.packets >= maxPackets || l.bytes >= maxBytes }

// NewCable makes a cable that holds all but ARP. A patient one is for a person: what a
// kernel sends again, since nothing answers, it takes off.
func NewCable(ends [2]End, patient bool) *Cable {
	holds, _ := parseFilter(Usual)
	return &Cable{ends: ends, patient: patient, holds: holds}
}

// Carry takes what the hosts send, and returns when their sockets are closed. While
// nothing is sent it takes no processor time.
func (c *Cable) Carry() error {
	for {
		ready := []unix.PollFd{{Fd: int32(c.ends[0].Socket), Events: unix.POLLIN}, {Fd: int32(c.ends[1].Socket), Events: unix.POLLIN}}
		if _, err := unix.Poll(ready, -1); err == unix.EINTR {
			continue
		} else if err != nil {
			return fmt.Errorf("poll: %w", err)
		}
		if (ready[0].Revents|ready[1].Revents)&unix.POLLNVAL != 0 {
			return unix.EBADF
		}
		c.mu.Lock()
		c.drain()
		c.mu.Unlock()
	}
}

// atOnce bounds how many frames of one end are taken before one of the other.
const atOnce = 64

// drain takes what has arrived at both ends, in the order in which it was sent: two
// threads, one for each end, would not know it.
func (c *Cable) drain() {
	for rounds := 0; rounds < atOnce; rounds++ {
		var all []*packet
		for i := range c.ends {
			for range atOnce {
				frame, at, ok := c.buffers.receive(c.ends[i].Socket)
				if !ok {
					break
				}
				all = append(all, &packet{Packet: Packet{Data: frame, Time: at, From: c.ends[i].Name, To: c.ends[1-i].Name, Offload: c.buffers.vnet.offload()}, from: i, vnet: c.buffers.vnet})
			}
		}
		if len(all) == 0 {
			return
		}
		slices.SortStableFunc(all, func(a, b *packet) int { return a.Time.Compare(b.Time) })
		for _, p := range all {
			c.arrive(p)
		}
	}
}

// asksAfter is of how many packets it is asked what they do, after one that may have
// changed the state of a connection: two such can cross, and each is acknowledged.
const asksAfter = 2

// arrive puts a packet onto the cable. Where it has to lie, both ends are asked where
// they stand, and so they are where it begins or ends a connection, or acknowledges one
// that did: the last ACK of a handshake opens the server's end.
func (c *Cable) arrive(p *packet) {
	c.note(p)
	if c.forInvented(p) {
		return
	}
	if !c.holds.match(p) {
		p.asked = c.turned > 0 || read(p.Data).turns()
		c.turned = max(c.turned-1, 0)
		if p.asked {
			p.Before = c.states(p)
		}
		if p.Time.Before(c.left) {
			c.left = time.Now() // it has waited for that one, and others may wait for it
			p.Arrived = c.left
		}
		c.flows(p)
		if p.asked && p.Fate != Delayed {
			p.After = c.states(p)
		}
		return
	}
	if c.takeOff(p) {
		return
	}
	if c.held.full() {
		p.Fate, p.Note = Dropped, fmt.Sprintf("no room: %s lie on the cable", counted(c.held.packets, "packet"))
		return
	}
	p.Fate = Held
	c.held.add(p)
	p.Before = c.states(p)
}

// note gives a packet its number and keeps it.
func (c *Cable) note(p *packet) {
	c.number++
	p.Number = c.number
	c.record = append(c.record, p)
	c.bytes += len(p.Data)
	if len(c.record) > 2*maxPackets || c.bytes > 2*maxBytes {
		c.forget()
	}
}

// forget makes room in the record, seldom: it moves all of it.
func (c *Cable) forget() {
	excess, bytes := len(c.record)-maxPackets, c.bytes-maxBytes
	c.record = slices.DeleteFunc(c.record, func(p *packet) bool {
		if p.Fate == Held || excess <= 0 && bytes <= 0 {
			return false
		}
		excess--
		bytes -= len(p.Data)
		c.bytes -= len(p.Data)
		return true
	})
}

// pass lets the host at the other end have a packet.
func (c *Cable) pass(p *packet, fate Fate) {
	p.Fate = fate
	c.put(p, p.Data)
}

// put writes a frame to the host at the other end. A frame that the host's interface does
// not take is lost, as on any cable.
func (c *Cable) put(p *packet, frame []byte) {
	err := send(c.ends[1-p.from].Socket, &p.vnet, frame)
	if err == nil {
		if read(frame).turns() {
			c.turned = asksAfter
		}
		return
	}
	p.lost()
	switch err {
	case unix.ENOBUFS: // a queueing discipline has dropped it (net_xmit_errno)
		p.Note = fmt.Sprintf("the queue to the %s was full", p.To)
	default:
		p.Note = fmt.Sprintf("the interface of the %s did not take it: %v", p.To, err)
	}
}

// states asks both hosts for their end of the connection that a packet belongs to.
func (c *Cable) states(p *packet) States {
	src, dst, ok := read(p.Data).addresses()
	if !ok {
		return States{}
	}
	var s States
	if f := c.ends[p.from].State; f != nil {
		s.From = f(src, dst)
	}
	if f := c.ends[1-p.from].State; f != nil {
		s.To = f(dst, src)
	}
	return s
}

// lying returns the packets on the cable, the first one first.
func (c *Cable) lying() []*packet {
	var all []*packet
	for _, p := range c.record {
		if p.Fate == Held {
			all = append(all, p)
		}
	}
	return all
}
