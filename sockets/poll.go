package sockets

import (
	"encoding/binary"
	"fmt"
	"strings"
)

const sizePollfd = 8 // struct pollfd { int fd; short events, revents; }

// maxResult is how long strace(1) lets what it adds to a result become.
const maxResult = 1024

// pollfds are the structs pollfd of poll(2), with the events that are asked for.
func pollfds(d *decoder, i int) string {
	d.written(i, "fds", "fds")
	return d.array(d.registers[i], uint64(uint32(d.registers[1])), sizePollfd, func(b []byte) string {
		fd := int32(binary.NativeEndian.Uint32(b))
		if fd < 0 {
			return fmt.Sprintf("{fd=%d}", fd)
		}
		return fmt.Sprintf("{fd=%d, events=%s}", fd, several(pollFlags, int(binary.NativeEndian.Uint16(b[4:])), "POLL"))
	})
}

// pollResult is the number of descriptors that are ready, which they are, and how
// much of the time is left. ready may be nil.
func pollResult(ready, left func(*decoder) string) func(*decoder) string {
	return func(d *decoder) string {
		if d.call.Ret == 0 {
			return "0 (Timeout)"
		}
		text := ""
		if ready != nil {
			text = ready(d)
		}
		if rest := left(d); rest != "" {
			if text != "" {
				text += ", "
			}
			text += "left " + rest
		}
		if text == "" {
			return ""
		}
		return fmt.Sprintf("%d (%s)", d.call.Ret, text)
	}
}

func nothingLeft(*decoder) string    { return "" }
func timeoutLeft(d *decoder) string  { return d.left(2, "tv_nsec") }
func messagesLeft(d *decoder) string { return d.left(4, "tv_nsec") }

// left shows the time that register i points to, if it points anywhere.
func (d *decoder) left(i int, fraction string) string {
	if d.registers[i] == 0 {
		return ""
	}
	return d.timeAt(d.registers[i], fraction)
}

// ready lists the structs pollfd whose revents are set. There are Ret of them, and
// nothing is looked at behind the last.
func (d *decoder) ready() string {
	if d.registers[0] == 0 {
		return ""
	}
	var s strings.Builder
	start, printed := d.registers[0], int64(0)
	add := func(text string) {
		if s.Len() == 0 {
			s.WriteByte('[')
		} else {
			s.WriteString(", ")
		}
		s.WriteString(text)
	}
	for k := range min(uint64(uint32(d.registers[1])), maxPeek) {
		if printed == d.call.Ret {
			break
		}
		b, ok := d.fetch(start+k*sizePollfd, sizePollfd)
		if !ok {
			add(fmt.Sprintf("%#x", start+k*sizePollfd))
			break
		}
		revents := binary.NativeEndian.Uint16(b[6:])
		if revents == 0 {
			continue
		}
		names, rest := split(pollFlags, int(revents))
		if rest != 0 {
			names = append(names, hex(uint64(rest)))
		}
		entry := fmt.Sprintf("{fd=%d, revents=%s}", int32(binary.NativeEndian.Uint32(b)), strings.Join(names, "|"))
		separator := len(", ")
		if s.Len() == 0 {
			separator = len("[")
		}
		if printed == QuoteLimit || s.Len()+separator+len(entry) >= maxResult-roomForEnd {
			add("...")
			break
		}
		add(entry)
		printed++
	}
	if s.Len() > 0 {
		s.WriteByte(']')
	}
	return s.String()
}

// roomForEnd is what strace(1) keeps free for an address and the end of the list.
const roomForEnd = 2 + 2*8 + len(", ], ...\x00")
