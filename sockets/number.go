package sockets

import (
	"encoding/binary"
	"fmt"
	"strconv"
)

// descriptor is a file descriptor: the kernel reads 32 bits of the register.
func descriptor(d *decoder, i int) string { return signed(d, i) }

// signed is an int.
func signed(d *decoder, i int) string { return strconv.Itoa(int(int32(d.registers[i]))) }

// unsigned is an unsigned int.
func unsigned(d *decoder, i int) string {
	return strconv.FormatUint(uint64(uint32(d.registers[i])), 10)
}

// count is a size_t. A person writes -1 for the largest.
func count(d *decoder, i int) string {
	short := strconv.FormatInt(int64(d.registers[i]), 10)
	d.written(i, short, short)
	return strconv.FormatUint(d.registers[i], 10)
}

// position is an off_t in the register itself.
func position(d *decoder, i int) string { return strconv.FormatInt(int64(d.registers[i]), 10) }

// hexadecimal is a register that nothing is known of.
func hexadecimal(d *decoder, i int) string { return hex(d.registers[i]) }

// pointer is an address of which nothing is shown but where it is.
func pointer(d *decoder, i int) string { return d.address(i) }

// integer reads an int of the memory, as in [5], or shows the address.
func (d *decoder) integer(p uint64) string {
	b, ok := d.fetch(p, 4)
	if !ok {
		return address(p)
	}
	return fmt.Sprintf("[%d]", int32(binary.NativeEndian.Uint32(b)))
}

// long reads a long of the memory.
func (d *decoder) long(p uint64) (int64, bool) {
	b, ok := d.fetch(p, 8)
	if !ok {
		return 0, false
	}
	return int64(binary.NativeEndian.Uint64(b)), true
}

// pointedOffset is an off_t that only goes in, although the kernel changes it too.
func pointedOffset(d *decoder, i int) string {
	n, ok := d.long(d.registers[i])
	if !ok {
		return d.address(i)
	}
	d.written(i, "&offset", "&offset")
	return fmt.Sprintf("[%d]", n)
}

// movedOffset is an off_t that the kernel moves on, with both values: [5] => [12].
func movedOffset(d *decoder, i int) string {
	n, ok := d.long(d.registers[i])
	now := fmt.Sprintf("[%d]", uint64(n))
	switch {
	case !d.returned && !ok:
		d.written(i, "NULL", "nil")
		return d.address(i)
	case !d.returned:
		d.saved[i] = n
		return d.changes(now)
	case d.call.Ret <= 0:
		return d.entered
	case !ok:
		return d.entered + " => " + d.address(i)
	}
	return d.entered + " => " + now
}

// twoDescriptors are two descriptors that the kernel writes.
func twoDescriptors(d *decoder, i int) string {
	if !d.returned {
		d.written(i, "fd", "fd")
		return d.changes("")
	}
	return d.array(d.registers[i], 2, 4, func(b []byte) string {
		return fmt.Sprint(int32(binary.NativeEndian.Uint32(b)))
	})
}

// array shows n elements of a size that begin at an address, as strace(1) does: at
// most QuoteLimit of them, and the address of what cannot be read.
func (d *decoder) array(start uint64, n, size uint64, show func([]byte) string) string {
	return d.arrayOf(start, n, size, d.fetch, show)
}

// arrayOf is array with a fetch of one's own.
func (d *decoder) arrayOf(start uint64, n, size uint64, fetch func(uint64, int) ([]byte, bool), show func([]byte) string) string {
	switch {
	case start == 0:
		return "NULL"
	case n == 0:
		return "[]"
	case n > (1<<64-1)/size || start+n*size <= start:
		return address(start)
	}
	text := "["
	for k := range n {
		at := start + k*size
		b, ok := fetch(at, int(size))
		switch {
		case !ok && k == 0:
			return address(start)
		case k > 0:
			text += ", "
		}
		if !ok {
			return text + fmt.Sprintf("... /* %#x */]", at)
		}
		if k == QuoteLimit {
			return text + "...]"
		}
		text += show(b)
	}
	return text + "]"
}
