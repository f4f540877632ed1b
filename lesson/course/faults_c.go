package course

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/httpmini"
	"fd3/httpmini/server/docroot"
	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// The faults of a static file server written in C.

// bufferSize is the buffer of that server.
const bufferSize = 4096

// faultUnchecked binds to a port that is taken, does not look at the result, and
// listens all the same.
func faultUnchecked(l *Lab) map[string]func() {
	var addr sockets.Sockaddr
	var fd int
	return map[string]func(){
		"taken": func() { addr = l.taken() },
		"wrong": func() {
			fd = l.stream(server)
			l.onlyLoopback(fd)
			l.bind(server, fd, addr)
			l.listen(server, fd, 5)
		},
		"look": func() {
			x := l.asked(server, fd)
			l.show(lesson.Evidence{Fact: "local address", Value: x.Local.String(), Source: "getsockname(2)"})
			l.show(lesson.Evidence{Fact: "state", Value: x.State().String(), Source: "getsockopt(2) TCP_INFO"})
			l.note("wanted", addr)
			l.note("got", x.Local)
			switch {
			case !x.Listening:
				l.answer("fails")
			case x.Local.Port() == addr.Port():
				l.answer("shares")
			default:
				l.answer("elsewhere")
			}
		},
	}
}

// onlyLoopback ties a socket to the loopback interface, so that no other machine
// reaches what the fault opens (SO_BINDTOIFINDEX, since Linux 5.0).
func (l *Lab) onlyLoopback(fd int) {
	text, err := os.ReadFile("/sys/class/net/lo/ifindex")
	if err != nil {
		l.failf("the loopback interface: %w", err)
	}
	var index int
	fmt.Sscan(string(text), &index)
	l.must(l.do(server, stage.Order{Do: "setsockopt", FD: fd, Level: unix.SOL_SOCKET, Option: unix.SO_BINDTOIFINDEX, Value: index}))
}

