package course

import (
	"fmt"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// The faults of a simple server written in C++.

// faultRestart closes first, ends, and is started again at once.
func faultRestart(l *Lab) map[string]func() {
	var addr sockets.Sockaddr
	again := func(reuse bool) sockets.Call {
		l.kill(server)
		l.show(lesson.Evidence{Fact: "TIME_WAIT", Value: fmt.Sprintf("%d on port %d", len(l.rowsAt(addr, kernel.TimeWait)), addr.Port()), Source: "sock_diag(7)",
			Command: fmt.Sprintf("ss -tan state time-wait 'sport = :%d'", addr.Port())})
		return l.timewaitBind(addr, reuse)
	}
	return map[string]func(){
		"serve": func() { addr = l.timewaitServed(false) },
		"wrong": func() { l.note("errno", said(again(false))) },
		"right": func() {
			l.kill(server)
			addr = l.timewaitServed(true)
			l.note("right", said(again(true)))
		},
	}
}

// faultIdle reads from its first client, who says nothing.
func faultIdle(l *Lab) map[string]func() {
	var fd, conn, silent int
	var addr sockets.Sockaddr
	var reading *pending
	return map[string]func(){
		"wrong": func() {
			l.setup(func() {
				fd, addr = l.listener(5)
				silent = l.connect(addr)
				conn = l.accept(fd)
			})
			reading = l.begin(server, stage.Order{Do: "recvfrom", FD: conn, Type: unix.SOCK_STREAM, Size: bufferSize})
			l.note("wchan", reading.blocks().Wchan)
		},
		"second": func() {
			var c int
			l.setup(func() { c = l.connect(addr) })
			l.must(l.send(client, c, "GET / HTTP/1.0\r\n\r\n"))
			waiting, _ := l.showQueue(fd)
			l.note("waiting", waiting)
		},
		"right": func() {
			l.setup(func() {
				l.shutdown(client, silent, unix.SHUT_WR) // ends the wait
				reading.wait()
				conn = l.accept(fd) // the second client
				l.must(l.recv(server, conn, bufferSize))
				l.connect(addr) // the silent one
				conn = l.accept(fd)
			})
			l.must(l.do(server, stage.Order{Do: "setsockopt", FD: conn, Option: unix.SO_RCVTIMEO, Timeout: idleLimit}))
			call := l.recv(server, conn, bufferSize)
			limit := unix.NsecToTimeval(idleLimit.Nanoseconds())
			l.note("limit", lesson.Took(idleLimit))
			l.note("bytes", unsafe.Sizeof(limit))
			l.note("seconds", limit.Sec)
			l.note("microseconds", limit.Usec)
			l.note("ended", lesson.Took(call.Duration))
			l.note("errno", call.ErrnoName())
		},
	}
}

// idleLimit is how long the mended server waits for a client.
const idleLimit = 200 * time.Millisecond

// faultOverwrite gives accept the struct of the server's own address to write to.
func faultOverwrite(l *Lab) map[string]func() {
	var fd int
	var own sockets.Sockaddr
	// accept has a client connect, and the kernel write the client's address there.
	accept := func(peer sockets.Sockaddr) {
		l.setup(func() { l.connect(own) })
		size := uint32(len(peer))
		conn, _, errno := unix.Syscall6(unix.SYS_ACCEPT4, uintptr(fd), uintptr(unsafe.Pointer(&peer[0])), uintptr(unsafe.Pointer(&size)), unix.SOCK_CLOEXEC, 0, 0)
		if errno != 0 {
			l.failf("accept4: %w", errno)
		}
		l.atEnd(func() { unix.Close(int(conn)) })
	}
	return map[string]func(){
		"before": func() {
			var t sockets.Tracer
			fd = int(t.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0).Ret)
			l.atEnd(func() { unix.Close(fd) })
			l.toldHere(l.must(t.Bind(fd, loopback(0))))
			l.toldHere(l.must(t.Listen(fd, 1)))
			own = sockets.Sockname(fd)
			l.note("before", own)
			l.showAddress("the program's variable, before", own)
		},
		"wrong": func() {
			accept(own)
			l.note("after", own)
			l.showAddress("the same variable, after accept4", own)
		},
		"right": func() {
			own = sockets.Sockname(fd)
			accept(slices.Clone(own))
			l.note("kept", own)
			l.showAddress("the program's own variable, after accept4 with another", own)
			l.show(lesson.Evidence{Fact: "the listener", Value: sockets.Sockname(fd).String(), Source: "getsockname(2)"})
		},
	}
}

// findLeak is a server with the fault of CLOSE_WAIT. The learner makes two clients
// come and go, and sees what is left.
func findLeak(l *Lab) func() (bool, string) {
	const wanted = 2
	fd, addr := l.listener(8)
	l.note("pid", l.pid(server))
	return func() (bool, string) {
		for waiting, _ := l.queue(fd); waiting > 0; waiting-- {
			l.accept(fd)
		}
		n := len(l.rowsAt(addr, kernel.CloseWait))
		l.note("left", n)
		return n >= wanted, fmt.Sprintf("connections of the server in CLOSE_WAIT: %d of %d", n, wanted)
	}
}
