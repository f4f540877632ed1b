package watch

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/watch"
)

// A life is that of a socket, from its birth to its close.
type life struct {
	number  uint64 // from 1, of those that are told; 0: it is not told
	inode   uint64
	kind    string // "TCP over IPv4"
	origin  string // of a socket that the program has not made itself: "there already"
	stream  bool   // it carries a stream of bytes
	peer    string
	told    place // where the last line about it has happened
	born    time.Time
	calls   int   // that have made it, or been made on it
	counted int   // how many of these were only counted
	in, out int64 // bytes
	begun   bool  // a connect(2) that does not wait
	read    direction
	written direction
}

// A place is a descriptor of a thread.
type place struct{ pid, tid, fd int }

// what says what the socket is, and where it is from.
func (l *life) what() string {
	if l.origin == "" {
		return l.kind
	}
	return l.kind + ", " + l.origin
}

// connecting reports whether an error that the kernel has kept for the socket is that of
// its connect(2): no byte has come or gone since that was begun.
func (l *life) connecting() bool { return l.begun && l.in == 0 && l.out == 0 }

// found begins the life of a socket that the program has not made itself: the kernel is
// asked what it is.
func found(origin string, d watch.Descriptor, pid int) *life {
	l := &life{inode: d.Inode, kind: "a socket", stream: true, origin: origin}
	if d.Sort.Type != 0 {
		l.kind, l.stream = kindOf(d.Sort.Domain, d.Sort.Type, d.Sort.Protocol)
	}
	a, err := kernel.AskOf(pid, d.FD)
	var now unix.Stat_t // perhaps the number is another socket's already
	if err == nil && unix.Stat(fmt.Sprintf("/proc/%d/fd/%d", pid, d.FD), &now) == nil && now.Ino == d.Inode {
		l.kind, l.stream = kindOf(a.Domain, a.Type, a.Protocol)
		if a.Connected() && a.Domain != unix.AF_UNIX {
			l.peer = a.Peer.String()
		}
	}
	return l
}

// kindOf says what a socket is, by the arguments of socket(2).
func kindOf(domain, typ, protocol int) (kind string, stream bool) {
	typ &= 0xf
	stream = typ == unix.SOCK_STREAM
	switch domain {
	case unix.AF_UNIX:
		return map[int]string{unix.SOCK_STREAM: "a Unix stream", unix.SOCK_DGRAM: "Unix datagrams", unix.SOCK_SEQPACKET: "Unix packets"}[typ], stream
	case unix.AF_NETLINK:
		return "netlink, to the kernel itself", false
	case unix.AF_INET, unix.AF_INET6:
		over := map[int]string{unix.AF_INET: " over IPv4", unix.AF_INET6: " over IPv6"}[domain]
		switch {
		case protocol == unix.IPPROTO_MPTCP:
			return "MPTCP" + over, stream
		case stream:
			return "TCP" + over, stream
		case typ == unix.SOCK_DGRAM && (protocol == 0 || protocol == unix.IPPROTO_UDP):
			return "UDP" + over, stream
		}
	}
	return fmt.Sprintf("%s, %s", sockets.DomainName(domain), sockets.TypeName(typ)), stream
}

// StepOf is the step of fd3's own course that a call on a descriptor is.
func StepOf(c sockets.Call, fd int) string {
	switch c.Name {
	case "splice": // its first descriptor is where the bytes come from
		if c.FD == fd {
			return "recv"
		}
		return "send"
	case "accept4":
		return "accept"
	case "read", "readv", "recvfrom", "recvmsg", "recvmmsg", "preadv", "preadv2":
		return "recv"
	case "write", "writev", "sendto", "sendmsg", "sendmmsg", "pwritev", "pwritev2", "sendfile":
		return "send"
	case "close_range":
		return "close"
	}
	return c.Name
}

// moved is how many bytes a call has moved.
func moved(c sockets.Call) int64 {
	switch {
	case c.Errno != 0 || peeks(c):
		return 0
	case c.Name != "recvmmsg" && c.Name != "sendmmsg":
		return c.Ret
	}
	sum := int64(0) // what they return is the number of messages
	for _, a := range c.Args {
		for _, length := range messageLength.FindAllStringSubmatch(a.Value, -1) {
			n, _ := strconv.ParseInt(length[1], 10, 64)
			sum += n
		}
	}
	return sum
}

var messageLength = regexp.MustCompile(`msg_len=(\d+)`)

// peeks reports whether a call leaves in the socket what it has read.
func peeks(c sockets.Call) bool {
	return slices.ContainsFunc(c.Args, func(a sockets.Arg) bool { return a.Name == "flags" && strings.Contains(a.Value, "MSG_PEEK") })
}

// Waits reports whether a call is one that waits for several sockets, or may: it belongs
// to no life.
func Waits(name string) bool {
	switch name {
	case "poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait", "epoll_pwait2":
		return true
	}
	return false
}
