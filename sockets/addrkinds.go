package sockets

import (
	"encoding/binary"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// sockaddr shows n bytes of an address, and returns them, or nil.
func (d *decoder) sockaddr(p uint64, n int32) (Sockaddr, string) {
	if n < 2 {
		return nil, address(p)
	}
	b, ok := d.fetch(p, int(min(n, sizeStorage)))
	if !ok {
		return nil, address(p)
	}
	addr := Sockaddr(slices.Clone(b))
	return addr, addr.strace()
}

// sockaddrIn is an address that goes in; its length is in another register.
func sockaddrIn(length int) kind {
	return func(d *decoder, i int) string {
		addr, text := d.sockaddr(d.registers[i], int32(d.registers[length]))
		d.call.Addr = addr
		d.written(i, "(struct sockaddr *)&addr", addr.goLiteral())
		return text
	}
}

// addrLength is the length of an address that goes in. In C it is a sizeof where the
// address fills its struct.
func addrLength(d *decoder, i int) string {
	n := signed(d, i)
	c := "sizeof addr"
	if d.call.Addr.Family() == unix.AF_UNIX || len(d.call.Addr) < sizeInet {
		c = n
	}
	d.written(i, c, n)
	return n
}

// peekInt returns an int of the memory.
func (d *decoder) peekInt(p uint64) (int32, bool) {
	b, ok := d.peek(p, 4)
	if !ok {
		return 0, false
	}
	return int32(binary.NativeEndian.Uint32(b)), true
}

// sockaddrOut is an address that the kernel writes. Another register points to its
// length: what there is room for, and afterwards what the kernel had.
func sockaddrOut(length int) kind {
	return func(d *decoder, i int) string {
		n, ok := d.peekInt(d.registers[length])
		ok = ok && d.registers[i] != 0
		if !d.returned {
			if !ok {
				return d.address(i)
			}
			d.saved[length] = int64(n)
			return d.changes("")
		}
		if !ok || d.failed() {
			return d.address(i)
		}
		addr, text := d.sockaddr(d.registers[i], min(n, int32(d.saved[length])))
		d.call.Addr = addr
		return text
	}
}

// lengthOut is the length of what the kernel writes to another register's address.
// with says that without such an address nothing is read here either.
func lengthOut(of int, with bool) kind {
	return func(d *decoder, i int) string {
		n, ok := d.peekInt(d.registers[i])
		ok = ok && (!with || d.registers[of] != 0)
		if !d.returned {
			if !ok {
				return d.address(i)
			}
			d.saved[i] = int64(n)
			return d.changes("")
		}
		before := int32(d.saved[i])
		switch {
		case d.failed() || !ok || n == before:
			return fmt.Sprintf("[%d]", before)
		}
		return fmt.Sprintf("[%d => %d]", before, n)
	}
}
