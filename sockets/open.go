package sockets

import (
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// OpenFlagNames returns the flags of open(2): the access mode, which is a number
// from 0 to 3 and no set of bits, then the flags, and as hex what has no name.
func OpenFlagNames(flags uint64) string {
	access := [...]string{"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"}[flags&unix.O_ACCMODE]
	if rest := flags &^ unix.O_ACCMODE; rest != 0 {
		more := several(openFlags, int(rest), "O_")
		more, _, _ = strings.Cut(more, " ") // behind another name a number stands alone
		return access + "|" + more
	}
	return access
}

// openFlagNames is OpenFlagNames as strace(1) prints it: O_ASYNC by its old name.
func openFlagNames(flags uint64) string {
	return strings.Replace(OpenFlagNames(flags), "O_ASYNC", "FASYNC", 1)
}

// openFlagsKind are the flags of open(2).
func openFlagsKind(d *decoder, i int) string {
	names := OpenFlagNames(uint64(uint32(d.registers[i])))
	d.named(i, names)
	return openFlagNames(uint64(uint32(d.registers[i])))
}

// makesFile reports whether open(2) with these flags needs a mode.
func makesFile(flags uint64) bool { return flags&(unix.O_CREAT|anonymous) != 0 }

// openMode is the mode of open(2), which is there only where a file may be made.
func openMode(d *decoder, i int) string {
	mode := uint16(d.registers[i])
	d.written(i, octal(uint64(mode)), fmt.Sprintf("%#o", uint32(d.registers[i])))
	if !makesFile(d.registers[2]) {
		return d.absent()
	}
	return octal(uint64(mode))
}

// octal is a file mode as strace(1) prints it: at least three digits.
func octal(mode uint64) string { return fmt.Sprintf("0%02o", mode) }

// openStatement is openat(2) as source. C has the mode only where it counts.
func openStatement(d *decoder) (c, golang string) {
	c = "int fd = openat({dirfd}, {pathname}, {flags});"
	if makesFile(d.registers[2]) {
		c = "int fd = openat({dirfd}, {pathname}, {flags}, {mode});"
	}
	return c, "fd, err := unix.Openat({dirfd}, {pathname}, {flags}, {mode})"
}

// openHow is the struct open_how of openat2(2), whose size is in the next register:
// 24 bytes since Linux 5.6, more where a program knows of a later one.
func openHow(d *decoder, i int) string {
	p, n := d.registers[i], d.registers[i+1]
	b, ok := d.fetch(p, unix.SizeofOpenHow)
	if n < unix.SizeofOpenHow || !ok {
		d.written(i, "0", "unix.OpenHow{}")
		return d.address(i)
	}
	word := func(i int) uint64 { return binary.NativeEndian.Uint64(b[i:]) }
	flags, mode, resolve := word(0), word(8), several(resolveFlags, int(word(16)), "RESOLVE_")
	parts := []string{"flags=" + openFlagNames(flags)}
	c, golang := ".flags = "+cNames(OpenFlagNames(flags)), "Flags: "+goNames(OpenFlagNames(flags))
	if makesFile(flags) || mode != 0 {
		parts = append(parts, "mode="+octal(mode))
		c += ", .mode = " + octal(mode)
		golang += fmt.Sprintf(", Mode: %#o", mode)
	}
	parts = append(parts, "resolve="+resolve)
	d.written(i, "{"+c+", .resolve = "+cNames(resolve)+"}", "unix.OpenHow{"+golang+", Resolve: "+goNames(resolve)+"}")
	if n > unix.SizeofOpenHow {
		if rest := d.nonzero(p, unix.SizeofOpenHow, min(n, pageSize)); rest != "" {
			parts = append(parts, rest)
		}
	}
	return joined(parts...)
}

// pageSize is that of amd64, and the usual one of arm64. No struct that grows with
// the kernel may be larger.
const pageSize = 4096

// nonzero shows the bytes of a struct behind those that are known, if any is not 0.
func (d *decoder) nonzero(p, from, to uint64) string {
	b, ok := d.peek(p+from, int(to-from))
	if !ok {
		return "???"
	}
	if strings.Trim(string(b), "\x00") == "" {
		return ""
	}
	return fmt.Sprintf("/* bytes %d..%d */ %s", from, to-1, hexQuoted(b))
}

// hexQuoted shows bytes as strace(1) does where it takes them for no text.
func hexQuoted(b []byte) string {
	shown, more := b, ""
	if len(b) > QuoteLimit {
		shown, more = b[:QuoteLimit], "..."
	}
	var s strings.Builder
	for _, c := range shown {
		fmt.Fprintf(&s, `\x%02x`, c)
	}
	return `"` + s.String() + `"` + more
}
