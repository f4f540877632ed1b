package sockets

import (
	"strings"

	"golang.org/x/sys/unix"
)

// flagsOf is an unsigned int, a set of named bits.
func flagsOf(names []flag, prefix string) kind {
	return func(d *decoder, i int) string {
		text := several(names, int(uint32(d.registers[i])), prefix)
		d.named(i, text)
		return strings.Replace(text, "O_ASYNC", "FASYNC", 1) // by its old name
	}
}

// oneNamed is an unsigned int that has a name.
func oneNamed(names []flag, prefix string) kind {
	return func(d *decoder, i int) string {
		return d.named(i, one(names, int(uint32(d.registers[i])), prefix))
	}
}

// socketType is the type of a socket with its flags.
func socketType(d *decoder, i int) string { return d.named(i, TypeName(int(uint32(d.registers[i])))) }

// protocol is that of socket(2), whose name depends on the domain. As source it is
// a number.
func protocol(d *decoder, i int) string {
	n := signed(d, i)
	d.written(i, n, n)
	domain := int(uint32(d.registers[0]))
	switch domain {
	case unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK, unix.AF_PACKET:
		return ProtocolName(domain, int(uint32(d.registers[i])))
	}
	return ProtocolName(domain, int(d.registers[i]))
}

// ioRequest is that of ioctl(2). Of the many that there are, those about sockets have
// names here; the others are shown by their parts, as strace(1) shows those that it
// does not know.
func ioRequest(d *decoder, i int) string {
	n := uint32(d.registers[i])
	if name := lookup(requests, int(n)); name != "" {
		return d.named(i, name)
	}
	text := [...]string{"_IOC_NONE", "_IOC_WRITE", "_IOC_READ", "_IOC_READ|_IOC_WRITE"}[n>>30]
	return "_IOC(" + text + ", " + hex(uint64(n>>8&0xff)) + ", " + hex(uint64(n&0xff)) + ", " + hex(uint64(n>>16&0x3fff)) + ")"
}

// ioArgument is what an ioctl(2) goes with: an int, in or out, for those that have a
// name here.
func ioArgument(d *decoder, i int) string {
	switch uint32(d.registers[1]) {
	case fionbio, fioasync:
		return d.integer(d.registers[i])
	case unix.TIOCINQ, unix.TIOCOUTQ, unix.SIOCOUTQNSD:
		if !d.returned {
			d.written(i, "&n", "&n")
			return d.changes("")
		}
		return d.integer(d.registers[i])
	}
	return hex(d.registers[i])
}
