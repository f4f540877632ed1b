package layers

import (
	"bytes"
	_ "embed"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/stage"
	"fd3/sockets/wire"
)

//go:embed layers.md
var markdown string

// Lesson is the lesson layers.
var Lesson = lab.Lesson{
	ID:    "layers",
	Words: markdown,
	Experiments: lab.Experiments{
		"frame": frame,
		"seven": seven,
		"web":   web,
		"bit":   bit,
	},
	Exercises: lab.Exercises{"exact": exact},
}

// port is the server's: nobody else is on its host.
const port = 8080

// response is a response with so many bytes of content.
func response(content int) string {
	const text = "Hello from layers\n"
	body := strings.Repeat(text, content/len(text)+1)[:content]
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", content, body)
}

// usual is how much content the response of most experiments has: as much as one text.
const usual = 18

// asked is a connection on which the client has asked for a page, and the server has
// read that. The cable holds what comes then.
func asked(l *lab.Lab) (n *lab.Network, c lab.Connection) {
	n = l.Network()
	c = n.Connection(port, nil)
	request := fmt.Sprintf("GET /hello HTTP/1.1\r\nHost: %s\r\n\r\n", c.At)
	l.Setup(func() {
		n.Flow()
		l.Must(l.Send(lab.Client, c.FD, request))
		l.Until("the request to arrive", func() bool { return l.Ask(lab.Server, c.Conn).Unread == len(request) })
		l.Must(l.Recv(lab.Server, c.Conn, 4096))
		l.Until("the acknowledgment", func() bool { return l.Ask(lab.Client, c.FD).Unsent == 0 })
		n.Hold()
	})
	return n, c
}

// by says which segments of a host have bytes, or have none.
func by(role stage.Role, data bool) func(wire.Segment) bool {
	return func(s wire.Segment) bool {
		return (s.Src.Port() == port) == (role == lab.Server) && (s.Length > 0) == data
	}
}

// answers has the server send, and returns the packet that lies on the cable then.
func answers(l *lab.Lab, n *lab.Network, c lab.Connection, said string) wire.Packet {
	l.Must(l.Send(lab.Server, c.Conn, said))
	return n.Lies("the response", by(lab.Server, true))
}

// showQueues shows what is left in the server's send buffer and what waits at the client.
func showQueues(l *lab.Lab, n *lab.Network, c lab.Connection) (unsent, unread int) {
	from := l.Ask(lab.Server, c.Conn)
	l.Show(facts.SendBufferUse(lab.Server, from, n.On(lab.Server, facts.SS("-tan", facts.From(port)))))
	n.ShowUnread(lab.Client, c.FD, c)
	return from.Unsent, l.Ask(lab.Client, c.FD).Unread
}

func frame(l *lab.Lab) []lab.Step {
	said := response(l.Param("content"))
	var n *lab.Network
	var c lab.Connection
	var p wire.Packet
	return []lab.Step{
		{Name: "connect", Do: func() { n, c = asked(l) }},
		{Name: "send", Do: func() {
			p = answers(l, n, c, said)
			n.Show(p)
			unsent, _ := showQueues(l, n, c)
			l.Note("said", len(said))
			l.Note("kept", unsent)
		}},
		{Name: "frame", Do: func() {
			n.ShowFrame(p)
			n.ShowSize("its layers", p)
			added := len(p.Data) - len(said)
			l.Note("frame", len(p.Data))
			l.Note("added", added)
			switch {
			case added == 0:
				l.Answer("same")
			case 2*added > len(said):
				l.Answer("many")
			default:
				l.Answer("few")
			}
		}},
		{Name: "arrive", Do: func() {
			n.Pass(p)
			ack := n.Lies("the ACK", by(lab.Client, false))
			n.Show(ack)
			n.ShowSize("the ACK", ack)
			showQueues(l, n, c)
			l.Note("ack", len(ack.Data))
		}},
		{Name: "recv", Do: func() {
			got := l.Must(l.Recv(lab.Client, c.FD, 4096))
			l.Note("got", got.Ret)
			if string(got.Data) != said {
				l.Fatalf("the client got %q", got.Data)
			}
		}},
	}
}

