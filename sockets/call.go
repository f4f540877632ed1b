package sockets

import (
	"fmt"
	"strings"
	"time"

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

	// Typed values of the arguments, to reckon with.
	Timeout time.Duration `json:"timeout_ns,omitempty"` // setsockopt of SO_RCVTIMEO and SO_SNDTIMEO: the limit
	Level   int           `json:"level,omitempty"`      // getsockopt and setsockopt: SOL_SOCKET, SOL_TCP, …
	Option  int           `json:"option,omitempty"`     // and the option at that level
	Taken   unix.Errno    `json:"taken,omitempty"`      // getsockopt of SO_ERROR: the error that it has taken from the socket

	FD   int      `json:"fd"`             // the descriptor the call acts on; -1 for socket(2)
	Addr Sockaddr `json:"addr,omitempty"` // the address that went in or came out, if any
	Data []byte   `json:"data,omitempty"` // the bytes that really went in or came out

	// Text is the text that strace(1) writes behind the = where that is more than Ret,
	// as in 0x2 (flags O_RDWR). It is empty elsewhere, and when the call failed.
	Text string `json:"text,omitempty"`

	decoder *decoder // of a call that Describe gave and that has not returned
}

// Arg is one argument of a Call.
type Arg struct {
	Name  string `json:"name"`  // as in the manual page: sockfd, addr, backlog …
	Value string `json:"value"` // as strace(1) prints it; empty while the kernel has yet to fill it
	Out   bool   `json:"out"`   // the kernel fills or changes it, so it is complete only after the return

	Number uint64 `json:"-"` // what was in the register: the value itself, or an address
}

// Err returns the errno of a call that failed, or nil.
func (c Call) Err() error {
	if c.Errno != 0 {
		return c.Errno
	}
	return nil
}

// ErrnoName returns the symbol of the errno, as in errno(3); empty on success.
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

// Strace returns the call as strace(1) prints it. A call that has not returned ends
// where strace stops writing too: at the first argument that the kernel fills.
func (c Call) Strace() string {
	var b strings.Builder
	b.Grow(128) // most lines are shorter
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

// Result returns the text that strace(1) writes behind the = of a call that has
// returned.
func (c Call) Result() string {
	switch {
	case c.Errno != 0 && restarts[c.Errno] != "":
		return "? " + restarts[c.Errno]
	case c.Errno != 0 && unix.ErrnoName(c.Errno) == "":
		return fmt.Sprintf("-1 (errno %d)", int(c.Errno))
	case c.Errno != 0:
		return fmt.Sprintf("-1 %s (%s)", c.ErrnoName(), Meaning(c.Errno))
	case c.Text != "":
		return c.Text
	}
	return fmt.Sprint(c.Ret)
}

// restarts are the errnos of the kernel's own that ptrace(2) shows of a call that a
// signal has interrupted. The program sees EINTR, or nothing: the call is made again.
var restarts = map[unix.Errno]string{
	512: "ERESTARTSYS (To be restarted if SA_RESTART is set)",
	513: "ERESTARTNOINTR (To be restarted)",
	514: "ERESTARTNOHAND (To be restarted if no handler)",
	516: "ERESTART_RESTARTBLOCK (Interrupted by signal)",
}
