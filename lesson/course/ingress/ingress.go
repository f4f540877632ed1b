package ingress

import (
	_ "embed"
	"fmt"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

//go:embed ingress.md
var markdown string

// Lesson is the lesson ingress.
var Lesson = lab.Lesson{
	ID:    "ingress",
	Words: markdown,
	Experiments: lab.Experiments{
		"who":  who,
		"copy": copied,
		"wake": wake,
	},
	Exercises: lab.Exercises{"fin": fin},
}

const text = "hello"

// send is the client's order to send.
func send(fd int) stage.Order {
	return stage.Order{Do: "sendto", FD: fd, Data: []byte(text), Flags: unix.MSG_NOSIGNAL}
}

// recv is the server's order to receive.
func recv(fd int) stage.Order {
	return stage.Order{Do: "recvfrom", FD: fd, Type: unix.SOCK_STREAM, Size: 4096}
}

// receives reports whether a way has the receiver's part of TCP.
func receives(w *lab.Way) (inSoftirq, there bool) {
	v := w.Function("tcp_v4_rcv")
	if v == nil {
		return false, false
	}
	return v.Softirq, true
}

func who(l *lab.Lab) []lab.Step {
	return []lab.Step{
		{Name: "send", Do: func() {
			_, conn, fd := l.Connection()
			_, way := l.Way(lab.Client, send(fd))
			unread := l.Ask(lab.Server, conn).Unread
			l.Show(lesson.Evidence{Fact: "unread at the server", Value: fmt.Sprint(unread), Source: "SIOCINQ"})
			l.Note("unread", unread)
			soft, there := receives(&way)
			switch {
			case there && soft:
				l.Note("context", "within the client's call, in a softirq")
				l.Answer("sender")
			case there:
				l.Note("context", "within the client's call")
				l.Answer("sender")
			case unread > 0:
				l.Note("context", "not within the client's call")
				l.Answer("thread")
			default:
				l.Note("context", "not within the client's call")
				l.Answer("reader")
			}
		}},
	}
}

func copied(l *lab.Lab) []lab.Step {
	var conn, fd int
	return []lab.Step{
		{Name: "send", Do: func() {
			_, conn, fd = l.Connection()
			l.Must(l.Send(lab.Client, fd, text))
			l.Until("the bytes to arrive", func() bool { return l.Ask(lab.Server, conn).Unread == len(text) })
			l.Show(lesson.Evidence{Fact: "unread at the server", Value: fmt.Sprint(len(text)), Source: "SIOCINQ"})
		}},
		{Name: "recv", Do: func() {
			_, way := l.Way(lab.Server, recv(conn))
			hit, in := way.Find("skb_copy_datagram_iovec")
			if hit == nil {
				l.Note("copied", 0)
				l.Note("function", "no function")
				l.Answer("arrival")
			} else {
				l.Note("copied", hit.Len)
				l.Note("function", in.Function)
				l.Answer("recv")
			}
			if left, _ := way.Find("net_dev_start_xmit"); left == nil {
				l.Note("packets", "No packet was sent for it.")
			} else {
				l.Note("packets", "The kernel has told the sender that there is room again.")
			}
		}},
	}
}

func wake(l *lab.Lab) []lab.Step {
	var conn, fd int
	var reader *lab.Pending
	return []lab.Step{
		{Name: "sleep", Do: func() {
			_, conn, fd = l.Connection()
			reader = l.Begin(lab.Server, recv(conn))
			l.Note("wchan", reader.Blocks().Wchan)
		}},
		{Name: "send", Do: func() {
			_, way := l.Way(lab.Client, send(fd))
			got := l.Must(reader.Wait())
			l.Note("got", got.Ret)
			ready, in := way.Find("sched_waking")
			switch {
			case ready != nil:
				l.Note("ready", in.Function)
				l.Answer("call")
			default:
				l.Note("ready", "nothing that was seen")
				l.Answer("timer")
			}
		}},
	}
}

// fin wants an end that has had a FIN, and no byte.
func fin(l *lab.Lab) lab.Check {
	_, addr := l.Listener(8)
	return func() (bool, string) {
		look := l.Look(addr)
		bytes := false
		for _, row := range look.Here(kernel.CloseWait) {
			if row.Unread().Bytes == 0 {
				return true, "the FIN has come, and no byte"
			}
			bytes = true
		}
		switch {
		case bytes:
			return false, "bytes came with it: connect again, and send none"
		case len(look.Here(kernel.Established)) > 0:
			return false, "connected: now the client's end has to say that it is done"
		}
		return false, "no connection yet"
	}
}
