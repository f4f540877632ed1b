package fd

import (
	_ "embed"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

//go:embed fd.md
var markdown string

// Lesson is the lesson fd.
var Lesson = lab.Lesson{
	ID:    "fd",
	Words: markdown,
	Experiments: lab.Experiments{
		"number": number,
		"write":  position,
		"dup":    dup,
	},
	Exercises: lab.Exercises{"shell": shell},
}

func number(l *lab.Lab) []lab.Step {
	var fds [3]int
	const closed = 1 // of the three
	return []lab.Step{
		{Name: "first", Do: func() { fds[0] = l.Stream(lab.Server) }},
		{Name: "second", Do: func() { fds[1] = l.Stream(lab.Server) }},
		{Name: "third", Do: func() { fds[2] = l.Stream(lab.Server) }},
		{Name: "close", Do: func() {
			l.Note("old_inode", l.Inode(lab.Server, fds[closed]))
			l.Must(l.Close(lab.Server, fds[closed]))
		}},
		{Name: "again", Do: func() {
			fd := l.Stream(lab.Server)
			l.Note("closed", fds[closed])
			l.Note("last", fds[len(fds)-1])
			l.Note("number", fd)
			l.Note("new_inode", l.Inode(lab.Server, fd))
			switch fd {
			case fds[closed]:
				l.Answer("free")
			case fds[len(fds)-1] + 1:
				l.Answer("next")
			default:
				l.Answer("any")
			}
		}},
		{Name: "look", Do: func() { showTable(l, lab.Server) }},
	}
}

// showTable shows what a process has open.
func showTable(l *lab.Lab, role stage.Role) {
	s := l.State(role)
	fds, hidden, err := s.Descriptors()
	if err != nil {
		l.Fatalf("/proc/%d/fd: %w", s.PID, err)
	}
	l.Note("own", s.Reserved)
	l.Show(facts.Descriptors(s.PID, fds, hidden, s.Reserved))
}

func position(l *lab.Lab) []lab.Step {
	const said = "hello"
	var path string
	var file, conn, fd int
	return []lab.Step{
		{Name: "open", Do: func() {
			path = l.TempDir() + "/note.txt"
			file = int(l.Must(l.Do(lab.Server, stage.Order{Do: "openat", Path: path, Flags: unix.O_CREAT | unix.O_RDWR | unix.O_CLOEXEC, Mode: 0600})).Ret)
		}},
		{Name: "file", Do: func() { l.Must(l.Write(lab.Server, file, said)) }},
		{Name: "socket", Do: func() {
			_, conn, fd = l.OpenAt(lab.Loopback(0))
			call := l.Write(lab.Server, conn, said)
			l.Note("wrote", call.Result())
			if call.Errno != 0 {
				l.Answer("error")
				return
			}
			l.Until("the bytes to arrive", func() bool { return l.Ask(lab.Client, fd).Unread == len(said) })
			l.Answer("sends")
		}},
		{Name: "read", Do: func() { l.Must(l.Read(lab.Client, fd, 100)) }},
		{Name: "look", Do: func() {
			info, err := os.Stat(path)
			if err != nil {
				l.Fatalf("%w", err)
			}
			l.Show(lesson.Evidence{Fact: "the file", Value: lesson.Counted(info.Size(), "byte"), Source: "stat(2)"})
			l.Note("file_position", showPosition(l, file))
			l.Note("socket_position", showPosition(l, conn))
		}},
		{Name: "listen", Do: func() { l.Note("listen", lab.Outcome(l.Listen(lab.Server, file, 5))) }},
	}
}

// showPosition shows where the next read or write of a descriptor of the server
// happens, if it is a file's.
func showPosition(l *lab.Lab, fd int) int64 {
	path := fmt.Sprintf("/proc/%d/fdinfo/%d", l.PID(lab.Server), fd)
	f, err := kernel.FDInfo(l.PID(lab.Server), fd)
	if err != nil {
		l.Fatalf("%s: %w", path, err)
	}
	l.Show(facts.Position(l.PID(lab.Server), fd, f))
	return f.Pos
}

func dup(l *lab.Lab) []lab.Step {
	const text = "abcdef"
	var path string
	var fds [3]int // of the file, a dup of it, and the same file opened again
	var got [3]string
	open := func() int {
		return int(l.Must(l.Do(lab.Server, stage.Order{Do: "openat", Path: path, Flags: unix.O_RDONLY | unix.O_CLOEXEC})).Ret)
	}
	read := func(i int) { got[i] = string(l.Must(l.Read(lab.Server, fds[i], 3)).Data) }
	return []lab.Step{
		{Name: "open", Do: func() {
			path = l.TempDir() + "/letters.txt"
			if err := os.WriteFile(path, []byte(text), 0600); err != nil {
				l.Fatalf("%w", err)
			}
			fds[0] = open()
		}},
		{Name: "read", Do: func() { read(0) }},
		{Name: "dup", Do: func() { fds[1] = int(l.Must(l.Do(lab.Server, stage.Order{Do: "dup", FD: fds[0]})).Ret) }},
		{Name: "on", Do: func() {
			read(1)
			l.Note("got", got[1])
			switch got[1] {
			case text[:3]:
				l.Answer("start")
			case text[3:]:
				l.Answer("on")
			case "":
				l.Answer("end")
			}
		}},
		{Name: "again", Do: func() { fds[2] = open() }},
		{Name: "fresh", Do: func() {
			read(2)
			l.Note("fresh", got[2])
		}},
		{Name: "look", Do: func() {
			l.ShowSame(fds[0], fds[1])
			l.ShowSame(fds[0], fds[2])
			for _, fd := range fds {
				showPosition(l, fd)
			}
		}},
	}
}

// shells are programs in which a learner types. The first socket of any program
// is likely to be its 3, so the number alone does not say that it is the shell's.
var shells = []string{"bash", "sh", "zsh", "ksh", "mksh"}

// shell wants a shell of the learner's whose descriptor 3 is a connection to the
// server.
func shell(l *lab.Lab) lab.Check {
	_, addr := l.Listener(8)
	l.Note("owner", "(nobody)")
	l.Note("pid", 0)
	return func() (bool, string) {
		connections, now := 0, ""
		for _, row := range l.Look(addr).There(kernel.Established) {
			connections++
			for _, o := range ownersOf(l, row) {
				now = fmt.Sprintf(", one is %d of %s", o.FD, o.Comm)
				if o.FD == 3 && slices.Contains(shells, o.Comm) && keeps(l, o, row) {
					l.Note("owner", o.Comm)
					l.Note("pid", o.PID)
					return true, fmt.Sprintf("connections to the server: %d%s", connections, now)
				}
			}
		}
		return false, fmt.Sprintf("connections to the server: %d%s", connections, now)
	}
}

// keeps reports whether a shell that has a socket sleeps with it. A shell opens a file
// by the lowest number that is free, and then moves it to where it was told to: only
// one that sleeps is done with that.
func keeps(l *lab.Lab, o kernel.Owner, row kernel.InetSocket) bool {
	task, err := kernel.Thread(o.PID, o.PID)
	return err == nil && task.State == 'S' && slices.Contains(ownersOf(l, row), o)
}

// ownersOf returns the processes that have a socket open.
func ownersOf(l *lab.Lab, row kernel.InetSocket) []kernel.Owner {
	owners, _, err := kernel.Owners(row.Inode)
	if err != nil {
		l.Fatalf("/proc: %w", err)
	}
	return owners
}
