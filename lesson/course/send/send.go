package send

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

//go:embed send.md
var markdown string

// Lesson is the lesson send.
var Lesson = lab.Lesson{
	ID:    "send",
	Words: markdown,
	Experiments: lab.Experiments{
		"return": returns,
		"full":   full,
		"calls":  calls,
	},
	Exercises: lab.Exercises{"stuff": stuff},
}

func returns(l *lab.Lab) []lab.Step {
	said := l.Param("bytes")
	var conn, fd int
	return []lab.Step{
		{Name: "connect", Do: func() { l.Setup(func() { _, conn, fd = l.Connection() }) }},
		{Name: "send", Do: func() {
			call := l.Must(l.Send(lab.Server, conn, strings.Repeat("x", said)))
			l.Note("said", call.Ret)
			l.Note("took", lesson.Took(call.Duration))
		}},
		{Name: "look", Do: func() {
			// Bytes that have come and are not acknowledged yet are at both ends.
			l.Until("the acknowledgment", func() bool { return l.Ask(lab.Server, conn).Unsent+l.Ask(lab.Client, fd).Unread == said })
			unsent, unread := showQueues(l, conn, fd)
			segments := l.Ask(lab.Server, conn).TCP.Data_segs_out
			l.Show(lesson.Evidence{Fact: "segments with data", Value: fmt.Sprint(segments), Source: "getsockopt(2) TCP_INFO", Note: "Sent by the server's end, since the connection exists."})
			l.Note("segments", segments)
			l.Note("unsent", unsent)
			l.Note("unread", unread)
			if unsent+unread == said {
				l.Answer("kernel")
			}
		}},
		{Name: "kill", Do: func() {
			l.Kill(lab.Client)
			l.Until("the reset", func() bool { return l.TCPState(lab.Server, conn) == kernel.Close })
			call := l.Recv(lab.Server, conn, 4096)
			l.Note("after", call.ErrnoName())
		}},
	}
}

// showQueues shows where the bytes of a connection are that the server has sent and
// the client has not read.
func showQueues(l *lab.Lab, conn, fd int) (unsent, unread int) {
	from, to := l.Ask(lab.Server, conn), l.Ask(lab.Client, fd)
	l.Show(facts.SendBufferUse(lab.Server, from, facts.SS("-tn", facts.From(from.Local.Port()))))
	l.Show(facts.RecvBufferUse(lab.Client, to, facts.SS("-tan", facts.To(from.Local.Port()))))
	return from.Unsent, to.Unread
}

// small is what the client's buffer of the exercise is asked to be, so that it fills
// quickly.
const small = 8192

// tightConnection is a connection whose buffers in the direction from the server to the
// client are asked to be so large.
func tightConnection(l *lab.Lab, send, recv int) (conn, fd int) {
	listener, addr := l.Listener(8)
	fd = l.Stream(lab.Client)
	l.SetOption(lab.Client, fd, unix.SO_RCVBUF, recv)
	l.Must(l.Do(lab.Client, stage.Order{Do: "connect", FD: fd, Addr: addr}))
	conn = l.Accept(listener)
	l.SetOption(lab.Server, conn, unix.SO_SNDBUF, send)
	return conn, fd
}

