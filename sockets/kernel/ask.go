package kernel

import (
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// Asked holds the kernel's answers about one socket to the process that owns it:
// getsockname(2), getpeername(2), getsockopt(2), ioctl(2). These calls open no
// descriptor and change nothing; SO_ERROR is not among them because reading it
// clears it.
type Asked struct {
	FD        int              `json:"fd"`
	Domain    int              `json:"domain"`             // SO_DOMAIN
	Type      int              `json:"type"`               // SO_TYPE
	Protocol  int              `json:"protocol"`           // SO_PROTOCOL; the kernel's choice where socket(2) was given 0
	Listening bool             `json:"listening"`          // SO_ACCEPTCONN
	ReuseAddr bool             `json:"reuse_addr"`         // SO_REUSEADDR
	Local     sockets.Sockaddr `json:"local,omitempty"`    // getsockname(2)
	Peer      sockets.Sockaddr `json:"peer,omitempty"`     // getpeername(2); empty while there is none
	Unread    int              `json:"unread"`             // SIOCINQ (tcp(7)): bytes, or the next datagram's; 0 on a listener
	Unsent    int              `json:"unsent"`             // SIOCOUTQ (tcp(7)): bytes that the peer has not acknowledged, and a FIN; see Unacked
	SendBuf   int              `json:"send_buffer"`        // SO_SNDBUF, bytes
	RecvBuf   int              `json:"recv_buffer"`        // SO_RCVBUF, bytes
	RecvTimeo time.Duration    `json:"recv_timeout_ns"`    // SO_RCVTIMEO; 0 is for ever
	SendTimeo time.Duration    `json:"send_timeout_ns"`    // SO_SNDTIMEO; 0 is for ever
	NonBlock  bool             `json:"nonblock"`           // O_NONBLOCK, by fcntl(2) F_GETFL
	TCP       *unix.TCPInfo    `json:"tcp_info,omitempty"` // TCP_INFO; nil unless the protocol is TCP
}

// Bound reports whether the socket has an address of its own.
func (a Asked) Bound() bool {
	if a.Domain == unix.AF_UNIX {
		return a.Local.Path() != ""
	}
	return a.Local.Port() != 0
}

// Connected reports whether the socket has a peer. A TCP socket in SYN_SENT has
// none yet: getpeername(2) gives ENOTCONN.
func (a Asked) Connected() bool { return len(a.Peer) > 0 }

// Stream reports whether the socket carries a stream of bytes rather than messages.
func (a Asked) Stream() bool { return a.Type == unix.SOCK_STREAM }

// State returns the TCP state, or 0 if the socket is not TCP.
func (a Asked) State() State {
	if a.TCP == nil {
		return 0
	}
	return State(a.TCP.State)
}

// Ask asks about a descriptor of this process. It returns ENOTSOCK or EBADF if there
// is no socket.
func Ask(fd int) (Asked, error) {
	a := Asked{FD: fd}
	var err error
	if a.Domain, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN); err != nil {
		return a, err
	}
	a.Type = option(fd, unix.SO_TYPE)
	a.Protocol = option(fd, unix.SO_PROTOCOL)
	a.Listening = option(fd, unix.SO_ACCEPTCONN) != 0
	a.ReuseAddr = option(fd, unix.SO_REUSEADDR) != 0
	a.SendBuf = option(fd, unix.SO_SNDBUF)
	a.RecvBuf = option(fd, unix.SO_RCVBUF)
	a.RecvTimeo = timeout(fd, unix.SO_RCVTIMEO)
	a.SendTimeo = timeout(fd, unix.SO_SNDTIMEO)
	a.Local = sockets.Sockname(fd)
	a.Peer = sockets.Peername(fd)
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err == nil {
		a.NonBlock = flags&unix.O_NONBLOCK != 0
	}
	if !a.Listening {
		a.Unread, _ = unix.IoctlGetInt(fd, unix.SIOCINQ)
		a.Unsent, _ = unix.IoctlGetInt(fd, unix.SIOCOUTQ)
	}
	if a.Protocol == unix.IPPROTO_TCP {
		a.TCP, _ = unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	}
	return a, nil
}

// AskOf asks about a descriptor of another process, by a second one that is closed at
// once.
func AskOf(pid, fd int) (Asked, error) {
	mine, err := sockets.Borrow(pid, fd)
	if err != nil {
		return Asked{}, err
	}
	defer unix.Close(mine)
	a, err := Ask(mine)
	a.FD = fd
	return a, err
}

func option(fd, name int) int {
	value, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, name)
	return value
}

func timeout(fd, name int) time.Duration {
	tv, err := unix.GetsockoptTimeval(fd, unix.SOL_SOCKET, name)
	if err != nil {
		return 0
	}
	return time.Duration(tv.Nano())
}
