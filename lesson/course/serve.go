package course

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

var servePractice = practice{
	experiments: map[string]experiment{
		"pieces":  servePieces,
		"version": serveVersion,
		"idle":    serveIdle,
		"loops":   serveLoops,
		"stop":    serveStop,
	},
	exercises: map[string]exercise{"hang": serveHang},
}

func servePieces(l *Lab) map[string]func() {
	const size, piece = 10000, 4096
	var listener, conn, c, calls, reads int
	path := ""
	do := func(o stage.Order) int {
		calls++
		return int(l.must(l.do(server, o)).Ret)
	}
	return map[string]func(){
		"listen": func() {
			path = filepath.Join(l.folder(), "page.txt")
			if err := os.WriteFile(path, bytes.Repeat([]byte("a line of it\n"), size)[:size], 0o644); err != nil {
				l.failf("%w", err)
			}
			listener = do(stage.Order{Do: "socket", Domain: unix.AF_INET, Type: unix.SOCK_STREAM | unix.SOCK_CLOEXEC})
			do(stage.Order{Do: "setsockopt", FD: listener, Option: unix.SO_REUSEADDR})
			do(stage.Order{Do: "bind", FD: listener, Addr: loopback(0)})
			do(stage.Order{Do: "listen", FD: listener, Backlog: unix.SOMAXCONN})
		},
		"request": func() {
			l.setup(func() { c = l.connect(l.asked(server, listener).Local) })
			l.must(l.send(client, c, "GET /page.txt HTTP/1.0\r\n\r\n"))
			conn = do(stage.Order{Do: "accept4", FD: listener, Flags: unix.SOCK_CLOEXEC})
			do(stage.Order{Do: "read", FD: conn, Size: piece})
		},
		"answer": func() {
			file := do(stage.Order{Do: "openat", Path: path, Flags: unix.O_RDONLY | unix.O_CLOEXEC})
			do(stage.Order{Do: "write", FD: conn, Data: fmt.Appendf(nil, "HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n", size)})
			for {
				calls, reads = calls+1, reads+1
				got := l.must(l.read(server, file, piece))
				if got.Ret == 0 {
					break
				}
				do(stage.Order{Do: "write", FD: conn, Data: got.Data})
			}
			do(stage.Order{Do: "close", FD: file})
			do(stage.Order{Do: "close", FD: conn})
			switch reads {
			case 1:
				l.answer("once")
			case 3:
				l.answer("three")
			case 4:
				l.answer("four")
			}
		},
		"look": func() {
			var all []byte
			for {
				got := l.must(l.quietly(client, stage.Order{Do: "recvfrom", FD: c, Type: unix.SOCK_STREAM, Size: 1 << 16}))
				if got.Ret == 0 {
					break
				}
				all = append(all, got.Data...)
			}
			_, body, _ := bytes.Cut(all, []byte("\r\n\r\n"))
			l.show(lesson.Evidence{Fact: "the client has received", Value: fmt.Sprintf("%s, of them %d of the file", lesson.Counted(len(all), "byte"), len(body)), Source: "recvfrom(2)"})
			l.showFlags(listener)
			l.note("calls", calls)
			l.note("reads", reads)
			l.note("body", len(body))
			l.note("size", size)
		},
	}
}

// showFlags shows the flags of a descriptor of the server, close-on-exec among
// them.
func (l *Lab) showFlags(fd int) {
	info, err := kernel.FDInfo(l.pid(server), fd)
	path := fmt.Sprintf("/proc/%d/fdinfo/%d", l.pid(server), fd)
	if err != nil {
		l.failf("%s: %w", path, err)
	}
	flags := strings.Join(info.Names, "|")
	l.show(lesson.Evidence{Fact: "flags of the listener", Value: fmt.Sprintf("0%o, which is %s", info.Flags, flags), Source: path, Command: "cat " + path})
	l.note("flags", flags)
}
