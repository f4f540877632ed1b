package watch

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/watch"
)

// note is the section of watch.md that says what a call is for, and what fd3's own
// server does instead; empty: none.
func note(e *watch.Event, c sockets.Call, was, is *life) string {
	arg := func(i int) int {
		if i < len(c.Args) {
			return int(int32(c.Args[i].Number))
		}
		return 0
	}
	value := func(i int) string {
		if i < len(c.Args) {
			return c.Args[i].Value
		}
		return ""
	}
	switch c.Errno {
	case unix.EAGAIN:
		return "EAGAIN"
	case unix.EINPROGRESS:
		return "EINPROGRESS"
	case unix.ENOENT:
		if c.Name == "connect" && strings.Contains(value(1), "nscd") {
			return "nscd"
		}
	}
	if c.Errno != 0 {
		return ""
	}
	switch c.Name {
	case "socket":
		switch {
		case arg(0) == unix.AF_NETLINK:
			return "netlink"
		case arg(2) == unix.IPPROTO_MPTCP:
			return "mptcp"
		case arg(1)&unix.SOCK_NONBLOCK != 0:
			return "socket nonblock"
		}
		return "socket"
	case "socketpair":
		return "socketpair"
	case "setsockopt", "getsockopt":
		option, _, _ := strings.Cut(value(2), " ")
		if c.Name == "getsockopt" && option != "SO_ERROR" {
			return ""
		}
		if c.Taken != 0 {
			if was != nil && was.connecting() {
				return "SO_ERROR of connect"
			}
			return "SO_ERROR taken"
		}
		return option
	case "fcntl":
		if strings.Contains(value(2), "O_NONBLOCK") && value(1) == "F_SETFL" {
			return "nonblock"
		}
		if value(1) == "F_DUPFD" || value(1) == "F_DUPFD_CLOEXEC" {
			return "dup"
		}
	case "ioctl":
		if value(1) == "FIONBIO" && value(2) != "[0]" {
			return "nonblock"
		}
	case "bind":
		if c.Addr.Family() != unix.AF_UNIX && c.Addr.Family() != unix.AF_NETLINK && c.Addr.Wildcard() {
			if c.Addr.Family() == unix.AF_INET6 && was != nil && was.stream {
				return "bind wildcard inet6"
			}
			return "bind wildcard"
		}
		return "bind"
	case "connect":
		switch {
		case c.Addr.Family() == unix.AF_UNIX:
			return "connect unix"
		case len(c.Addr) > 0 && c.Addr.Family() == unix.AF_UNSPEC:
			return "connect unspec"
		case was != nil && !was.stream:
			return "connect datagram"
		}
		return "connect"
	case "accept4":
		if arg(3)&unix.SOCK_NONBLOCK != 0 {
			return "accept4 nonblock"
		}
		return "accept"
	case "dup2", "dup3":
		return "dup"
	case "splice", "sendfile", "writev", "shutdown", "listen", "accept", "dup", "epoll_create1", "io_uring_setup":
		return c.Name
	case "epoll_ctl":
		if arg(1) == unix.EPOLL_CTL_ADD {
			return c.Name
		}
	case "close":
		if e.Left > 0 {
			return "close shared"
		}
	case "epoll_create":
		return "epoll_create1"
	case "poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait", "epoll_pwait2":
		return waitNote(c)
	case "recvmsg":
		if is != nil && is != was {
			return "rights"
		}
	}
	if StepOf(c, c.FD) == "recv" && c.Ret == 0 && was != nil && was.stream {
		return "end"
	}
	return ""
}

// remark returns what there is to say behind a call: how long it took, which step of the
// course it is, and what it is for; that once.
func (n *Narrator) remark(c sockets.Call, step, section string, values map[string]string) string {
	words := []string{lesson.Took(c.Duration)}
	if step != c.Name && (step == "recv" || step == "send") && !n.noted[c.Name] {
		n.noted[c.Name] = true
		words = append(words, fmt.Sprintf("the step %s", step))
	}
	if n.Explain != lesson.None && section != "" && !n.noted["note "+section] {
		n.noted["note "+section] = true
		if text := filled("note "+section, values); text != "" {
			words = append(words, text)
		}
	}
	return strings.Join(words, ", ")
}
