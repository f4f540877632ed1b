package wire

import (
	"encoding/binary"
	"io"
	"strings"
	"time"
)

// A Capture writes packets to a file in pcapng, which Wireshark opens
// (draft-ietf-opsawg-pcapng).
type Capture struct {
	w io.Writer
}

// An Interface is where the packets of a Capture are seen.
type Interface struct {
	Name        string
	Description string // empty: none
}

// The types of blocks and options.
const (
	sectionHeader  = 0x0A0D0D0A
	interfaceBlock = 1
	enhancedPacket = 6

	optComment         = 1
	optUserApplication = 4 // of a section
	optName            = 2 // of an interface
	optDescription     = 3
	optResolution      = 9

	ethernetLink = 1
)

// NewCapture begins a file: the program that writes it, and its interfaces.
func NewCapture(w io.Writer, program string, interfaces ...Interface) (*Capture, error) {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0x1A2B3C4D) // by which a reader knows the order of bytes
	b = le.AppendUint16(b, 1)             // version 1.0
	b = le.AppendUint16(b, 0)
	b = le.AppendUint64(b, 1<<64-1) // how long the section is: not known
	file := block(sectionHeader, options(b, option{optUserApplication, program}))
	for _, i := range interfaces {
		b := le.AppendUint16(nil, ethernetLink)
		b = le.AppendUint16(b, 0)
		b = le.AppendUint32(b, 0) // packets are whole
		file = append(file, block(interfaceBlock, options(b,
			option{optName, i.Name}, option{optDescription, i.Description}, option{optResolution, "\x09"}))...) // nanoseconds
	}
	_, err := w.Write(file)
	return &Capture{w: w}, err
}

// Write adds a frame that was seen at an interface, by its number from 0, with a comment
// in UTF-8, which may be empty.
func (c *Capture) Write(at int, when time.Time, frame []byte, comment string) error {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, uint32(at))
	ns := uint64(when.UnixNano())
	b = le.AppendUint32(b, uint32(ns>>32))
	b = le.AppendUint32(b, uint32(ns))
	b = le.AppendUint32(b, uint32(len(frame))) // as much as there is in the file
	b = le.AppendUint32(b, uint32(len(frame))) // as much as there was
	b = padded(append(b, frame...))
	_, err := c.w.Write(block(enhancedPacket, options(b, option{optComment, comment})))
	return err
}

// An option of a block; an empty one is left out.
type option struct {
	code  uint16
	value string
}

func options(b []byte, all ...option) []byte {
	le := binary.LittleEndian
	for _, o := range all {
		if o.value == "" {
			continue
		}
		o.value = strings.ToValidUTF8(o.value[:min(len(o.value), 1<<16-1)], "")
		b = le.AppendUint16(b, o.code)
		b = le.AppendUint16(b, uint16(len(o.value)))
		b = padded(append(b, o.value...))
	}
	return append(b, 0, 0, 0, 0) // the end of them
}

// block returns a block: it has its length at both ends.
func block(typ uint32, body []byte) []byte {
	le := binary.LittleEndian
	n := uint32(12 + len(body))
	b := le.AppendUint32(nil, typ)
	b = le.AppendUint32(b, n)
	return le.AppendUint32(append(b, body...), n)
}

// padded is bytes up to a multiple of four. All that comes before is one, too.
func padded(b []byte) []byte { return append(b, make([]byte, -len(b)&3)...) }
