package course

import (
	"fmt"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

var timewaitPractice = practice{
	experiments: map[string]experiment{
		"who":     timewaitWho,
		"restart": timewaitRestart,
		"two":     timewaitTwo,
		"fault":   timewaitFault,
	},
	exercises: map[string]exercise{"sides": timewaitSides},
}

func timewaitWho(l *Lab) map[string]func() {
	var fd int
	var addr, from sockets.Sockaddr
	open := func() (conn, c int) {
		l.setup(func() {
			if addr == nil {
				fd, addr = l.listener(8)
			}
			c = l.connect(addr)
			conn = l.accept(fd)
		})
		from = l.asked(client, c).Local
		return conn, c
	}
	return map[string]func(){
		"client": func() {
			conn, c := open()
			l.close(client, c)
			l.timewaitHalf(client, addr, from)
			l.close(server, conn)
		},
		"look": func() {
			left, kept := l.timewaitEnds(addr, from)
			l.note("first", left)
			l.note("length", kept)
			switch left {
			case "server", "client", "both", "none":
				l.answer(left)
			}
		},
		"server": func() {
			conn, c := open()
			l.close(server, conn)
			l.timewaitHalf(server, addr, from)
			l.close(client, c)
		},
		"again": func() {
			left, _ := l.timewaitEnds(addr, from)
			l.note("second", left)
		},
	}
}

// timewaitHalf waits until the FIN of the end that has closed is acknowledged. If
// the other end closed before that, a FIN that is sent again could be answered by
// an RST, which ends TIME_WAIT.
func (l *Lab) timewaitHalf(closed stage.Role, at, from sockets.Sockaddr) {
	l.until("the FIN to be acknowledged", func() bool {
		return l.endsOf(at.AddrPort(), from.AddrPort())[closed].State == kernel.FinWait2
	})
}

// timewaitEnds shows what is left of a connection that both ends have closed: who
// has it in TIME_WAIT, and for how long yet.
func (l *Lab) timewaitEnds(at, from sockets.Sockaddr) (who, left string) {
	var ends map[stage.Role]kernel.InetSocket
	l.until("the connection to end", func() bool {
		ends = l.endsOf(at.AddrPort(), from.AddrPort())
		for _, row := range ends {
			if row.State != kernel.TimeWait {
				return false
			}
		}
		return true
	})
	who = "none"
	for _, role := range []stage.Role{client, server} {
		value := "gone"
		if row, ok := ends[role]; ok {
			left = timewaitLeft(row)
			value = fmt.Sprintf("%s, %s left", row.State, left)
			who = string(role)
		}
		l.show(lesson.Evidence{Fact: fmt.Sprintf("the %s's end", role), Value: value, Source: "sock_diag(7)", Command: timewaitCommand(at)})
	}
	if len(ends) == 2 {
		who = "both"
	}
	return who, left
}

func timewaitLeft(row kernel.InetSocket) string { return fmt.Sprintf("%.0f s", row.Expires.Seconds()) }

// timewaitCommand shows both ends, with their timers.
func timewaitCommand(at sockets.Sockaddr) string {
	return fmt.Sprintf("ss -tano 'sport = :%d or dport = :%[1]d'", at.Port())
}
