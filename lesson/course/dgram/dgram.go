package dgram

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

//go:embed dgram.md
var markdown string

// Lesson is the lesson dgram.
var Lesson = lab.Lesson{
	ID:    "dgram",
	Words: markdown,
	Experiments: lab.Experiments{
		"two":    two,
		"small":  small,
		"loss":   loss,
		"nobody": nobody,
	},
	Exercises: lab.Exercises{"word": word},
}

// bothEnds are a bound UDP socket of the server and one of the client.
func bothEnds(l *lab.Lab) (receiver, sender int, addr sockets.Sockaddr) {
	l.Setup(func() {
		receiver, addr = newReceiver(l)
		sender = l.Socket(lab.Client, unix.AF_INET, unix.SOCK_DGRAM)
	})
	return receiver, sender, addr
}

func newReceiver(l *lab.Lab) (fd int, addr sockets.Sockaddr) {
	fd = l.Socket(lab.Server, unix.AF_INET, unix.SOCK_DGRAM)
	l.Must(l.Bind(lab.Server, fd, lab.Loopback(0)))
	addr = l.Ask(lab.Server, fd).Local
	l.Note("addr", addr)
	l.Note("port", addr.Port())
	return fd, addr
}

func sendTo(fd int, data string, addr sockets.Sockaddr) stage.Order {
	return stage.Order{Do: "sendto", FD: fd, Data: []byte(data), Addr: addr}
}

// recvFrom takes the next datagram, or EAGAIN.
func recvFrom(fd, size int) stage.Order {
	return stage.Order{Do: "recvfrom", FD: fd, Type: unix.SOCK_DGRAM, Size: size, Flags: unix.MSG_DONTWAIT}
}

func two(l *lab.Lab) []lab.Step {
	var receiver, sender int
	var addr sockets.Sockaddr
	var first sockets.Call
	return []lab.Step{
		{Name: "sockets", Do: func() { receiver, sender, addr = bothEnds(l) }},
		{Name: "one", Do: func() { l.Must(l.Do(lab.Client, sendTo(sender, "one", addr))) }},
		{Name: "two", Do: func() { l.Must(l.Do(lab.Client, sendTo(sender, "two", addr))) }},
		{Name: "recv", Do: func() {
			first = l.Must(l.Do(lab.Server, recvFrom(receiver, 100)))
			l.Note("first", string(first.Data))
		}},
		{Name: "again", Do: func() {
			second := l.Must(l.Do(lab.Server, recvFrom(receiver, 100)))
			l.Note("second", string(second.Data))
			switch string(first.Data) {
			case "one":
				l.Answer("one")
			case "onetwo":
				l.Answer("both")
			case "two":
				l.Answer("two")
			}
		}},
	}
}

func small(l *lab.Lab) []lab.Step {
	const message = "a long message"
	var receiver, sender int
	var addr sockets.Sockaddr
	var first sockets.Call
	return []lab.Step{
		{Name: "send", Do: func() {
			receiver, sender, addr = bothEnds(l)
			l.Must(l.Do(lab.Client, sendTo(sender, message, addr)))
		}},
		{Name: "look", Do: func() {
			x := l.Ask(lab.Server, receiver)
			l.Show(lesson.Evidence{Fact: "waiting", Value: "a datagram of " + lesson.Counted(x.Unread, "byte"), Source: "ioctl(2) SIOCINQ"})
		}},
		{Name: "recv", Do: func() { first = l.Do(lab.Server, recvFrom(receiver, 6)) }},
		{Name: "again", Do: func() {
			second := l.Do(lab.Server, recvFrom(receiver, 100))
			l.Note("got", string(first.Data))
			l.Note("second", lab.Said(second))
			l.Note("lost", len(message)-len(first.Data)-len(second.Data))
			switch {
			case first.Errno != 0:
				l.Answer("error")
			case second.Errno == unix.EAGAIN:
				l.Answer("lost")
			case string(first.Data)+string(second.Data) == message:
				l.Answer("rest")
			}
		}},
	}
}

