package sockets

import (
	"encoding/binary"
	"fmt"
)

// sizeTimeval is that of a struct timeval, and of a struct timespec: two longs.
const sizeTimeval = 16

// timespec and timeval are how long a call waits at most. What is left of it, the
// kernel writes there, and strace(1) shows it behind the result.
func timespec(d *decoder, i int) string { return d.time(i, "tv_nsec") }
func timeval(d *decoder, i int) string  { return d.time(i, "tv_usec") }

// lateTimespec is one that strace(1) shows after the return.
func lateTimespec(d *decoder, i int) string { return d.again(timespec(d, i)) }

func (d *decoder) time(i int, fraction string) string {
	if d.registers[i] != 0 {
		d.written(i, "&timeout", "&timeout")
	} else {
		d.written(i, "NULL", "nil")
	}
	return d.timeAt(d.registers[i], fraction)
}

// timeAt shows a struct timeval or timespec of the memory.
func (d *decoder) timeAt(p uint64, fraction string) string {
	b, ok := d.fetch(p, sizeTimeval)
	if !ok {
		return address(p)
	}
	return timeText(b, fraction)
}

func timeText(b []byte, fraction string) string {
	return fmt.Sprintf("{tv_sec=%d, %s=%d}", int64(binary.NativeEndian.Uint64(b)), fraction, binary.NativeEndian.Uint64(b[8:]))
}