func seven(l *lab.Lab) []lab.Step {
	said := []byte(response(usual))
	var p wire.Packet
	return []lab.Step{
		{Name: "send", Do: func() {
			n, c := asked(l)
			p = answers(l, n, c, string(said))
			n.Show(p)
		}},
		{Name: "whose", Do: func() {
			at := bytes.Index(p.Data, said)
			if at < 0 {
				l.Fatalf("packet %d has not the bytes that were sent", p.Number)
			}
			headers := 0
			called := []string{"link", "network", "transport", "application"}
			if len(p.Layers) != len(called) {
				l.Fatalf("packet %d has other layers: %s", p.Number, p.Size())
			}
			for i := range p.Layers {
				whose := "not among the bytes of send: the kernel's"
				if p.Layers[i].Start >= at {
					whose = "the bytes of send: the program's"
				} else {
					headers++
				}
				l.Show(stretch(p, p.Layers[i].Name, whose, p.Layers[i].Start, p.Layers[i].End))
				l.Note(called[i], lesson.Counted(p.Layers[i].End-p.Layers[i].Start, "byte"))
			}
			l.Note("headers", headers)
			l.Note("first", at)
			l.Note("last", at+len(said)-1)
			switch headers {
			case 1:
				l.Answer("one")
			case 3:
				l.Answer("three")
			case 6:
				l.Answer("six")
			}
		}},
		{Name: "type", Do: func() {
			fields := p.Layer("HTTP").Fields
			for i, f := range fields {
				if name := string(p.Data[f.Start:f.End]); name == "Content-Type" {
					i += slices.IndexFunc(fields[i:], func(f wire.Field) bool { return f.Name == "field value" })
					value := string(p.Data[fields[i].Start:fields[i].End])
					l.Show(stretch(p, name, value, fields[i].Start, fields[i].End))
					l.Note("type", value)
				}
			}
		}},
	}
}

// stretch is a fact about some bytes of a packet.
func stretch(p wire.Packet, fact, value string, start, end int) lesson.Evidence {
	return lesson.Evidence{Fact: fact, Value: value, Source: fmt.Sprintf("packet %d, bytes %d to %d of the frame", p.Number, start, end-1)}
}

func web(l *lab.Lab) []lab.Step {
	const mail = "220 mail.example ESMTP\r\n"
	const datagram = "anybody there?"
	const nowhere = 9999
	var n *lab.Network
	var c lab.Connection
	var http, asking wire.Packet
	return []lab.Step{
		{Name: "http", Do: func() {
			n, c = asked(l)
			http = answers(l, n, c, response(usual))
			n.ShowSize("HTTP", http)
			l.Note("http_headers", headers(http))
			n.Flow() // also of the ACK: as long as that is missing, a small segment waits (Nagle)
			l.Until("the acknowledgment", func() bool { return l.Ask(lab.Server, c.Conn).Unsent == 0 })
			n.Hold()
		}},
		{Name: "mail", Do: func() {
			greeting := answers(l, n, c, mail)
			n.ShowSize("the greeting", greeting)
			l.Note("mail_headers", headers(greeting))
			if headers(greeting) == headers(http) {
				l.Answer("numbers")
			} else {
				l.Answer("headers")
			}
		}},
		{Name: "datagram", Do: func() {
			var fd int
			l.Setup(func() { fd = l.Socket(lab.Client, unix.AF_INET, unix.SOCK_DGRAM) })
			to := sockets.InetSockaddr(netip.AddrPortFrom(c.At.Addr(), nowhere))
			l.Must(l.Do(lab.Client, stage.Order{Do: "sendto", FD: fd, Data: []byte(datagram), Addr: to}))
			asking = lies(l, n, "UDP")
			n.ShowSize("the datagram", asking)
			l.Note("udp_headers", headers(asking))
		}},
		{Name: "nobody", Do: func() {
			n.Pass(asking)
			answer := lies(l, n, "ICMP")
			n.Show(answer)
			n.ShowSize("the answer", answer)
			l.Note("icmp", answer.Summary)
		}},
	}
}

// headers are the layers before what a program has said, each with its bytes.
func headers(p wire.Packet) string {
	var all []string
	for _, l := range p.Layers {
		if l.Name == "payload" || l.Name == "HTTP" {
			break
		}
		all = append(all, fmt.Sprintf("%s %d", l.Name, l.End-l.Start))
	}
	return strings.Join(all, ", ")
}

// lies waits until a packet with a layer lies on the cable.
func lies(l *lab.Lab, n *lab.Network, layer string) (found wire.Packet) {
	l.Until(layer+" on the cable", func() bool {
		for _, p := range n.Held() {
			if p.Layer(layer) != nil {
				found = p
				return true
			}
		}
		return false
	})
	return found
}

