package course

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fd3/httpmini"
	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

var httpPractice = practice{
	experiments: map[string]experiment{
		"end":     httpEnd,
		"missing": httpMissing,
		"long":    httpLong,
		"lines":   httpLines,
	},
	exercises: map[string]exercise{"type": httpTyped},
}

func httpEnd(l *Lab) map[string]func() {
	var conn, fd int
	var request, received []byte
	var half string
	read := func(sent string) string {
		l.must(l.send(client, fd, sent))
		received = append(received, l.must(l.recv(server, conn, 4096)).Data...)
		verdict, _ := httpRequest(received)
		l.show(lesson.Evidence{Fact: "the parser", Value: verdict, Source: "httpmini, over the " + fmt.Sprint(len(received)) + " bytes so far"})
		return verdict
	}
	return map[string]func(){
		"connect": func() {
			l.setup(func() { _, conn, fd = l.connection() })
			request = httpmini.AppendRequest(nil, "GET", "/", l.asked(client, fd).Peer.String())
		},
		"most": func() {
			half = read(string(request[:len(request)-2]))
			l.note("most", len(request)-2)
		},
		"rest": func() {
			whole := read(string(request[len(request)-2:]))
			l.note("half", half)
			l.note("whole", whole)
			if half == httpPartial && whole == httpWhole {
				l.answer("empty")
			}
		},
		"draw": func() {
			l.httpDraw(received, true)
			l.note("bytes", len(received))
		},
	}
}

func httpMissing(l *Lab) map[string]func() {
	var listener int
	var v *httpVisit
	var answer []byte
	ask := func(method, target string, serve func(stage.Role, stage.Order) sockets.Call) {
		v = l.httpVisit(l.asked(server, listener).Local, method, target)
		conn, request := l.httpTake(listener, serve)
		answer = httpAnswer(request)
		l.must(serve(server, stage.Order{Do: "sendto", FD: conn, Data: answer, Flags: unix.MSG_NOSIGNAL}))
		l.must(serve(server, stage.Order{Do: "close", FD: conn}))
		v.end()
	}
	return map[string]func(){
		"listen": func() { l.setup(func() { listener, _ = l.listener(8) }) },
		"ask":    func() { ask("GET", "/missing", l.do) },
		"look": func() {
			l.httpDraw(answer, false)
			v.show()
			l.note("exit", v.exit)
			l.note("page", v.body)
			l.answer("error")
			if v.exit == 0 {
				l.answer("fine")
			}
		},
		"methods": func() {
			for _, method := range []string{"DELETE", "GRAB"} {
				ask(method, "/", l.quietly)
				line, _, _ := strings.Cut(string(answer), "\r\n")
				l.show(lesson.Evidence{Fact: method + " /", Value: line, Source: "sent by the server, received by " + v.name})
				l.note(strings.ToLower(method), strings.TrimPrefix(line, "HTTP/1.1 "))
			}
		},
	}
}

// httpContent is what a lying Content-Length is about.
const httpContent = "hello"

func httpLong(l *Lab) map[string]func() {
	var listener, conn int
	var v *httpVisit
	ask := func(length int) {
		v = l.httpVisit(l.asked(server, listener).Local, "GET", "/")
		conn, _ = l.httpTake(listener, l.quietly)
		answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", length, httpContent)
		l.must(l.send(server, conn, answer))
		l.httpDraw([]byte(answer), false)
	}
	var waited bool
	return map[string]func(){
		"send": func() {
			l.setup(func() { listener, _ = l.listener(8) })
			ask(2 * len(httpContent))
			l.note("said", 2*len(httpContent))
			l.note("sent", len(httpContent))
		},
		"wait": func() { waited = v.waits() },
		"close": func() {
			l.must(l.close(server, conn))
			v.end()
			v.show()
			l.note("long_exit", v.exit)
			switch {
			case waited && v.exit != 0:
				l.answer("waits")
			case v.exit != 0:
				l.answer("refuses")
			default:
				l.answer("shows")
			}
		},
		"short": func() {
			ask(len(httpContent) - 2)
			l.must(l.close(server, conn))
			v.end()
			v.show()
			l.note("short_said", len(httpContent)-2)
			l.note("short_exit", v.exit)
			l.note("short_body", v.body)
		},
	}
}

