package listen

import (
	_ "embed"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/kernel"
)

//go:embed listen.md
var markdown string

// Lesson is the lesson listen.
var Lesson = lab.Lesson{
	ID:    "listen",
	Words: markdown,
	Experiments: lab.Experiments{
		"wait":    returns,
		"full":    full,
		"clamp":   clamp,
		"columns": columns,
	},
	Exercises: lab.Exercises{"fill": fillQueue},
}

func returns(l *lab.Lab) []lab.Step {
	var fd int
	return []lab.Step{
		{Name: "socket", Do: func() { fd = l.Stream(lab.Server) }},
		{Name: "bind", Do: func() {
			l.Must(l.Bind(lab.Server, fd, lab.Loopback(0)))
		}},
		{Name: "listen", Do: func() {
			call := l.Must(l.Listen(lab.Server, fd, 5))
			l.Note("took", lesson.Took(call.Duration))
			l.Answer("returns")
		}},
		{Name: "look", Do: func() {
			x := l.Ask(lab.Server, fd)
			l.Show(facts.State(x.State(), facts.SS("-ltn", facts.From(x.Local.Port()))))
			l.Show(facts.Accepting(x.Listening))
			l.Note("state", x.State())
		}},
	}
}

// full lets more clients knock than a short accept queue has room for. It is long for its
// steps, which share what each leaves for the next.
func full(l *lab.Lab) []lab.Step {
	backlog, clients := l.Param("backlog"), l.Param("clients")
	var fd int
	var addr sockets.Sockaddr
	var before kernel.Counters
	var open, refused int
	left := clients // that have not connected
	connect := func() {
		if left == 0 {
			return
		}
		left--
		c := unwaiting(l)
		call := l.ConnectFD(c, addr)
		switch call.Errno {
		case 0, unix.EINPROGRESS, unix.ECONNREFUSED:
		default:
			l.Must(call)
		}
		if l.TCPState(lab.Client, c) == kernel.Close { // at once: later it may have given up
			refused++
		}
	}
	return []lab.Step{
		{Name: "listen", Do: func() {
			fd, addr = l.Bound()
			l.Must(l.Listen(lab.Server, fd, backlog))
			before = l.Counters()
		}},
		{Name: "first", Do: connect},
		{Name: "second", Do: connect},
		{Name: "third", Do: connect},
		{Name: "others", Do: func() {
			l.Setup(func() {
				for range left {
					connect()
				}
			})
		}},
		{Name: "look", Do: func() {
			trying := clientsIn(l, kernel.SynSent)
			open = clientsIn(l, kernel.Established)
			value := fmt.Sprintf("%d ESTABLISHED, %d SYN_SENT, %d refused", open, trying, refused)
			if tired := clientsIn(l, kernel.Close) - refused; tired > 0 { // the step was made minutes later
				value += fmt.Sprintf(", %d have given up", tired)
				trying += tired
			}
			l.Show(lesson.Evidence{Fact: "the clients", Value: value,
				Source: "getsockopt(2) TCP_INFO", Command: facts.SS("-tan", facts.To(addr.Port()))})
			l.ShowAcceptQueue(fd)
			moved := l.Counters().Sub(before)
			l.Show(facts.Counter("TcpExt.ListenOverflows", moved["TcpExt.ListenOverflows"], "since the experiment began", "The counter belongs to the whole machine, or container."))
			l.Note("clients", clients)
			l.Note("open", open)
			l.Note("trying", trying)
			l.Note("refused", refused)
			switch {
			case refused > 0:
				l.Answer("refused")
			case open == 1:
				l.Answer("one")
			case open == clients:
				l.Answer("all")
			case open == 2:
				l.Answer("two")
			}
		}},
		{Name: "accept", Do: func() { letIn(l, fd, addr, open) }},
	}
}

// unwaiting returns a socket of the client whose connect does not wait. Its call is told
// in short.
func unwaiting(l *lab.Lab) (fd int) {
	l.Setup(func() { fd = l.Socket(lab.Client, unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK) })
	return fd
}

