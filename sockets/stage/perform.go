package stage

import (
	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// performers make the call that an order names.
var performers = map[string]func(*sockets.Tracer, Order) sockets.Call{
	"socket":     func(t *sockets.Tracer, o Order) sockets.Call { return t.Socket(o.Domain, o.Type, o.Protocol) },
	"setsockopt": setsockopt,
	"bind":       func(t *sockets.Tracer, o Order) sockets.Call { return t.Bind(o.FD, o.Addr) },
	"listen":     func(t *sockets.Tracer, o Order) sockets.Call { return t.Listen(o.FD, o.Backlog) },
	"connect":    func(t *sockets.Tracer, o Order) sockets.Call { return t.Connect(o.FD, o.Addr) },
	"accept4":    func(t *sockets.Tracer, o Order) sockets.Call { return t.Accept4(o.FD, o.Flags) },
	"recvfrom":   recvfrom,
	"sendto":     sendto,
	"shutdown":   func(t *sockets.Tracer, o Order) sockets.Call { return t.Shutdown(o.FD, o.How) },
	"close":      func(t *sockets.Tracer, o Order) sockets.Call { return t.Close(o.FD) },
	"dup":        func(t *sockets.Tracer, o Order) sockets.Call { return t.Dup(o.FD) },
	"read":       func(t *sockets.Tracer, o Order) sockets.Call { return t.Read(o.FD, make([]byte, o.Size)) },
	"write":      func(t *sockets.Tracer, o Order) sockets.Call { return t.Write(o.FD, o.Data) },
	"sendmsg":    func(t *sockets.Tracer, o Order) sockets.Call { return t.Sendmsg(o.FD, o.Data, o.Flags) },
	"openat":     func(t *sockets.Tracer, o Order) sockets.Call { return t.Openat(unix.AT_FDCWD, o.Path, o.Flags, o.Mode) },
	// SIGPIPE is the one signal of sockets. The others are the Go runtime's.
	"sigaction": func(t *sockets.Tracer, o Order) sockets.Call {
		return t.RtSigaction(unix.SIGPIPE, sockets.Disposition(o.Value))
	},
}

func setsockopt(t *sockets.Tracer, o Order) sockets.Call {
	if o.Level == unix.SOL_SOCKET {
		switch o.Option {
		case unix.SO_RCVTIMEO, unix.SO_SNDTIMEO:
			return t.SetTimeout(o.FD, o.Option, o.Timeout)
		case unix.SO_LINGER:
			return t.SetLinger(o.FD, o.Value)
		}
	}
	if o.Level == unix.SOL_TCP && o.Option == unix.TCP_CONGESTION {
		return t.SetCongestion(o.FD, string(o.Data))
	}
	return t.Setsockopt(o.FD, o.Level, o.Option, o.Value)
}

// recvfrom asks for the sender's address only where a message may come from
// anybody: on a datagram socket.
func recvfrom(t *sockets.Tracer, o Order) sockets.Call {
	if o.Type == unix.SOCK_DGRAM {
		return t.RecvFrom(o.FD, o.Size, o.Flags)
	}
	return t.Recv(o.FD, o.Size, o.Flags)
}

func sendto(t *sockets.Tracer, o Order) sockets.Call {
	if len(o.Addr) > 0 {
		return t.SendTo(o.FD, o.Data, o.Flags, o.Addr)
	}
	return t.Send(o.FD, o.Data, o.Flags)
}

func perform(t *sockets.Tracer, o Order) sockets.Call { return performers[o.Do](t, o) }

func known(call string) bool { return performers[call] != nil }
