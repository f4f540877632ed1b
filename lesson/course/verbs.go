package course

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

// The two processes of an experiment.
const (
	server = stage.Server
	client = stage.Client
)

// must is a call that has to succeed for the experiment to go on.
func (l *Lab) must(c sockets.Call) sockets.Call {
	if c.Errno != 0 {
		l.failf("%s", c.Strace())
	}
	return c
}

func (l *Lab) socket(role stage.Role, domain, typ int) (fd int) {
	return int(l.must(l.do(role, stage.Order{Do: "socket", Domain: domain, Type: typ | unix.SOCK_CLOEXEC})).Ret)
}

// stream makes a TCP socket.
func (l *Lab) stream(role stage.Role) (fd int) {
	return l.socket(role, unix.AF_INET, unix.SOCK_STREAM)
}

func (l *Lab) bind(role stage.Role, fd int, addr sockets.Sockaddr) sockets.Call {
	return l.do(role, stage.Order{Do: "bind", FD: fd, Addr: addr})
}

func (l *Lab) reuseAddr(role stage.Role, fd int) sockets.Call {
	return l.do(role, stage.Order{Do: "setsockopt", FD: fd, Option: unix.SO_REUSEADDR})
}

func (l *Lab) listen(role stage.Role, fd, backlog int) sockets.Call {
	return l.do(role, stage.Order{Do: "listen", FD: fd, Backlog: backlog})
}

// bound is a TCP socket of the server with a port of the kernel's choice, on
// 127.0.0.1. It is told in short.
func (l *Lab) bound() (fd int, addr sockets.Sockaddr) {
	l.setup(func() {
		fd = l.stream(server)
		l.must(l.bind(server, fd, loopback(0)))
	})
	addr = l.asked(server, fd).Local
	l.note("addr", addr)
	l.note("port", addr.Port())
	return fd, addr
}

// listener is a bound socket that listens, told in short.
func (l *Lab) listener(backlog int) (fd int, addr sockets.Sockaddr) {
	l.setup(func() {
		fd, addr = l.bound()
		l.must(l.listen(server, fd, backlog))
	})
	return fd, addr
}

// connect makes a socket for the client and connects it; the call has to succeed.
func (l *Lab) connect(addr sockets.Sockaddr) (fd int) {
	fd = l.stream(client)
	l.must(l.do(client, stage.Order{Do: "connect", FD: fd, Addr: addr}))
	return fd
}

func (l *Lab) accept(listener int) (fd int) {
	return int(l.must(l.do(server, stage.Order{Do: "accept4", FD: listener, Flags: unix.SOCK_CLOEXEC})).Ret)
}

// connection is a connection of the client with the server, both ends open, told
// in short.
func (l *Lab) connection() (listener, conn, fd int) {
	l.setup(func() {
		var addr sockets.Sockaddr
		listener, addr = l.listener(8)
		fd = l.connect(addr)
		conn = l.accept(listener)
	})
	return listener, conn, fd
}

func (l *Lab) send(role stage.Role, fd int, data string) sockets.Call {
	return l.do(role, stage.Order{Do: "sendto", FD: fd, Data: []byte(data), Flags: unix.MSG_NOSIGNAL})
}

func (l *Lab) recv(role stage.Role, fd, size int) sockets.Call {
	return l.do(role, stage.Order{Do: "recvfrom", FD: fd, Type: unix.SOCK_STREAM, Size: size})
}

func (l *Lab) shutdown(role stage.Role, fd, how int) sockets.Call {
	return l.do(role, stage.Order{Do: "shutdown", FD: fd, How: how})
}

func (l *Lab) close(role stage.Role, fd int) sockets.Call {
	return l.do(role, stage.Order{Do: "close", FD: fd})
}

func (l *Lab) write(role stage.Role, fd int, data string) sockets.Call {
	return l.do(role, stage.Order{Do: "write", FD: fd, Data: []byte(data)})
}

func (l *Lab) read(role stage.Role, fd, size int) sockets.Call {
	return l.do(role, stage.Order{Do: "read", FD: fd, Size: size})
}

// inode is the number of a process's socket, as the kernel's tables have it.
func (l *Lab) inode(role stage.Role, fd int) uint64 {
	fds, err := kernel.FDs(l.pid(role))
	if err != nil {
		l.failf("/proc/%d/fd: %w", l.pid(role), err)
	}
	i := slices.IndexFunc(fds, func(f kernel.FD) bool { return f.Number == fd })
	if i < 0 {
		l.failf("the %s process has no descriptor %d", role, fd)
	}
	return fds[i].Inode
}

// folder makes a folder of this user alone, for as long as the experiment lasts. If
// this process is killed (SIGKILL), a shell removes it: its input ends then.
func (l *Lab) folder() string {
	dir, err := os.MkdirTemp("", "fd3-")
	if err != nil {
		l.failf("%w", err)
	}
	l.atEnd(func() { os.RemoveAll(dir) })
	broom := exec.Command("sh", "-c", `read _; exec rm -rf -- "$0"`, dir)
	broom.Dir = "/"
	broom.SysProcAttr = &unix.SysProcAttr{Setsid: true} // of no terminal: Ctrl-C is not for it
	if input, err := broom.StdinPipe(); err == nil && broom.Start() == nil {
		l.atEnd(func() {
			input.Close()
			broom.Wait()
		})
	}
	return dir
}

// tcpState is the TCP state of a socket as its own process sees it.
func (l *Lab) tcpState(role stage.Role, fd int) kernel.State { return l.asked(role, fd).State() }

// loopback is 127.0.0.1 with a port; 0 leaves it to the kernel.
func loopback(port uint16) sockets.Sockaddr {
	return sockets.InetSockaddr(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port))
}

// quietly makes a call that does not have to wait, and tells of it on the Board
// alone: where there are many of a kind, or it is no part of the lesson.
func (l *Lab) quietly(role stage.Role, o stage.Order) sockets.Call {
	p := l.process(role)
	ctx, cancel := context.WithTimeout(l.ctx, patience)
	defer cancel()
	call, err := p.Do(ctx, o, func(c sockets.Call) { l.made(role, p.PID(), c) })
	if err != nil {
		l.failf("%s: %w", o.Do, err)
	}
	return call
}

// option sets an int option of a socket, at SOL_SOCKET; the call has to succeed.
func (l *Lab) option(role stage.Role, fd, option, value int) {
	l.must(l.do(role, stage.Order{Do: "setsockopt", FD: fd, Level: unix.SOL_SOCKET, Option: option, Value: value}))
}