// letIn accepts one client of a full queue, and has another one connect. Then more are
// open than before: that one, or one of those that hang, if its SYN came first. Both calls
// are one step: a client that hangs takes the place by itself, were the learner slow.
func letIn(l *lab.Lab, fd int, addr sockets.Sockaddr, before int) {
	l.Accept(fd)
	between := l.Queue(fd)
	e := facts.AcceptQueue(between, between.Waiting, "")
	e.Fact = "accept queue, between"
	l.Show(e)
	l.Setup(func() { l.ConnectFD(unwaiting(l), addr) })
	now := 0
	l.Until("the next client to get in", func() bool {
		now = clientsIn(l, kernel.Established)
		return now > before
	})
	q := l.ShowAcceptQueue(fd)
	l.Show(lesson.Evidence{Fact: "open connections", Value: fmt.Sprintf("%d, %d of them accepted", now, now-q.Waiting),
		Source: "getsockopt(2) TCP_INFO", Command: facts.SS("-tan", facts.To(addr.Port()))})
	l.Note("open_then", now)
	l.Note("waiting_then", q.Waiting)
}

// clientsIn returns how many sockets of the client are in this state.
func clientsIn(l *lab.Lab, state kernel.State) (n int) {
	for _, x := range l.State(lab.Client).Sockets {
		if x.State() == state {
			n++
		}
	}
	return n
}

func clamp(l *lab.Lab) []lab.Step {
	asked := l.Param("asked")
	var fd int
	return []lab.Step{
		{Name: "listen", Do: func() {
			fd, _ = l.Bound()
			if call := l.Listen(lab.Server, fd, asked); call.Errno != 0 {
				l.Answer("error")
			}
		}},
		{Name: "look", Do: func() {
			backlog := l.ShowAcceptQueue(fd).Backlog
			limit, err := l.Net().SysctlInt("net.core.somaxconn")
			if err != nil {
				l.Fatalf("net.core.somaxconn: %w", err)
			}
			l.Show(facts.Sysctl("net.core.somaxconn", fmt.Sprint(limit)))
			l.Note("asked", asked)
			l.Note("backlog", backlog)
			switch {
			case backlog == asked:
				l.Answer("asked")
			case backlog < asked:
				l.Answer("less")
			}
		}},
	}
}

func columns(l *lab.Lab) []lab.Step {
	const said = 100
	var fd int
	var addr sockets.Sockaddr
	send := func() {
		var c int
		l.Setup(func() { c = l.Connect(addr) })
		l.Must(l.Send(lab.Client, c, strings.Repeat("x", said)))
	}
	return []lab.Step{
		{Name: "listen", Do: func() { fd, addr = l.Listener(5) }},
		{Name: "send", Do: send},
		{Name: "other", Do: send},
		{Name: "look", Do: func() {
			waiting := l.ShowQueue(fd).Waiting
			unread := 0
			for _, row := range l.RowsAt(addr, kernel.Established) {
				unread += int(row.RQueue)
			}
			l.Show(lesson.Evidence{Fact: "unread", Value: lesson.Counted(unread, "byte") + ", in connections that nobody has accepted", Source: "sock_diag(7)", Command: facts.SS("-tan", facts.From(addr.Port()))})
			l.Note("length", waiting)
			l.Note("unread", unread)
			switch waiting {
			case 2:
				l.Answer("connections")
			case unread:
				l.Answer("bytes")
			}
		}},
	}
}

// fillQueue wants clients that connect until the queue is full and one more hangs.
func fillQueue(l *lab.Lab) lab.Check {
	_, addr := l.Listener(1)
	return func() (bool, string) {
		look := l.Look(addr)
		q, hanging := look.Queue(), len(look.There(kernel.SynSent))
		l.Note("length", q.Waiting)
		l.Note("hanging", hanging)
		return q.Waiting > q.Backlog && hanging > 0 && look.Still, fmt.Sprintf("waiting in the queue: %d, backlog %d, clients in SYN_SENT: %d", q.Waiting, q.Backlog, hanging)
	}
}
