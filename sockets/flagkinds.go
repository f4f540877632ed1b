package sockets

import "golang.org/x/sys/unix"

// flagsOf is an unsigned int, a set of named bits.
func flagsOf(names []flag, prefix string) kind {
	return func(d *decoder, i int) string {
		return d.named(i, several(names, int(uint32(d.registers[i])), prefix))
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
	return ProtocolName(int(uint32(d.registers[0])), int(uint32(d.registers[i])))
}

// ioRequest is that of ioctl(2). Of the many that there are, those about sockets have
// names here; the others are shown by their parts, as strace(1) shows those that it
// does not know.
func ioRequest(d *decoder, i int) string {
	n := uint32(d.registers[i])
	if name := lookup(requests, int(n)); name != "" {
		return d.named(i, name)
	}
	way, _ := split([]flag{{1, "_IOC_WRITE"}, {2, "_IOC_READ"}}, int(n>>30))
	text := "_IOC_NONE"
	switch len(way) {
	case 1:
		text = way[0]
	case 2:
		text = "_IOC_WRITE|_IOC_READ"
	}
	return "_IOC(" + text + ", " + hex(uint64(n>>8&0xff)) + ", " + hex(uint64(n&0xff)) + ", " + hex(uint64(n>>16&0x3fff)) + ")"
}

// ioArgument is what an ioctl(2) goes with: an int, in or out, for those that have a
// name here.
func ioArgument(d *decoder, i int) string {
	switch uint32(d.registers[1]) {
	case fionbio:
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
