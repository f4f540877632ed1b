package sockets

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Call is one system call as it was made. An observer sees it twice: entered,
// with Returned false and the arguments that go in, and returned, complete.
type Call struct {
	Name     string        `json:"name"`     // as in section 2 of the manual
	Args     []Arg         `json:"args"`     // in the order of the manual page
	Returned bool          `json:"returned"` // false: the call is still in the kernel
	Ret      int64         `json:"ret"`      // valid once returned; -1 when it failed
	Errno    unix.Errno    `json:"errno"`    // valid once returned; 0 when it succeeded
	Start    time.Time     `json:"start"`
	Duration time.Duration `json:"duration_ns"` // wall time inside the call, valid once returned
	C        string        `json:"c"`           // the C statement that makes the same call
	Go       string        `json:"go"`          // the Go statement that makes the same call

	Timeout time.Duration `json:"timeout_ns,omitempty"` // setsockopt of SO_RCVTIMEO and SO_SNDTIMEO: the limit

	FD   int      `json:"fd"`             // the descriptor the call acts on; -1 for socket(2)
	Addr Sockaddr `json:"addr,omitempty"` // the address that went in or came out, if any
	Data []byte   `json:"data,omitempty"` // the bytes that really went in or came out
}

// Arg is one argument of a Call.
type Arg struct {
	Name  string `json:"name"`  // as in the manual page: sockfd, addr, backlog …
	Value string `json:"value"` // as strace(1) prints it; empty while the kernel has yet to fill it
	Out   bool   `json:"out"`   // the kernel fills or changes it, so it is complete only after the return
}

// Err is nil, or the errno of a call that failed.
func (c Call) Err() error {
	if c.Errno != 0 {
		return c.Errno
	}
	return nil
}

// ErrnoName is the symbol of the errno, as in errno(3); empty on success.
func (c Call) ErrnoName() string {
	if c.Errno == 0 {
		return ""
	}
	if c.Errno == unix.EOPNOTSUPP {
		return "EOPNOTSUPP" // x/sys says ENOTSUP: the same number, but not a socket's word
	}
	if name := unix.ErrnoName(c.Errno); name != "" {
		return name
	}
	return fmt.Sprintf("errno %d", int(c.Errno))
}

// Strace is the call as strace(1) prints it. A call that has not returned ends
// where strace stops writing too: at the first argument that the kernel fills.
func (c Call) Strace() string {
	var b strings.Builder
	b.WriteString(c.Name)
	b.WriteByte('(')
	for i, a := range c.Args {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(a.Value)
		if a.Out && !c.Returned {
			return b.String()
		}
	}
	if !c.Returned {
		return b.String()
	}
	b.WriteString(") = ")
	b.WriteString(c.Result())
	return b.String()
}

// Result is what strace(1) writes behind the = of a call that has returned.
func (c Call) Result() string {
	if c.Errno != 0 {
		return fmt.Sprintf("-1 %s (%s)", c.ErrnoName(), Meaning(c.Errno))
	}
	return fmt.Sprint(c.Ret)
}

// Tracer makes calls and tells Observe of each, once entered and once returned.
// Observe may be nil. It is called on the thread that makes the call.
type Tracer struct {
	Observe func(Call)
}

// do is the one place where a call is made. raw enters the kernel; exit, which
// may be nil, fills what the kernel gave back. A call that a signal interrupted
// (EINTR, signal(7)) is reported as it was and then made again; but not close(2),
// which has given the descriptor back even then.
func (t *Tracer) do(c Call, raw func() (uintptr, unix.Errno), exit func(*Call)) Call {
	entered := c
	for {
		c = entered
		c.Start = time.Now()
		t.tell(c)
		c.Args = slices.Clone(c.Args) // the observer has the others
		ret, errno := raw()
		c.Duration = time.Since(c.Start)
		c.Returned = true
		c.Ret, c.Errno = int64(ret), errno
		if errno != 0 {
			c.Ret = -1
		}
		if exit != nil {
			exit(&c)
		}
		t.tell(c)
		if errno != unix.EINTR || c.Name == "close" {
			return c
		}
	}
}

func (t *Tracer) tell(c Call) {
	if t.Observe != nil {
		t.Observe(c)
	}
}

func in(name, value string) Arg          { return Arg{Name: name, Value: value} }
func inInt(name string, value int) Arg   { return in(name, fmt.Sprint(value)) }
func out(name string) Arg                { return Arg{Name: name, Out: true} }
func (c *Call) fill(i int, value string) { c.Args[i].Value = value }

// address is a pointer as strace(1) prints it where it does not show what is
// there.
func address(p unsafe.Pointer) string {
	if p == nil {
		return "NULL"
	}
	return fmt.Sprintf("%p", p)
}