// full sends until both buffers are full. It is long for its steps, which share what
// each leaves for the next.
func full(l *lab.Lab) []lab.Step {
	const offered = 100000
	send, recv := l.Param("send_buffer"), l.Param("receive_buffer")
	var conn, fd, accepted int
	var waiting *lab.Pending
	data := bytes.Repeat([]byte("x"), offered)
	// offer sends what fits, perhaps nothing.
	offer := func() int {
		c := l.Do(lab.Server, stage.Order{Do: "sendto", FD: conn, Data: data, Flags: unix.MSG_NOSIGNAL | unix.MSG_DONTWAIT})
		if c.Errno == unix.EAGAIN {
			return 0
		}
		if accepted > 10*offered {
			l.Fatalf("the kernel took %s, and its buffers are not full", lesson.Counted(accepted, "byte"))
		}
		return int(l.Must(c).Ret)
	}
	return []lab.Step{
		{Name: "connect", Do: func() {
			l.Setup(func() { conn, fd = tightConnection(l, send, recv) })
			got := l.Ask(lab.Server, conn).SendBuf
			l.Show(lesson.Evidence{Fact: "server's send buffer", Value: fmt.Sprintf("%s, where %d were asked for", lesson.Counted(got, "byte"), send), Source: "getsockopt(2) SO_SNDBUF"})
			l.Note("asked", send)
			l.Note("doubled", got)
		}},
		{Name: "offer", Do: func() { accepted = offer() }},
		{Name: "fill", Do: func() {
			l.Setup(func() {
				for n := offer(); n > 0; n = offer() {
					for ; n > 0; n = offer() {
						accepted += n
					}
					l.Until("the acknowledgment", func() bool { return l.Ask(lab.Server, conn).Unsent+l.Ask(lab.Client, fd).Unread == accepted })
				}
			})
			l.Note("offered", offered)
			l.Note("accepted", accepted)
		}},
		{Name: "look", Do: func() {
			unsent, unread := showQueues(l, conn, fd)
			l.Note("unsent", unsent)
			l.Note("unread", unread)
		}},
		{Name: "block", Do: func() {
			waiting = l.Begin(lab.Server, stage.Order{Do: "sendto", FD: conn, Data: []byte(strings.Repeat("y", 1000)), Flags: unix.MSG_NOSIGNAL})
			task := waiting.Blocks()
			l.Note("wchan", task.Wchan)
			l.Answer("waits")
		}},
		{Name: "read", Do: func() {
			read := 0
			l.Until("the server's send to return", func() bool {
				call := l.Quietly(lab.Client, stage.Order{Do: "recvfrom", FD: fd, Type: unix.SOCK_STREAM, Size: 1 << 16, Flags: unix.MSG_DONTWAIT})
				read += len(call.Data)
				select {
				case <-waiting.Done():
					return true
				default:
					return false
				}
			})
			l.Show(lesson.Evidence{Fact: "the client", Value: "has read " + lesson.Counted(read, "byte"), Source: "recvfrom(2)"})
			call := l.Must(waiting.Wait())
			l.Note("waited", lesson.Took(call.Duration))
		}},
	}
}

func calls(l *lab.Lab) []lab.Step {
	var conn, fd int
	calls := []stage.Order{
		{Do: "write", Data: []byte("one ")},
		{Do: "sendto", Data: []byte("two "), Flags: unix.MSG_NOSIGNAL},
		{Do: "sendmsg", Data: []byte("three"), Flags: unix.MSG_NOSIGNAL},
	}
	failed := false
	call := func(n int) func() {
		return func() {
			o := calls[n]
			o.FD = conn
			failed = l.Do(lab.Server, o).Errno != 0 || failed
		}
	}
	return []lab.Step{
		{Name: "connect", Do: func() { l.Setup(func() { _, conn, fd = l.Connection() }) }},
		{Name: "write", Do: call(0)},
		{Name: "send", Do: call(1)},
		{Name: "sendmsg", Do: call(2)},
		{Name: "recv", Do: func() {
			call := l.Must(l.Recv(lab.Client, fd, 100))
			l.Note("got", string(call.Data))
			switch {
			case failed:
				l.Answer("files")
			case string(call.Data) == "one two three":
				l.Answer("same")
			default:
				l.Answer("messages")
			}
		}},
	}
}

// stuff wants a client whose send buffer is not empty, since the server's
// receive buffer is full. The kernel itself says so: it probes a window of zero.
func stuff(l *lab.Lab) lab.Check {
	var fd int
	l.Setup(func() {
		fd = l.Stream(lab.Server)
		l.SetOption(lab.Server, fd, unix.SO_RCVBUF, small)
		l.Must(l.Bind(lab.Server, fd, lab.Loopback(0)))
		l.Must(l.Listen(lab.Server, fd, 8))
	})
	addr := l.Ask(lab.Server, fd).Local
	l.Note("addr", addr)
	l.Note("port", addr.Port())
	return func() (bool, string) {
		look := l.Look(addr)
		unsent, unread, full := queues(look)
		l.Note("unsent", unsent)
		l.Note("unread", unread)
		return full && look.Still, fmt.Sprintf("unread at the server: %s, in the client's send buffer: %d", lesson.Counted(unread, "byte"), unsent)
	}
}

// queues are the bytes on the way to a listener that reads nothing; full says
// that some client may not send any more.
func queues(look lab.Look) (unsent, unread int, full bool) {
	for _, row := range look.Here(kernel.Established) {
		unread += int(row.RQueue)
	}
	for _, row := range look.There(kernel.Established) {
		unsent += int(row.WQueue)
		full = full || row.WQueue > 0 && row.Timer == kernel.TimerPersist
	}
	return unsent, unread, full
}
