package faults

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/httpmini"
	"fd3/httpmini/server/docroot"
	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// The faults of a static file server written in C.

// bufferSize is the buffer of that server.
const bufferSize = 4096

// unchecked binds to a port that is taken, does not look at the result, and
// listens all the same.
func unchecked(l *lab.Lab) []lab.Step {
	var addr sockets.Sockaddr
	var fd int
	return []lab.Step{
		{Name: "taken", Do: func() { addr = taken(l) }},
		{Name: "wrong", Do: func() {
			fd = l.Unbound(lab.Server)
			onlyLoopback(l, fd)
			l.Bind(lab.Server, fd, addr)
		}},
		{Name: "listen", Do: func() { l.Listen(lab.Server, fd, 5) }},
		{Name: "look", Do: func() {
			x := l.Ask(lab.Server, fd)
			l.Show(facts.LocalAddress(x.Local, ""))
			l.Show(facts.State(x.State(), ""))
			l.Note("wanted", addr)
			l.Note("got", x.Local)
			switch {
			case !x.Listening:
				l.Answer("fails")
			case x.Local.Port() == addr.Port():
				l.Answer("shares")
			default:
				l.Answer("elsewhere")
			}
		}},
	}
}

// onlyLoopback ties a socket to the loopback interface, so that no other machine
// reaches what the fault opens (SO_BINDTOIFINDEX, since Linux 5.0). The call is told in
// short.
func onlyLoopback(l *lab.Lab, fd int) {
	links, err := l.Net().Links()
	if err != nil {
		l.Fatalf("the loopback interface: %w", err)
	}
	lo := slices.IndexFunc(links, kernel.Link.Loopback)
	if lo < 0 {
		l.Fatalf("no loopback interface")
	}
	l.Setup(func() { l.SetOption(lab.Server, fd, unix.SO_BINDTOIFINDEX, links[lo].Index) })
}

