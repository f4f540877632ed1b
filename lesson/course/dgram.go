package course

import (
	"bytes"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

var dgramPractice = practice{
	experiments: map[string]experiment{
		"two":    dgramTwo,
		"small":  dgramSmall,
		"loss":   dgramLoss,
		"nobody": dgramNobody,
	},
	exercises: map[string]exercise{"word": dgramWord},
}

// dgramEnds are a bound UDP socket of the server and one of the client.
func (l *Lab) dgramEnds() (receiver, sender int, addr sockets.Sockaddr) {
	l.setup(func() {
		receiver, addr = l.dgramReceiver()
		sender = l.socket(client, unix.AF_INET, unix.SOCK_DGRAM)
	})
	return receiver, sender, addr
}

func (l *Lab) dgramReceiver() (fd int, addr sockets.Sockaddr) {
	fd = l.socket(server, unix.AF_INET, unix.SOCK_DGRAM)
	l.must(l.bind(server, fd, loopback(0)))
	addr = l.asked(server, fd).Local
	l.note("addr", addr)
	l.note("port", addr.Port())
	return fd, addr
}

func dgramTo(fd int, data string, addr sockets.Sockaddr) stage.Order {
	return stage.Order{Do: "sendto", FD: fd, Data: []byte(data), Addr: addr}
}

// dgramRecv takes the next datagram, or EAGAIN.
func dgramRecv(fd, size int) stage.Order {
	return stage.Order{Do: "recvfrom", FD: fd, Type: unix.SOCK_DGRAM, Size: size, Flags: unix.MSG_DONTWAIT}
}

func dgramTwo(l *Lab) map[string]func() {
	var receiver, sender int
	var addr sockets.Sockaddr
	return map[string]func(){
		"sockets": func() { receiver, sender, addr = l.dgramEnds() },
		"send": func() {
			l.must(l.do(client, dgramTo(sender, "one", addr)))
			l.must(l.do(client, dgramTo(sender, "two", addr)))
		},
		"recv": func() {
			first := l.must(l.do(server, dgramRecv(receiver, 100)))
			second := l.must(l.do(server, dgramRecv(receiver, 100)))
			l.note("first", string(first.Data))
			l.note("second", string(second.Data))
			switch string(first.Data) {
			case "one":
				l.answer("one")
			case "onetwo":
				l.answer("both")
			case "two":
				l.answer("two")
			}
		},
	}
}

func dgramSmall(l *Lab) map[string]func() {
	const message = "a long message"
	var receiver, sender int
	var addr sockets.Sockaddr
	return map[string]func(){
		"send": func() {
			receiver, sender, addr = l.dgramEnds()
			l.must(l.do(client, dgramTo(sender, message, addr)))
		},
		"recv": func() {
			x := l.asked(server, receiver)
			l.show(lesson.Evidence{Fact: "waiting", Value: "a datagram of " + lesson.Counted(x.Unread, "byte"), Source: "ioctl(2) SIOCINQ"})
			first := l.do(server, dgramRecv(receiver, 6))
			second := l.do(server, dgramRecv(receiver, 100))
			l.note("got", string(first.Data))
			l.note("second", said(second))
			l.note("lost", len(message)-len(first.Data)-len(second.Data))
			switch {
			case first.Errno != 0:
				l.answer("error")
			case second.Errno == unix.EAGAIN:
				l.answer("lost")
			case string(first.Data)+string(second.Data) == message:
				l.answer("rest")
			}
		},
	}
}

func dgramLoss(l *Lab) map[string]func() {
	const many = 200
	var receiver, sender, succeeded, failed int
	var addr sockets.Sockaddr
	inOrder := map[bool]string{true: "in the order in which they were sent", false: "in another order"}
	datagram := func(i int) string { return fmt.Sprintf("%03d ", i) + strings.Repeat("x", 96) }
	return map[string]func(){
		"sockets": func() {
			l.setup(func() {
				receiver, addr = l.dgramReceiver()
				l.option(server, receiver, unix.SO_RCVBUF, 8192)
				sender = l.socket(client, unix.AF_INET, unix.SOCK_DGRAM)
			})
		},
		"send": func() {
			for i := range many {
				call := l.quietly
				if i == 0 || i == many-1 {
					call = l.do
				}
				if call(client, dgramTo(sender, datagram(i+1), addr)).Errno == 0 {
					succeeded++
				} else {
					failed++
				}
			}
			l.show(lesson.Evidence{Fact: "the client", Value: fmt.Sprintf("%s succeeded, %d failed", lesson.Counted(succeeded, "call"), failed), Source: "sendto(2)"})
			l.note("many", many)
			l.note("succeeded", succeeded)
		},
		"look": func() {
			row, full := l.dgramRow(addr), l.asked(server, receiver).RecvBuf
			l.show(lesson.Evidence{Fact: "receive buffer", Value: fmt.Sprintf("%d of %d bytes of the kernel's memory", row.RxQueue, full), Source: "/proc/net/udp",
				Command: fmt.Sprintf("ss -uanm 'sport = :%d'", addr.Port()), Have: int64(row.RxQueue), Full: int64(full)})
			l.show(lesson.Evidence{Fact: "dropped at this socket", Value: fmt.Sprint(row.Drops), Source: "/proc/net/udp", Command: "cat /proc/net/udp",
				Note: "The last column, `drops`."})
			l.note("drops", row.Drops)
		},
		"read": func() {
			got, last, ordered := 0, "", true
			for {
				call := l.quietly(server, dgramRecv(receiver, 200))
				if call.Errno == unix.EAGAIN {
					break
				}
				data, _, _ := strings.Cut(string(l.must(call).Data), " ")
				ordered = ordered && last < data
				got, last = got+1, data
			}
			l.show(lesson.Evidence{Fact: "the server", Value: fmt.Sprintf("has read %s, %s; the last one is number %s", lesson.Counted(got, "datagram"), inOrder[ordered], last), Source: "recvfrom(2)", Have: int64(got), Full: many})
			l.note("got", got)
			l.note("last", last)
			l.note("order", inOrder[ordered])
			switch {
			case failed > 0:
				l.answer("error")
			case got < many:
				l.answer("silent")
			default:
				l.answer("all")
			}
		},
	}
}

// dgramRow is the row of a UDP socket.
func (l *Lab) dgramRow(addr sockets.Sockaddr) kernel.Row {
	rows, err := kernel.Table(l.pid(server), "udp")
	if err != nil {
		l.failf("/proc/net/udp: %w", err)
	}
	for _, row := range rows {
		if row.Local == addr.AddrPort() {
			return row
		}
	}
	l.failf("no row of %s in /proc/net/udp", addr)
	return kernel.Row{}
}

func dgramNobody(l *Lab) map[string]func() {
	var fd int
	var addr sockets.Sockaddr
	return map[string]func(){
		"leave": func() {
			l.setup(func() {
				var gone int
				gone, fd, addr = l.dgramEnds()
				l.must(l.close(server, gone))
			})
		},
		"connect": func() { l.must(l.do(client, stage.Order{Do: "connect", FD: fd, Addr: addr})) },
		"send": func() {
			send := stage.Order{Do: "sendto", FD: fd, Data: []byte("hello")}
			first, second := l.do(client, send), l.do(client, send)
			l.note("first", said(first))
			l.note("second", said(second))
			switch {
			case first.Errno != 0:
				l.answer("first")
			case second.Errno == unix.ECONNREFUSED:
				l.answer("later")
			case second.Errno == 0:
				l.answer("never")
			}
		},
	}
}

// dgramWord wants a datagram with certain words. Some tools end it with a newline.
func dgramWord(l *Lab) func() (bool, string) {
	const wanted = "hello fd3"
	var fd int
	var addr sockets.Sockaddr
	l.setup(func() { fd, addr = l.dgramReceiver() })
	l.note("wanted", wanted)
	l.note("from", "nobody yet")
	l.note("size", 0)
	now, done := "no datagram yet", false
	return func() (bool, string) {
		if !done && l.dgramRow(addr).RxQueue > 0 { // SIOCINQ says 0 of an empty datagram
			call := l.must(l.quietly(server, dgramRecv(fd, 2048)))
			l.note("from", call.Addr)
			l.note("size", len(call.Data))
			now = fmt.Sprintf("the last one has %s: %.40q", lesson.Counted(len(call.Data), "byte"), call.Data)
			done = string(bytes.TrimRight(call.Data, "\r\n")) == wanted
		}
		return done, now
	}
}
