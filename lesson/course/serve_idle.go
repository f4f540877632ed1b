package course

import (
	"cmp"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	web "fd3/httpmini/server"
	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

func serveIdle(l *Lab) map[string]func() {
	var own *serveOwn
	var silent, second int
	return map[string]func(){
		"silent": func() {
			own = l.serve(web.Config{Loop: web.Iterative})
			l.serveTold(own, web.Iterative)
			l.setup(func() { silent = l.connect(own.addr) })
			l.until("the server to wait for the silent client", func() bool { return own.HeldUp().Silent > 0 })
		},
		"second": func() {
			l.setup(func() {
				second = l.connect(own.addr)
				l.must(l.do(client, stage.Order{Do: "setsockopt", FD: second, Option: unix.SO_RCVTIMEO, Timeout: serveFor}))
			})
			l.must(l.send(client, second, serveGet10))
			got := l.recv(client, second, 1<<16)
			l.note("waited", lesson.Took(got.Duration))
			l.note("idle_got", outcome(got))
			switch {
			case got.Errno == unix.EAGAIN:
				l.answer("waits")
			case got.Errno == 0 && got.Ret > 0:
				l.answer("served")
			default:
				l.answer("refused")
			}
		},
		"look": func() {
			waiting := l.serveWaiting(own)
			fd := own.HeldUp().FD
			l.showServer(own)
			l.show(lesson.Evidence{Fact: fmt.Sprintf("descriptor %d", fd), Value: fmt.Sprintf("a connection with %s, the silent client", sockets.Peername(fd)), Source: "getpeername(2)"})
			l.show(lesson.Evidence{Fact: "accept queue", Value: fmt.Sprintf("%d waiting", waiting), Source: "sock_diag(7)", Command: listenerCommand(own.addr)})
			l.note("waiting", waiting)
		},
		"leave": func() {
			l.close(client, silent)
			l.must(l.quietly(client, stage.Order{Do: "setsockopt", FD: second, Option: unix.SO_RCVTIMEO, Timeout: patience}))
			l.note("idle_then", l.must(l.recv(client, second, 1<<16)).Ret)
		},
	}
}

// serveWaiting is the length of the server's accept queue.
func (l *Lab) serveWaiting(own *serveOwn) int {
	row, _ := kernel.FindListener(l.tcp(), own.addr.AddrPort())
	return int(row.RQueue)
}

// showServer shows the call that the server's thread sleeps in.
func (l *Lab) showServer(own *serveOwn) {
	task := l.sleeps(os.Getpid(), own.tid, "recvfrom", func(t kernel.Task) bool { return t.Syscall.Number == unix.SYS_RECVFROM })
	path := fmt.Sprintf("/proc/%d/task/%d/", os.Getpid(), own.tid)
	value := fmt.Sprintf("%s in %s, inside recvfrom on descriptor %d", task.StateName, task.Wchan, task.Syscall.Args[0])
	l.show(lesson.Evidence{Fact: "the server's thread", Value: value, Source: path + "wchan and syscall", Command: "cat " + path + "wchan"})
	l.note("wchan", task.Wchan)
}

// serveHang wants a client that says nothing, and behind it another whose request
// nobody reads.
func serveHang(l *Lab) func() (bool, string) {
	own := l.serve(web.Config{Loop: web.Iterative})
	return func() (bool, string) {
		held := own.HeldUp()
		unread := 0
		for _, row := range l.rowsAt(own.addr, kernel.Established) {
			if row.Inode == 0 {
				unread += int(row.RQueue)
			}
		}
		task, _ := kernel.Thread(os.Getpid(), own.tid)
		l.note("unread", unread)
		l.note("wchan", cmp.Or(task.Wchan, "recvfrom"))
		l.note("peer", "a client")
		state := "nobody holds up the server"
		if held.Silent > 0 {
			l.note("peer", sockets.Peername(held.FD))
			state = fmt.Sprintf("held up for %.0f s", held.Silent.Seconds())
		}
		return held.Silent > 0 && unread > 0, fmt.Sprintf("%s, in the accept queue: %d, unread: %s", state, l.serveWaiting(own), lesson.Counted(unread, "byte"))
	}
}
