package wire

import (
	"fmt"
	"strings"
	"time"
)

// A Packet is the bytes of one frame with the name of each, and what became of it. Parse
// fills Data to Malformed, Flows add Labels and Again, and the rest is known to those who
// watch the cable.
type Packet struct {
	Data      []byte  `json:"data"`                // the frame as it came, in base64
	Layers    []Layer `json:"layers"`              // the outermost first; each byte is in one of them
	Summary   string  `json:"summary"`             // what it says, in a line
	Malformed string  `json:"malformed,omitempty"` // what is wrong with its bytes, if something is
	Labels    []Label `json:"labels,omitempty"`    // of TCP: what it is to its connection, if it is no ordinary segment
	Again     int64   `json:"again_ns,omitempty"`  // of TCP: how long after it was sent last, if it was sent before

	Number  int       `json:"number,omitempty"`  // from 1, in the order in which the cable saw them
	Time    time.Time `json:"time,omitzero"`     // when it came onto the cable
	Arrived time.Time `json:"arrived,omitzero"`  // when the other end had it, if it lay on the cable before or waited for one that did
	Lost    time.Time `json:"lost,omitzero"`     // when the cable lost it, if it lay there before
	From    string    `json:"from,omitempty"`    // the host that sent it
	To      string    `json:"to,omitempty"`      // the host at the other end
	Offload *Offload  `json:"offload,omitempty"` // what the host has left to its device; none: nothing
	Fate    Fate      `json:"fate,omitempty"`    // passed, held, dropped, ...
	Note    string    `json:"note,omitempty"`    // about its fate: how long, which bit, why
	Before  States    `json:"before,omitzero"`   // when it came onto the cable
	After   States    `json:"after,omitzero"`    // when the other end had it, or would have had it, and no later packet
	Cause   *Cause    `json:"cause,omitempty"`   // the call that sent it; none: unknown, or the kernel by itself
}

// Lying returns those of the packets that lie on the cable, in their order.
func Lying(packets []Packet) (all []Packet) {
	for _, p := range packets {
		if p.Fate == Held {
			all = append(all, p)
		}
	}
	return all
}

// A Layer is one header of a packet, or what comes after the headers.
type Layer struct {
	Name   string  `json:"name"`             // Ethernet, ARP, IPv4, IPv6, ICMP, TCP, payload, ...
	Start  int     `json:"start"`            // its first byte
	End    int     `json:"end"`              // the first byte after it
	Spec   string  `json:"spec,omitempty"`   // where it is written what these bytes mean
	Quoted bool    `json:"quoted,omitempty"` // of another packet, which an ICMP message quotes
	Fields []Field `json:"fields"`           // in their order; each bit of the layer is in one of them
}

// A Field is a stretch of bytes with a name, or of bits.
type Field struct {
	Name    string `json:"name"`
	Start   int    `json:"start"`             // its first byte
	End     int    `json:"end"`               // the first byte after it
	Bit     int    `json:"bit,omitempty"`     // of a field that is not whole bytes: its first bit; 0 is the highest of the first byte
	Bits    int    `json:"bits,omitempty"`    // how many it has; 0: all of its bytes
	Value   string `json:"value,omitempty"`   // the number, the address, the bytes in hex; none: its characters
	Meaning string `json:"meaning,omitempty"` // what that stands for
}

// A Fate is what becomes of a packet on the cable.
type Fate string

// The fates.
const (
	Passed     Fate = "passed"     // the other end has it
	Held       Fate = "held"       // it lies on the cable
	Dropped    Fate = "dropped"    // the cable lost it
	Duplicated Fate = "duplicated" // the other end has it twice
	Delayed    Fate = "delayed"    // the other end has it later than it would have
	Swapped    Fate = "swapped"    // a later one came before it
	Corrupted  Fate = "corrupted"  // the other end has it with another bit
	Forged     Fate = "forged"     // no host sent it
	TakenOff   Fate = "taken off"  // it says what another says that lies on the cable still
)

// States are the states of the sockets at both ends, as ss(8) names them; empty where
// there is no socket.
type States struct {
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

// A Cause is the call that made the kernel send a packet.
type Cause struct {
	Process string `json:"process"`
	PID     int    `json:"pid"`
	Call    string `json:"call"` // as strace(1) prints it
}

// Had is when the other end had the packet, or the cable lost it; or when it came onto the
// cable if it lies there, or passed at once.
func (p *Packet) Had() time.Time {
	switch {
	case !p.Arrived.IsZero():
		return p.Arrived
	case !p.Lost.IsZero():
		return p.Lost
	}
	return p.Time
}

// Size says how many bytes each layer has, and how many those are together.
func (p *Packet) Size() string {
	var all []string
	for i := range p.Layers {
		l := &p.Layers[i]
		all = append(all, fmt.Sprintf("%s %d", l.Title(), l.End-l.Start))
	}
	if len(all) < 2 {
		return counted(len(p.Data), "byte")
	}
	return fmt.Sprintf("%s = %s", strings.Join(all, " + "), counted(len(p.Data), "byte"))
}

// Layer returns the innermost layer of a name that is not quoted, or nil.
func (p *Packet) Layer(name string) *Layer {
	for i := len(p.Layers) - 1; i >= 0; i-- {
		if l := &p.Layers[i]; l.Name == name && !l.Quoted {
			return l
		}
	}
	return nil
}

// Title is the Name, and whether the layer is of another packet.
func (l *Layer) Title() string {
	if l.Quoted {
		return "quoted " + l.Name
	}
	return l.Name
}

// Field returns the first field of a name, or nil. A nil Layer has no fields.
func (l *Layer) Field(name string) *Field {
	if l == nil {
		return nil
	}
	for i := range l.Fields {
		if l.Fields[i].Name == name {
			return &l.Fields[i]
		}
	}
	return nil
}
