package timewait

import (
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
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
			ends := l.EndsOf(addr.AddrPort(), from.AddrPort())
			waits = ends[lab.Server]
			orphan := ends[lab.Client]
			showEnd(l, lab.Client, &orphan, addr, from)
			showEnd(l, lab.Server, &waits, addr, from)
			l.Show(facts.SocketDescriptor(lab.Server, l.PID(lab.Server), conn, l.Inode(lab.Server, conn)))
			l.Note("timer", facts.Timer(&waits))
			l.Note("fd", conn)
			l.Note("pid", l.PID(lab.Server))
		}},
		{Name: "server", Do: func() {
			l.Close(lab.Server, conn)
			left, _ := showLeft(l, addr, from)
			if waits.State == kernel.CloseWait && waits.Timer == kernel.TimerOff && left != "server" && left != "both" {
				l.Answer("server")
			}
		}},
	}
}
