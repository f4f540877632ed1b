package sockets

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// statOut is the struct stat that the kernel writes, in the short form that strace(1)
// prints: type, permissions and size, or the number of a device.
func statOut(d *decoder, i int) string {
	if !d.returned {
		return d.changes("")
	}
	const size = int(unsafe.Sizeof(unix.Stat_t{}))
	b, ok := d.fetch(d.registers[i], size)
	if !ok {
		return d.address(i)
	}
	var st unix.Stat_t
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&st)), size), b)
	rest := fmt.Sprintf("st_size=%d", uint64(st.Size))
	if format := st.Mode & unix.S_IFMT; format == unix.S_IFCHR || format == unix.S_IFBLK {
		dev := uint64(st.Rdev)
		rest = fmt.Sprintf("st_rdev=makedev(%s, %s)", hex(uint64(unix.Major(dev))), hex(uint64(unix.Minor(dev))))
	}
	return fmt.Sprintf("{st_mode=%s, %s, ...}", modeName(uint32(st.Mode)), rest)
}

// modeName is st_mode in words: inode(7).
func modeName(mode uint32) string {
	name := lookup(fileTypes, int(mode&unix.S_IFMT))
	if name == "" {
		name = octal(uint64(mode & unix.S_IFMT))
	}
	if special := int(mode) &^ unix.S_IFMT &^ 0o777; special != 0 {
		name += "|" + several(modeBits, special, "S_")
	}
	return name + "|" + octal(uint64(mode&0o777))
}
