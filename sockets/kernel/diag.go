package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// InetSocket is one TCP or UDP socket in the words of sock_diag(7), which ss(8) asks
// too.
type InetSocket struct {
	Local  netip.AddrPort // as getsockname(2) says; no IPv6 zone
	Remote netip.AddrPort // as getpeername(2) says; 0.0.0.0:0 or [::]:0 without a peer
	State  State          // a TCP row in CLOSE is bound and nothing more; see BoundInactive

	// RQueue and WQueue are, for TCP, bytes received and not read, and bytes
	// written and not acknowledged. A SYN and a FIN count as one byte each; Unread
	// and Unsent tell them apart. For UDP they are the kernel memory that waiting
	// datagrams take, several hundred for one of ten bytes.
	//
	// Of a LISTEN row they are the length of the accept queue and its backlog,
	// which is the number given to listen(2) cut to net.core.somaxconn. The queue
	// holds one more than that.
	RQueue uint32
	WQueue uint32

	Inode   uint64        // as in /proc/PID/fd; 0 when no descriptor holds it: TIME_WAIT, or not accepted yet
	UID     uint32        // owner; 0 in TIME_WAIT
	Timer   Timer         // TCP only
	Expires time.Duration // until the timer fires, to the millisecond; with a Timer
	Retrans uint8         // how often the timer has fired already, without an answer; TCP only
	Cookie  uint64        // the same number as SO_COOKIE: an identity also where the inode is 0
	V6Only  bool          // IPV6_V6ONLY; only for an IPv6 row in LISTEN or CLOSE
	Shut    Shut          // false in a row without a socket of its own: TIME_WAIT, a request

	RecvBuf uint32 // SO_RCVBUF, in bytes; 0 for a request and in TIME_WAIT, which have no buffer
}

// Shut is the directions that are over for a socket (sk_shutdown), by shutdown(2)
// here, or by what the peer did: TCP sets Read when a FIN arrives (tcp_fin), a Unix
// stream when the peer calls shutdown(2) or is closed (unix_shutdown).
type Shut struct {
	Read  bool `json:"read"`
	Write bool `json:"write"`
}

// shutBits reads the bits RCV_SHUTDOWN and SEND_SHUTDOWN of include/net/sock.h.
func shutBits(bits byte) Shut { return Shut{Read: bits&1 != 0, Write: bits&2 != 0} }

//	struct inet_diag_sockid {
//		__be16	idiag_sport;
//		__be16	idiag_dport;
//		__be32	idiag_src[4];
//		__be32	idiag_dst[4];
//		__u32	idiag_if;
//		__u32	idiag_cookie[2];
//	};
type inetDiagSockID struct {
	SourcePort  [2]byte // big-endian
	DestPort    [2]byte // big-endian
	Source      [16]byte
	Destination [16]byte
	Interface   uint32
	Cookie      [2]uint32
}

//	struct inet_diag_req_v2 {
//		__u8	sdiag_family;
//		__u8	sdiag_protocol;
//		__u8	idiag_ext;
//		__u8	pad;
//		__u32	idiag_states;
//		struct inet_diag_sockid id;
//	};
type inetDiagReqV2 struct {
	Family   uint8
	Protocol uint8
	Ext      uint8
	Pad      uint8
	States   uint32
	ID       inetDiagSockID
}

// inetDiagReq is the request of both families in one answer, which ss(8) sends too. There
// is one of it for TCP only (inet_diag_type2proto). The kernel walks its whole table of
// connections for an answer, whatever is asked for, and that takes a millisecond.
//
//	struct inet_diag_req {
//		__u8	idiag_family;
//		__u8	idiag_src_len;
//		__u8	idiag_dst_len;
//		__u8	idiag_ext;
//		struct inet_diag_sockid id;
//		__u32	idiag_states;
//		__u32	idiag_dbs;
//	};
type inetDiagReq struct {
	Family, SourceLen, DestLen uint8 // not looked at
	Ext                        uint8
	ID                         inetDiagSockID
	States                     uint32
	DBs                        uint32
}

// tcpDiagGetSock is TCPDIAG_GETSOCK of include/uapi/linux/inet_diag.h, the type of the
// netlink message with an inetDiagReq.
const tcpDiagGetSock = 18

//	struct inet_diag_msg {
//		__u8	idiag_family;
//		__u8	idiag_state;
//		__u8	idiag_timer;
//		__u8	idiag_retrans;
//		struct inet_diag_sockid id;
//		__u32	idiag_expires;
//		__u32	idiag_rqueue;
//		__u32	idiag_wqueue;
//		__u32	idiag_uid;
//		__u32	idiag_inode;
//	};
type inetDiagMsg struct {
	Family  uint8
	State   uint8
	Timer   uint8
	Retrans uint8
	ID      inetDiagSockID
	Expires uint32
	RQueue  uint32
	WQueue  uint32
	UID     uint32
	Inode   uint32
}