func bit(l *lab.Lab) []lab.Step {
	at := l.Param("byte")
	var n *lab.Network
	var c lab.Connection
	var p wire.Packet
	return []lab.Step{
		{Name: "send", Do: func() {
			n, c = asked(l)
			p = answers(l, n, c, response(usual))
			n.Show(p)
		}},
		{Name: "turn", Do: func() {
			i := slices.IndexFunc(p.Layers, func(l wire.Layer) bool { return at < l.End })
			if i < 0 {
				l.Fatalf("packet %d has no byte %d", p.Number, at)
			}
			layer := p.Layers[i].Name
			l.Show(lesson.Evidence{Fact: "the byte", Value: fmt.Sprintf("%#02x %q in %s becomes %#02x %q", p.Data[at], p.Data[at], layer, p.Data[at]^1, p.Data[at]^1), Source: fmt.Sprintf("packet %d, byte %d of the frame", p.Number, at)})
			l.Note("layer", layer)
			n.Corrupt(p, at)
		}},
		{Name: "look", Do: func() {
			ip, tcp := n.Counter(lab.Client, "Ip.InHdrErrors"), n.Counter(lab.Client, "Tcp.InCsumErrors")
			n.ShowCounter(lab.Client, "Ip.InHdrErrors", "Packets with an IP header that is wrong.")
			n.ShowCounter(lab.Client, "Tcp.InCsumErrors", "Segments with a checksum of TCP that is wrong.")
			unsent, unread := showQueues(l, n, c)
			l.Note("ip", ip)
			l.Note("tcp", tcp)
			l.Note("unread", unread)
			l.Note("unsent", unsent)
			switch {
			case unread > 0:
				l.Answer("nobody")
			case tcp > 0:
				l.Answer("tcp")
			case ip > 0:
				l.Answer("ip")
			default:
				l.Answer("link")
			}
		}},
	}
}

// exact wants a frame of the client's of exactly so many bytes, with bytes of a program in
// it. The server takes what comes, and closes when the client has.
func exact(l *lab.Lab) lab.Check {
	const target = 200
	n := l.Network()
	listener, addr := n.Listener(port)
	var bare wire.Packet
	l.Setup(func() {
		n.Flow()
		fd := l.Connect(addr)
		conn := l.Accept(listener)
		bare = n.Seen("the ACK", 0, func(s wire.Segment) bool { return s.Flags == wire.ACK && by(lab.Client, false)(s) })
		l.Must(l.Close(lab.Client, fd))
		l.Must(l.Close(lab.Server, conn))
	})
	n.Order(wire.Order{Do: "hold", When: "data"})
	l.Note("host", addr.AddrPort().Addr())
	l.Note("target", target)
	l.Note("number", 0)
	l.Note("headers", len(bare.Data))
	l.Note("data", target-len(bare.Data))
	var open []int
	return func() (bool, string) {
		last := 0
		for _, p := range n.Packets() {
			if s, ok := p.Segment(); ok && by(lab.Client, true)(s) {
				if last = len(p.Data); last == target {
					l.Note("number", p.Number)
					return true, fmt.Sprintf("packet %d has %d bytes", p.Number, last)
				}
			}
		}
		for range l.Look(addr).Queue().Waiting {
			open = append(open, int(l.Must(l.Quietly(lab.Server, stage.Order{Do: "accept4", FD: listener, Flags: unix.SOCK_CLOEXEC})).Ret))
		}
		open = slices.DeleteFunc(open, func(conn int) bool { return over(l, conn) })
		if last == 0 {
			return false, "no packet with bytes of a program has come from the client's host"
		}
		return false, fmt.Sprintf("the last packet with bytes had %d, and %d are wanted", last, target)
	}
}

// over takes what a client has said, and closes the connection when the client has.
func over(l *lab.Lab, conn int) bool {
	for {
		c := l.Quietly(lab.Server, stage.Order{Do: "recvfrom", FD: conn, Type: unix.SOCK_STREAM, Size: 1 << 16, Flags: unix.MSG_DONTWAIT})
		switch {
		case c.Errno == unix.EAGAIN:
			return false
		case c.Ret <= 0:
			l.Must(l.Quietly(lab.Server, stage.Order{Do: "close", FD: conn}))
			return true
		}
	}
}
