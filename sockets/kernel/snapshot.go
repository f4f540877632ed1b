package kernel

import (
	"net/netip"
	"time"
)

// A Snapshot is what the kernel has at one moment that concerns some processes: their
// descriptors, and every socket, whether a process holds it or not. See Look.
type Snapshot struct {
	Hosts []Host `json:"hosts"`           // each network namespace of the parties
	Cable *Cable `json:"cable,omitempty"` // what lies between two of them; nil: no cable is known of
}

// A Host is the part of a Snapshot that one network namespace has.
type Host struct {
	Net       Net       `json:"-"`
	Name      string    `json:"name,omitempty"` // as an end of the Cable; empty: it is none
	Processes []Process `json:"processes"`      // the parties, then others that hold an end of a connection with them
	Sockets   []Socket  `json:"sockets"`        // by holder and descriptor, then those that no process holds
}

// A Process is one that holds, or held, sockets of a Snapshot.
type Process struct {
	Name        string       `json:"name"`            // of a party; of another one as in /proc/PID/comm
	PID         int          `json:"pid"`             // of the process, also when it is gone
	Party       bool         `json:"party"`           // false: another process, which has only the descriptors of sockets that concern a party
	State       string       `json:"state"`           // as in /proc/PID/status: sleeping, running, stopped, zombie, …; gone, if there is no such process; empty, if who looks has stopped it
	Call        string       `json:"call,omitempty"`  // the system call on one of its sockets that its main thread sleeps in
	CallFD      int          `json:"call_fd"`         // the descriptor that it acts on; with Call
	Wchan       string       `json:"wchan,omitempty"` // the kernel function that it sleeps in; with Call
	Descriptors []Descriptor `json:"descriptors"`     // the open ones, by number
	Others      int          `json:"others"`          // how many descriptors it has besides
}

// Gone is the State of a process that is no more.
const Gone = "gone"

// A Descriptor is an open descriptor of a process.
type Descriptor struct {
	Number int    `json:"fd"`
	Target string `json:"target"` // as in /proc/PID/fd
}

// A Holder is a descriptor that stands for a socket.
type Holder struct {
	PID int `json:"pid"`
	FD  int `json:"fd"`
}

// A Socket is one socket of a Snapshot.
type Socket struct {
	Protocol string   `json:"protocol"`          // TCP, UDP, UNIX-STREAM, UNIX (of datagrams), UNIX-SEQPACKET, or another name of /proc/net/protocols
	Cookie   uint64   `json:"cookie"`            // SO_COOKIE, which stays the same from the handshake to the end of TIME_WAIT; 0 for a socket that no table has: it has no address, or waits in the queue of an AF_UNIX listener
	Inode    uint64   `json:"inode"`             // 0: no process has a descriptor for it
	Holders  []Holder `json:"holders,omitempty"` // those in the Processes; none, with an Inode: a process that this user may not look into
	State    State    `json:"state"`             // a datagram socket is ESTABLISHED once it has a peer

	Local  netip.AddrPort `json:"local,omitzero"`  // of TCP and UDP
	Remote netip.AddrPort `json:"remote,omitzero"` // of TCP and UDP; a zero address and port without a peer
	Path   string         `json:"path,omitempty"`  // of AF_UNIX, an abstract name with each NUL as "@"; empty without a name
	Peer   uint64         `json:"peer"`            // the Cookie of the other end, or of the socket that its datagrams go to; 0 if it is not in the Snapshot

	// The Cookie of the listening socket in whose queue this one waits: in SYN_RECV in the
	// SYN queue, else in the accept queue. 0: it waits in none. The order in the queue is
	// told of AF_UNIX alone.
	Listener uint64 `json:"listener"`
	Waiting  int    `json:"waiting"` // of a listening socket: the length of its accept queue
	Backlog  int    `json:"backlog"` // of a listening socket: its accept queue holds one more

	Shut    Shut   `json:"shut"`     // the directions that are over
	Unread  Queued `json:"unread"`   // bytes that wait to be read; of AF_UNIX datagrams those of the first one; none of UDP
	Unsent  Queued `json:"unsent"`   // of TCP: bytes that the peer has not acknowledged
	Memory  uint32 `json:"memory"`   // the kernel memory that waits to be read, in bytes: of UDP; and of what waits in the queue of an AF_UNIX listener, where no bytes are told
	RecvBuf uint32 `json:"recv_buf"` // of TCP and UDP: SO_RCVBUF, in bytes; 0 without a buffer

	Timer   Timer         `json:"timer"`      // of TCP
	Expires time.Duration `json:"expires_ns"` // until the timer fires; with a Timer
	Retrans uint8         `json:"retrans"`    // how often it has fired already, without an answer
}

// Stream reports whether the socket has connections, TCP's or AF_UNIX's.
func (s Socket) Stream() bool {
	return s.TCP() || s.Protocol == unixStream || s.Protocol == unixSeqPacket
}

// TCP reports whether the socket is one of TCP, over IPv4 or IPv6.
func (s Socket) TCP() bool { return s.Protocol == "TCP" || s.Protocol == "TCPv6" }

// Unix reports whether the socket is of the family AF_UNIX.
func (s Socket) Unix() bool {
	return s.Protocol == unixStream || s.Protocol == unixSeqPacket || s.Protocol == unixDgram
}

// Connected reports whether the socket has, or had, another end.
func (s Socket) Connected() bool { return s.Peer != 0 || s.Remote.Port() != 0 }

// Waits reports whether the socket is a connection in an accept queue.
func (s Socket) Waits() bool { return s.Listener != 0 && s.State != SynRecv }

// Orphan reports whether no process will ever hold the socket: it was closed and the
// kernel brings the connection to its end.
func (s Socket) Orphan() bool { return s.Inode == 0 && s.Listener == 0 }

// Full reports whether a listening socket takes no more connections: a backlog of N
// holds N+1 (sk_acceptq_is_full in include/net/sock.h).
func (s Socket) Full() bool { return s.State == Listen && s.Waiting > s.Backlog }

// Socket returns the socket of a cookie, or nil; 0 is no cookie.
func (s Snapshot) Socket(cookie uint64) *Socket {
	for _, h := range s.Hosts {
		if x := h.Socket(cookie); x != nil {
			return x
		}
	}
	return nil
}

// Socket returns the socket of a cookie, or nil; 0 is no cookie.
func (h Host) Socket(cookie uint64) *Socket {
	for i := range h.Sockets {
		if cookie != 0 && h.Sockets[i].Cookie == cookie {
			return &h.Sockets[i]
		}
	}
	return nil
}

// Held returns the socket behind a descriptor, or nil.
func (h Host) Held(pid, fd int) *Socket {
	for i, s := range h.Sockets {
		for _, holder := range s.Holders {
			if holder == (Holder{pid, fd}) {
				return &h.Sockets[i]
			}
		}
	}
	return nil
}
