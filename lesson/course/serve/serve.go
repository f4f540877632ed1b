package serve

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

//go:embed serve.md
var markdown string

// Lesson is the lesson serve.
var Lesson = lab.Lesson{
	ID:    "serve",
	Words: markdown,
	Experiments: lab.Experiments{
		"pieces":  pieces,
		"version": version,
		"idle":    idle,
		"loops":   loops,
		"stop":    stop,
	},
	Exercises: lab.Exercises{"hang": hang},
}

// pieces is a server with a small buffer that sends one file. It is long for its
// steps, which share what each leaves for the next.
func pieces(l *lab.Lab) []lab.Step {
	const size, piece = 10000, 4096
	var listener, conn, c, file, calls, reads int
	var got []byte // by the last read of the file
	path := ""
	do := func(o stage.Order) int {
		calls++
		return int(l.Must(l.Do(lab.Server, o)).Ret)
	}
	read := func() {
		calls, reads = calls+1, reads+1
		got = l.Must(l.Read(lab.Server, file, piece)).Data
	}
	write := func() { do(stage.Order{Do: "write", FD: conn, Data: got}) }
	// further reads once more, and writes what it has read in short.
	further := func() {
		read()
		l.Setup(write)
	}
	return []lab.Step{
		{Name: "socket", Do: func() {
			path = filepath.Join(l.TempDir(), "page.txt")
			if err := os.WriteFile(path, bytes.Repeat([]byte("a line of it\n"), size)[:size], 0o644); err != nil {
				l.Fatalf("%w", err)
			}
			listener = do(stage.Order{Do: "socket", Domain: unix.AF_INET, Type: unix.SOCK_STREAM | unix.SOCK_CLOEXEC})
		}},
		{Name: "option", Do: func() {
			do(stage.Order{Do: "setsockopt", FD: listener, Level: unix.SOL_SOCKET, Option: unix.SO_REUSEADDR, Value: 1})
		}},
		{Name: "bind", Do: func() { do(stage.Order{Do: "bind", FD: listener, Addr: lab.Loopback(0)}) }},
		{Name: "listen", Do: func() { do(stage.Order{Do: "listen", FD: listener, Backlog: unix.SOMAXCONN}) }},
		{Name: "accept", Do: func() {
			l.Setup(func() {
				c = l.Connect(l.Ask(lab.Server, listener).Local)
				l.Must(l.Send(lab.Client, c, "GET /page.txt HTTP/1.0\r\n\r\n"))
			})
			conn = do(stage.Order{Do: "accept4", FD: listener, Flags: unix.SOCK_CLOEXEC})
		}},
		{Name: "request", Do: func() { do(stage.Order{Do: "read", FD: conn, Size: piece}) }},
		{Name: "file", Do: func() {
			file = do(stage.Order{Do: "openat", Path: path, Flags: unix.O_RDONLY | unix.O_CLOEXEC})
		}},
		{Name: "head", Do: func() {
			do(stage.Order{Do: "write", FD: conn, Data: fmt.Appendf(nil, "HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n", size)})
		}},
		{Name: "read", Do: read},
		{Name: "write", Do: write},
		{Name: "second", Do: further},
		{Name: "third", Do: further},
		{Name: "fourth", Do: func() {
			read()
			if len(got) > 0 {
				l.Fatalf("read(2) gave %s more of the file", lesson.Counted(len(got), "byte"))
			}
			switch reads {
			case 1:
				l.Answer("once")
			case 3:
				l.Answer("three")
			case 4:
				l.Answer("four")
			}
		}},
		{Name: "close", Do: func() {
			l.Setup(func() { do(stage.Order{Do: "close", FD: file}) })
			do(stage.Order{Do: "close", FD: conn})
		}},
		{Name: "look", Do: func() {
			var all []byte
			for {
				got := l.Must(l.Quietly(lab.Client, stage.Order{Do: "recvfrom", FD: c, Type: unix.SOCK_STREAM, Size: 1 << 16}))
				if got.Ret == 0 {
					break
				}
				all = append(all, got.Data...)
			}
			_, body, _ := bytes.Cut(all, []byte("\r\n\r\n"))
			l.Show(lesson.Evidence{Fact: "the client has received", Value: fmt.Sprintf("%s, of them %d of the file", lesson.Counted(len(all), "byte"), len(body)), Source: "recvfrom(2)"})
			showFlags(l, listener)
			l.Note("calls", calls)
			l.Note("reads", reads)
			l.Note("body", len(body))
			l.Note("size", size)
		}},
	}
}

// showFlags shows the flags of a descriptor of the server, close-on-exec among
// them.
func showFlags(l *lab.Lab, fd int) {
	info, err := kernel.FDInfo(l.PID(lab.Server), fd)
	path := fmt.Sprintf("/proc/%d/fdinfo/%d", l.PID(lab.Server), fd)
	if err != nil {
		l.Fatalf("%s: %w", path, err)
	}
	flags := strings.Join(info.Names, "|")
	l.Show(facts.Flags(l.PID(lab.Server), fd, info))
	l.Note("flags", flags)
}
