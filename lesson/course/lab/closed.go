package lab

import (
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// HalfClosed waits until the FIN of the end that has closed is acknowledged. If
// the other end closed before that, a FIN that is sent again could be answered by
// an RST, which ends TIME_WAIT.
func (l *Lab) HalfClosed(closed stage.Role, at, from sockets.Sockaddr) {
	l.Until("the FIN to be acknowledged", func() bool {
		return l.EndsOf(at.AddrPort(), from.AddrPort())[closed].State == kernel.FinWait2
	})
}

// BindAgain has the server bind a new socket, with SO_REUSEADDR or without. What comes
// before bind(2) is told in short.
func (l *Lab) BindAgain(addr sockets.Sockaddr, reuse bool) (fd int, call sockets.Call) {
	l.Setup(func() {
		fd = l.Stream(Server)
		if reuse {
			l.Must(l.ReuseAddr(Server, fd))
		}
	})
	return fd, l.Bind(Server, fd, addr)
}

// Served lives the life of a server that accepts one client and closes first, told in
// short. It returns the server's address.
func (l *Lab) Served(reuse bool) (addr sockets.Sockaddr) {
	l.Setup(func() {
		fd := l.Stream(Server)
		if reuse {
			l.Must(l.ReuseAddr(Server, fd))
		}
		l.Must(l.Bind(Server, fd, Loopback(0)))
		l.Must(l.Listen(Server, fd, 8))
		addr = l.Ask(Server, fd).Local
		c := l.Connect(addr)
		conn := l.Accept(fd)
		from := l.Ask(Client, c).Local
		l.Must(l.Close(Server, conn))
		l.HalfClosed(Server, addr, from)
		l.Must(l.Close(Client, c))
		l.Until("TIME_WAIT", func() bool {
			return l.EndsOf(addr.AddrPort(), from.AddrPort())[Server].State == kernel.TimeWait
		})
	})
	return addr
}

// ServedLately returns the address of a server that has lived as Served says, and of which
// a TIME_WAIT is left for a while yet. It is addr, or that of another server where the
// learner has thought for longer than a TIME_WAIT lasts.
func (l *Lab) ServedLately(addr sockets.Sockaddr, reuse bool) sockets.Sockaddr {
	for _, row := range l.RowsAt(addr, kernel.TimeWait) {
		if row.Expires > Patience {
			return addr
		}
	}
	return l.Served(reuse)
}
