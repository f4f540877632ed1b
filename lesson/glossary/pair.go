package glossary

import (
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
)

// A pair is a listener on loopback, a client connected to it and, once accepted,
// the server's end: all in this process, and only to ask the kernel about them.
type pair struct {
	sockets.Tracer
	listener, client, server int
	others                   []int          // what a question opened besides
	made                     []sockets.Call // that have returned
}

// withPair makes a pair, asks, and closes it. The client is not accepted yet.
func withPair(ask func(*pair) []lesson.Evidence) question {
	return func() []lesson.Evidence {
		p := &pair{listener: -1, client: -1, server: -1}
		p.Observe = func(c sockets.Call) {
			if c.Returned {
				p.made = append(p.made, c)
			}
		}
		defer p.end()
		if !p.open() {
			return nil
		}
		return ask(p)
	}
}

// connected is withPair for questions that need both ends.
func connected(ask func(*pair) []lesson.Evidence) question {
	return withPair(func(p *pair) []lesson.Evidence {
		if !p.accept() {
			return nil
		}
		return ask(p)
	})
}

func (p *pair) open() bool {
	p.listener = p.socket(unix.SOCK_STREAM)
	if p.listener < 0 ||
		p.SetReuseAddr(p.listener, true).Err() != nil ||
		p.Bind(p.listener, loopbackPort(0)).Err() != nil ||
		p.Listen(p.listener, unix.SOMAXCONN).Err() != nil {
		return false
	}
	p.client = p.socket(unix.SOCK_STREAM)
	return p.client >= 0 && p.Connect(p.client, sockets.Sockname(p.listener)).Err() == nil
}

func (p *pair) socket(typ int) int {
	return int(p.Socket(unix.AF_INET, typ|unix.SOCK_CLOEXEC, 0).Ret)
}

// other returns one more socket, or -1.
func (p *pair) other(typ int) int {
	fd := p.socket(typ)
	p.others = append(p.others, fd)
	return fd
}

// otherBound returns one more socket with a port of the kernel's choice, or -1.
func (p *pair) otherBound(typ int) int {
	fd := p.other(typ)
	if p.Bind(fd, loopbackPort(0)).Err() != nil {
		return -1
	}
	return fd
}

// accept takes the client from the queue, and reports whether it could. It never waits:
// connect has returned.
func (p *pair) accept() bool {
	p.server = int(p.Accept4(p.listener, unix.SOCK_CLOEXEC).Ret)
	return p.server >= 0
}

// end closes what is open. Connections end by a RST, so that no TIME_WAIT stays.
func (p *pair) end() {
	for _, fd := range append(p.others, p.client, p.server, p.listener) {
		if fd >= 0 {
			unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
			unix.Close(fd)
		}
	}
}

// row returns a socket as sock_diag(7) has it, or nil.
func (p *pair) row(fd int) *kernel.InetSocket {
	all, err := kernel.Own().TCP()
	if err != nil {
		return nil
	}
	var peer netip.AddrPort
	if name := sockets.Peername(fd); name != nil {
		peer = name.AddrPort()
	}
	return all.Find(sockets.Sockname(fd).AddrPort(), peer)
}

// told returns a call as evidence.
func told(fact, command string, c sockets.Call, note string) lesson.Evidence {
	return lesson.Evidence{Fact: fact, Value: c.Strace(), Source: "the kernel's answer", Command: command, Note: note}
}

// trace returns the command that shows these calls being made for a word.
func trace(word string, calls ...string) string {
	return "strace -f -e trace=" + strings.Join(calls, ",") + " fd3 explain " + word
}

// await gives the peer's kernel a moment: its ACK may take its time.
func await(done func() bool) {
	for range 100 {
		if done() {
			return
		}
		time.Sleep(time.Millisecond)
	}
}
