package sockets

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// quoted shows n bytes that lie at an address.
func (d *decoder) quoted(p, n uint64) string {
	if p == 0 {
		return "NULL"
	}
	b, ok := d.peek(p, int(min(n, QuoteLimit+1)))
	if !ok {
		return address(p)
	}
	return Quote(b)
}

// bytesIn are the bytes that go into the kernel, as many as register length says.
func bytesIn(length int) kind {
	return func(d *decoder, i int) string {
		d.spans, d.inward = []span{{d.registers[i], d.registers[length]}}, true
		d.written(i, "buf", "buf")
		return d.quoted(d.registers[i], d.registers[length])
	}
}

// bytesOut are the bytes that the kernel writes, as many as the call returns: at
// most what register length says. MSG_TRUNC returns the whole length of a datagram.
func bytesOut(length int) kind {
	return func(d *decoder, i int) string {
		switch {
		case !d.returned:
			d.spans = []span{{d.registers[i], d.registers[length]}}
			d.written(i, "buf", "buf")
			return d.changes("")
		case d.failed():
			return d.address(i)
		}
		return d.quoted(d.registers[i], min(uint64(d.call.Ret), d.registers[length]))
	}
}

// path is a name in the file system, whole as far as a path can go.
func path(d *decoder, i int) string {
	p := d.registers[i]
	if p == 0 {
		return "NULL"
	}
	b, ended, ok := d.peekString(p, unix.PathMax)
	if !ok {
		return d.address(i)
	}
	d.written(i, cString(b), strconv.Quote(string(b)))
	if !ended {
		return cString(b[:unix.PathMax-1]) + "..."
	}
	return cString(b)
}

// directory is a descriptor from which a path leads on, or AT_FDCWD.
func directory(d *decoder, i int) string {
	if int32(d.registers[i]) == unix.AT_FDCWD {
		return d.named(i, "AT_FDCWD")
	}
	return descriptor(d, i)
}

// entries is the buffer of getdents64(2): how many names were written to it.
func entries(d *decoder, i int) string {
	where := d.address(i)
	switch {
	case !d.returned:
		d.spans = []span{{d.registers[i], d.registers[2]}}
		return d.changes("")
	case d.failed() || uint64(d.call.Ret) > d.registers[2]:
		return where
	}
	return fmt.Sprintf("%s /* %s entries */", where, d.countEntries(d.registers[i], uint64(d.call.Ret)))
}

// countEntries counts the structs linux_dirent64 in left bytes. Their length,
// d_reclen, stands behind the inode number and the offset, of 8 bytes each; the type
// and the name follow. A kernel never writes one that is too short or too long.
func (d *decoder) countEntries(p, left uint64) string {
	const reclen, header = 16, 19
	n := 0
	for left >= header {
		b, ok := d.fetch(p, header)
		if !ok {
			return fmt.Sprint(n, "+")
		}
		n++
		length := uint64(binary.NativeEndian.Uint16(b[reclen:]))
		if length < header || length >= left {
			break
		}
		p, left = p+length, left-length
	}
	return fmt.Sprint(n)
}

// argv are the arguments of execve(2).
func argv(d *decoder, i int) string {
	text, n, unreadable := "[", 0, uint64(0)
	d.words(d.registers[i], func(at, word uint64, ok bool) bool {
		switch {
		case !ok:
			unreadable = at
			return false
		case word == 0:
			return false
		case n > 0:
			text += ", "
		}
		if n == QuoteLimit {
			text += "..."
			return false
		}
		text += d.cString(word)
		n++
		return true
	})
	switch {
	case d.registers[i] == 0 || unreadable != 0 && n == 0:
		return d.address(i)
	case unreadable != 0:
		text += fmt.Sprintf(", ... /* %#x */", unreadable)
	}
	return text + "]"
}

// cString shows a string of the memory that a NUL ends.
func (d *decoder) cString(p uint64) string {
	if p == 0 {
		return "NULL"
	}
	b, ended, ok := d.peekString(p, QuoteLimit+1)
	switch {
	case !ok:
		return address(p)
	case !ended:
		return Quote(b)
	}
	return cString(b)
}

// envp is the environment of execve(2): how many variables there are.
func envp(d *decoder, i int) string {
	n, end := 0, ""
	d.words(d.registers[i], func(_, word uint64, ok bool) bool {
		if !ok {
			end = ", unterminated"
			return false
		}
		if word == 0 {
			return false
		}
		n++
		return n < maxWords
	})
	if d.registers[i] == 0 || end != "" && n == 0 {
		return d.address(i)
	}
	plural := "s"
	if n == 1 {
		plural = ""
	}
	return fmt.Sprintf("%s /* %d var%s%s */", d.address(i), n, plural, end)
}

// maxWords is more variables than a kernel takes: 2 MiB of pointers and strings with
// the usual stack (execve(2), "Limits on size of arguments and environment").
const maxWords = 1 << 18

// words gives the pointers of a list, one after the other, as long as each wants the
// next. ok is false where the memory ends.
func (d *decoder) words(p uint64, each func(at, word uint64, ok bool) bool) {
	for p != 0 {
		b, ok := d.peek(p, 8)
		word := uint64(0)
		if ok {
			word = binary.NativeEndian.Uint64(b)
		}
		if !each(p, word, ok) || !ok {
			return
		}
		p += 8
	}
}

// iovec is the list of buffers of readv(2) and its like: register length says how
// many they are. incoming: the kernel fills them.
func iovec(length int, incoming bool) kind {
	return func(d *decoder, i int) string {
		if incoming && !d.returned {
			d.spans = d.buffers(d.registers[i], d.registers[length])
			return d.changes("")
		}
		moved := uint64(1<<64 - 1)
		if incoming {
			moved = uint64(d.call.Ret)
		} else {
			d.spans, d.inward = d.buffers(d.registers[i], d.registers[length]), true
		}
		return d.iovec(d.registers[i], d.registers[length], moved, d.failed())
	}
}

// iovec shows n structs iovec, of whose bytes so many have been moved: all where
// that is the largest number. plain: the bytes are not shown.
func (d *decoder) iovec(p, n, moved uint64, plain bool) string {
	return d.arrayOf(p, n, sizeIovec, d.peek, func(b []byte) string {
		base, length := binary.NativeEndian.Uint64(b), binary.NativeEndian.Uint64(b[8:])
		shown := min(length, moved)
		if moved != 1<<64-1 {
			moved -= shown
		}
		if plain {
			return fmt.Sprintf("{iov_base=%s, iov_len=%d}", address(base), length)
		}
		return fmt.Sprintf("{iov_base=%s, iov_len=%d}", d.quoted(base, shown), length)
	})
}

const sizeIovec = 16 // sizeof(struct iovec): a pointer and a size_t

// buffers returns where the bytes of n structs iovec are.
func (d *decoder) buffers(p, n uint64) (all []span) {
	for k := range min(n, maxBuffers) {
		b, ok := d.peek(p+k*sizeIovec, sizeIovec)
		if !ok {
			break
		}
		all = append(all, span{binary.NativeEndian.Uint64(b), binary.NativeEndian.Uint64(b[8:])})
	}
	if m, ok := d.memory.(Ahead); ok && len(all) > 1 {
		starts := make([]uint64, len(all))
		for i, s := range all {
			starts[i] = s.address
		}
		m.ReadAhead(starts)
	}
	return all
}

// maxBuffers is UIO_MAXIOV: a call with more fails (writev(2)).
const maxBuffers = 1024

// joined writes the parts of a struct.
func joined(parts ...string) string { return "{" + strings.Join(parts, ", ") + "}" }
