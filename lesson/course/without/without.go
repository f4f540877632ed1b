package without

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"fd3/lesson"
	"fd3/lesson/course/hello"
	"fd3/lesson/course/lab"
	"fd3/sockets"
)

//go:embed without.md
var markdown string

// Lesson is the lesson without.
var Lesson = lab.Lesson{
	ID:    "without",
	Words: markdown,
	Experiments: lab.Experiments{
		"package":  pkg,
		"nonsense": nonsense,
		"reach":    reach,
	},
	Exercises: lab.Exercises{"pipe": pipe},
}

// pkg counts what a package does besides the calls that a server needs.
func pkg(l *lab.Lab) []lab.Step {
	var raw, c, http lab.Story
	return []lab.Step{
		{Name: "go", Do: func() {
			showSource(l, "raw.go", hello.SourceRaw)
			raw = l.Hello(hello.Raw)
		}},
		{Name: "c", Do: func() {
			showSource(l, "hello.c", hello.SourceC)
			c = l.Hello(hello.C)
		}},
		{Name: "package", Do: func() {
			showSource(l, "nethttp.go", hello.SourceNetHTTP)
			http = l.Hello(hello.NetHTTP)
		}},
		{Name: "beside", Do: func() { beside(l, raw, c, http) }},
	}
}

// showSource shows the text of a server that is about to run.
func showSource(l *lab.Lab, name, text string) {
	lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(text, "\t", "    ")), "\n")
	l.Tell(lesson.Event{Kind: lesson.KindText, Section: "watch",
		Text: fmt.Sprintf("`%s`, %s:\n\n    %s", name, lesson.Counted(len(lines), "line"), strings.Join(lines, "\n    "))})
}

// beside shows what one server does and another does not.
func beside(l *lab.Lab, raw, c, http lab.Story) {
	counts := make(map[string]int)
	for _, s := range []lab.Story{c, raw, http} {
		made := answered(l, s)
		counts[s.Name] = len(made)
		l.Note("calls_"+strings.ReplaceAll(strings.ToLower(s.Name), "/", ""), len(made))
		l.Show(lesson.Evidence{Fact: s.Title(), Value: fmt.Sprintf("%s, listen(fd, %s)", lesson.Counted(len(made), "call"), lab.Argument(l.Serving(s).Listen, "backlog")), Source: "fd3 watch"})
	}
	tried := l.Serving(http).Sockets - 1
	l.Note("tried", tried)
	l.Show(lesson.Evidence{Fact: "sockets that net/http tried and closed", Value: fmt.Sprint(tried), Source: "fd3 watch"})
	var more []string
	for _, option := range options(answered(l, http)) {
		if !slices.Contains(options(answered(l, raw)), option) {
			more = append(more, option)
		}
	}
	l.Note("options", strings.Join(more, ", "))
	l.Show(lesson.Evidence{Fact: "options that it alone sets", Value: strings.Join(more, ", "), Source: "fd3 watch"})
	l.Note("type", lab.Argument(l.Serving(http).Socket, "type"))
	l.Note("asked_raw", lab.Argument(l.Serving(raw).Listen, "backlog"))
	l.Note("asked_nethttp", lab.Argument(l.Serving(http).Listen, "backlog"))
	l.Note("older", syscall.SOMAXCONN)
	var thin []string
	for _, e := range answered(l, raw) {
		if !slices.ContainsFunc(answered(l, c), func(other lesson.Event) bool {
			return strings.TrimSuffix(e.Name, "4") == strings.TrimSuffix(other.Name, "4")
		}) {
			thin = append(thin, strings.TrimSpace(e.Name+" "+lab.Argument(e, "optname")))
		}
	}
	if thin != nil {
		l.Note("thin", strings.Join(thin, ", "))
	}
	switch {
	case counts[http.Name] <= counts[raw.Name]:
		l.Answer("same")
	case counts[http.Name] <= 2*counts[raw.Name]:
		l.Answer("some")
	default:
		l.Answer("many")
	}
}

// answered are the calls of a Story from its first socket to its first answer.
func answered(l *lab.Lab, s lab.Story) []lesson.Event {
	calls := s.Calls()
	from := slices.IndexFunc(calls, func(e lesson.Event) bool { return e.Name == "socket" })
	last := l.Serving(s).Send.Strace
	to := slices.IndexFunc(calls, func(e lesson.Event) bool { return e.Strace == last })
	return calls[from : to+1]
}

// options are the names of those that are set, each once.
func options(calls []lesson.Event) (all []string) {
	for _, e := range calls {
		name, _, _ := strings.Cut(lab.Argument(e, "optname"), " ")
		if e.Name == "setsockopt" && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// nonsense sends to two servers what is no HTTP.
func nonsense(l *lab.Lab) []lab.Step {
	said := make(map[string]string)
	ask := func(of hello.Server) func() {
		return func() {
			w, err := l.Server(of)
			if err != nil {
				l.Fatalf("%w", err)
			}
			told := w.Listens()
			w.Sleeps()
			var c int
			l.Setup(func() {
				c = l.Connect(sockets.InetSockaddr(w.At))
				l.Must(l.Send(lab.Client, c, "HELLO\r\n\r\n"))
			})
			l.ShowShort(w.Name, append(told, w.Answers()...))
			got := l.Must(l.Recv(lab.Client, c, 4096))
			said[of.Name], _, _ = strings.Cut(string(got.Data), "\r\n")
		}
	}
	return []lab.Step{
		{Name: "raw", Do: ask(hello.Raw)},
		{Name: "package", Do: func() {
			ask(hello.NetHTTP)()
			raw, http := said[hello.Raw.Name], said[hello.NetHTTP.Name]
			l.Note("raw_said", raw)
			l.Note("http_said", http)
			switch well := func(line string) bool { return strings.Contains(line, " 200 ") }; {
			case well(raw) && well(http):
				l.Answer("both")
			case well(raw):
				l.Answer("package")
			default:
				l.Answer("none")
			}
		}},
	}
}
