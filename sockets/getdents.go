package sockets

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Getdents64 wraps getdents64(2): the next names of a directory, as many as fit
// into buf, each in a struct linux_dirent64. Zero bytes mean that there are no
// more. Call.Data is what was written: a view of buf, good until the caller
// writes to buf again.
func (t *Tracer) Getdents64(fd int, buf []byte) Call {
	c := Call{
		Name: "getdents64",
		FD:   fd,
		Args: []Arg{inInt("fd", fd), out("dirp"), inInt("count", len(buf))},
		C:    fmt.Sprintf("ssize_t n = getdents64(%d, buf, %d);", fd, len(buf)),
		Go:   fmt.Sprintf("n, err := unix.Getdents(%d, buf[:%d])", fd, len(buf)),
	}
	return t.do(c, func() (uintptr, unix.Errno) {
		n, _, errno := unix.Syscall(unix.SYS_GETDENTS64, uintptr(fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf)))
		return n, errno
	}, func(c *Call) {
		where := address(unsafe.Pointer(unsafe.SliceData(buf)))
		if c.Errno != 0 {
			c.fill(1, where)
			return
		}
		c.Data = buf[:c.Ret]
		c.fill(1, fmt.Sprintf("%s /* %d entries */", where, entries(c.Data)))
	})
}

// entries counts the structs in what getdents64 wrote. Their length, d_reclen,
// stands behind the inode number and the offset, of 8 bytes each.
func entries(b []byte) int {
	const reclen = 16
	n := 0
	for len(b) >= reclen+2 {
		size := int(binary.NativeEndian.Uint16(b[reclen:]))
		if size == 0 || size > len(b) {
			break
		}
		b = b[size:]
		n++
	}
	return n
}
