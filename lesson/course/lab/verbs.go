package lab

import (
	"context"
	"net/netip"
	"os"
	"os/exec"
	"slices"

	"golang.org/x/sys/unix"

	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// The parties that nearly every experiment has.
const (
	Server = stage.Server
	Client = stage.Client
)

// Must returns a call that has to succeed for the experiment to go on. One that has
// failed ends it.
func (l *Lab) Must(c sockets.Call) sockets.Call {
	if c.Errno != 0 {
		l.Fatalf("%s", c.Strace())
	}
	return c
}

// Socket makes a socket of a party.
func (l *Lab) Socket(role stage.Role, domain, typ int) (fd int) {
	return int(l.Must(l.Do(role, stage.Order{Do: "socket", Domain: domain, Type: typ | unix.SOCK_CLOEXEC})).Ret)
}

// Stream makes a TCP socket of a party.
func (l *Lab) Stream(role stage.Role) (fd int) {
	return l.Socket(role, unix.AF_INET, unix.SOCK_STREAM)
}

// Unbound returns a TCP socket of a party that has no address yet. Its call is told in
// short.
func (l *Lab) Unbound(role stage.Role) (fd int) {
	l.Setup(func() { fd = l.Stream(role) })
	return fd
}

// Bind has a party call bind(2).
func (l *Lab) Bind(role stage.Role, fd int, addr sockets.Sockaddr) sockets.Call {
	return l.Do(role, stage.Order{Do: "bind", FD: fd, Addr: addr})
}

// ReuseAddr has a party set SO_REUSEADDR.
func (l *Lab) ReuseAddr(role stage.Role, fd int) sockets.Call {
	return l.Do(role, stage.Order{Do: "setsockopt", FD: fd, Level: unix.SOL_SOCKET, Option: unix.SO_REUSEADDR, Value: 1})
}

// Listen has a party call listen(2).
func (l *Lab) Listen(role stage.Role, fd, backlog int) sockets.Call {
	return l.Do(role, stage.Order{Do: "listen", FD: fd, Backlog: backlog})
}

// Bound returns a TCP socket of the server with a port of the kernel's choice, on
// 127.0.0.1. Its calls are told in short.
func (l *Lab) Bound() (fd int, addr sockets.Sockaddr) {
	l.Setup(func() {
		fd = l.Stream(Server)
		l.Must(l.Bind(Server, fd, Loopback(0)))
	})
	addr = l.Ask(Server, fd).Local
	l.Note("addr", addr)
	l.Note("port", addr.Port())
	return fd, addr
}

// Listener returns a bound socket that listens. Its calls are told in short.
func (l *Lab) Listener(backlog int) (fd int, addr sockets.Sockaddr) {
	l.Setup(func() {
		fd, addr = l.Bound()
		l.Must(l.Listen(Server, fd, backlog))
	})
	return fd, addr
}

// Connect returns a new socket of the client that is connected. That it is made is told
// in short.
func (l *Lab) Connect(addr sockets.Sockaddr) (fd int) {
	fd = l.Unbound(Client)
	l.Must(l.ConnectFD(fd, addr))
	return fd
}

// ConnectFD has the client call connect(2).
func (l *Lab) ConnectFD(fd int, addr sockets.Sockaddr) sockets.Call {
	return l.Do(Client, stage.Order{Do: "connect", FD: fd, Addr: addr})
}

// Accept returns the server's end of the next connection of a listener.
func (l *Lab) Accept(listener int) (fd int) {
	return int(l.Must(l.Do(Server, stage.Order{Do: "accept4", FD: listener, Flags: unix.SOCK_CLOEXEC})).Ret)
}

// Connection returns both ends of a connection of the client with the server, and the
// listener. Its calls are told in short.
func (l *Lab) Connection() (listener, conn, fd int) {
	l.Setup(func() {
		var addr sockets.Sockaddr
		listener, addr = l.Listener(8)
		fd = l.Connect(addr)
		conn = l.Accept(listener)
	})
	return listener, conn, fd
}

// Send has a party send bytes, without SIGPIPE.
func (l *Lab) Send(role stage.Role, fd int, data string) sockets.Call {
	return l.Do(role, stage.Order{Do: "sendto", FD: fd, Data: []byte(data), Flags: unix.MSG_NOSIGNAL})
}

// Recv has a party receive at most size bytes of a stream.
func (l *Lab) Recv(role stage.Role, fd, size int) sockets.Call {
	return l.Do(role, stage.Order{Do: "recvfrom", FD: fd, Type: unix.SOCK_STREAM, Size: size})
}

// Shutdown has a party call shutdown(2).
func (l *Lab) Shutdown(role stage.Role, fd, how int) sockets.Call {
	return l.Do(role, stage.Order{Do: "shutdown", FD: fd, How: how})
}

// Close has a party close a descriptor.
func (l *Lab) Close(role stage.Role, fd int) sockets.Call {
	return l.Do(role, stage.Order{Do: "close", FD: fd})
}

// Write has a party write to a descriptor.
func (l *Lab) Write(role stage.Role, fd int, data string) sockets.Call {
	return l.Do(role, stage.Order{Do: "write", FD: fd, Data: []byte(data)})
}

// Read has a party read at most size bytes from a descriptor.
func (l *Lab) Read(role stage.Role, fd, size int) sockets.Call {
	return l.Do(role, stage.Order{Do: "read", FD: fd, Size: size})
}

// Inode returns the inode of a party's socket, by which the kernel's tables have it.
func (l *Lab) Inode(role stage.Role, fd int) uint64 {
	fds, err := kernel.FDs(l.PID(role))
	if err != nil {
		l.Fatalf("/proc/%d/fd: %w", l.PID(role), err)
	}
	i := slices.IndexFunc(fds, func(f kernel.FD) bool { return f.Number == fd })
	if i < 0 {
		l.Fatalf("the %s process has no descriptor %d", role, fd)
	}
	return fds[i].Inode
}

// TempDir makes a folder of this user alone, for as long as the experiment lasts. If
// this process is killed (SIGKILL), a shell removes it: its input ends then.
func (l *Lab) TempDir() string {
	dir, err := os.MkdirTemp("", "fd3-")
	if err != nil {
		l.Fatalf("%w: set TMPDIR to a folder where you may write", err)
	}
	l.Cleanup(func() { os.RemoveAll(dir) })
	broom := exec.Command("sh", "-c", `read _; exec rm -rf -- "$0"`, dir)
	broom.Dir = "/"
	broom.SysProcAttr = &unix.SysProcAttr{Setsid: true} // of no terminal: Ctrl-C is not for it
	if input, err := broom.StdinPipe(); err == nil && broom.Start() == nil {
		l.Cleanup(func() {
			input.Close()
			broom.Wait()
		})
	}
	return dir
}

// TCPState returns the TCP state of a socket as its own process sees it.
func (l *Lab) TCPState(role stage.Role, fd int) kernel.State { return l.Ask(role, fd).State() }

// Loopback returns 127.0.0.1 with a port; 0 leaves it to the kernel.
func Loopback(port uint16) sockets.Sockaddr { return LoopbackAt(1, port) }

// LoopbackAt returns 127.0.0.n with a port: every such address is this machine's own.
func LoopbackAt(n byte, port uint16) sockets.Sockaddr {
	return sockets.InetSockaddr(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, n}), port))
}

