package glossary

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
)

// newSocket makes a socket over IPv4, asks something about it and closes it.
func newSocket(typ int, ask func(fd int) []lesson.Evidence) question {
	return func() []lesson.Evidence {
		fd, err := unix.Socket(unix.AF_INET, typ|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return nil
		}
		defer unix.Close(fd)
		return ask(fd)
	}
}

// loopbackPort returns a port of 127.0.0.1; 0 lets the kernel choose.
func loopbackPort(port uint16) sockets.Sockaddr {
	return sockets.InetSockaddr(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port))
}

// bound returns the name of a socket once the kernel has chosen a port for it.
func bound(fd int) (sockets.Sockaddr, error) {
	var t sockets.Tracer
	err := t.Bind(fd, loopbackPort(0)).Err()
	return sockets.Sockname(fd), err
}

func chosenAddress(fd int) []lesson.Evidence {
	name, err := bound(fd)
	return one(lesson.Evidence{Fact: "bound to port 0", Value: name.String(), Source: "getsockname(2)", Command: "fd3 bind 127.0.0.1:0",
		Note: "A new socket, bound just now: the port is the kernel's choice."}, err)
}

func addressBytes(fd int) []lesson.Evidence {
	name, err := bound(fd)
	if err != nil {
		return nil
	}
	return []lesson.Evidence{
		{Fact: "16 bytes", Value: fmt.Sprintf("% x", []byte(name)), Source: "getsockname(2)", Command: "fd3 bind 127.0.0.1:0"},
		{Fact: "they mean", Value: fmt.Sprintf("family %d, port %d, address %s", name.Family(), name.Port(), name.AddrPort().Addr()), Source: "the same bytes"},
	}
}

func inode(fd int) []lesson.Evidence {
	var st unix.Stat_t
	err := unix.Fstat(fd, &st)
	return one(lesson.Evidence{Fact: "a new socket", Value: fmt.Sprintf("fd %d, inode %d", fd, st.Ino), Source: "fstat(2)", Command: "ls -l /proc/PID/fd"}, err)
}

func duplicate(fd int) []lesson.Evidence {
	second, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(second)
	value := fmt.Sprintf("fd %d made from fd %d: two numbers", second, fd)
	if same, err := kernel.SameFile(os.Getpid(), fd, os.Getpid(), second); err == nil && same {
		value += ", one open file description"
	}
	return []lesson.Evidence{{Fact: "a duplicate", Value: value, Source: "fcntl(2) F_DUPFD_CLOEXEC, kcmp(2)", Command: "strace -f -e trace=fcntl,kcmp fd3 explain dup"}}
}

func openFlags(fd int) []lesson.Evidence {
	f, err := kernel.FDInfo(os.Getpid(), fd)
	note := "No `O_NONBLOCK` among them: it blocks."
	if slices.Contains(f.Names, "O_NONBLOCK") {
		note = ""
	}
	return one(lesson.Evidence{Fact: "a new socket", Value: fmt.Sprintf("flags 0%o = %s", f.Flags, strings.Join(f.Names, "|")),
		Source: fmt.Sprintf("/proc/self/fdinfo/%d", fd), Command: "cat /proc/PID/fdinfo/FD", Note: note}, err)
}

func closeOnExec(fd int) []lesson.Evidence {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return one(lesson.Evidence{Fact: "FD_CLOEXEC", Value: fmt.Sprintf("%d on a socket made with SOCK_CLOEXEC", flags&unix.FD_CLOEXEC), Source: "fcntl(2) F_GETFD"}, err)
}

func recvTimeout(fd int) []lesson.Evidence {
	a, err := kernel.Ask(fd)
	value := a.RecvTimeo.String()
	if a.RecvTimeo == 0 {
		value = "0: it waits for ever"
	}
	return one(lesson.Evidence{Fact: "SO_RCVTIMEO", Value: value, Source: "getsockopt(2)"}, err)
}

func protocol(fd int) []lesson.Evidence {
	a, err := kernel.Ask(fd)
	return one(lesson.Evidence{Fact: "SO_PROTOCOL", Value: sockets.ProtocolName(a.Domain, a.Protocol), Source: "getsockopt(2)", Command: "fd3 socket",
		Note: "What the kernel made of protocol 0."}, err)
}

func state(fd int) []lesson.Evidence {
	a, err := kernel.Ask(fd)
	if err != nil || a.TCP == nil {
		return nil
	}
	return []lesson.Evidence{{Fact: "a new socket", Value: kernel.State(a.TCP.State).String(), Source: "getsockopt(2) TCP_INFO", Command: "ss -tan state unconnected"}}
}

// option is an int that a new socket has: 0 or 1, or so many of a unit.
func option(name string, level, number int, unit string) question {
	return newSocket(unix.SOCK_STREAM, func(fd int) []lesson.Evidence {
		value, err := unix.GetsockoptInt(fd, level, number)
		return one(lesson.Evidence{Fact: name, Value: fmt.Sprintf("%d%s on a new TCP socket", value, unit), Source: "getsockopt(2)"}, err)
	})
}
