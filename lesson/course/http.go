package course

import (
	"fmt"
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

// httpContent is what a Content-Length is about here, be it true or not.
const httpContent = "hello"

func httpEnd(l *Lab) map[string]func() {
	var conn, fd int
	var request, received []byte
	var host string
	read := func(sent []byte) (verdict string) {
		l.must(l.send(client, fd, string(sent)))
		received = append(received, l.must(l.recv(server, conn, 4096)).Data...)
		verdict, _ = httpRequest(received)
		l.show(lesson.Evidence{Fact: "the parser", Value: verdict, Source: "httpmini, over " + lesson.Counted(len(received), "byte")})
		return verdict
	}
	return map[string]func(){
		"connect": func() {
			l.setup(func() { _, conn, fd = l.connection() })
			host = l.asked(client, fd).Peer.String()
			request = httpmini.AppendRequest(nil, "GET", "/", host)
		},
		"most": func() {
			l.note("half", read(request[:len(request)-2]))
			l.note("most", len(received))
		},
		"rest": func() {
			half, _ := httpRequest(received)
			whole := read(request[len(request)-2:])
			l.note("whole", whole)
			l.note("bytes", len(received))
			if half == httpPartial && whole == httpWhole {
				l.answer("empty")
			}
		},
		"draw": func() { l.httpDraw(received, true) },
		"content": func() {
			post := httpmini.AppendRequest(nil, "POST", "/", host, httpmini.FieldLine{Name: "Content-Length", Value: fmt.Sprint(len(httpContent))})
			received = nil
			l.note("post_half", read(append(post, httpContent[:2]...)))
			l.note("post_whole", read([]byte(httpContent[2:])))
			l.note("post_length", len(httpContent))
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
			l.note("exit", v.how)
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
		"wait": func() {
			waited = v.waits()
			l.note("long_wait", map[bool]string{true: "wanted more", false: "had ended already"}[waited])
		},
		"close": func() {
			l.must(l.close(server, conn))
			v.end()
			v.show()
			l.note("long_exit", v.how)
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
			l.note("short_exit", v.how)
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
			l.note("bare_exit", v.how)
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
			l.note("empty_exit", v.how)
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
			if x.Listening || x.Unread == 0 && x.State() == kernel.Established {
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
				l.httpDraw(arrived[x.FD], true)
				answer(x.FD, 200, "fd3 has read your request.")
				now, done = "a whole request has come", true
			case verdict != httpPartial:
				answer(x.FD, 400, verdict)
				now = verdict
			case call.Ret <= 0:
				now = lesson.Counted(len(arrived[x.FD]), "byte") + " and the end, but no whole request"
				l.quietly(server, stage.Order{Do: "close", FD: x.FD})
				delete(arrived, x.FD)
			default:
				now = lesson.Counted(len(arrived[x.FD]), "byte") + " so far: the empty line at the end is still missing"
			}
		}
		if !done {
			l.note("method", "no method")
			l.note("target", "no target")
			l.note("count", 0)
		}
		return done, now
	}
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