// faultRoot joins the directory and the target of a request as text.
func faultRoot(l *Lab) map[string]func() {
	root := func() string {
		dir := l.folder()
		public := filepath.Join(dir, "public")
		if err := os.Mkdir(public, 0o700); err != nil {
			l.failf("%w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("secret\n"), 0o600); err != nil {
			l.failf("%w", err)
		}
		return public
	}
	var public string
	// open shows what the server has opened there: a path, or why not.
	open := func(path string) (opened string) {
		call := l.do(server, stage.Order{Do: "openat", FD: unix.AT_FDCWD, Path: path, Flags: unix.O_RDONLY | unix.O_CLOEXEC})
		if call.Errno != 0 {
			return call.ErrnoName()
		}
		link := fmt.Sprintf("/proc/%d/fd/%d", l.pid(server), call.Ret)
		opened, err := os.Readlink(link)
		if err != nil {
			l.failf("%w", err)
		}
		l.show(lesson.Evidence{Fact: "what was opened", Value: opened, Source: link, Command: "readlink " + link})
		return opened
	}
	return map[string]func(){
		"wrong": func() {
			public = root()
			reached := open(public + "/../secret")
			l.note("reached", reached)
			if reached == filepath.Join(filepath.Dir(public), "secret") {
				l.answer("leaves")
			} else {
				l.answer("stays")
			}
		},
		"slashes": func() {
			target := "/" + filepath.Join(filepath.Dir(public), "secret")
			l.show(lesson.Evidence{Fact: "the target", Value: target, Source: "the request"})
			l.note("absolute", open(strings.TrimPrefix(target, "/")))
		},
		"right": func() {
			r, err := docroot.Open(public)
			if err != nil {
				l.failf("%w", err)
			}
			defer r.Close()
			var last sockets.Call
			t := sockets.Tracer{Observe: func(c sockets.Call) {
				if c.Returned {
					l.toldHere(c)
					last = c
				}
			}}
			f, err := r.Open(&t, "../secret")
			if err == nil {
				f.Close()
				l.note("beneath", "nothing: it opened the file")
				return
			}
			l.note("beneath", last.ErrnoName())
		},
	}
}

// faultPadding sends its whole buffer, however few bytes the file has.
func faultPadding(l *Lab) map[string]func() {
	const size = 255
	var fd, read int
	var addr sockets.Sockaddr
	buffer := make([]byte, bufferSize)
	answer := func(body []byte) int64 {
		var c, conn int
		l.setup(func() { c = l.connect(addr); conn = l.accept(fd) })
		l.must(l.send(server, conn, string(body)))
		l.until("the bytes to arrive", func() bool { return l.asked(client, c).Unread >= len(body) })
		call := l.must(l.recv(client, c, 2*bufferSize))
		zeros := bytes.Count(call.Data, []byte{0})
		l.show(lesson.Evidence{Fact: "received", Value: fmt.Sprintf("%s, %d of them zero", lesson.Counted(call.Ret, "byte"), zeros), Source: "recvfrom(2)", Have: int64(read), Full: call.Ret})
		return call.Ret
	}
	return map[string]func(){
		"wrong": func() {
			path := filepath.Join(l.folder(), "page.txt")
			if err := os.WriteFile(path, bytes.Repeat([]byte("f"), size), 0o600); err != nil {
				l.failf("%w", err)
			}
			fd, addr = l.listener(1)
			file := int(l.must(l.do(server, stage.Order{Do: "openat", FD: unix.AT_FDCWD, Path: path, Flags: unix.O_RDONLY | unix.O_CLOEXEC})).Ret)
			read = copy(buffer, l.must(l.read(server, file, bufferSize)).Data)
			l.note("size", read)
			l.note("got", answer(buffer))
		},
		"right": func() { l.note("right", answer(buffer[:read])) },
	}
}

// faultDirectory opens a directory as if it were a file, and sends to a client
// that has gone.
func faultDirectory(l *Lab) map[string]func() {
	var conn, dir int
	return map[string]func(){
		"open": func() {
			dir = int(l.must(l.do(server, stage.Order{Do: "openat", FD: unix.AT_FDCWD, Path: l.folder(), Flags: unix.O_RDONLY | unix.O_CLOEXEC})).Ret)
			path := fmt.Sprintf("/proc/%d/fd/%d", l.pid(server), dir)
			info, err := os.Stat(path)
			if err != nil {
				l.failf("%w", err)
			}
			kind := map[bool]string{true: "a directory", false: "no directory"}[info.IsDir()]
			l.show(lesson.Evidence{Fact: fmt.Sprintf("descriptor %d", dir), Value: kind, Source: "stat(2) of " + path, Command: "stat -L " + path})
			l.note("kind", kind)
			l.note("errno", l.do(server, stage.Order{Do: "read", FD: dir, Size: bufferSize}).ErrnoName())
		},
		"wrong": func() {
			l.must(l.do(server, stage.Order{Do: "sigaction"}))
			l.setup(func() {
				var c int
				_, conn, c = l.connection()
				l.close(client, c)
			})
			l.must(l.do(server, stage.Order{Do: "sendto", FD: conn, Data: []byte("HTTP/1.0 200 OK\r\n\r\n")}))
			l.until("the reset", func() bool { return l.tcpState(server, conn) == kernel.Close })
			_, signal := l.lastCall(stage.Order{Do: "sendto", FD: conn, Data: []byte("the directory?")})
			l.note("signal", cmp.Or(signal, "none"))
		},
		"right": func() {
			l.kill(server)
			l.kill(client)
			l.setup(func() {
				var c int
				_, conn, c = l.connection()
				l.close(client, c)
			})
			l.must(l.send(server, conn, "HTTP/1.0 200 OK\r\n\r\n"))
			l.until("the reset", func() bool { return l.tcpState(server, conn) == kernel.Close })
			l.note("mended", l.send(server, conn, "the directory?").ErrnoName())
		},
	}
}

// faultSplit takes what one recv gives for the whole request.
func faultSplit(l *Lab) map[string]func() {
	var conn, c int
	return map[string]func(){
		"wrong": func() {
			_, conn, c = l.connection()
			l.must(l.send(client, c, "GE"))
			call := l.must(l.recv(server, conn, bufferSize))
			verdict := "200 OK"
			if !strings.HasPrefix(string(call.Data), "GET ") {
				verdict = "501 Not Implemented"
			}
			l.note("read", call.Ret)
			l.note("verdict", verdict)
			l.show(lesson.Evidence{Fact: "the program", Value: fmt.Sprintf("compares %q with \"GET \": %s", call.Data, verdict), Source: "recvfrom(2)"})
		},
		"right": func() {
			l.must(l.send(client, c, "T / HTTP/1.0\r\n\r\n"))
			call := l.must(l.recv(server, conn, bufferSize))
			var r httpmini.Request
			if _, err := r.Parse(append([]byte("GE"), call.Data...), nil); err != nil {
				l.failf("the request does not parse: %w", err)
			}
			l.note("method", string(r.Method))
			l.show(lesson.Evidence{Fact: "both together", Value: fmt.Sprintf("method %s, target %s", r.Method, r.Target), Source: "recvfrom(2), twice"})
		},
	}
}

// faultLarge reads a request once, and closes with the rest unread.
func faultLarge(l *Lab) map[string]func() {
	request := "GET / HTTP/1.0\r\nCookie: " + strings.Repeat("x", 2*bufferSize) + "\r\n\r\n"
	const response = "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nyes"
	var conn, c int
	ask := func() {
		_, conn, c = l.connection()
		l.must(l.send(client, c, request))
		l.until("the request to arrive", func() bool { return l.asked(server, conn).Unread == len(request) })
		l.must(l.recv(server, conn, bufferSize))
	}
	return map[string]func(){
		"ask": func() {
			ask()
			unread := l.asked(server, conn).Unread
			l.note("sent", len(request))
			l.note("unread", unread)
			l.show(lesson.Evidence{Fact: "unread", Value: fmt.Sprintf("%d of %d bytes", unread, len(request)), Source: "ioctl(2) SIOCINQ", Have: int64(unread), Full: int64(len(request))})
		},
		"wrong": func() {
			l.must(l.send(server, conn, response))
			l.close(server, conn)
			l.until("the end of the connection", func() bool { return l.tcpState(client, c) == kernel.Close })
			got := int64(0)
			call := l.recv(client, c, bufferSize)
			for ; call.Errno == 0 && call.Ret > 0; call = l.recv(client, c, bufferSize) {
				got += call.Ret
			}
			l.note("got", got)
			l.note("end", said(call))
			switch {
			case call.Errno == 0:
				l.answer("answer")
			case got == int64(len(response)):
				l.answer("both")
			default:
				l.answer("lost")
			}
		},
		"right": func() {
			l.kill(server)
			l.kill(client)
			l.setup(func() {
				ask()
				for l.asked(server, conn).Unread > 0 {
					l.must(l.recv(server, conn, bufferSize))
				}
			})
			l.must(l.send(server, conn, response))
			l.close(server, conn)
			l.until("the answer to arrive", func() bool { return l.asked(client, c).Unread >= len(response) })
			l.note("right", l.must(l.recv(client, c, bufferSize)).Ret)
			l.note("ends", said(l.recv(client, c, bufferSize)))
		},
	}
}
