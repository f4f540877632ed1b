package timewait

import (
	"fmt"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/sockets"
	"fd3/sockets/kernel"
)

func fault(l *lab.Lab) []lab.Step {
	var conn int
	var addr, from sockets.Sockaddr
	var waits kernel.InetSocket
	return []lab.Step{
		{Name: "close", Do: func() {
			var c int
			l.Setup(func() { _, conn, c = l.Connection() })
			addr, from = l.Ask(lab.Client, c).Peer, l.Ask(lab.Client, c).Local
			l.Must(l.Close(lab.Client, c))
			l.HalfClosed(lab.Client, addr, from)
		}},
		{Name: "look", Do: func() {
			ends := l.EndsOf(addr.AddrPort(), from.AddrPort())
			waits = ends[lab.Server]
			l.Show(lesson.Evidence{Fact: "the client's end", Value: timer(ends[lab.Client]), Source: "sock_diag(7)", Command: command(addr)})
			l.Show(lesson.Evidence{Fact: "the server's end", Value: timer(waits), Source: "sock_diag(7)", Command: command(addr)})
			link := fmt.Sprintf("/proc/%d/fd/%d", l.PID(lab.Server), conn)
			l.Show(lesson.Evidence{Fact: "the server's descriptor", Value: fmt.Sprintf("%d is socket:[%d]", conn, l.Inode(lab.Server, conn)), Source: link, Command: "readlink " + link})
			l.Note("timer", timer(waits))
			l.Note("fd", conn)
			l.Note("pid", l.PID(lab.Server))
		}},
		{Name: "server", Do: func() {
			l.Close(lab.Server, conn)
			left, _ := showLeft(l, addr, from)
			if waits.State == kernel.CloseWait && waits.Timer == kernel.TimerOff && left == "client" {
				l.Answer("server")
			}
		}},
	}
}

// timer is a state, and when the kernel will end it by itself.
func timer(row kernel.InetSocket) string {
	if row.Timer == kernel.TimerOff {
		return fmt.Sprintf("%s, no timer", row.State)
	}
	return fmt.Sprintf("%s, a timer, %s left", row.State, timeLeft(row))
}
