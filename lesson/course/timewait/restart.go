package timewait

import (
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
	"fd3/sockets"
)

func restart(l *lab.Lab) []lab.Step {
	var addr sockets.Sockaddr
	var plain, option sockets.Call
	// lately sees to it that the old server has ended a moment ago, however slow the learner
	// is: after a minute its port would be free.
	lately := func() {
		addr = l.ServedLately(addr, false)
		l.Kill(lab.Server)
	}
	return []lab.Step{
		{Name: "old", Do: func() {
			addr = l.Served(false)
			l.Kill(lab.Server)
			for _, row := range l.TCP() {
				if row.Local == addr.AddrPort() {
					l.Show(facts.Leftover(&row))
					l.Note("left", facts.TimeLeft(&row))
				}
			}
		}},
		{Name: "plain", Do: func() {
			lately()
			_, plain = l.BindAgain(addr, false)
			l.Note("plain", lab.Said(plain))
		}},
		{Name: "option", Do: func() {
			l.Kill(lab.Server)
			lately()
			_, option = l.BindAgain(addr, true)
			l.Note("option", lab.Said(option))
			switch {
			case plain.Errno == 0:
				l.Answer("plain")
			case option.Errno == 0:
				l.Answer("option")
			default:
				l.Answer("neither")
			}
		}},
		{Name: "both", Do: func() {
			l.Kill(lab.Server)
			addr = l.Served(true)
			l.Kill(lab.Server)
			_, both := l.BindAgain(addr, true)
			l.Note("both", lab.Said(both))
		}},
	}
}
