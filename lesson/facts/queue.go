package facts

import (
	"fmt"
	"strings"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// ListenRow is the row of a listener as ss(8) shows it.
func ListenRow(q kernel.Queue, command string) lesson.Evidence {
	return lesson.Evidence{Fact: "LISTEN row", Value: fmt.Sprintf("Recv-Q %d, Send-Q %d", q.Waiting, q.Backlog), Source: "sock_diag(7)", Command: command,
		Note: "On a LISTEN row these two count connections, not bytes: waiting for `accept4`, and the backlog."}
}

// Backlog is what the kernel has made of the number that listen(2) was given.
func Backlog(asked, made int) lesson.Evidence {
	e := lesson.Evidence{Fact: "backlog", Value: fmt.Sprintf("%d asked for, %d there", asked, made), Source: "sock_diag(7)", Command: SS("-ltn", "")}
	if made < asked {
		e.Note = "The kernel cuts it to `net.core.somaxconn`."
	}
	return e
}

// NoListenRow says that an address has no listener any more.
func NoListenRow(local sockets.Sockaddr, command string) lesson.Evidence {
	return lesson.Evidence{Fact: "LISTEN row", Value: "none for " + local.String(), Source: "sock_diag(7)", Command: command}
}

// AcceptQueue is the accept queue of a listener, and how many waited before a call
// if that was another number.
func AcceptQueue(q kernel.Queue, before int, command string) lesson.Evidence {
	e := lesson.Evidence{Fact: "accept queue", Value: fmt.Sprintf("%d waiting, backlog %d", q.Waiting, q.Backlog), Source: "sock_diag(7)", Command: command}
	if before != q.Waiting {
		e.Value = fmt.Sprintf("%d waiting (%d before), backlog %d", q.Waiting, before, q.Backlog)
	}
	if q.Waiting > q.Backlog {
		e.Note = fmt.Sprintf("Full: a backlog of %d holds %d.", q.Backlog, q.Backlog+1)
	}
	return e
}

// Overflow is a counter of an accept queue that had no room: ListenOverflows or
// ListenDrops of TcpExt.
func Overflow(pid int, counter string, moved int64, since string) lesson.Evidence {
	e := Counter("TcpExt."+counter, moved, "since "+since, "")
	e.Source = proc(pid, "net/netstat")
	return e
}

// QueueUse is how full an accept queue is, of a listener of this process.
func QueueUse(q kernel.Queue) lesson.Evidence {
	return lesson.Evidence{Fact: "accept queue", Value: fmt.Sprintf("%d of %d", q.Waiting, q.Backlog), Source: q.Source}
}

// Unread is how many bytes of a stream have come and were not read. before is -1
// where it is not known. counted is the same queue as ss(8) counts it.
func Unread(now, before int, counted kernel.Queued, command string) lesson.Evidence {
	return lesson.Evidence{Fact: "unread here", Value: waiting(now, before), Source: "ioctl(2) SIOCINQ", Command: command, Note: RecvQ(counted)}
}

// NextMessage is the size of the datagram that the next receive gives; before is -1
// where it is not known. counted is what Messages says of it.
func NextMessage(now, before int, counted, command string) lesson.Evidence {
	return lesson.Evidence{Fact: "unread here", Value: waiting(now, before), Source: "ioctl(2) SIOCINQ", Command: command, Note: counted}
}

func waiting(now, before int) string {
	if before < 0 {
		return lesson.Counted(now, "byte")
	}
	return fmt.Sprintf("%s (%d before)", lesson.Counted(now, "byte"), before)
}

// RecvQ says why ss(8) shows more in Recv-Q than there are bytes; it is empty where
// it does not.
func RecvQ(q kernel.Queued) string {
	if !q.FIN {
		return ""
	}
	return fmt.Sprintf("Recv-Q of `ss` is %d: it counts the peer's FIN as one more, until that is read too.", q.Total())
}

// SendQ says the same of Send-Q.
func SendQ(q kernel.Queued) string {
	switch {
	case q.SYN:
		return fmt.Sprintf("Send-Q of `ss` is %d: it counts our SYN as one more, until it is acknowledged.", q.Total())
	case q.FIN:
		return fmt.Sprintf("Send-Q of `ss` is %d: it counts our FIN as one more, until it is acknowledged.", q.Total())
	}
	return ""
}

// Messages says what is counted of the datagrams that wait. memory is Recv-Q of
// ss(8), which counts memory on UDP; 0 otherwise.
func Messages(next int, memory uint32) string {
	switch {
	case memory > 0:
		return fmt.Sprintf("The size of the next message alone. Recv-Q of `ss` is %d: the memory that all waiting messages take.", memory)
	case next > 0:
		return "The size of the next message alone, as is Recv-Q of `ss`."
	}
	return ""
}

// UnreadAtPeer is the bytes that wait at the other end of a stream, as its kernel has
// them.
func UnreadAtPeer(q kernel.Queued, command string) lesson.Evidence {
	return lesson.Evidence{Fact: "at the peer", Value: lesson.Counted(q.Bytes, "byte") + " received and not read", Source: "sock_diag(7)", Command: command, Note: RecvQ(q)}
}

// Unacknowledged is how many bytes of a stream were sent and not acknowledged.
func Unacknowledged(q kernel.Queued, command string) lesson.Evidence {
	return lesson.Evidence{Fact: "send queue", Value: lesson.Counted(q.Bytes, "byte") + " not acknowledged", Source: "ioctl(2) SIOCOUTQ", Command: command, Note: SendQ(q)}
}

// Discarded is the same of a connection that an RST has ended. The kernel has dropped the
// bytes (tcp_write_queue_purge), and SIOCOUTQ is write_seq - snd_una, which stay. ss(8)
// does not list a closed socket.
func Discarded(q kernel.Queued) lesson.Evidence {
	e := Unacknowledged(q, "")
	e.Note = "The connection has ended, and the kernel has thrown them away: the ioctl counts them all the same."
	return e
}

// Unsent is how much memory the datagrams take that have not left yet.
func Unsent(bytes int, command string) lesson.Evidence {
	return lesson.Evidence{Fact: "send queue", Value: lesson.Counted(bytes, "byte") + " of memory not sent yet", Source: "ioctl(2) SIOCOUTQ", Command: command}
}

// Gauge returns the fact with a bar of how much of something there is.
func Gauge(e lesson.Evidence, have, full int64) lesson.Evidence {
	e.Have, e.Full = have, full
	return e
}

// SendBufferUse is how much of a send buffer is filled, of a stream.
func SendBufferUse(owner stage.Role, x stage.Socket, command string) lesson.Evidence {
	sent := x.Unacked()
	return Gauge(lesson.Evidence{Fact: string(owner) + "'s send buffer", Value: fmt.Sprintf("%d of %d bytes, not acknowledged by the other kernel", sent.Bytes, x.SendBuf), Source: "ioctl(2) SIOCOUTQ", Command: command, Note: SendQ(sent)},
		int64(sent.Bytes), int64(x.SendBuf))
}

// RecvBufferUse is how much of a receive buffer is filled, of a stream.
func RecvBufferUse(owner stage.Role, x stage.Socket, command string) lesson.Evidence {
	return Gauge(lesson.Evidence{Fact: string(owner) + "'s receive buffer", Value: fmt.Sprintf("%d of %d bytes, unread", x.Unread, x.RecvBuf), Source: "ioctl(2) SIOCINQ", Command: command},
		int64(x.Unread), int64(x.RecvBuf))
}

// Counter is how far a counter of the kernel moved: Tcp.PassiveOpens, of
// /proc/net/snmp, or TcpExt.ListenOverflows, of /proc/net/netstat.
func Counter(name string, moved int64, when, meaning string) lesson.Evidence {
	group, counter, _ := strings.Cut(name, ".")
	return lesson.Evidence{Fact: counter, Value: fmt.Sprintf("+%d %s", moved, when), Source: counterFile(name), Command: "nstat -az " + group + counter, Note: meaning}
}

// CounterNow is a counter of the kernel, under the name that the words have for it.
func CounterNow(fact, name, value string) lesson.Evidence {
	e := lesson.Evidence{Fact: fact, Value: value, Source: counterFile(name), Command: "nstat -asz " + strings.Replace(name, ".", "", 1)}
	if name == "Tcp.CurrEstab" { // the one that goes down as well, and nstat(8) leaves it out
		e.Command = "ss -s"
	}
	return e
}

// counterFile returns the file that has a counter.
func counterFile(name string) string {
	if group, _, _ := strings.Cut(name, "."); strings.HasSuffix(group, "Ext") {
		return "/proc/net/netstat"
	}
	return "/proc/net/snmp"
}

// UnreadOf is how much of what was sent lies unread.
func UnreadOf(bytes, sent int) lesson.Evidence {
	return Gauge(lesson.Evidence{Fact: "unread", Value: fmt.Sprintf("%d of %d bytes", bytes, sent), Source: "ioctl(2) SIOCINQ"}, int64(bytes), int64(sent))
}
