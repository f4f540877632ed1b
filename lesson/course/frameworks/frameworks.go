package frameworks

import (
	"cmp"
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"fd3/lesson"
	"fd3/lesson/course/hello"
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/kernel"
)

//go:embed frameworks.md
var markdown string

// Lesson is the lesson frameworks.
var Lesson = lab.Lesson{
	ID:    "frameworks",
	Words: markdown,
	Experiments: lab.Experiments{
		"number":  number,
		"client":  client,
		"express": express,
		"sockets": side,
	},
	Exercises: lab.Exercises{"room": room},
}

// server starts node's own server, or Go's where node is not here: that is in fd3.
func server(l *lab.Lab) *lab.Watched {
	w, err := l.Server(hello.Node)
	if err != nil {
		w, err = l.Server(hello.NetHTTP)
	}
	if err != nil {
		l.Fatalf("%w", err)
	}
	l.Note("program", w.Name)
	return w
}

func number(l *lab.Lab) []lab.Step {
	var w *lab.Watched
	asked := 0
	return []lab.Step{
		{Name: "start", Do: func() {
			w = server(l)
			w.Begins()
		}},
		{Name: "bind", Do: func() { l.ShowStory(w.Name, w.Binds()) }},
		{Name: "listen", Do: func() {
			told := w.Listens()
			l.ShowStory(w.Name, told)
			asked = backlog(told[slices.IndexFunc(told, func(e lesson.Event) bool { return e.Name == "listen" })])
			l.Note("asked", asked)
		}},
		{Name: "look", Do: func() {
			made := w.ShowListener().Backlog
			l.Note("made", made)
			most, err := kernel.Own().Sysctl("net.core.somaxconn")
			if err != nil {
				l.Fatalf("%w", err)
			}
			l.Show(facts.Sysctl("net.core.somaxconn", most))
			switch {
			case asked == 0:
				l.Answer("none")
			case strconv.Itoa(asked) == most:
				l.Answer("most")
			default:
				l.Answer("own")
			}
		}},
	}
}

// backlog is the number that a call of listen(2) was given.
func backlog(listen lesson.Event) int {
	n, _ := strconv.Atoi(lab.Argument(listen, "backlog"))
	return n
}

func client(l *lab.Lab) []lab.Step {
	var w *lab.Watched
	var c int
	var threads []int // before the client came
	return []lab.Step{
		{Name: "wait", Do: func() {
			w = server(l)
			l.ShowShort(w.Name, w.Listens())
			call, asleep := w.Sleeps()
			l.Show(asleep)
			l.Note("waits", call)
			threads = w.Threads()
		}},
		{Name: "connect", Do: func() {
			c = l.Unbound(lab.Client)
			l.Must(l.ConnectFD(c, sockets.InetSockaddr(w.At)))
			w.Wakes()
			l.Note("waiting", w.ShowListener().Waiting)
		}},
		{Name: "accept", Do: func() { l.ShowStory(w.Name, w.Accepts()) }},
		{Name: "read", Do: func() {
			l.Setup(func() { l.Must(l.Send(lab.Client, c, get)) })
			l.ShowStory(w.Name, w.Reads())
		}},
		{Name: "write", Do: func() {
			l.ShowStory(w.Name, w.Answers())
			v := l.Serving(w.Story())
			switch {
			case v.Waits == v.Accept.Name:
				l.Answer("accept")
			case !slices.Contains(threads, cmp.Or(v.Accept.Thread, v.Accept.PID)):
				l.Answer("thread")
			default:
				l.Answer("events")
			}
		}},
	}
}

const get = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

func express(l *lab.Lab) []lab.Step {
	var node, express lab.Story
	return []lab.Step{
		{Name: "node", Do: func() { node = l.Hello(hello.Node) }},
		{Name: "express", Do: func() {
			express = l.Recorded(hello.Express)
			l.ShowShort(hello.Express.Name, express.Events)
		}},
		{Name: "differ", Do: func() {
			l.Show(lesson.Evidence{Fact: "calls before the first socket", Value: fmt.Sprintf("%s %d, %s %d", node.Title(), node.Before(), express.Title(), express.Before()), Source: "ptrace(2)"})
			without, with := names(l, node), names(l, express)
			l.Show(lesson.Evidence{Fact: node.Title(), Value: strings.Join(without, ", "), Source: "fd3 watch"})
			l.Show(lesson.Evidence{Fact: express.Title(), Value: strings.Join(with, ", "), Source: "fd3 watch --replay"})
			more := slices.DeleteFunc(with, func(name string) bool { return slices.Contains(without, name) })
			l.Show(lesson.Evidence{Fact: "by Express alone", Value: listed(more), Source: "the two above"})
			l.Note("more", listed(more))
			l.Note("address", address(l.Serving(express).Bind))
			l.Note("express", express.Of)
			l.Note("before_node", node.Before())
			l.Note("before_express", express.Before())
			switch len(more) {
			case 0:
				l.Answer("none")
			case 1, 2, 3:
				l.Answer("some")
			default:
				l.Answer("many")
			}
		}},
	}
}

