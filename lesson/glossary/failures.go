package glossary

import (
	"bytes"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
)

// A failure is a call that cannot but fail with an errno.
type failure struct {
	note string // what was done to bring it about, where the call does not say that
	call func(*pair) sockets.Call
}

// answered makes the call that fails so.
func answered(want unix.Errno) question {
	f := failures[want]
	return withPair(func(p *pair) []lesson.Evidence {
		c := f.call(p)
		if c.Errno != want {
			return nil
		}
		return []lesson.Evidence{told("made just now", trace(c.ErrnoName(), c.Name), c, f.note)}
	})
}

// errorTaken reads SO_ERROR twice after a non-blocking connect that was refused.
func errorTaken(p *pair) []lesson.Evidence {
	silent := sockets.Sockname(p.otherBound(unix.SOCK_STREAM))
	fd := p.other(unix.SOCK_STREAM | unix.SOCK_NONBLOCK)
	command := trace("SO_ERROR", "connect", "getsockopt")
	found := []lesson.Evidence{told("connect", command, p.Connect(fd, silent), "The port is bound, but nobody listens.")}
	poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	unix.Poll(poll, 1000)
	for _, time := range []string{"first reading", "second reading"} {
		n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
		value := "0: no error waits"
		if n != 0 {
			value = fmt.Sprintf("%d, %s", n, errnoName(unix.Errno(n)))
		}
		found = append(found, one(lesson.Evidence{Fact: time, Value: value, Source: "getsockopt(2) SO_ERROR", Command: command}, err)...)
	}
	return found
}

var failures = map[unix.Errno]failure{
	unix.EBADF: {"No process has a descriptor -1.", func(p *pair) sockets.Call {
		return p.Listen(-1, 0)
	}},
	unix.ENOTSOCK: {"The descriptor leads to an epoll.", func(p *pair) sockets.Call {
		epoll := int(p.EpollCreate1(unix.EPOLL_CLOEXEC).Ret)
		p.others = append(p.others, epoll)
		return p.Listen(epoll, 0)
	}},
	unix.ENOENT: {"", func(p *pair) sockets.Call {
		return p.Openat(unix.AT_FDCWD, "/no/such/path", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	}},
	unix.EAFNOSUPPORT: {"", func(p *pair) sockets.Call {
		return p.Socket(0x7fff, unix.SOCK_STREAM, 0)
	}},
	unix.EPROTONOSUPPORT: {"", func(p *pair) sockets.Call {
		return p.Socket(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_UDP)
	}},
	unix.EOPNOTSUPP: {"A datagram socket.", func(p *pair) sockets.Call {
		return p.Listen(p.other(unix.SOCK_DGRAM), 0)
	}},

	unix.EADDRINUSE: {"A socket that fd3 made a moment before listens there.", func(p *pair) sockets.Call {
		return p.Bind(p.other(unix.SOCK_STREAM), sockets.Sockname(p.listener))
	}},
	unix.EADDRNOTAVAIL: {"An address from a range that is only for examples (RFC 5737, section 3).", func(p *pair) sockets.Call {
		return p.Bind(p.other(unix.SOCK_STREAM), sockets.InetSockaddr(netip.MustParseAddrPort("203.0.113.77:0")))
	}},
	unix.EINVAL: {"The socket is connected, and does not listen.", func(p *pair) sockets.Call {
		return p.Accept4(p.client, 0)
	}},

	unix.ECONNREFUSED: {"The port is bound, but nobody listens.", func(p *pair) sockets.Call {
		silent := sockets.Sockname(p.otherBound(unix.SOCK_STREAM))
		return p.Connect(p.other(unix.SOCK_STREAM), silent)
	}},
	unix.EISCONN: {"The socket is connected already.", func(p *pair) sockets.Call {
		return p.Connect(p.client, sockets.Sockname(p.listener))
	}},
	unix.EINPROGRESS: {"The socket is non-blocking.", func(p *pair) sockets.Call {
		return p.Connect(p.other(unix.SOCK_STREAM|unix.SOCK_NONBLOCK), sockets.Sockname(p.listener))
	}},
	unix.EALREADY: {"The first `connect` waits: the accept queue is full.", func(p *pair) sockets.Call {
		p.Listen(p.listener, 0) // the client waits there, and a backlog of 0 holds one
		fd, here := p.other(unix.SOCK_STREAM|unix.SOCK_NONBLOCK), sockets.Sockname(p.listener)
		p.Connect(fd, here)
		return p.Connect(fd, here)
	}},
	unix.EACCES: {"A broadcast address, and no `SO_BROADCAST`.", func(p *pair) sockets.Call {
		return p.Connect(p.other(unix.SOCK_DGRAM), sockets.InetSockaddr(netip.MustParseAddrPort("127.255.255.255:9")))
	}},

	unix.ENOTCONN: {"The socket is new.", func(p *pair) sockets.Call {
		return p.Shutdown(p.other(unix.SOCK_STREAM), unix.SHUT_WR)
	}},
	unix.EDESTADDRREQ: {"A datagram socket without a peer.", func(p *pair) sockets.Call {
		return p.Send(p.other(unix.SOCK_DGRAM), []byte("hello"), unix.MSG_NOSIGNAL)
	}},
	unix.EMSGSIZE: {"", func(p *pair) sockets.Call {
		return p.SendTo(p.other(unix.SOCK_DGRAM), bytes.Repeat([]byte("long "), 1<<14), unix.MSG_NOSIGNAL, sockets.Sockname(p.listener))
	}},
	unix.EAGAIN: {"Nothing has arrived, and the flag says not to wait.", func(p *pair) sockets.Call {
		return p.Recv(p.client, 4096, unix.MSG_DONTWAIT)
	}},
	unix.EPIPE: {"After `shutdown` for sending. `MSG_NOSIGNAL` keeps the signal away.", func(p *pair) sockets.Call {
		p.Shutdown(p.client, unix.SHUT_WR)
		return p.Send(p.client, []byte("hello"), unix.MSG_NOSIGNAL)
	}},
	unix.ECONNRESET: {"The peer has closed its socket with one byte unread.", func(p *pair) sockets.Call {
		p.accept()
		p.Send(p.client, []byte("a"), unix.MSG_NOSIGNAL)
		p.Close(p.server)
		p.server = -1
		return p.Recv(p.client, 4096, unix.MSG_DONTWAIT)
	}},
}