// loss sends more datagrams than a small receive buffer takes. It is long for its
// steps, which share what each leaves for the next.
func loss(l *lab.Lab) []lab.Step {
	many, buffer := l.Param("datagrams"), l.Param("buffer")
	var receiver, sender, succeeded, failed int
	var addr sockets.Sockaddr
	inOrder := map[bool]string{true: "in the order in which they were sent", false: "in another order"}
	datagram := func(i int) string { return fmt.Sprintf("%03d ", i) + strings.Repeat("x", 96) }
	send := func(do func(stage.Role, stage.Order) sockets.Call, i int) {
		if do(lab.Client, sendTo(sender, datagram(i), addr)).Errno == 0 {
			succeeded++
		} else {
			failed++
		}
	}
	return []lab.Step{
		{Name: "sockets", Do: func() {
			l.Setup(func() {
				receiver, addr = newReceiver(l)
				l.SetOption(lab.Server, receiver, unix.SO_RCVBUF, buffer)
				sender = l.Socket(lab.Client, unix.AF_INET, unix.SOCK_DGRAM)
			})
		}},
		{Name: "first", Do: func() { send(l.Do, 1) }},
		{Name: "send", Do: func() {
			for i := 2; i < many; i++ {
				send(l.Quietly, i)
			}
			send(l.Do, many)
			l.Show(lesson.Evidence{Fact: "the client", Value: fmt.Sprintf("%s succeeded, %d failed", lesson.Counted(succeeded, "call"), failed), Source: "sendto(2)"})
			l.Note("many", many)
			l.Note("succeeded", succeeded)
		}},
		{Name: "look", Do: func() {
			row, full := rowOf(l, addr), l.Ask(lab.Server, receiver).RecvBuf
			l.Show(lesson.Evidence{Fact: "receive buffer", Value: fmt.Sprintf("%d of %d bytes of the kernel's memory", row.RxQueue, full), Source: "/proc/net/udp",
				Command: facts.SS("-uanm", facts.From(addr.Port())), Have: int64(row.RxQueue), Full: int64(full)})
			l.Show(lesson.Evidence{Fact: "dropped at this socket", Value: fmt.Sprint(row.Drops), Source: "/proc/net/udp", Command: "cat /proc/net/udp",
				Note: "The last column, `drops`."})
			l.Note("drops", row.Drops)
		}},
		{Name: "read", Do: func() {
			got, last, ordered := 0, "", true
			for {
				call := l.Quietly(lab.Server, recvFrom(receiver, 200))
				if call.Errno == unix.EAGAIN {
					break
				}
				data, _, _ := strings.Cut(string(l.Must(call).Data), " ")
				ordered = ordered && last < data
				got, last = got+1, data
			}
			l.Show(lesson.Evidence{Fact: "the server", Value: fmt.Sprintf("has read %s, %s; the last one is number %s", lesson.Counted(got, "datagram"), inOrder[ordered], last), Source: "recvfrom(2)", Have: int64(got), Full: int64(many)})
			l.Note("got", got)
			l.Note("last", last)
			l.Note("order", inOrder[ordered])
			switch {
			case failed > 0:
				l.Answer("error")
			case got < many:
				l.Answer("silent")
			default:
				l.Answer("all")
			}
		}},
	}
}

// rowOf is the row of a UDP socket. The kernel may leave a row out of one reading, when
// other sockets come and go meanwhile.
func rowOf(l *lab.Lab, addr sockets.Sockaddr) (found kernel.Row) {
	l.Until(fmt.Sprintf("a row of %s in /proc/net/udp", addr), func() bool {
		rows, err := l.Net().Table("udp")
		if err != nil {
			l.Fatalf("/proc/net/udp: %w", err)
		}
		i := slices.IndexFunc(rows, func(row kernel.Row) bool { return row.Local == addr.AddrPort() })
		if i >= 0 {
			found = rows[i]
		}
		return i >= 0
	})
	return found
}

func nobody(l *lab.Lab) []lab.Step {
	var fd int
	var addr sockets.Sockaddr
	var first sockets.Call
	send := func() sockets.Call { return l.Do(lab.Client, stage.Order{Do: "sendto", FD: fd, Data: []byte("hello")}) }
	return []lab.Step{
		{Name: "leave", Do: func() {
			l.Setup(func() {
				var gone int
				gone, fd, addr = bothEnds(l)
				l.Must(l.Close(lab.Server, gone))
			})
		}},
		{Name: "connect", Do: func() { l.Must(l.Do(lab.Client, stage.Order{Do: "connect", FD: fd, Addr: addr})) }},
		{Name: "send", Do: func() {
			first = send()
			l.Note("first", lab.Said(first))
		}},
		{Name: "again", Do: func() {
			second := send()
			l.Note("second", lab.Said(second))
			switch {
			case first.Errno != 0:
				l.Answer("first")
			case second.Errno == unix.ECONNREFUSED:
				l.Answer("later")
			case second.Errno == 0:
				l.Answer("never")
			}
		}},
	}
}

// word wants a datagram with certain words. Some tools end it with a newline.
func word(l *lab.Lab) lab.Check {
	const wanted = "hello fd3"
	var fd int
	var addr sockets.Sockaddr
	l.Setup(func() { fd, addr = newReceiver(l) })
	l.Note("wanted", wanted)
	l.Note("from", "nobody yet")
	l.Note("size", 0)
	now, done := "no datagram yet", false
	return func() (bool, string) {
		if !done && rowOf(l, addr).RxQueue > 0 { // SIOCINQ says 0 of an empty datagram
			call := l.Must(l.Quietly(lab.Server, recvFrom(fd, 2048)))
			l.Note("from", call.Addr)
			l.Note("size", len(call.Data))
			now = fmt.Sprintf("the last one has %s: %.40q", lesson.Counted(len(call.Data), "byte"), call.Data)
			done = string(bytes.TrimRight(call.Data, "\r\n")) == wanted
		}
		return done, now
	}
}
