package serve

import (
	"cmp"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	web "fd3/httpmini/server"
	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

func idle(l *lab.Lab) []lab.Step {
	var own *ownServer
	var silent, second int
	return []lab.Step{
		{Name: "silent", Do: func() {
			own = start(l, web.Config{Loop: web.Iterative})
			tellOf(l, own, web.Iterative)
			l.Setup(func() { silent = l.Connect(own.addr) })
			l.Until("the server to wait for the silent client", func() bool { return own.HeldUp().Silent > 0 })
		}},
		{Name: "second", Do: func() {
			l.Setup(func() {
				second = l.Connect(own.addr)
				l.Must(l.Do(lab.Client, stage.Order{Do: "setsockopt", FD: second, Level: unix.SOL_SOCKET, Option: unix.SO_RCVTIMEO, Timeout: brief}))
			})
			l.Must(l.Send(lab.Client, second, get10))
		}},
		{Name: "wait", Do: func() {
			got := l.Recv(lab.Client, second, 1<<16)
			l.Note("waited", lesson.Took(got.Duration))
			l.Note("idle_got", lab.Outcome(got))
			switch {
			case got.Errno == unix.EAGAIN:
				l.Answer("waits")
			case got.Errno == 0 && got.Ret > 0:
				l.Answer("served")
			default:
				l.Answer("refused")
			}
		}},
		{Name: "look", Do: func() {
			q := queueOf(l, own)
			fd := own.HeldUp().FD
			showServer(l, own)
			l.Show(lesson.Evidence{Fact: fmt.Sprintf("descriptor %d", fd), Value: fmt.Sprintf("a connection with %s, the silent client", sockets.Peername(fd)), Source: "getpeername(2)"})
			l.Show(facts.AcceptQueue(q, q.Waiting, facts.SS("-ltn", facts.From(own.addr.Port()))))
			l.Note("waiting", q.Waiting)
		}},
		{Name: "leave", Do: func() {
			l.Close(lab.Client, silent)
		}},
		{Name: "then", Do: func() {
			l.Must(l.Quietly(lab.Client, stage.Order{Do: "setsockopt", FD: second, Level: unix.SOL_SOCKET, Option: unix.SO_RCVTIMEO, Timeout: lab.Patience}))
			l.Note("idle_then", l.Must(l.Recv(lab.Client, second, 1<<16)).Ret)
		}},
	}
}

// queueOf returns the server's accept queue. It is empty once the server has ended.
func queueOf(l *lab.Lab, own *ownServer) kernel.Queue {
	row := l.TCP().Listener(own.addr.AddrPort())
	if row == nil {
		return kernel.Queue{}
	}
	return kernel.Queue{Waiting: int(row.RQueue), Backlog: int(row.WQueue)}
}

// showServer shows the call that the server's thread sleeps in.
func showServer(l *lab.Lab, own *ownServer) {
	task := l.Sleeps(os.Getpid(), own.tid, "recvfrom", func(t kernel.Task) bool { return t.Syscall.Number == unix.SYS_RECVFROM })
	l.Show(facts.AsleepIn("server's thread", os.Getpid(), own.tid, task, fmt.Sprintf("inside recvfrom on descriptor %d", task.Syscall.Args[0])))
	l.Note("wchan", task.Wchan)
}

// silence is how long a client that holds up the server has said nothing. Each client
// does for a moment: before its request, and before its end.
const silence = time.Second

// hang wants a client that says nothing, and behind it another whose request
// nobody reads.
func hang(l *lab.Lab) lab.Check {
	own := start(l, web.Config{Loop: web.Iterative})
	return func() (bool, string) {
		held, look := own.HeldUp(), l.Look(own.addr)
		task, _ := kernel.Thread(os.Getpid(), own.tid)
		peer := sockets.Peername(held.FD)
		if after := own.HeldUp(); after.Conn != held.Conn || after.Silent < held.Silent {
			held.Silent = 0 // the server has gone on meanwhile
		}
		unread := 0
		for _, row := range look.Here(kernel.Established) {
			if row.Inode == 0 {
				unread += int(row.RQueue)
			}
		}
		l.Note("unread", unread)
		l.Note("wchan", cmp.Or(task.Wchan, "recvfrom"))
		l.Note("peer", "a client")
		state := "nobody holds up the server"
		if held.Silent > 0 {
			l.Note("peer", peer)
			state = fmt.Sprintf("held up for %.0f s", held.Silent.Seconds())
		}
		return held.Silent > silence && unread > 0 && look.Still, fmt.Sprintf("%s, in the accept queue: %d, unread: %s", state, look.Queue().Waiting, lesson.Counted(unread, "byte"))
	}
}