// Of include/uapi/linux/inet_diag.h: attributes of type __u8 that come without being
// asked for.
const (
	inetDiagShutdown = 8  // INET_DIAG_SHUTDOWN
	inetDiagSKV6Only = 11 // INET_DIAG_SKV6ONLY
)

// inetDiagSKMemInfo is INET_DIAG_SKMEMINFO: an array of __u32, one of which is
// SK_MEMINFO_RCVBUF (include/uapi/linux/sock_diag.h). It comes where its bit in idiag_ext
// asks for it.
const (
	inetDiagSKMemInfo = 7
	skMemInfoRecvBuf  = 1
)

// InetTable holds the TCP or UDP sockets of a Net, in the kernel's order.
type InetTable []InetSocket

// TCP asks sock_diag(7) for the TCP sockets over IPv4 and IPv6 that are in one of
// the states, or for all if no state is given. SynRecv includes requests, which are
// NewSynRecv to the kernel. The error is EOPNOTSUPP if the kernel has no sock_diag
// for TCP.
func (n Net) TCP(states ...State) (InetTable, error) {
	mask := allStates
	if len(states) > 0 {
		mask = 0
	}
	for _, s := range states {
		mask |= s.mask()
		if s == SynRecv {
			mask |= NewSynRecv.mask()
		}
	}
	return n.inet("TCP", tcpDiagGetSock, inetDiagReq{Ext: 1 << (inetDiagSKMemInfo - 1), States: mask})
}

// UDP asks sock_diag(7) for the UDP sockets over IPv4 and IPv6. The error is ENOENT if
// the kernel has no sock_diag for UDP. The sockets over IPv4 are returned also beside an
// error about those over IPv6.
func (n Net) UDP() (InetTable, error) {
	four, err := n.udp(unix.AF_INET)
	if err != nil {
		return nil, err
	}
	six, err := n.udp(unix.AF_INET6)
	if errors.Is(err, unix.ENOENT) { // a kernel without IPv6
		err = nil
	}
	return append(four, six...), err
}

func (n Net) udp(family uint8) (InetTable, error) {
	return n.inet("UDP", unix.SOCK_DIAG_BY_FAMILY, inetDiagReqV2{
		Family:   family,
		Protocol: unix.IPPROTO_UDP,
		Ext:      1 << (inetDiagSKMemInfo - 1),
		States:   allStates,
	})
}

// inet sends the request for the sockets of a protocol, in a netlink message of a type.
func (n Net) inet(protocol string, kind uint16, of any) (InetTable, error) {
	request, err := binary.Append(nil, binary.NativeEndian, of)
	if err != nil {
		return nil, err
	}
	var sockets InetTable
	err = n.dump(sockDiag, kind, request, func(payload []byte) error {
		socket, err := parseInetSocket(payload)
		sockets = append(sockets, socket)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sock_diag %s: %w", protocol, err)
	}
	return sockets, nil
}

func parseInetSocket(payload []byte) (InetSocket, error) {
	var msg inetDiagMsg
	n, err := binary.Decode(payload, binary.NativeEndian, &msg)
	if err != nil {
		return InetSocket{}, errShort
	}
	socket := InetSocket{
		State:   State(msg.State),
		RQueue:  msg.RQueue,
		WQueue:  msg.WQueue,
		Inode:   uint64(msg.Inode),
		UID:     msg.UID,
		Timer:   Timer(msg.Timer),
		Expires: time.Duration(msg.Expires) * time.Millisecond,
		Retrans: msg.Retrans,
		Cookie:  uint64(msg.ID.Cookie[1])<<32 | uint64(msg.ID.Cookie[0]),
	}
	if socket.Local, err = diagAddrPort(msg.Family, msg.ID.Source, msg.ID.SourcePort); err != nil {
		return InetSocket{}, err
	}
	if socket.Remote, err = diagAddrPort(msg.Family, msg.ID.Destination, msg.ID.DestPort); err != nil {
		return InetSocket{}, err
	}
	err = parseAttrs(payload[n:], func(kind uint16, value []byte) {
		switch {
		case kind == inetDiagSKV6Only && len(value) == 1:
			socket.V6Only = value[0] != 0
		case kind == inetDiagShutdown && len(value) == 1:
			socket.Shut = shutBits(value[0])
		case kind == inetDiagSKMemInfo && len(value) >= 4*(skMemInfoRecvBuf+1):
			socket.RecvBuf = binary.NativeEndian.Uint32(value[4*skMemInfoRecvBuf:])
		}
	})
	return socket, err
}

// diagAddrPort reads an address that stands in network byte order, unlike in
// /proc/net/tcp. IPv4 uses the first four bytes.
func diagAddrPort(family uint8, addr [16]byte, port [2]byte) (netip.AddrPort, error) {
	number := binary.BigEndian.Uint16(port[:])
	switch family {
	case unix.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(addr[:4])), number), nil
	case unix.AF_INET6:
		return netip.AddrPortFrom(netip.AddrFrom16(addr), number), nil
	}
	return netip.AddrPort{}, fmt.Errorf("sock_diag: unexpected family %d", family)
}