// root joins the directory and the target of a request as text. It is long for its
// steps, which share what each leaves for the next.
func root(l *lab.Lab) []lab.Step {
	root := func() string {
		dir := l.TempDir()
		public := filepath.Join(dir, "public")
		if err := os.Mkdir(public, 0o700); err != nil {
			l.Fatalf("%w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("secret\n"), 0o600); err != nil {
			l.Fatalf("%w", err)
		}
		return public
	}
	var public string
	// open shows what the server has opened there: a path, or why not.
	open := func(path string) (opened string) {
		call := l.Do(lab.Server, stage.Order{Do: "openat", FD: unix.AT_FDCWD, Path: path, Flags: unix.O_RDONLY | unix.O_CLOEXEC})
		if call.Errno != 0 {
			return call.ErrnoName()
		}
		link := fmt.Sprintf("/proc/%d/fd/%d", l.PID(lab.Server), call.Ret)
		opened, err := os.Readlink(link)
		if err != nil {
			l.Fatalf("%w", err)
		}
		l.Show(lesson.Evidence{Fact: "what was opened", Value: opened, Source: link, Command: "readlink " + link})
		return opened
	}
	return []lab.Step{
		{Name: "wrong", Do: func() {
			public = root()
			reached := open(public + "/../secret")
			l.Note("reached", reached)
			if reached == filepath.Join(filepath.Dir(public), "secret") {
				l.Answer("leaves")
			} else {
				l.Answer("stays")
			}
		}},
		{Name: "slashes", Do: func() {
			target := "/" + filepath.Join(filepath.Dir(public), "secret")
			l.Show(lesson.Evidence{Fact: "the target", Value: target, Source: "the request"})
			l.Note("absolute", open(strings.TrimPrefix(target, "/")))
		}},
		{Name: "right", Do: func() {
			r, err := docroot.Open(public)
			if err != nil {
				l.Fatalf("%w", err)
			}
			defer r.Close()
			var last sockets.Call
			t := sockets.Tracer{Observe: func(c sockets.Call) {
				if c.Returned {
					toldHere(l, c)
					last = c
				}
			}}
			f, err := r.Open(&t, "../secret")
			if err == nil {
				f.Close()
				l.Note("beneath", "nothing: it opened the file")
				return
			}
			l.Note("beneath", last.ErrnoName())
		}},
	}
}

// padding sends its whole buffer, however few bytes the file has.
func padding(l *lab.Lab) []lab.Step {
	const size = 255
	var fd, read int
	var addr sockets.Sockaddr
	buffer := make([]byte, bufferSize)
	answer := func(body []byte) int64 {
		var c, conn int
		l.Setup(func() { c = l.Connect(addr); conn = l.Accept(fd) })
		l.Must(l.Send(lab.Server, conn, string(body)))
		l.Until("the bytes to arrive", func() bool { return l.Ask(lab.Client, c).Unread >= len(body) })
		var call sockets.Call
		l.Setup(func() { call = l.Must(l.Recv(lab.Client, c, 2*bufferSize)) })
		zeros := bytes.Count(call.Data, []byte{0})
		l.Show(lesson.Evidence{Fact: "received", Value: fmt.Sprintf("%s, %d of them zero", lesson.Counted(call.Ret, "byte"), zeros), Source: "recvfrom(2)", Have: int64(read), Full: call.Ret})
		return call.Ret
	}
	return []lab.Step{
		{Name: "read", Do: func() {
			path := filepath.Join(l.TempDir(), "page.txt")
			if err := os.WriteFile(path, bytes.Repeat([]byte("f"), size), 0o600); err != nil {
				l.Fatalf("%w", err)
			}
			fd, addr = l.Listener(1)
			var file int
			l.Setup(func() {
				file = int(l.Must(l.Do(lab.Server, stage.Order{Do: "openat", FD: unix.AT_FDCWD, Path: path, Flags: unix.O_RDONLY | unix.O_CLOEXEC})).Ret)
			})
			read = copy(buffer, l.Must(l.Read(lab.Server, file, bufferSize)).Data)
			l.Note("size", read)
		}},
		{Name: "wrong", Do: func() { l.Note("got", answer(buffer)) }},
		{Name: "right", Do: func() { l.Note("right", answer(buffer[:read])) }},
	}
}

// directory opens a directory as if it were a file, and sends to a client
// that has gone.
func directory(l *lab.Lab) []lab.Step {
	var conn, dir int
	// left is a connection whose client has gone.
	left := func() {
		l.Setup(func() {
			var c int
			_, conn, c = l.Connection()
			l.Close(lab.Client, c)
		})
	}
	return []lab.Step{
		{Name: "open", Do: func() {
			dir = int(l.Must(l.Do(lab.Server, stage.Order{Do: "openat", FD: unix.AT_FDCWD, Path: l.TempDir(), Flags: unix.O_RDONLY | unix.O_CLOEXEC})).Ret)
			path := fmt.Sprintf("/proc/%d/fd/%d", l.PID(lab.Server), dir)
			info, err := os.Stat(path)
			if err != nil {
				l.Fatalf("%w", err)
			}
			kind := map[bool]string{true: "a directory", false: "no directory"}[info.IsDir()]
			l.Show(lesson.Evidence{Fact: fmt.Sprintf("descriptor %d", dir), Value: kind, Source: "stat(2) of " + path, Command: "stat -L " + path})
			l.Note("kind", kind)
		}},
		{Name: "read", Do: func() {
			l.Note("errno", l.Do(lab.Server, stage.Order{Do: "read", FD: dir, Size: bufferSize}).ErrnoName())
		}},
		{Name: "wrong", Do: func() {
			l.Setup(func() { l.Must(l.Do(lab.Server, stage.Order{Do: "sigaction"})) })
			left()
			l.Must(l.Do(lab.Server, stage.Order{Do: "sendto", FD: conn, Data: []byte("HTTP/1.0 200 OK\r\n\r\n")}))
			l.Until("the reset", func() bool { return l.TCPState(lab.Server, conn) == kernel.Close })
		}},
		{Name: "second", Do: func() {
			_, signal := l.LastCall(stage.Order{Do: "sendto", FD: conn, Data: []byte("the directory?")})
			l.Note("signal", cmp.Or(signal, "none"))
		}},
		{Name: "right", Do: func() {
			l.Kill(lab.Server)
			l.Kill(lab.Client)
			left()
			l.Must(l.Send(lab.Server, conn, "HTTP/1.0 200 OK\r\n\r\n"))
			l.Until("the reset", func() bool { return l.TCPState(lab.Server, conn) == kernel.Close })
		}},
		{Name: "nosignal", Do: func() {
			l.Note("mended", l.Send(lab.Server, conn, "the directory?").ErrnoName())
		}},
	}
}

// split takes what one recv gives for the whole request.
func split(l *lab.Lab) []lab.Step {
	var conn, c int
	return []lab.Step{
		{Name: "wrong", Do: func() {
			l.Setup(func() {
				_, conn, c = l.Connection()
				l.Must(l.Send(lab.Client, c, "GE"))
			})
			call := l.Must(l.Recv(lab.Server, conn, bufferSize))
			verdict := "200 OK"
			if !strings.HasPrefix(string(call.Data), "GET ") {
				verdict = "501 Not Implemented"
			}
			l.Note("read", call.Ret)
			l.Note("verdict", verdict)
			l.Show(lesson.Evidence{Fact: "the program", Value: fmt.Sprintf("compares %q with \"GET \": %s", call.Data, verdict), Source: "recvfrom(2)"})
		}},
		{Name: "right", Do: func() {
			l.Setup(func() { l.Must(l.Send(lab.Client, c, "T / HTTP/1.0\r\n\r\n")) })
			call := l.Must(l.Recv(lab.Server, conn, bufferSize))
			var r httpmini.Request
			if _, err := r.Parse(append([]byte("GE"), call.Data...), nil); err != nil {
				l.Fatalf("the request does not parse: %w", err)
			}
			l.Note("method", string(r.Method))
			l.Show(lesson.Evidence{Fact: "both together", Value: fmt.Sprintf("method %s, target %s", r.Method, r.Target), Source: "recvfrom(2), twice"})
		}},
	}
}

// large reads a request once, and closes with the rest unread.
func large(l *lab.Lab) []lab.Step {
	request := "GET / HTTP/1.0\r\nCookie: " + strings.Repeat("x", 2*bufferSize) + "\r\n\r\n"
	const response = "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nyes"
	var conn, c int
	ask := func() {
		l.Setup(func() {
			_, conn, c = l.Connection()
			l.Must(l.Send(lab.Client, c, request))
		})
		l.Until("the request to arrive", func() bool { return l.Ask(lab.Server, conn).Unread == len(request) })
	}
	read := func() { l.Must(l.Recv(lab.Server, conn, bufferSize)) }
	answer := func() { l.Must(l.Send(lab.Server, conn, response)) }
	hangUp := func() { l.Close(lab.Server, conn) }
	got := int64(0)
	var call sockets.Call
	// receive has the client receive once.
	receive := func() {
		call = l.Recv(lab.Client, c, bufferSize)
		got += max(call.Ret, 0)
	}
	return []lab.Step{
		{Name: "ask", Do: func() {
			ask()
			read()
			unread := l.Ask(lab.Server, conn).Unread
			l.Note("sent", len(request))
			l.Note("unread", unread)
			l.Show(facts.UnreadOf(unread, len(request)))
		}},
		{Name: "answer", Do: answer},
		{Name: "wrong", Do: func() {
			hangUp()
			l.Until("the end of the connection", func() bool { return l.TCPState(lab.Client, c) == kernel.Close })
		}},
		{Name: "recv", Do: receive},
		{Name: "end", Do: func() {
			for call.Errno == 0 && call.Ret > 0 {
				receive()
			}
			l.Note("got", got)
			l.Note("end", lab.Said(call))
			switch {
			case call.Errno == 0:
				l.Answer("answer")
			case got == int64(len(response)):
				l.Answer("both")
			default:
				l.Answer("lost")
			}
		}},
		{Name: "right", Do: func() {
			l.Kill(lab.Server)
			l.Kill(lab.Client)
			l.Setup(func() {
				ask()
				for l.Ask(lab.Server, conn).Unread > 0 {
					read()
				}
				answer()
			})
			hangUp()
		}},
		{Name: "whole", Do: func() {
			l.Until("the answer to arrive", func() bool { return l.Ask(lab.Client, c).Unread >= len(response) })
			receive()
			l.Note("right", l.Must(call).Ret)
		}},
		{Name: "orderly", Do: func() {
			receive()
			l.Note("ends", lab.Said(call))
		}},
	}
}