func httpLines(l *Lab) map[string]func() {
	var listener int
	ask := func(answer string) *httpVisit {
		v := l.httpVisit(l.asked(server, listener).Local, "GET", "/")
		conn, _ := l.httpTake(listener, l.quietly)
		l.must(l.send(server, conn, answer))
		l.must(l.close(server, conn))
		v.end()
		v.show()
		return v
	}
	return map[string]func(){
		"bare": func() {
			l.setup(func() { listener, _ = l.listener(8) })
			answer := fmt.Sprintf("HTTP/1.1 200 OK\nContent-Length: %d\n\n%s", len(httpContent), httpContent)
			v := ask(answer)
			_, problem := httpResponse([]byte(answer), true)
			l.show(lesson.Evidence{Fact: "fd3's parser", Value: problem, Source: "httpmini, over the same bytes"})
			l.note("bare_exit", v.exit)
			l.note("bare_problem", problem)
			switch accepts, strict := v.exit == 0, problem == ""; {
			case accepts != strict:
				l.answer("disagree")
			case accepts:
				l.answer("accept")
			default:
				l.answer("refuse")
			}
		},
		"empty": func() {
			v := ask(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s", len(httpContent), httpContent))
			l.note("empty_exit", v.exit)
			l.note("empty_body", len(v.body))
		},
	}
}

// httpTyped wants a request typed by hand. A wrong one is answered with what is
// wrong, so that the learner can try again.
func httpTyped(l *Lab) func() (bool, string) {
	var listener int
	l.setup(func() { listener, _ = l.listener(8) })
	arrived := make(map[int][]byte)
	now, done := "no connection yet", false
	answer := func(fd int, status int, text string) {
		message := httpmini.AppendResponse(nil, httpmini.Message{Status: status, Date: time.Now(), ContentType: "text/plain; charset=utf-8", Body: []byte(text + "\n"), Connection: "close"})
		l.quietly(server, stage.Order{Do: "sendto", FD: fd, Data: message, Flags: unix.MSG_NOSIGNAL})
		l.quietly(server, stage.Order{Do: "close", FD: fd})
		delete(arrived, fd)
	}
	return func() (bool, string) {
		if length, _ := l.queue(listener); length > 0 {
			conn := l.must(l.quietly(server, stage.Order{Do: "accept4", FD: listener, Flags: unix.SOCK_CLOEXEC}))
			arrived[int(conn.Ret)] = nil
			now = "connected; no byte has come yet"
		}
		for _, x := range l.state(server).Sockets {
			if x.Listening || x.Unread == 0 && stateOf(x) == kernel.Established {
				continue
			}
			call := l.quietly(server, stage.Order{Do: "recvfrom", FD: x.FD, Type: unix.SOCK_STREAM, Size: 4096, Flags: unix.MSG_DONTWAIT})
			arrived[x.FD] = append(arrived[x.FD], call.Data...)
			verdict, r := httpRequest(arrived[x.FD])
			switch {
			case verdict == httpWhole:
				l.note("method", string(r.Method))
				l.note("target", string(r.Target))
				l.note("count", len(arrived[x.FD]))
				answer(x.FD, 200, "fd3 has read your request.")
				now, done = "a whole request has come", true
			case verdict != httpPartial:
				answer(x.FD, 400, verdict)
				now = verdict
			case call.Ret <= 0:
				now = fmt.Sprintf("%d bytes and the end, but no whole request", len(arrived[x.FD]))
				l.quietly(server, stage.Order{Do: "close", FD: x.FD})
				delete(arrived, x.FD)
			default:
				now = fmt.Sprintf("%d bytes so far: the empty line at the end is still missing", len(arrived[x.FD]))
			}
		}
		if !done {
			l.note("method", "no method")
			l.note("target", "no target")
			l.note("count", 0)
		}
		return done, httpCut(now, 75)
	}
}

func httpCut(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// What httpRequest says of bytes that are no bad request.
const (
	httpPartial = "not complete yet"
	httpWhole   = "a complete request"
)

// httpRequest says what the parser makes of the beginning of a request.
func httpRequest(data []byte) (verdict string, r httpmini.Request) {
	n, err := r.Parse(data, nil)
	if err == nil {
		content := r.Content()
		_, err = content.Span(data, n, nil)
	}
	if err == nil {
		return httpWhole, r
	}
	if problem := httpProblem(err); problem != "" {
		return problem, r
	}
	return httpPartial, r
}

// httpResponse is the content of the response to a GET, and what is wrong with it;
// over says that no more bytes come.
func httpResponse(data []byte, over bool) (body []byte, problem string) {
	var r httpmini.Response
	n, err := r.Parse(data, nil)
	if err != nil {
		return nil, httpProblem(err)
	}
	content := r.Content("GET")
	body, _, err = content.Next(data[n:], nil)
	if problem = httpProblem(err); err != nil && over && problem == "" && r.BodyLength("GET") >= 0 {
		problem = fmt.Sprintf("the end, with %d of %d bytes of content", len(body), r.BodyLength("GET"))
	}
	return body, problem
}

// httpProblem is a bad byte in words; "" where only more bytes are needed.
func httpProblem(err error) string {
	var bad *httpmini.BadError
	if errors.As(err, &bad) {
		return fmt.Sprintf("byte %d: %s", bad.Offset, bad.Why)
	}
	return ""
}

// httpDraw draws a message, each byte under the name of the piece that it belongs
// to, as the parser saw it.
func (l *Lab) httpDraw(data []byte, request bool) {
	var tokens []httpmini.Token
	what := "an HTTP response"
	if request {
		what = "an HTTP request"
		var r httpmini.Request
		if n, err := r.Parse(data, &tokens); err == nil {
			content := r.Content()
			content.Span(data, n, &tokens)
		}
	} else {
		var r httpmini.Response
		if n, err := r.Parse(data, &tokens); err == nil {
			content := r.Content("GET")
			content.Span(data, n, &tokens)
		}
	}
	e := lesson.Event{Kind: lesson.KindBytes, Form: "message", Step: l.part.Lesson, Recap: true, Title: fmt.Sprintf("%d, %s", len(data), what), Data: data}
	for _, t := range tokens {
		e.Spans = append(e.Spans, lesson.Span{Name: t.Kind.String(), Start: t.Start, End: t.End})
	}
	l.walk.Show(e)
}

// httpTake accepts the client that comes, and reads its request to the end.
func (l *Lab) httpTake(listener int, call func(stage.Role, stage.Order) sockets.Call) (conn int, request []byte) {
	conn = int(l.must(call(server, stage.Order{Do: "accept4", FD: listener, Flags: unix.SOCK_CLOEXEC})).Ret)
	for {
		got := l.must(call(server, stage.Order{Do: "recvfrom", FD: conn, Type: unix.SOCK_STREAM, Size: 4096}))
		request = append(request, got.Data...)
		if verdict, _ := httpRequest(request); verdict != httpPartial {
			return conn, request
		}
		if got.Ret == 0 {
			l.failf("the client ended before its request was complete: %q", request)
		}
	}
}

// httpAnswer is what a server without any file says.
func httpAnswer(request []byte) []byte {
	m := httpmini.Message{Status: 404, Date: time.Now(), ContentType: "text/html", Connection: "close"}
	_, r := httpRequest(request)
	switch method := string(r.Method); {
	case method == "GET" || method == "HEAD":
	case httpmini.Registered(r.Method):
		m.Status, m.Fields = 405, []httpmini.FieldLine{{Name: "Allow", Value: "GET, HEAD"}}
	default:
		m.Status = 501
	}
	m.Body = fmt.Appendf(nil, "<h1>%d %s</h1>", m.Status, httpmini.StatusText(m.Status))
	return httpmini.AppendResponse(nil, m)
}

// An httpVisit is one request of a client: of curl or, where there is none, of the
// client process and the parser of fd3.
type httpVisit struct {
	lab      *Lab
	name     string
	cmd      *exec.Cmd // nil without curl
	fd       int       // without curl
	got      []byte    // without curl
	over     chan struct{}
	out, err bytes.Buffer

	exit int    // once it has ended: 0 if it is content
	says string // its complaint
	body string // what it took for the content
}

func (l *Lab) httpVisit(server sockets.Sockaddr, method, target string) *httpVisit {
	v := &httpVisit{lab: l, name: "curl", over: make(chan struct{})}
	defer func() { l.note("client", v.name) }()
	path, err := exec.LookPath("curl")
	if err != nil {
		v.name = "fd3's parser"
		v.fd = int(l.must(l.quietly(client, stage.Order{Do: "socket", Domain: unix.AF_INET, Type: unix.SOCK_STREAM | unix.SOCK_CLOEXEC})).Ret)
		l.must(l.quietly(client, stage.Order{Do: "connect", FD: v.fd, Addr: server}))
		l.must(l.quietly(client, stage.Order{Do: "sendto", FD: v.fd, Data: httpmini.AppendRequest(nil, method, target, server.String())}))
		return v
	}
	v.cmd = exec.Command(path, "-q", "-sS", "--noproxy", "*", "--max-time", "3", "-X", method, "http://"+server.String()+target)
	v.cmd.Stdout, v.cmd.Stderr, v.cmd.WaitDelay = &v.out, &v.err, time.Second
	if err := v.cmd.Start(); err != nil {
		l.failf("curl(1): %w", err)
	}
	go func() {
		defer close(v.over)
		v.cmd.Wait() // its error says what ProcessState does
	}()
	l.atEnd(func() {
		v.cmd.Process.Kill()
		<-v.over
	})
	return v
}

// waits looks whether the client sleeps with all read that was sent, and shows it.
// Not if it has ended.
func (v *httpVisit) waits() (yes bool) {
	l := v.lab
	if v.cmd == nil {
		v.got = l.must(l.quietly(client, stage.Order{Do: "recvfrom", FD: v.fd, Type: unix.SOCK_STREAM, Size: 4096})).Data
		_, problem := httpResponse(v.got, false)
		return problem == ""
	}
	pid := v.cmd.Process.Pid
	var task kernel.Task
	l.until("curl to wait", func() bool {
		select {
		case <-v.over:
			return true
		default:
		}
		var err error
		task, err = kernel.Thread(pid, pid)
		yes = err == nil && task.State == 'S' && l.httpUnread() == 0
		return yes
	})
	if yes {
		path := fmt.Sprintf("/proc/%d/wchan", pid)
		l.show(lesson.Evidence{Fact: "curl", Value: task.StateName + " in " + task.Wchan, Source: path, Command: "cat " + path})
	}
	return yes
}

// httpUnread are the bytes between the server's only connection and its client:
// not received or not read yet.
func (l *Lab) httpUnread() (n int) {
	for _, x := range l.state(server).Sockets {
		if x.Listening {
			continue
		}
		n += x.Unsent
		if row, ok := kernel.Find(l.tcp(), x.Peer.AddrPort(), x.Local.AddrPort()); ok {
			n += int(row.RQueue)
		}
	}
	return n
}

// end waits for the end of the client.
func (v *httpVisit) end() {
	if v.cmd != nil {
		select {
		case <-v.over:
		case <-time.After(patience):
			v.lab.failf("curl(1) did not end within %s", patience)
		}
		v.exit, v.body = v.cmd.ProcessState.ExitCode(), v.out.String()
		v.says = strings.TrimSpace(v.err.String())
		return
	}
	for {
		call := v.lab.must(v.lab.quietly(client, stage.Order{Do: "recvfrom", FD: v.fd, Type: unix.SOCK_STREAM, Size: 4096}))
		v.got = append(v.got, call.Data...)
		if call.Ret == 0 {
			break
		}
	}
	body, problem := httpResponse(v.got, true)
	if v.body, v.says = string(body), problem; problem != "" {
		v.exit = 1
	}
	v.lab.quietly(client, stage.Order{Do: "close", FD: v.fd})
}

// show tells how the client has ended.
func (v *httpVisit) show() {
	e := lesson.Evidence{Fact: v.name, Value: fmt.Sprintf("exit status %d", v.exit), Source: "wait4(2), and what it wrote"}
	if v.cmd == nil {
		e.Value, e.Source = "no problem", "httpmini, over what the client process received"
		if v.exit != 0 {
			e.Value = "a problem"
		}
	}
	if v.says != "" {
		e.Value += ", " + v.says
	}
	e.Value += fmt.Sprintf("; content %q", v.body)
	v.lab.show(e)
}
