package kernel

// Queued is one queue of a TCP connection. The kernel counts it in sequence
// numbers, and a SYN or a FIN takes one like a byte of data (RFC 9293, section 3.4).
type Queued struct {
	Bytes int  `json:"bytes"`         // of data
	SYN   bool `json:"syn,omitempty"` // one more is counted, for a SYN
	FIN   bool `json:"fin,omitempty"` // one more is counted, for a FIN
}

// Total returns the number that ss(8) shows.
func (q Queued) Total() int {
	total := q.Bytes
	if q.SYN || q.FIN { // never both: the SYN is acknowledged before there can be a FIN
		total++
	}
	return total
}

// Unread takes the RQueue of a TCP connection apart: bytes that wait to be read, and
// the peer's FIN while it waits.
//
// The count is rcv_nxt - copied_seq (tcp_diag_get_info in net/ipv4/tcp_diag.c). A
// FIN moves rcv_nxt by one when it arrives, and brings the state to CLOSE_WAIT,
// CLOSING or LAST_ACK (tcp_fin). It moves copied_seq by one when it is read: by the
// recv(2) that returns 0, or already by the one that takes the last bytes, if the
// kernel has put the FIN into one buffer with them (tcp_try_coalesce,
// tcp_recvmsg_locked). As the last in the stream, it is counted for as long as any
// byte is. SIOCINQ takes it off (tcp_inq in include/net/tcp.h), so
// Asked.Unread is Bytes where there is no urgent data.
//
// In TIME_WAIT nothing is counted (inet_twsk_diag_fill). The queues of a LISTEN row
// hold no bytes.
func (s InetSocket) Unread() Queued {
	q := Queued{Bytes: int(s.RQueue)}
	switch s.State {
	case CloseWait, Closing, LastAck:
		if q.FIN = q.Bytes > 0; q.FIN {
			q.Bytes--
		}
	}
	return q
}

// Unsent takes the WQueue of a TCP connection apart: bytes that were written and that
// the peer has not acknowledged, in SYN_SENT our SYN, and in FIN_WAIT1, CLOSING and
// LAST_ACK our FIN, whose acknowledgement ends each of these states.
//
// The count is write_seq - snd_una (tcp_diag_get_info).
func (s InetSocket) Unsent() Queued { return unsent(s.State, int(s.WQueue)) }

// Unacked takes Asked.Unsent of a TCP socket apart likewise: SIOCOUTQ is the same
// number, a FIN included (tcp_ioctl in net/ipv4/tcp.c), but 0 in SYN_SENT. For any
// other socket all of it is Bytes.
func (a Asked) Unacked() Queued { return unsent(a.State(), a.Unsent) }

func unsent(state State, queue int) Queued {
	q := Queued{Bytes: queue}
	switch state {
	case SynSent:
		q.SYN = q.Bytes > 0
	case FinWait1, Closing, LastAck:
		q.FIN = q.Bytes > 0
	}
	if q.SYN || q.FIN {
		q.Bytes--
	}
	return q
}
