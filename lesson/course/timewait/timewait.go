package timewait

import (
	_ "embed"

	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

//go:embed timewait.md
var markdown string

// Lesson is the lesson timewait.
var Lesson = lab.Lesson{
	ID:    "timewait",
	Words: markdown,
	Experiments: lab.Experiments{
		"who":     who,
		"restart": restart,
		"two":     two,
		"fault":   fault,
	},
	Exercises: lab.Exercises{"sides": sides},
}

// who has both ends closed in one step: what is half closed is gone after a minute, and so
// is a TIME_WAIT, and a learner may think for longer.
func who(l *lab.Lab) []lab.Step {
	var fd int
	var addr, from sockets.Sockaddr
	open := func() (conn, c int) {
		l.Setup(func() {
			if addr == nil {
				fd, addr = l.Listener(8)
			}
			c = l.Connect(addr)
			conn = l.Accept(fd)
		})
		from = l.Ask(lab.Client, c).Local
		return conn, c
	}
	return []lab.Step{
		{Name: "client", Do: func() {
			conn, c := open()
			l.Close(lab.Client, c)
			l.HalfClosed(lab.Client, addr, from)
			l.Setup(func() { l.Close(lab.Server, conn) })
			left, kept := showLeft(l, addr, from)
			l.Note("first", left)
			l.Note("length", kept)
			switch left {
			case "server", "client", "both", "none":
				l.Answer(left)
			}
		}},
		{Name: "server", Do: func() {
			conn, c := open()
			l.Close(lab.Server, conn)
			l.HalfClosed(lab.Server, addr, from)
			l.Setup(func() { l.Close(lab.Client, c) })
			left, _ := showLeft(l, addr, from)
			l.Note("second", left)
		}},
	}
}

// showLeft shows what is left of a connection that both ends have closed: who
// has it in TIME_WAIT, and for how long yet.
func showLeft(l *lab.Lab, at, from sockets.Sockaddr) (who, left string) {
	var ends map[stage.Role]kernel.InetSocket
	l.Until("the connection to end", func() bool {
		ends = l.EndsOf(at.AddrPort(), from.AddrPort())
		for _, row := range ends {
			if row.State != kernel.TimeWait {
				return false
			}
		}
		return true
	})
	who = "none"
	for _, role := range []stage.Role{lab.Client, lab.Server} {
		row, ok := ends[role]
		if !ok {
			showEnd(l, role, nil, at, from)
			continue
		}
		showEnd(l, role, &row, at, from)
		left, who = facts.TimeLeft(&row), string(role)
	}
	if len(ends) == 2 {
		who = "both"
	}
	return who, left
}

// showEnd shows one end of a client's connection with its timer; row is nil where nothing
// is left of it. Other connections may be in TIME_WAIT with either port.
func showEnd(l *lab.Lab, whose stage.Role, row *kernel.InetSocket, at, from sockets.Sockaddr) {
	e := facts.EndTimer(whose, row)
	e.Command = facts.SS("-tano", facts.Between(from.Port(), at.Port()))
	l.Show(e)
}
