package sockets

import (
	"fmt"
	"math/bits"
	"strings"
)

// maxSet is how many descriptors strace(1) looks at in a set at most.
const maxSet = 1 << 20

// fdset is one of the sets of select(2): the descriptors below nfds that are in it.
func fdset(d *decoder, i int) string {
	n := d.setSize()
	d.written(i, "&"+setNames[i], "&"+setNames[i])
	if d.registers[i] == 0 {
		d.written(i, "NULL", "nil")
	}
	if n == 0 {
		return d.address(i)
	}
	set, ok := d.fetch(d.registers[i], setBytes(n))
	if !ok {
		return d.address(i)
	}
	var s strings.Builder
	s.WriteByte('[')
	for fd := range members(set, n) {
		if s.Len() > 1 {
			s.WriteByte(' ')
		}
		fmt.Fprint(&s, fd)
	}
	s.WriteByte(']')
	return s.String()
}

var setNames = [...]string{1: "in", 2: "out", 3: "except"}

// setSize returns how many descriptors the sets have. The kernel takes 32 bits of it.
func (d *decoder) setSize() int { return min(max(int(int32(d.registers[0])), 0), maxSet) }

// setBytes returns the size of a set: whole longs.
func setBytes(n int) int { return (n + 63) / 64 * 8 }

// members gives the bits of a set that are 1 and below n, in order. The longs of a
// set are little-endian here as everywhere on amd64 and arm64.
func members(set []byte, n int) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for i, b := range set {
			for ; b != 0; b &= b - 1 {
				fd := i*8 + bits.TrailingZeros8(b)
				if fd >= n || !yield(fd) {
					return
				}
			}
		}
	}
}

// selectResult is the number of descriptors that are ready, and which: in, out and
// except, as far as there is room.
func selectResult(fraction string) func(*decoder) string {
	return func(d *decoder) string {
		ready := d.call.Ret
		if ready == 0 {
			return "0 (Timeout)"
		}
		text, separator, n := "", "", d.setSize()
		for i := 1; i <= 3 && ready > 0; i++ {
			if d.registers[i] == 0 || n == 0 {
				continue
			}
			set, ok := d.fetch(d.registers[i], setBytes(n))
			if !ok {
				continue
			}
			first := true
			for fd := range members(set, n) {
				if len(text) < maxResult-roomForSet {
					if first {
						text += fmt.Sprintf("%s%s [%d", separator, setNames[i], fd)
						first, separator = false, ", "
					} else {
						text += fmt.Sprintf(" %d", fd)
					}
				}
				if ready--; ready == 0 {
					break
				}
			}
			if text != "" {
				text += "]"
			}
		}
		if rest := d.left(4, fraction); rest != "" && len(text)+len("left \x00")+len(separator)+len(rest) < maxResult {
			text += separator + "left " + rest
		}
		return fmt.Sprintf("%d (%s)", d.call.Ret, text)
	}
}

// roomForSet is what strace(1) keeps free for the beginning of another set.
const roomForSet = len(", except [\x00") + 4*3 + 2