// names are the calls of a Story on its listener and on its first client, each once, up to
// the first answer.
func names(l *lab.Lab, s lab.Story) (all []string) {
	v := l.Serving(s)
	ours := []string{v.Accept.Args[0].Value, fmt.Sprint(*v.Accept.Ret)}
	begun := false
	for _, e := range s.Calls() {
		begun = begun || e.Strace == v.Socket.Strace
		about := e.Name == "socket"
		for _, a := range e.Args {
			about = about || (a.Name == "fd" || strings.HasSuffix(a.Name, "sockfd")) && slices.Contains(ours, a.Value)
		}
		if begun && about && e.PID == v.Accept.PID && !slices.Contains(all, e.Name) {
			all = append(all, e.Name)
		}
		if e.Strace == v.Send.Strace {
			break
		}
	}
	return all
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// address is what a call of bind(2) was given, as ss(8) prints it.
func address(bind lesson.Event) string {
	value := lab.Argument(bind, "addr")
	ip, port := quoted.FindStringSubmatch(value), htons.FindStringSubmatch(value)
	if ip == nil || port == nil {
		return value
	}
	if strings.Contains(ip[1], ":") {
		ip[1] = "[" + ip[1] + "]"
	}
	return ip[1] + ":" + port[1]
}

var (
	quoted = regexp.MustCompile(`"([^"]*)"`)
	htons  = regexp.MustCompile(`htons\((\d+)\)`)
)

func side(l *lab.Lab) []lab.Step {
	var all []lab.Story
	watch := func(of hello.Server) func() { return func() { all = append(all, l.Hello(of)) } }
	return []lab.Step{
		{Name: "node", Do: watch(hello.Node)},
		{Name: "go", Do: watch(hello.NetHTTP)},
		{Name: "python", Do: watch(hello.Python)},
		{Name: "nginx", Do: watch(hello.Nginx)},
		{Name: "beside", Do: func() { beside(l, all) }},
	}
}

// beside shows the same steps of several servers, one step after the other.
func beside(l *lab.Lab, all []lab.Story) {
	several, waits, hands := 0, 0, []string(nil)
	var services []lab.Service
	from := "fd3 watch"
	for _, s := range all {
		if s.Recorded {
			from += ", " + s.Title()
		}
		v := l.Serving(s)
		services = append(services, v)
		if v.Sockets > 1 {
			several++
		}
		if v.Waits != v.Accept.Name {
			waits++
		}
		if !v.Own || v.Hands {
			hands = append(hands, s.Name)
		}
		l.Note("sockets_"+key(s.Name), v.Counted())
		l.Note("listener_"+key(s.Name), lab.Protocol(v.Socket))
		l.Note("asked_"+key(s.Name), lab.Argument(v.Listen, "backlog"))
	}
	row := func(step string, of func(lab.Service) string) {
		var values []string
		for i, s := range all {
			values = append(values, s.Name+" "+of(services[i]))
		}
		l.Show(lesson.Evidence{Fact: step, Value: strings.Join(values, ", "), Source: from})
	}
	row("socket", lab.Service.Counted)
	row("listener", func(v lab.Service) string { return lab.Protocol(v.Socket) })
	row("bind", func(v lab.Service) string { return address(v.Bind) })
	row("listen", func(v lab.Service) string { return lab.Argument(v.Listen, "backlog") })
	row("wait", func(v lab.Service) string { return v.Waits })
	row("accept", func(v lab.Service) string { return v.Accept.Name })
	row("recv", func(v lab.Service) string { return v.Recv.Name })
	row("send", func(v lab.Service) string { return v.Send.Name })
	l.Note("waiting_in_accept", len(all)-waits)
	l.Note("hands", listed(hands))
	if several > 0 {
		l.Answer("several")
	} else {
		l.Answer("one")
	}
}

// key is a name as the words have it in the name of a value.
func key(name string) string { return strings.Map(letter, name) }

func letter(r rune) rune {
	if r < 'a' || r > 'z' {
		return -1
	}
	return r
}

// want is the backlog that the exercise asks for: no program has it unless it is told.
const want = 7

// room wants a server of the learner's whose accept queue has a length that was asked for.
func room(l *lab.Lab) lab.Check {
	at, leave := l.FreeAddress()
	leave() // a learner's server need not set SO_REUSEADDR
	l.Note("want", want)
	l.Note("port", at.Port())
	l.Note("owner", "(nobody)")
	l.Note("holds", want+1)
	return func() (bool, string) {
		row := l.TCP().Listener(at)
		if row == nil {
			return false, fmt.Sprintf("nobody listens on 127.0.0.1:%d", at.Port())
		}
		if row.WQueue != want {
			return false, fmt.Sprintf("somebody listens there, with a backlog of %d", row.WQueue)
		}
		if owners, _, err := kernel.Owners(row.Inode); err == nil && len(owners) > 0 {
			l.Note("owner", fmt.Sprintf("%s, process %d", owners[0].Comm, owners[0].PID))
		}
		return true, fmt.Sprintf("somebody listens there, with a backlog of %d", row.WQueue)
	}
}
