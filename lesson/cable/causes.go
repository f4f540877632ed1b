package cable

import (
	"strings"
	"time"

	"fd3/sockets"
	"fd3/sockets/wire"
)

// A Call is one that a process has made on a host.
type Call struct {
	sockets.Call
	Host    string // of the network
	Process string
	PID     int
}

// end is when the call returned; of one that has not, a time that is far away.
func (c Call) end() time.Time {
	if !c.Returned {
		return c.Start.Add(1 << 62)
	}
	return c.Start.Add(c.Duration)
}

// text is the call as strace(1) prints it, without its result.
func (c Call) text() string {
	if !c.Returned {
		return c.Strace() + ")"
	}
	return strings.TrimSuffix(c.Strace(), " = "+c.Result())
}

// line is the call as strace(1) prints it, with its result if it has one.
func (c Call) line() string {
	if !c.Returned {
		return c.text()
	}
	return c.Strace()
}

// cause says of each packet which call made the kernel send it, where that is certain: the
// call was under way on the packet's host, and is one that sends such a packet. What the
// kernel sends by itself, acknowledgments and repeats, has no cause.
func cause(packets []wire.Packet, calls []Call) {
	for i := range packets {
		p := &packets[i]
		s, ok := p.Segment()
		if !ok || p.Again > 0 || p.Fate == wire.Forged {
			continue
		}
		for _, c := range calls {
			if c.Host == p.From && !p.Time.Before(c.Start) && !p.Time.After(c.end()) && sends(c.Name, s) {
				p.Cause = &wire.Cause{Process: c.Process, PID: c.PID, Call: c.line()}
			}
		}
	}
}

// sends reports whether a call sends such a segment, and not only the kernel for it.
func sends(call string, s wire.Segment) bool {
	switch call {
	case "connect":
		return s.Has(wire.SYN) && !s.Has(wire.ACK)
	case "sendto", "sendmsg", "write":
		return s.Length > 0
	case "shutdown":
		return s.Has(wire.FIN)
	case "close":
		return s.Has(wire.FIN) || s.Has(wire.RST)
	}
	return false
}
