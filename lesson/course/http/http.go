package http

import (
	_ "embed"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fd3/httpmini"
	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

//go:embed http.md
var markdown string

// Lesson is the lesson http.
var Lesson = lab.Lesson{
	ID:    "http",
	Words: markdown,
	Experiments: lab.Experiments{
		"end":     end,
		"missing": missing,
		"long":    long,
		"lines":   lines,
	},
	Exercises: lab.Exercises{"type": typed},
}

// content is what a Content-Length is about here, be it true or not.
const content = "hello"

func end(l *lab.Lab) []lab.Step {
	var conn, fd int
	var request, received []byte
	var host string
	read := func(sent []byte) (verdict string) {
		l.Setup(func() { l.Must(l.Send(lab.Client, fd, string(sent))) })
		received = append(received, l.Must(l.Recv(lab.Server, conn, 4096)).Data...)
		verdict, _ = parseRequest(received)
		l.Show(lesson.Evidence{Fact: "the parser", Value: verdict, Source: "httpmini, over " + lesson.Counted(len(received), "byte")})
		return verdict
	}
	return []lab.Step{
		{Name: "connect", Do: func() {
			l.Setup(func() { _, conn, fd = l.Connection() })
			host = l.Ask(lab.Client, fd).Peer.String()
			request = httpmini.AppendRequest(nil, "GET", "/", host)
		}},
		{Name: "most", Do: func() {
			l.Note("half", read(request[:len(request)-2]))
			l.Note("most", len(received))
		}},
		{Name: "rest", Do: func() {
			half, _ := parseRequest(received)
			whole := read(request[len(request)-2:])
			l.Note("whole", whole)
			l.Note("bytes", len(received))
			if half == partialRequest && whole == wholeRequest {
				l.Answer("empty")
			}
		}},
		{Name: "draw", Do: func() { draw(l, received, true) }},
		{Name: "content", Do: func() {
			post := httpmini.AppendRequest(nil, "POST", "/", host, httpmini.FieldLine{Name: "Content-Length", Value: fmt.Sprint(len(content))})
			received = nil
			l.Note("post_half", read(append(post, content[:2]...)))
		}},
		{Name: "whole", Do: func() {
			l.Note("post_whole", read([]byte(content[2:])))
			l.Note("post_length", len(content))
		}},
	}
}

func missing(l *lab.Lab) []lab.Step {
	var listener, conn int
	var v *visit
	var request, answer []byte
	ask := func(method, target string) {
		v = newVisit(l, l.Ask(lab.Server, listener).Local, method, target)
		conn = l.Accept(listener)
	}
	read := func() { request = readRequest(l, conn) }
	reply := func() {
		answer = respond(request)
		l.Must(l.Send(lab.Server, conn, string(answer)))
	}
	hangUp := func() {
		l.Must(l.Close(lab.Server, conn))
		v.end()
	}
	return []lab.Step{
		{Name: "listen", Do: func() { l.Setup(func() { listener, _ = l.Listener(8) }) }},
		{Name: "ask", Do: func() { ask("GET", "/missing") }},
		{Name: "read", Do: read},
		{Name: "answer", Do: reply},
		{Name: "close", Do: hangUp},
		{Name: "look", Do: func() {
			draw(l, answer, false)
			v.show()
			l.Note("exit", v.how)
			l.Note("page", v.body)
			l.Answer("error")
			if v.exit == 0 {
				l.Answer("fine")
			}
		}},
		{Name: "methods", Do: func() {
			for _, method := range []string{"DELETE", "GRAB"} {
				l.Setup(func() {
					ask(method, "/")
					read()
					reply()
					hangUp()
				})
				line, _, _ := strings.Cut(string(answer), "\r\n")
				l.Show(lesson.Evidence{Fact: method + " /", Value: line, Source: "sent by the server, received by " + v.name})
				l.Note(strings.ToLower(method), strings.TrimPrefix(line, "HTTP/1.1 "))
			}
		}},
	}
}

func long(l *lab.Lab) []lab.Step {
	var listener, conn int
	var v *visit
	ask := func(length int) {
		v = newVisit(l, l.Ask(lab.Server, listener).Local, "GET", "/")
		conn = take(l, listener)
		answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", length, content)
		l.Must(l.Send(lab.Server, conn, answer))
		draw(l, []byte(answer), false)
	}
	var waited bool
	return []lab.Step{
		{Name: "send", Do: func() {
			l.Setup(func() { listener, _ = l.Listener(8) })
			ask(2 * len(content))
			l.Note("said", 2*len(content))
			l.Note("sent", len(content))
		}},
		{Name: "wait", Do: func() {
			waited = v.waits()
			l.Note("long_wait", map[bool]string{true: "wanted more", false: "had ended already"}[waited])
		}},
		{Name: "close", Do: func() {
			l.Must(l.Close(lab.Server, conn))
			v.end()
			v.show()
			l.Note("long_exit", v.how)
			switch {
			case waited && v.exit != 0:
				l.Answer("waits")
			case v.exit != 0:
				l.Answer("refuses")
			default:
				l.Answer("shows")
			}
		}},
		{Name: "short", Do: func() {
			ask(len(content) - 2)
			l.Setup(func() { l.Must(l.Close(lab.Server, conn)) })
			v.end()
			v.show()
			l.Note("short_said", len(content)-2)
			l.Note("short_exit", v.how)
			l.Note("short_body", v.body)
		}},
	}
}

func lines(l *lab.Lab) []lab.Step {
	var listener int
	ask := func(answer string) *visit {
		v := newVisit(l, l.Ask(lab.Server, listener).Local, "GET", "/")
		conn := take(l, listener)
		l.Must(l.Send(lab.Server, conn, answer))
		l.Setup(func() { l.Must(l.Close(lab.Server, conn)) })
		v.end()
		v.show()
		return v
	}
	return []lab.Step{
		{Name: "bare", Do: func() {
			l.Setup(func() { listener, _ = l.Listener(8) })
			answer := fmt.Sprintf("HTTP/1.1 200 OK\nContent-Length: %d\n\n%s", len(content), content)
			v := ask(answer)
			_, problem := parseResponse([]byte(answer), true)
			l.Show(lesson.Evidence{Fact: "fd3's parser", Value: problem, Source: "httpmini, over the same bytes"})
			l.Note("bare_exit", v.how)
			l.Note("bare_problem", problem)
			switch accepts, strict := v.exit == 0, problem == ""; {
			case accepts != strict:
				l.Answer("disagree")
			case accepts:
				l.Answer("accept")
			default:
				l.Answer("refuse")
			}
		}},
		{Name: "empty", Do: func() {
			v := ask(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s", len(content), content))
			l.Note("empty_exit", v.how)
			l.Note("empty_body", len(v.body))
		}},
	}
}

// typed wants a request typed by hand: without the field by which the programs that
// write requests tell their name. A wrong one is answered with what is
// wrong, so that the learner can try again.
func typed(l *lab.Lab) lab.Check {
	var listener int
	l.Setup(func() { listener, _ = l.Listener(8) })
	arrived := make(map[int][]byte)
	now, done := "no connection yet", false
	answer := func(fd int, status int, text string) {
		message := httpmini.AppendResponse(nil, httpmini.Message{Status: status, Date: time.Now(), ContentType: "text/plain; charset=utf-8", Body: []byte(text + "\n"), Connection: "close"})
		l.Quietly(lab.Server, stage.Order{Do: "sendto", FD: fd, Data: message, Flags: unix.MSG_NOSIGNAL})
		l.Quietly(lab.Server, stage.Order{Do: "close", FD: fd})
		delete(arrived, fd)
	}
	return func() (bool, string) {
		if l.Queue(listener).Waiting > 0 {
			conn := l.Must(l.Quietly(lab.Server, stage.Order{Do: "accept4", FD: listener, Flags: unix.SOCK_CLOEXEC}))
			arrived[int(conn.Ret)] = nil
			now = "connected; no byte has come yet"
		}
		for _, x := range l.State(lab.Server).Sockets {
			if x.Listening || x.Unread == 0 && x.State() == kernel.Established {
				continue
			}
			call := l.Quietly(lab.Server, stage.Order{Do: "recvfrom", FD: x.FD, Type: unix.SOCK_STREAM, Size: 4096, Flags: unix.MSG_DONTWAIT})
			arrived[x.FD] = append(arrived[x.FD], call.Data...)
			verdict, r := parseRequest(arrived[x.FD])
			agent, signed := r.Fields.Get("User-Agent")
			switch {
			case verdict == wholeRequest && signed:
				now = fmt.Sprintf("a program wrote this: its field User-Agent says %.40q. Type a request without one", agent)
				answer(x.FD, 200, now)
			case verdict == wholeRequest:
				l.Note("method", string(r.Method))
				l.Note("target", string(r.Target))
				l.Note("count", len(arrived[x.FD]))
				draw(l, arrived[x.FD], true)
				answer(x.FD, 200, "fd3 has read your request.")
				now, done = "a whole request has come", true
			case verdict != partialRequest:
				answer(x.FD, 400, verdict)
				now = verdict
			case call.Ret <= 0:
				now = lesson.Counted(len(arrived[x.FD]), "byte") + " and the end, but no whole request"
				l.Quietly(lab.Server, stage.Order{Do: "close", FD: x.FD})
				delete(arrived, x.FD)
			default:
				now = lesson.Counted(len(arrived[x.FD]), "byte") + " so far: the empty line at the end is still missing"
			}
		}
		if !done {
			l.Note("method", "no method")
			l.Note("target", "no target")
			l.Note("count", 0)
		}
		return done, now
	}
}

// take accepts the client that comes, and reads its request to the end. Its calls are
// told in short.
func take(l *lab.Lab, listener int) (conn int) {
	l.Setup(func() {
		conn = l.Accept(listener)
		readRequest(l, conn)
	})
	return conn
}

// readRequest reads a request to the end.
func readRequest(l *lab.Lab, conn int) (request []byte) {
	for {
		got := l.Must(l.Recv(lab.Server, conn, 4096))
		request = append(request, got.Data...)
		if verdict, _ := parseRequest(request); verdict != partialRequest {
			return request
		}
		if got.Ret == 0 {
			l.Fatalf("the client ended before its request was complete: %q", request)
		}
	}
}
