package wire

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
)

// Parse names the bytes of an Ethernet frame, which may be any bytes at all. The Packet
// has the frame itself, not a copy.
func Parse(frame []byte) Packet {
	d := dissect(frame)
	return Packet{Data: frame, Layers: d.layers, Summary: d.summary, Malformed: d.malformed}
}

// Dissect names the bytes of the packet's own frame, as Parse does.
func (p *Packet) Dissect() {
	parsed := Parse(p.Data)
	p.Layers, p.Summary, p.Malformed = parsed.Layers, parsed.Summary, parsed.Malformed
	if o := p.Offload; o != nil && o.Size > 0 {
		p.Summary += fmt.Sprintf(", GSO %d", o.Size)
	}
}

func dissect(frame []byte) *dissector {
	d := &dissector{frame: frame, end: len(frame)}
	for next := protocol(d.ethernet); next != nil && !d.over; {
		next = next()
	}
	d.trailer()
	if d.first {
		d.summary += ", the first fragment"
	}
	return d
}

// A dissector goes through a frame and names one stretch of bits after the other. The
// functions of the layers read as their headers do: when the bytes are over in the
// middle of one, the rest of their reads yield 0 and name nothing.
type dissector struct {
	frame   []byte
	bit     int // how many bits have a name
	end     int // the bytes up to here belong to the layer, and to those in it
	layers  []Layer
	summary string
	sums    []rightSum

	malformed string // the first thing that is wrong
	over      bool   // the bytes ended before the layer did
	quoted    bool   // this is what an ICMP message quotes of a packet
	first     bool   // the packet is the first of several fragments
	network   network
}

// A network is what the layer of the addresses says to the ones in it.
type network struct {
	src, dst []byte
	part     string // why not all of what is in it is here; empty if it is
}

// A protocol reads its layer and returns the one for what is in it, or nil.
type protocol func() protocol

// at is the first byte that has no name; between two layers, and wherever whole bytes
// have been read.
func (d *dissector) at() int { return d.bit / 8 }

// left is how many bytes the layer has yet.
func (d *dissector) left() int { return max(d.end-d.at(), 0) }

// begin begins a layer.
func (d *dissector) begin(name, spec string) {
	d.layers = append(d.layers, Layer{Name: name, Spec: spec, Start: d.at(), End: d.at(), Quoted: d.quoted, Fields: make([]Field, 0, usualFields)})
}

// usualFields is how many most layers have no more of.
const usualFields = 20

func (d *dissector) layer() *Layer { return &d.layers[len(d.layers)-1] }

// name gives the next bits a name, and reports whether they are all there.
func (d *dissector) name(name string, bits int) (f *Field, ok bool) {
	if d.over {
		return nil, false
	}
	if there := 8*d.end - d.bit; bits > there {
		d.over = true
		d.wrong("%s: the bytes end before the %s does", d.layer().Name, name)
		if bits = max(there, 0); bits == 0 {
			return nil, false
		}
	}
	start, end := d.at(), (d.bit+bits+7)/8
	made := Field{Name: name, Start: start, End: end}
	if d.bit%8 != 0 || bits%8 != 0 {
		made.Bit, made.Bits = d.bit%8, bits
	}
	d.bit += bits
	l := d.layer()
	l.End = end
	l.Fields = append(l.Fields, made)
	f = &l.Fields[len(l.Fields)-1]
	if d.over {
		f.Value, f.Meaning = hexOf(d.frame[start:end]), "cut off"
	}
	return f, !d.over
}

// number names the next bits, up to 32 of them, and returns them as a number.
func (d *dissector) number(name string, bits int) int {
	f, ok := d.name(name, bits)
	if !ok {
		return 0
	}
	var n uint64
	for _, b := range d.frame[f.Start:f.End] {
		n = n<<8 | uint64(b)
	}
	n >>= uint(8*f.End - d.bit)
	n &= 1<<bits - 1
	f.Value = strconv.FormatUint(n, 10)
	return int(n)
}

// hex is number for what is written in hexadecimal.
func (d *dissector) hex(name string, bits int) int {
	n := d.number(name, bits)
	if !d.over {
		d.last().Value = fmt.Sprintf("0x%0*x", (bits+3)/4, n)
	}
	return n
}

// bytes names so many bytes and returns them; no bytes have no name.
func (d *dissector) bytes(name string, n int) []byte {
	if n <= 0 {
		return nil
	}
	f, ok := d.name(name, 8*n)
	if !ok {
		return nil
	}
	b := d.frame[f.Start:f.End]
	f.Value = hexOf(b)
	return b
}

// hexOf is bytes in hex, or how many there are of those that no line has room for.
func hexOf(b []byte) string {
	if len(b) > 16 {
		return fmt.Sprintf("%d bytes", len(b))
	}
	return hex.EncodeToString(b)
}

// hardware names a MAC address.
func (d *dissector) hardware(name string) []byte {
	b := d.bytes(name, 6)
	if b != nil {
		d.last().Value = mac(b)
	}
	return b
}

func mac(b []byte) string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5])
}

// address names an address of 4 or 16 bytes.
func (d *dissector) address(name string, n int) []byte {
	b := d.bytes(name, n)
	if b != nil {
		d.last().Value = address(b)
	}
	return b
}

// address is an address of 4 or 16 bytes as it is written; empty if it has none.
func address(b []byte) string {
	if a, ok := netip.AddrFromSlice(b); ok {
		return a.String()
	}
	return ""
}

// last is the field that was named last.
func (d *dissector) last() *Field {
	f := d.layer().Fields
	return &f[len(f)-1]
}

// means says what the last value stands for, if it was there.
func (d *dissector) means(format string, args ...any) {
	if !d.over {
		d.last().Meaning = fmt.Sprintf(format, args...)
	}
}

// stands says what the last value stands for, by a table.
func (d *dissector) stands(words map[int]string, n int) {
	if word, ok := words[n]; ok && !d.over {
		d.last().Meaning = word
	}
}

// wrong notes what is wrong with the packet. What a message quotes of another is judged
// by nobody.
func (d *dissector) wrong(format string, args ...any) {
	if d.malformed == "" && !d.quoted {
		d.malformed = fmt.Sprintf(format, args...)
	}
}

// says is what the packet says, in a line; an outer layer has said something less.
func (d *dissector) says(format string, args ...any) {
	if !d.over && !d.quoted {
		d.summary = fmt.Sprintf(format, args...)
	}
}

// payload names the rest of the bytes as what the headers are for.
func (d *dissector) payload() protocol {
	if d.left() > 0 && !d.over {
		d.begin("payload", "")
		d.bytes("data", d.left())
	}
	return nil
}

// unknown names the rest of the bytes when nothing can be said of them.
func (d *dissector) unknown(name string) protocol {
	if d.left() > 0 && !d.over {
		d.bytes(name, d.left())
	}
	return nil
}

// trailer names what comes after the packet in a frame: a frame of less than 60 bytes is
// padded. What an outer length did not allow for is in it, too.
func (d *dissector) trailer() {
	d.over, d.quoted = false, false
	if d.end = len(d.frame); d.left() > 0 {
		d.begin("padding", "IEEE 802.3 clause 3")
		d.bytes("padding", d.left())
	}
}
