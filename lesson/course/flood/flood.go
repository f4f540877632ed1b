package flood

import (
	_ "embed"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
	"fd3/sockets/wire"
)

//go:embed flood.md
var markdown string

// Lesson is the lesson flood.
var Lesson = lab.Lesson{
	ID:    "flood",
	Words: markdown,
	Experiments: lab.Experiments{
		"full":    full,
		"cookies": cookies,
	},
	Exercises: lab.Exercises{"half": half},
}

// port is the server's: nobody else is on its host.
const port = 8080

// A siege is a server, and SYNs that come from nobody.
type siege struct {
	lab      *lab.Lab
	net      *lab.Network
	listener int
	addr     sockets.Sockaddr
	at       time.Time // when the SYNs came
}

const (
	many    = 50                        // SYNs
	backlog = "8"                       // of the server's host
	patient = 1500 * time.Millisecond   // how long the client waits
	proc    = "/proc/sys/net/ipv4/tcp_" // the settings that are made
)

// newSiege makes the network, and the settings of the server's host: the server's process
// writes them. Each host has its own. The hosts have spoken once, so that each knows where
// the other is, and the client's address is new to the server's TCP.
func newSiege(l *lab.Lab, cookies string) *siege {
	s := &siege{lab: l, net: l.Network()}
	s.net.Flow()
	s.listener, s.addr = s.net.Listener(port)
	l.Setup(func() {
		for name, value := range map[string]string{"syncookies": cookies, "max_syn_backlog": backlog} {
			fd := int(l.Must(l.Do(lab.Server, stage.Order{Do: "openat", Path: proc + name, Flags: unix.O_WRONLY})).Ret)
			l.Must(l.Write(lab.Server, fd, value))
			l.Must(l.Close(lab.Server, fd))
		}
		fd := l.Socket(lab.Client, unix.AF_INET, unix.SOCK_DGRAM)
		l.Must(l.Do(lab.Client, stage.Order{Do: "sendto", FD: fd, Addr: s.addr, Data: []byte("hello")}))
		l.Must(l.Close(lab.Client, fd))
	})
	l.Until("the hosts to know each other", func() bool { return len(s.net.Packets()) > 2 })
	for _, name := range []string{"syncookies", "max_syn_backlog"} {
		l.Note(name, s.net.ShowSetting(lab.Server, "net.ipv4.tcp_"+name))
	}
	return s
}

// flood has SYNs come from nobody, and shows what the server's kernel has of them.
func (s *siege) flood() {
	did := s.syns()
	for _, p := range s.net.Packets() {
		if p.Number == did.Touched[0] {
			s.net.Show(p)
		}
	}
	now := s.settled()
	s.lab.Note("many", many)
	s.lab.Note("half", now)
	s.lab.Show(lesson.Evidence{Fact: "half open", Value: fmt.Sprintf("%d SYN_RECV", now), Source: "sock_diag(7)",
		Command: s.net.On(lab.Server, facts.SS("-tan state all", facts.From(port)))})
}

// syns has SYNs come from nobody.
func (s *siege) syns() wire.Report {
	s.at = time.Now()
	return s.net.Order(wire.Order{Do: "syn", To: string(lab.Server), Port: port, Count: many})
}

// settled waits until the kernel has taken of them what it takes, and returns how many.
func (s *siege) settled() (now int) {
	s.lab.Until("the SYN queue to be full", func() bool {
		before := now
		now = s.half()
		return now > 0 && now == before
	})
	return now
}

// fresh is how long a full SYN queue stays as it is, and longer than that: where it is more
// than half full, the kernel lets go after 3 seconds what is half open (reqsk_timer_handler).
const fresh = time.Second

// renew has the server begin again, and the SYNs come again, if a learner has taken longer.
func (s *siege) renew() {
	if time.Since(s.at) < fresh {
		return
	}
	s.lab.Setup(func() {
		s.lab.Must(s.lab.Close(lab.Server, s.listener))
		s.listener, s.addr = s.net.Listener(port)
	})
	s.syns()
	s.settled()
}

// half is how many connections from nobody are half open.
func (s *siege) half() int {
	n := 0
	for _, row := range s.lab.RowsAt(s.addr, kernel.SynRecv) {
		if wire.Invented.Contains(row.Remote.Addr()) {
			n++
		}
	}
	return n
}

// honest is a client that exists: it waits for a while. What became of its connect is the
// answer.
func (s *siege) honest() (served bool) {
	l := s.lab
	s.renew()
	var fd int
	l.Setup(func() {
		fd = l.Stream(lab.Client)
		l.Must(l.Do(lab.Client, stage.Order{Do: "setsockopt", FD: fd, Level: unix.SOL_SOCKET, Option: unix.SO_SNDTIMEO, Timeout: patient}))
	})
	c := l.ConnectFD(fd, s.addr)
	l.Note("outcome", lab.Outcome(c))
	l.Note("took", lesson.Took(c.Duration))
	switch c.Errno {
	case 0:
		l.Answer("served")
	case unix.ECONNREFUSED:
		l.Answer("refused")
	default:
		l.Answer("waits")
	}
	return c.Errno == 0
}

func full(l *lab.Lab) []lab.Step {
	var s *siege
	return []lab.Step{
		{Name: "settings", Do: func() { s = newSiege(l, "0") }},
		{Name: "flood", Do: func() { s.flood() }},
		{Name: "honest", Do: func() {
			s.honest()
			l.Note("dropped", s.net.ShowCounter(lab.Server, "TcpExt.ListenDrops", "SYNs that the listener has thrown away."))
		}},
	}
}

func cookies(l *lab.Lab) []lab.Step {
	var s *siege
	return []lab.Step{
		{Name: "settings", Do: func() { s = newSiege(l, "1") }},
		{Name: "flood", Do: func() {
			s.flood()
			l.Note("sent", s.net.ShowCounter(lab.Server, "TcpExt.SyncookiesSent", "SYN+ACKs whose number is a cookie."))
		}},
		{Name: "honest", Do: func() {
			const returned = "TcpExt.SyncookiesRecv"
			if s.honest() { // its connect returns before its ACK has arrived
				l.Until("the cookie to come back", func() bool { return s.net.Counter(lab.Server, returned) > 0 })
			}
			l.Note("returned", s.net.ShowCounter(lab.Server, returned, "Cookies that have come back, and were right."))
		}},
	}
}

// half wants some connections that are half open, of senders that do not exist.
func half(l *lab.Lab) lab.Check {
	const least = 5
	s := newSiege(l, "0")
	l.Note("host", strings.TrimSuffix(s.addr.String(), fmt.Sprintf(":%d", port)))
	l.Note("half", 0)
	return func() (bool, string) {
		now := s.half()
		l.Note("half", now)
		return now >= least, fmt.Sprintf("%d half open", now)
	}
}
