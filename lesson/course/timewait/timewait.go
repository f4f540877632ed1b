package timewait

import (
	_ "embed"
	"fmt"

	"fd3/lesson"
	"fd3/lesson/course/lab"
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
			l.Close(lab.Server, conn)
		}},
		{Name: "look", Do: func() {
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
			l.Close(lab.Client, c)
		}},
		{Name: "again", Do: func() {
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
		value := "gone"
		if row, ok := ends[role]; ok {
			left = timeLeft(row)
			value = fmt.Sprintf("%s, %s left", row.State, left)
			who = string(role)
		}
		l.Show(lesson.Evidence{Fact: fmt.Sprintf("the %s's end", role), Value: value, Source: "sock_diag(7)", Command: command(at)})
	}
	if len(ends) == 2 {
		who = "both"
	}
	return who, left
}

func timeLeft(row kernel.InetSocket) string { return fmt.Sprintf("%.0f s", row.Expires.Seconds()) }

// command shows both ends, with their timers.
func command(at sockets.Sockaddr) string {
	return fmt.Sprintf("ss -tano 'sport = :%d or dport = :%[1]d'", at.Port())
}
