package drawing

import (
	"fmt"
	"strings"
	"time"

	"fd3/lesson"
	"fd3/sockets/kernel"
)

// doing says what a process does, and where in the kernel; nothing if it waits for orders.
func doing(p kernel.Process) (state, where string) {
	switch {
	case p.Call != "":
		if p.Wchan != "" {
			where = ", in " + p.Wchan
		}
		return fmt.Sprintf("blocked in %s(%d)", p.Call, p.CallFD), where
	case p.State == "sleeping", p.State == "running", p.State == "":
		return "", ""
	}
	return p.State, ""
}

// socket fills the row of a socket.
func (h hosted) socket(b *box, r *row, s *kernel.Socket) {
	r.socket = s
	if r.mark == unchanged {
		r.mark = h.of(s)
	}
	r.text, r.more = title(s, b.right), contents(s)
}

// title says what a socket is, and which: a connection by the client's port.
func title(s *kernel.Socket, right bool) string {
	kind := map[string]string{"UNIX-STREAM": "UNIX stream", "UNIX": "UNIX datagrams", "UNIX-SEQPACKET": "UNIX packets"}[s.Protocol]
	switch {
	case s.Unix() && s.State == kernel.Listen, s.Unix() && s.Path != "":
		return strings.TrimSpace(fmt.Sprintf("%s %s", listenOr(s, kind), s.Path))
	case s.Unix() && s.State == kernel.Close:
		return kind + ", no peer"
	case s.Unix():
		return kind
	case s.Protocol == "UDP" && s.Remote.Port() != 0:
		return strings.TrimSpace(fmt.Sprintf("UDP %s %s", client(s, false), elsewhere(s, false))) // it has connected itself, at whichever side it stands
	case s.Protocol == "UDP" && s.Local.Port() == 0:
		return "UDP, no address yet"
	case s.Protocol == "UDP":
		return fmt.Sprintf("UDP %s", s.Local)
	case s.Cookie == 0 && s.Protocol != "":
		return strings.TrimSuffix(s.Protocol, "v6") + " " + s.State.String()
	case s.Cookie == 0:
		return "a socket"
	case s.State == kernel.Listen:
		return fmt.Sprintf("LISTEN %s", s.Local)
	case s.Remote.Port() == 0:
		return fmt.Sprintf("TCP bound to %s", s.Local)
	}
	return strings.TrimSpace(fmt.Sprintf("%-11s %s %s", s.State, client(s, right), elsewhere(s, right)))
}

func listenOr(s *kernel.Socket, kind string) string {
	if s.State == kernel.Listen {
		return "LISTEN"
	}
	return kind
}

// client is the port of the end that has connected.
func client(s *kernel.Socket, right bool) string {
	switch {
	case s.Unix() && s.Peer == 0:
		return "a client that is gone"
	case s.Unix():
		return "a client"
	case right:
		return fmt.Sprintf(":%d", s.Remote.Port())
	}
	return fmt.Sprintf(":%d", s.Local.Port())
}

// elsewhere is where the other end is, if it is not on this host.
func elsewhere(s *kernel.Socket, right bool) string {
	switch {
	case s.Peer != 0 || s.Remote.Addr().IsLoopback() || s.Remote.Addr() == s.Local.Addr():
		return ""
	case right:
		return fmt.Sprintf("from %s", s.Remote.Addr())
	}
	return fmt.Sprintf("to %s", s.Remote)
}

// contents says what is in the queues of a socket, and until when it is there.
func contents(s *kernel.Socket) []string {
	var all []string
	switch {
	case s.Unread.Bytes == 0:
	case s.Protocol == "UNIX": // of datagrams the kernel tells of the first alone
		all = append(all, "next message: "+lesson.Counted(s.Unread.Bytes, "byte"))
	default:
		all = append(all, strings.TrimSpace(lesson.Counted(s.Unread.Bytes, "byte")+" unread "+bar(s)))
	}
	if s.Unread.FIN {
		all = append(all, "FIN unread")
	}
	if s.Memory > 0 && s.Unix() {
		all = append(all, lesson.Counted(s.Memory, "byte")+" of memory")
	} else if s.Memory > 0 {
		all = append(all, "messages: "+lesson.Counted(s.Memory, "byte")+" of memory")
	}
	if s.Unsent.Bytes > 0 {
		all = append(all, lesson.Counted(s.Unsent.Bytes, "byte")+" not acknowledged")
	}
	if s.Timer == kernel.TimerTimeWait {
		all = append(all, left(s.Expires)+" left")
	}
	if s.Shut.Write && s.State == kernel.Established && s.Unix() {
		all = append(all, "writing is over")
	}
	return all
}

// bar is how full the receive buffer of a TCP socket is. One that fills no cell is left
// to its number; AF_UNIX and UDP have no such bound on bytes.
func bar(s *kernel.Socket) string {
	const cells = 10
	if !s.TCP() || s.RecvBuf == 0 {
		return ""
	}
	n := min(s.Unread.Bytes*cells/int(s.RecvBuf), cells)
	if n == 0 {
		return ""
	}
	return strings.Repeat("█", n) + strings.Repeat("░", cells-n)
}

// flight says what is on its way from a socket, and when it is sent again.
func flight(s *kernel.Socket) string {
	again := ""
	if s.Timer == kernel.TimerOn {
		again = ", again in " + left(s.Expires)
	}
	switch {
	case s.State == kernel.SynSent:
		return "SYN" + again
	case s.State == kernel.SynRecv:
		return "SYN+ACK" + again
	case s.Unsent.FIN && s.Unsent.Bytes == 0:
		return "FIN" + again
	case s.Timer == kernel.TimerPersist:
		return "window 0, probe in " + left(s.Expires)
	case s.Unsent.Bytes > 0 && again != "":
		return "sent " + again[2:]
	}
	return ""
}

// left is the time that a timer has, in seconds that have begun: it may be less.
func left(d time.Duration) string {
	return fmt.Sprintf("%d s", max(1, int((d+time.Second-1)/time.Second)))
}

// carries reports whether a socket can send to the other end, or hear from it.
func carries(s *kernel.Socket) bool {
	switch s.State {
	case kernel.Established, kernel.CloseWait:
		return true
	}
	return false
}
