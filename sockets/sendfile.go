package sockets

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sendfile wraps sendfile(2): at most count bytes of the file inFD go into the
// socket outFD, and no byte comes up into the program on its way. With an offset
// they are read from there, and the kernel moves *offset behind the last one;
// with nil it is the file's own position that moves. Call.Ret may be less than
// count: a partial write is the caller's to go on with.
func (t *Tracer) Sendfile(outFD, inFD int, offset *int64, count int) Call {
	c := Call{
		Name: "sendfile",
		FD:   outFD,
		Args: []Arg{inInt("out_fd", outFD), inInt("in_fd", inFD), in("offset", "NULL"), in("count", fmt.Sprint(uint64(count)))},
		C:    fmt.Sprintf("ssize_t n = sendfile(%d, %d, NULL, %d);", outFD, inFD, count),
		Go:   fmt.Sprintf("n, err := unix.Sendfile(%d, %d, nil, %d)", outFD, inFD, count),
	}
	var before int64
	if offset != nil {
		before = *offset
		c.Args[2] = Arg{Name: "offset", Value: fmt.Sprintf("[%d]", uint64(before)), Out: true}
		c.C = fmt.Sprintf("off_t offset = %d; ssize_t n = sendfile(%d, %d, &offset, %d);", before, outFD, inFD, count)
		c.Go = fmt.Sprintf("offset := int64(%d); n, err := unix.Sendfile(%d, %d, &offset, %d)", before, outFD, inFD, count)
	}
	return t.do(c, func() (uintptr, unix.Errno) {
		n, _, errno := unix.Syscall6(unix.SYS_SENDFILE, uintptr(outFD), uintptr(inFD), uintptr(unsafe.Pointer(offset)), uintptr(count), 0, 0)
		return n, errno
	}, func(c *Call) {
		if offset != nil && c.Ret > 0 {
			c.fill(2, fmt.Sprintf("[%d] => [%d]", before, *offset))
		}
	})
}
