package sockets

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Registers are the six registers that carry the arguments of a system call, in
// the order of the manual page: rdi, rsi, rdx, r10, r8, r9 on amd64, x0 to x5 on
// arm64 (syscall(2)).
type Registers [6]uint64

// Describe returns a system call as it is entered. Its number is that of this
// machine's kernel; its pointers lead into m, which may be anybody's memory, or nil:
// a pointer that leads nowhere shows as it does in strace(1).
func Describe(number int, r Registers, m Memory) Call {
	return describe(&decoder{registers: r, memory: m}, number)
}

// DescribeShort is Describe without the statements in C and in Go.
func DescribeShort(number int, r Registers, m Memory) Call {
	return describe(&decoder{registers: r, memory: m, short: true}, number)
}

func describe(d *decoder, number int) Call {
	s := shapeOf(number)
	c := Call{Name: s.name, FD: -1, Args: make([]Arg, 0, len(s.params))}
	if s.onFD {
		c.FD = int(int32(d.registers[0]))
	}
	d.shape, d.call = s, &c
	for i, p := range s.params {
		d.out, d.late, d.omitted, d.register = false, false, false, i
		text := p.kind(d, i)
		if d.sources[i] == (source{}) {
			d.sources[i] = source{text, text}
		}
		if d.omitted {
			continue
		}
		if d.out || d.late {
			d.open = append(d.open, place{i, len(c.Args)})
		}
		c.Args = append(c.Args, Arg{Name: p.name, Value: text, Out: d.out, Number: d.registers[d.register]})
	}
	if !d.short {
		c.C, c.Go = d.statements()
	}
	if _, ours := d.memory.(own); d.inward && !ours {
		d.taken = d.gathered(everything)
	}
	d.memory, d.call = nil, nil
	c.decoder = d
	return c
}

// Return returns a call that Describe gave, as it has returned: ret is valid
// without an errno. The memory is as the kernel has left it.
func (c Call) Return(ret int64, errno unix.Errno, m Memory) Call {
	c.Returned, c.Ret, c.Errno = true, ret, errno
	if errno != 0 {
		c.Ret = -1
	}
	if c.decoder == nil {
		return c
	}
	d := *c.decoder // and c, which this may be a copy of, can return again
	c.decoder = nil
	d.memory, d.call, d.returned = m, &c, true
	c.Args = slices.Clone(c.Args)
	for _, p := range d.open {
		d.entered = c.Args[p.arg].Value
		c.Args[p.arg].Value = d.shape.params[p.param].kind(&d, p.param)
	}
	if errno == 0 {
		if c.Data = d.taken; c.Data == nil {
			c.Data = d.gathered(uint64(max(ret, 0)))
		}
		c.Data = c.Data[:min(len(c.Data), int(max(ret, 0)))]
		switch {
		case d.shape.endless:
			c.Text = "?"
		case d.shape.result != nil:
			c.Text = d.shape.result(&d)
		}
	}
	return c
}

// A decoder is what the kinds of one call know of it, from its entry to its return.
type decoder struct {
	shape     *shape
	registers Registers
	memory    Memory
	call      *Call // typed values are put here
	returned  bool
	short     bool // nobody asks for the statements

	// Of the argument that is being read.
	out, late bool   // its kind is called again after the return
	register  int    // where it is
	omitted   bool   // it is not there: an optional argument
	lenient   bool   // it is shown although the call has failed
	entered   string // what it was when the call was entered, valid after the return

	open    []place // the arguments that are read again
	sources [6]source
	saved   [6]int64 // by register: what was there when the call was entered
	lengths []int32  // of the names of several messages, when the call was entered
	spans   []span   // where the bytes are that are moved
	inward  bool     // they go into the kernel
	taken   []byte   // of another process: these bytes, when the call was entered
}

// A place is that of a parameter, and of its argument in Call.Args.
type place struct{ param, arg int }

// A source is an argument as it is written in C and in Go.
type source struct{ c, golang string }

// A span is some bytes of the memory.
type span struct{ address, length uint64 }

func (d *decoder) failed() bool { return d.returned && d.call.Errno != 0 && !d.lenient }

// changes marks the argument as one that the kernel fills or changes.
func (d *decoder) changes(text string) string {
	d.out = true
	return text
}

// again marks the argument as one that strace(1) looks at after the return only.
func (d *decoder) again(text string) string {
	d.late = true
	return text
}

// absent marks the argument as one that this call does not have.
func (d *decoder) absent() string {
	d.omitted = true
	return ""
}

// written says how register i is written as source, where that is not its text.
func (d *decoder) written(i int, c, golang string) { d.sources[i] = source{c, golang} }

// named is written for names that are joined by a bar; it returns them.
func (d *decoder) named(i int, names string) string {
	if !d.short {
		d.written(i, cNames(names), goNames(names))
	}
	return names
}

// address shows register i where nothing is shown of what is there.
func (d *decoder) address(i int) string { return address(d.registers[i]) }

// address is a pointer as strace(1) prints it.
func address(p uint64) string {
	if p == 0 {
		return "NULL"
	}
	return fmt.Sprintf("%#x", p)
}

// gathered returns so many of the bytes that the call moves, for Call.Data.
func (d *decoder) gathered(left uint64) []byte {
	if len(d.spans) == 1 {
		return d.data(d.spans[0].address, min(left, d.spans[0].length))
	}
	var all []byte
	for _, s := range d.spans {
		n := min(left, s.length)
		if left -= n; n > 0 {
			all = append(all, d.data(s.address, n)...)
		}
		if left == 0 || len(all) >= maxData {
			break
		}
	}
	return all
}

// statements returns the call as it is written in C and in Go.
func (d *decoder) statements() (c, golang string) {
	c, golang = d.shape.c, d.shape.golang
	if d.shape.write != nil {
		c, golang = d.shape.write(d)
	}
	if c == "" {
		c = d.plain("syscall(SYS_"+d.shape.name, "%#x") + ");"
	}
	if golang == "" {
		golang = d.plain("r, _, errno := unix.Syscall6(unix.SYS_"+strings.ToUpper(d.shape.name), "%#x")
		golang += strings.Repeat(", 0", 6-len(d.shape.params)) + ")"
	}
	return d.fill(c, func(s source) string { return s.c }), d.fill(golang, func(s source) string { return s.golang })
}

// plain is a call as the kernel has it: registers, and no meaning.
func (d *decoder) plain(start, format string) string {
	for i := range d.shape.params {
		start += fmt.Sprintf(", "+format, d.registers[i])
	}
	return start
}

// fill puts the arguments into a template.
func (d *decoder) fill(template string, form func(source) string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(template, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, _ := strings.Cut(rest, "}")
		i := slices.IndexFunc(d.shape.params, func(p param) bool { return p.name == name })
		if i < 0 { // a brace of the statement itself
			b.WriteByte('{')
			template = rest
			continue
		}
		b.WriteString(form(d.sources[i]))
		template = after
	}
}
