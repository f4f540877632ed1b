package timewait

import (
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
	"fd3/sockets"
)

func restart(l *lab.Lab) []lab.Step {
	var addr sockets.Sockaddr
	var plain, option sockets.Call
	return []lab.Step{
		{Name: "old", Do: func() {
			addr = l.Served(false)
			l.Kill(lab.Server)
		}},
		{Name: "look", Do: func() {
			for _, row := range l.TCP() {
				if row.Local == addr.AddrPort() {
					l.Show(facts.Leftover(&row))
					l.Note("left", facts.TimeLeft(&row))
				}
			}
		}},
		{Name: "plain", Do: func() {
			_, plain = l.BindAgain(addr, false)
			l.Note("plain", lab.Said(plain))
		}},
		{Name: "option", Do: func() {
			l.Kill(lab.Server)
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
