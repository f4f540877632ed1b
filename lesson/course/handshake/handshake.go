package handshake

import (
	_ "embed"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

//go:embed handshake.md
var markdown string

// Lesson is the lesson handshake.
var Lesson = lab.Lesson{
	ID:    "handshake",
	Words: markdown,
	Experiments: lab.Experiments{
		"who":     who,
		"packets": packets,
		"nobody":  nobody,
		"half":    half,
	},
	Exercises: lab.Exercises{"asleep": connectToStopped},
}

func who(l *lab.Lab) []lab.Step {
	var fd int
	var addr sockets.Sockaddr
	return []lab.Step{
		{Name: "listen", Do: func() { fd, addr = l.Listener(8) }},
		{Name: "stop", Do: func() { l.Note("asleep", stopServer(l)) }},
		{Name: "connect", Do: func() {
			before := l.Counters()
			c := l.Unbound(lab.Client)
			call := l.ConnectFD(c, addr)
			l.Note("connect", lab.Outcome(call))
			l.Note("took", lesson.Took(call.Duration))
			switch call.Errno {
			case 0:
				l.Answer("opens")
			case unix.ECONNREFUSED:
				l.Answer("refused")
			}
			showEnds(l, addr, l.Ask(lab.Client, c).Local.AddrPort())
			moved := l.Counters().Sub(before)
			l.Show(facts.Counter("Tcp.PassiveOpens", moved["Tcp.PassiveOpens"], "during the connect",
				"Connections that the kernel took in for listeners, of the whole machine or container."))
		}},
		{Name: "wake", Do: func() {
			task := signal(l, unix.SIGCONT, func(t kernel.Task) bool { return t.State == 'S' })
			l.Show(facts.ProcessState(lab.Server, l.PID(lab.Server), task))
			waiting := l.ShowQueue(fd).Waiting
			l.Note("waiting", waiting)
		}},
	}
}

// stopServer stops the server's process, as Ctrl-Z does, and shows it. A stopped
// process answers nobody: State and Ask would wait for SIGCONT. The end of the
// experiment wakes it (stage.Private).
func stopServer(l *lab.Lab) (state string) {
	task := signal(l, unix.SIGSTOP, func(t kernel.Task) bool { return t.State == 'T' || t.State == 't' }) // t: under a tracer
	l.Show(facts.ProcessState(lab.Server, l.PID(lab.Server), task))
	return task.StateName
}

// signal sends the server a signal, and waits until its process is as reached wants it.
func signal(l *lab.Lab, s unix.Signal, reached func(kernel.Task) bool) (task kernel.Task) {
	pid := l.PID(lab.Server)
	if err := unix.Kill(pid, s); err != nil {
		l.Fatalf("kill(2) of %d: %w", pid, err)
	}
	l.Until("the server to follow the signal", func() bool {
		var err error
		if task, err = kernel.Thread(pid, pid); err != nil {
			l.Fatalf("%w", err)
		}
		return reached(task)
	})
	return task
}

// showEnds shows both ends of a connection as the kernel's table has them.
func showEnds(l *lab.Lab, addr sockets.Sockaddr, peer netip.AddrPort) (clientEnd, serverEnd kernel.InetSocket) {
	ends := l.EndsOf(addr.AddrPort(), peer)
	clientEnd, serverEnd = ends[lab.Client], ends[lab.Server]
	atClient := facts.EndState(lab.Client, clientEnd.State, facts.SS("-tan", facts.With(addr.Port())))
	atServer := facts.EndState(lab.Server, serverEnd.State, "")
	l.Show(atClient)
	l.Show(atServer)
	l.Note("client_end", atClient.Value)
	l.Note("server_end", atServer.Value)
	return clientEnd, serverEnd
}

func stateName(row kernel.InetSocket) string {
	if row.State == 0 {
		return "none"
	}
	return row.State.String()
}

func packets(l *lab.Lab) []lab.Step {
	var addr sockets.Sockaddr
	var fd int
	return []lab.Step{
		{Name: "before", Do: func() {
			_, addr = l.Listener(8)
			fd = l.Stream(lab.Client)
			l.Note("before", l.TCPState(lab.Client, fd))
		}},
		{Name: "connect", Do: func() {
			l.Must(l.Do(lab.Client, stage.Order{Do: "connect", FD: fd, Addr: addr}))
		}},
		{Name: "look", Do: func() {
			x := l.Ask(lab.Client, fd)
			out, in := x.TCP.Segs_out, x.TCP.Segs_in
			l.Show(facts.Packets(lab.Client, out, in, addr.Port()))
			showEnds(l, addr, x.Local.AddrPort())
			l.Note("out", out)
			l.Note("in", in)
			l.Note("packets", out+in)
			switch out + in {
			case 1:
				l.Answer("one")
			case 2:
				l.Answer("two")
			case 3:
				l.Answer("three")
			}
		}},
	}
}

func nobody(l *lab.Lab) []lab.Step {
	return []lab.Step{
		{Name: "nobody", Do: func() {
			_, addr := l.Bound()
			c := l.Unbound(lab.Client)
			before := l.Counters()
			call := l.ConnectFD(c, addr)
			moved := l.Counters().Sub(before)
			sent, resets := moved["Tcp.OutSegs"], moved["Tcp.OutRsts"]
			l.Show(lesson.Evidence{Fact: "packets sent", Value: fmt.Sprintf("%d, of these %d with a no", sent, resets), Source: "/proc/net/snmp OutSegs, OutRsts",
				Command: "nstat -az TcpOutSegs TcpOutRsts", Note: "TCP packets of the whole machine or container, while `connect` ran."})
			l.Note("refusal", lab.Outcome(call))
			l.Note("took", lesson.Took(call.Duration))
			l.Note("sent", sent)
			l.Note("resets", resets)
			switch {
			case resets > 0:
				l.Answer("packet")
			case sent > 0:
				l.Answer("silence")
			default:
				l.Answer("list")
			}
		}},
		{Name: "silent", Do: func() {
			var fd int
			var addr sockets.Sockaddr
			l.Setup(func() {
				_, addr = l.Listener(0)
				l.Connect(addr) // takes the only place
				fd = l.Socket(lab.Client, unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK)
			})
			l.ConnectFD(fd, addr)
			var x stage.Socket
			l.Until("the client to try again", func() bool {
				x = l.Ask(lab.Client, fd)
				return x.TCP.Total_retrans > 0 || x.State() != kernel.SynSent
			})
			l.Show(facts.SYNAgain(x.State(), x.TCP.Total_retrans, addr.Port()))
			l.Note("silent", x.State())
			l.Note("again", x.TCP.Total_retrans)
			retries(l)
		}},
	}
}

// retries shows how often a SYN is sent again: since Linux 6.5 a second number makes it
// more often.
func retries(l *lab.Lab) {
	const first, more = "net.ipv4.tcp_syn_retries", "net.ipv4.tcp_syn_linear_timeouts"
	retries, err := l.Net().SysctlInt(first)
	if err != nil {
		l.Fatalf("%s: %w", first, err)
	}
	l.Show(facts.Sysctl(first, fmt.Sprint(retries)))
	l.Note("syn_retries", retries)
	added, err := l.Net().SysctlInt(more)
	if err != nil {
		l.Note("linear", "not there on this kernel")
	} else {
		l.Show(facts.Sysctl(more, fmt.Sprint(added)))
		l.Note("linear", added)
	}
	l.Note("again_max", kernel.SYNsAgain(retries, added))
}

func half(l *lab.Lab) []lab.Step {
	const seconds = 300 // long, since a learner may wait between the steps
	var fd, c int
	var addr sockets.Sockaddr
	return []lab.Step{
		{Name: "listen", Do: func() {
			fd, addr = l.Listener(8)
			l.Must(l.Do(lab.Server, stage.Order{Do: "setsockopt", FD: fd, Level: unix.IPPROTO_TCP, Option: unix.TCP_DEFER_ACCEPT, Value: seconds}))
		}},
		{Name: "connect", Do: func() {
			c = l.Connect(addr)
			mine, its := showEnds(l, addr, l.Ask(lab.Client, c).Local.AddrPort())
			l.Note("client_before", stateName(mine))
			l.Note("server_before", stateName(its))
			waiting := l.ShowQueue(fd).Waiting
			l.Note("queue_before", waiting)
			switch {
			case mine.State == its.State:
				l.Answer("same")
			case mine.State == kernel.Established:
				l.Answer("client")
			case its.State == kernel.Established:
				l.Answer("server")
			}
		}},
		{Name: "send", Do: func() {
			l.Must(l.Send(lab.Client, c, "x"))
			l.Until("the connection in the accept queue", func() bool { return l.Queue(fd).Waiting > 0 })
			showEnds(l, addr, l.Ask(lab.Client, c).Local.AddrPort())
			waiting := l.ShowQueue(fd).Waiting
			l.Note("queue_after", waiting)
		}},
	}
}

// connectToStopped wants the server stopped, a new connection to it that is open
// all the same, and the server woken again. A connection that is there when the server
// is first found stopped may be older than that, and does not count.
func connectToStopped(l *lab.Lab) lab.Check {
	_, addr := l.Listener(8)
	l.Note("pid", l.PID(lab.Server))
	l.Note("opened", 0)
	known := make(map[uint64]bool)  // connections that may be older than the stop
	opened := make(map[uint64]bool) // and that came while the server was stopped
	var last run
	return func() (bool, string) {
		before, look := serverRun(l), l.Look(addr)
		now := serverRun(l)
		if now != before {
			return false, "the server has just got a signal"
		}
		stillStopped := now.stopped && now == last
		last = now
		for _, row := range look.Here(kernel.Established) {
			switch {
			case known[row.Cookie] || opened[row.Cookie]:
			case stillStopped:
				opened[row.Cookie] = true
			default:
				known[row.Cookie] = true
			}
		}
		l.Note("opened", len(opened))
		switch {
		case now.stopped && len(opened) == 0 && len(look.Here(kernel.Established)) > 0:
			return false, "the server is stopped; the connection may be older than that. Open another one"
		case now.stopped && len(opened) == 0:
			return false, "the server is stopped; no new connection since"
		case now.stopped:
			return false, fmt.Sprintf("stopped, and new connections all the same: %d. Now wake it", len(opened))
		case len(opened) == 0:
			return false, "the server process runs"
		}
		return true, fmt.Sprintf("the server runs again; opened meanwhile: %d", len(opened))
	}
}

// A run is what a process has done so far. One that is stopped all the time has the
// same run.
type run struct {
	stopped  bool
	switches string // how often it has left the processor
}

// serverRun returns the run of the server.
func serverRun(l *lab.Lab) (r run) {
	path := fmt.Sprintf("/proc/%d/status", l.PID(lab.Server))
	status, err := os.ReadFile(path)
	if err != nil {
		l.Fatalf("%w", err)
	}
	for line := range strings.Lines(string(status)) {
		switch name, value, _ := strings.Cut(line, ":"); name {
		case "State":
			r.stopped = strings.HasPrefix(strings.TrimSpace(value), "T")
		case "voluntary_ctxt_switches", "nonvoluntary_ctxt_switches":
			r.switches += value
		}
	}
	return r
}