// Quietly makes a call that does not have to wait, and tells of it on the Board
// alone: where there are many of a kind, or it is no part of the lesson.
func (l *Lab) Quietly(role stage.Role, o stage.Order) sockets.Call {
	p := l.process(role)
	ctx, cancel := context.WithTimeout(l.ctx, Patience)
	defer cancel()
	call, err := p.Do(ctx, o, func(c sockets.Call) { l.made(role, p.PID(), c) })
	if err != nil {
		l.Fatalf("%s: %w", o.Do, err)
	}
	return call
}

// SetOption sets an int option of a socket, at SOL_SOCKET; the call has to succeed.
func (l *Lab) SetOption(role stage.Role, fd, option, value int) {
	l.Must(l.Do(role, stage.Order{Do: "setsockopt", FD: fd, Level: unix.SOL_SOCKET, Option: option, Value: value}))
}

// Congestion sets the congestion control of a socket. It may fail: a kernel has some of
// them, and allows some of those.
func (l *Lab) Congestion(role stage.Role, fd int, name string) sockets.Call {
	return l.Do(role, stage.Order{Do: "setsockopt", FD: fd, Level: unix.SOL_TCP, Option: unix.TCP_CONGESTION, Data: []byte(name)})
}

// Outcome returns what became of a call, as a verb of it: "`bind` {outcome}".
func Outcome(c sockets.Call) string {
	if c.Errno != 0 {
		return "failed with " + c.ErrnoName()
	}
	return "succeeded"
}

// OpenAt opens a connection of the client with the server at an address of any
// domain. Its calls are told in short.
func (l *Lab) OpenAt(addr sockets.Sockaddr) (listener, conn, fd int) {
	l.Setup(func() {
		listener = l.Socket(Server, addr.Family(), unix.SOCK_STREAM)
		l.Must(l.Bind(Server, listener, addr))
		l.Must(l.Listen(Server, listener, 5))
		fd = l.Socket(Client, addr.Family(), unix.SOCK_STREAM)
		l.Must(l.ConnectFD(fd, l.Ask(Server, listener).Local))
		conn = l.Accept(listener)
	})
	return listener, conn, fd
}
