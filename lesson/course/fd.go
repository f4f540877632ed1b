package course

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

var fdPractice = practice{
	experiments: map[string]experiment{
		"number": fdNumber,
		"write":  fdWrite,
		"dup":    fdDup,
	},
	exercises: map[string]exercise{"shell": fdShell},
}

func fdNumber(l *Lab) map[string]func() {
	var fds [3]int
	const closed = 1 // of the three
	return map[string]func(){
		"make": func() {
			for i := range fds {
				fds[i] = l.stream(server)
			}
		},
		"close": func() {
			l.note("old_inode", l.inode(server, fds[closed]))
			l.must(l.close(server, fds[closed]))
		},
		"again": func() {
			fd := l.stream(server)
			l.note("closed", fds[closed])
			l.note("last", fds[len(fds)-1])
			l.note("number", fd)
			l.note("new_inode", l.inode(server, fd))
			switch fd {
			case fds[closed]:
				l.answer("free")
			case fds[len(fds)-1] + 1:
				l.answer("next")
			default:
				l.answer("any")
			}
		},
		"look": func() { fdShowTable(l, server) },
	}
}

// fdShowTable shows what a process has open.
func fdShowTable(l *Lab, role stage.Role) {
	s := l.state(role)
	fds, hidden, err := s.Descriptors()
	if err != nil {
		l.failf("/proc/%d/fd: %w", s.PID, err)
	}
	l.note("own", s.Reserved)
	var shown []string
	for _, fd := range fds {
		shown = append(shown, fmt.Sprintf("%d=%s", fd.Number, fd.Target))
	}
	e := lesson.Evidence{Fact: "open in the " + string(role), Value: strings.Join(shown, ", "), Source: fmt.Sprintf("/proc/%d/fd", s.PID), Command: fmt.Sprintf("ls -l /proc/%d/fd", s.PID)}
	if hidden > 0 {
		e.Note = fmt.Sprintf("%d more, from %d up, are fd3's own: by them it drives this process.", hidden, s.Reserved)
	}
	l.show(e)
}

func fdWrite(l *Lab) map[string]func() {
	const said = "hello"
	var path string
	var file, conn, fd int
	return map[string]func(){
		"file": func() {
			path = l.folder() + "/note.txt"
			file = int(l.must(l.do(server, stage.Order{Do: "openat", Path: path, Flags: unix.O_CREAT | unix.O_RDWR | unix.O_CLOEXEC, Mode: 0600})).Ret)
			l.must(l.write(server, file, said))
		},
		"socket": func() {
			_, conn, fd = plugOpen(l, l.quietly, loopback(0))
			call := l.write(server, conn, said)
			l.note("wrote", call.Result())
			if call.Errno != 0 {
				l.answer("error")
				return
			}
			l.until("the bytes to arrive", func() bool { return l.asked(client, fd).Unread == len(said) })
			l.answer("sends")
		},
		"read":   func() { l.must(l.read(client, fd, 100)) },
		"listen": func() { l.note("listen", outcome(l.listen(server, file, 5))) },
		"look": func() {
			info, err := os.Stat(path)
			if err != nil {
				l.failf("%w", err)
			}
			l.show(lesson.Evidence{Fact: "the file", Value: lesson.Counted(info.Size(), "byte"), Source: "stat(2)"})
			l.note("file_position", fdShowPosition(l, file))
			l.note("socket_position", fdShowPosition(l, conn))
		},
	}
}

// fdShowPosition shows where the next read or write of a descriptor of the server
// happens, if it is a file's.
func fdShowPosition(l *Lab, fd int) int64 {
	path := fmt.Sprintf("/proc/%d/fdinfo/%d", l.pid(server), fd)
	f, err := kernel.FDInfo(l.pid(server), fd)
	if err != nil {
		l.failf("%s: %w", path, err)
	}
	l.show(lesson.Evidence{Fact: fmt.Sprintf("position of %d", fd), Value: fmt.Sprint(f.Pos), Source: path, Command: "grep pos " + path})
	return f.Pos
}

func fdDup(l *Lab) map[string]func() {
	const text = "abcdef"
	var path string
	var fds [3]int // of the file, a dup of it, and the same file opened again
	var got [3]string
	open := func() int {
		return int(l.must(l.do(server, stage.Order{Do: "openat", Path: path, Flags: unix.O_RDONLY | unix.O_CLOEXEC})).Ret)
	}
	read := func(i int) { got[i] = string(l.must(l.read(server, fds[i], 3)).Data) }
	return map[string]func(){
		"open": func() {
			path = l.folder() + "/letters.txt"
			if err := os.WriteFile(path, []byte(text), 0600); err != nil {
				l.failf("%w", err)
			}
			fds[0] = open()
			read(0)
		},
		"dup": func() {
			fds[1] = int(l.must(l.do(server, stage.Order{Do: "dup", FD: fds[0]})).Ret)
			read(1)
			l.note("got", got[1])
			switch got[1] {
			case text[:3]:
				l.answer("start")
			case text[3:]:
				l.answer("on")
			case "":
				l.answer("end")
			}
		},
		"again": func() {
			fds[2] = open()
			read(2)
			l.note("fresh", got[2])
		},
		"look": func() {
			l.showSame(fds[0], fds[1])
			l.showSame(fds[0], fds[2])
			for _, fd := range fds {
				fdShowPosition(l, fd)
			}
		},
	}
}

// fdShells are programs in which a learner types. The first socket of any program
// is likely to be its 3, so the number alone does not say that it is the shell's.
var fdShells = []string{"bash", "sh", "zsh", "ksh", "mksh"}

// fdShell wants a shell of the learner's whose descriptor 3 is a connection to the
// server.
func fdShell(l *Lab) func() (bool, string) {
	_, addr := l.listener(8)
	l.note("owner", "(nobody)")
	l.note("pid", 0)
	return func() (bool, string) {
		connections, held := 0, ""
		for _, row := range l.tcp() {
			if row.Remote != addr.AddrPort() || row.State != kernel.Established {
				continue
			}
			connections++
			owners, _, err := kernel.Owners(row.Inode)
			if err != nil {
				l.failf("/proc: %w", err)
			}
			for _, o := range owners {
				held = fmt.Sprintf(", one is %d of %s", o.FD, o.Comm)
				if o.FD == 3 && slices.Contains(fdShells, o.Comm) {
					l.note("owner", o.Comm)
					l.note("pid", o.PID)
					return true, fmt.Sprintf("connections to the server: %d%s", connections, held)
				}
			}
		}
		return false, fmt.Sprintf("connections to the server: %d%s", connections, held)
	}
}
