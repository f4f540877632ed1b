package faults

import (
	"fmt"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// The faults of a simple server written in C++.

// restart closes first, ends, and is started again at once.
func restart(l *lab.Lab) []lab.Step {
	var addr sockets.Sockaddr
	again := func(reuse bool) sockets.Call {
		addr = l.ServedLately(addr, reuse)
		l.Kill(lab.Server)
		l.Show(facts.TimeWaiting(len(l.RowsAt(addr, kernel.TimeWait)), addr.Port()))
		_, call := l.BindAgain(addr, reuse)
		return call
	}
	return []lab.Step{
		{Name: "serve", Do: func() { addr = l.Served(false) }},
		{Name: "wrong", Do: func() { l.Note("errno", lab.Said(again(false))) }},
		{Name: "right", Do: func() {
			l.Kill(lab.Server)
			addr = l.Served(true)
			l.Note("right", lab.Said(again(true)))
		}},
	}
}

// idle reads from its first client, who says nothing.
func idle(l *lab.Lab) []lab.Step {
	var fd, conn, silent int
	var addr sockets.Sockaddr
	var reading *lab.Pending
	return []lab.Step{
		{Name: "wrong", Do: func() {
			l.Setup(func() {
				fd, addr = l.Listener(5)
				silent = l.Connect(addr)
				conn = l.Accept(fd)
			})
			reading = l.Begin(lab.Server, stage.Order{Do: "recvfrom", FD: conn, Type: unix.SOCK_STREAM, Size: bufferSize})
			l.Note("wchan", reading.Blocks().Wchan)
		}},
		{Name: "second", Do: func() {
			var c int
			l.Setup(func() { c = l.Connect(addr) })
			l.Must(l.Send(lab.Client, c, "GET / HTTP/1.0\r\n\r\n"))
			waiting := l.ShowQueue(fd).Waiting
			l.Note("waiting", waiting)
		}},
		{Name: "limit", Do: func() {
			l.Setup(func() {
				l.Shutdown(lab.Client, silent, unix.SHUT_WR) // ends the wait
				reading.Wait()
				conn = l.Accept(fd) // the second client
				l.Must(l.Recv(lab.Server, conn, bufferSize))
				l.Connect(addr) // the silent one
				conn = l.Accept(fd)
			})
			l.Must(l.Do(lab.Server, stage.Order{Do: "setsockopt", FD: conn, Level: unix.SOL_SOCKET, Option: unix.SO_RCVTIMEO, Timeout: idleLimit}))
		}},
		{Name: "right", Do: func() {
			call := l.Recv(lab.Server, conn, bufferSize)
			limit := unix.NsecToTimeval(idleLimit.Nanoseconds())
			l.Note("limit", lesson.Took(idleLimit))
			l.Note("bytes", unsafe.Sizeof(limit))
			l.Note("seconds", limit.Sec)
			l.Note("microseconds", limit.Usec)
			l.Note("ended", lesson.Took(call.Duration))
			l.Note("errno", call.ErrnoName())
		}},
	}
}

// idleLimit is how long the mended server waits for a client.
const idleLimit = 200 * time.Millisecond

// overwrite gives accept the struct of the server's own address to write to.
func overwrite(l *lab.Lab) []lab.Step {
	var fd int
	var own sockets.Sockaddr
	t := sockets.Tracer{Observe: func(sockets.Call) {}} // so that its calls are put into words
	// accept has a client connect, and the kernel write the client's address there.
	accept := func(peer sockets.Sockaddr) {
		l.Setup(func() { l.Connect(own) })
		size := uint32(len(peer))
		conn, _, errno := unix.Syscall6(unix.SYS_ACCEPT4, uintptr(fd), uintptr(unsafe.Pointer(&peer[0])), uintptr(unsafe.Pointer(&size)), unix.SOCK_CLOEXEC, 0, 0)
		if errno != 0 {
			l.Fatalf("accept4: %w", errno)
		}
		l.Cleanup(func() { unix.Close(int(conn)) })
	}
	return []lab.Step{
		{Name: "bind", Do: func() {
			fd = int(t.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0).Ret)
			l.Cleanup(func() { unix.Close(fd) })
			toldHere(l, l.Must(t.Bind(fd, lab.Loopback(0))))
		}},
		{Name: "before", Do: func() {
			toldHere(l, l.Must(t.Listen(fd, 1)))
			own = sockets.Sockname(fd)
			l.Note("before", own)
			l.ShowAddress("the program's variable, before", own)
		}},
		{Name: "wrong", Do: func() {
			accept(own)
			l.Note("after", own)
			l.ShowAddress("the same variable, after accept4", own)
		}},
		{Name: "right", Do: func() {
			own = sockets.Sockname(fd)
			accept(slices.Clone(own))
			l.Note("kept", own)
			l.ShowAddress("the program's own variable, after accept4 with another", own)
			l.Show(facts.LocalAddress(sockets.Sockname(fd), ""))
		}},
	}
}

// findLeak is a server with the fault of CLOSE_WAIT. The learner makes two clients
// come and go, and sees what is left.
func findLeak(l *lab.Lab) lab.Check {
	const wanted = 2
	fd, addr := l.Listener(8)
	l.Note("pid", l.PID(lab.Server))
	return func() (bool, string) {
		look, n := l.Look(addr), 0
		for _, row := range look.Here(kernel.CloseWait) {
			if client := look.Other(row); row.Inode != 0 && (client == nil || client.Inode == 0) {
				n++ // accepted, and the client's program has closed
			}
		}
		l.Note("left", n)
		for waiting := look.Queue().Waiting; waiting > 0; waiting-- {
			l.Accept(fd)
		}
		return n >= wanted && look.Still, fmt.Sprintf("connections of the server in CLOSE_WAIT: %d of %d", n, wanted)
	}
}
