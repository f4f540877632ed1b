package without

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/hello"
	"fd3/lesson/course/lab"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// reach has programs bring a message to another process, each by another way.
func reach(l *lab.Lab) []lab.Step {
	var listener, conn int // of the server, until the next step
	var dir string
	calls, got := make(map[string]int), make(map[string]int)
	closeAll := func() {
		l.Setup(func() {
			for _, fd := range []*int{&conn, &listener} {
				if *fd > 0 {
					l.Must(l.Close(lab.Server, *fd))
				}
				*fd = 0
			}
		})
	}
	// brings runs a program to its end. What the other process has got then is read.
	brings := func(way string, argv []string, read func() string) {
		s, well := l.Watch(way, argv).Over()
		l.ShowShort(way, slices.DeleteFunc(s.Calls(), func(e lesson.Event) bool { return strings.HasPrefix(e.Name, "epoll_") })) // of Go's runtime
		calls[way] = len(s.OnSockets())
		text := ""
		if well {
			text = read()
		}
		got[way] = len(text)
		l.Show(lesson.Evidence{Fact: "its calls on sockets", Value: fmt.Sprint(calls[way]), Source: "fd3 watch"})
		l.Show(lesson.Evidence{Fact: "the other process has got", Value: lesson.Counted(len(text), "byte"), Source: "read(2)"})
	}
	shell := func(way, script string) func() {
		return func() {
			if dir == "" {
				dir = l.TempDir()
			}
			out := filepath.Join(dir, way)
			brings(way, []string{"/bin/sh", "-c", script, filepath.Join(dir, "page"), out}, func() string { return contents(out) })
		}
	}
	sender := func(way, where string, read func() string) {
		argv, err := hello.Sender(way, where)
		if err != nil {
			l.Fatalf("%w", err)
		}
		brings(way, argv, read)
	}
	// over has a program send to a listener of the server.
	over := func(way string, domain int, addr sockets.Sockaddr) {
		closeAll()
		l.Setup(func() {
			listener = l.Socket(lab.Server, domain, unix.SOCK_STREAM)
			l.Must(l.Bind(lab.Server, listener, addr))
			l.Must(l.Listen(lab.Server, listener, 1))
		})
		local := l.Ask(lab.Server, listener).Local
		where := local.Path()
		if where == "" {
			where = strconv.Itoa(int(local.Port()))
		}
		sender(way, where, func() (text string) {
			l.Setup(func() {
				conn = l.Accept(listener)
				text = string(l.Must(l.Do(lab.Server, stage.Order{Do: "read", FD: conn, Size: 64})).Data)
			})
			return text
		})
	}
	return []lab.Step{
		{Name: "nothing", Do: shell("nothing", ":")},
		{Name: "file", Do: shell("file", `echo hello > "$0"; cat "$0" > "$1"`)},
		{Name: "pipe", Do: shell("pipe", `echo hello | cat > "$1"`)},
		{Name: "memory", Do: func() {
			out := filepath.Join(dir, "memory")
			sender("memory", out, func() string { return contents(out) })
		}},
		{Name: "unix", Do: func() { over("unix", unix.AF_UNIX, sockets.UnixSockaddr(filepath.Join(dir, "talk"))) }},
		{Name: "tcp", Do: func() { over("tcp", unix.AF_INET, lab.Loopback(0)) }},
		{Name: "ring", Do: func() {
			over("ring", unix.AF_INET, lab.Loopback(0))
			l.Note("ring_got", lesson.Counted(got["ring"], "byte"))
			if got["ring"] > 0 {
				peer := l.Ask(lab.Server, conn).Peer
				l.Show(lesson.Evidence{Fact: "peer of the server's socket", Value: peer.String(), Source: "getpeername(2)"})
			}
		}},
		{Name: "count", Do: func() {
			closeAll()
			var with []string
			for _, way := range []string{"nothing", "file", "pipe", "memory", "unix", "tcp", "ring"} {
				if calls[way] > 0 {
					with = append(with, way)
				}
				l.Show(lesson.Evidence{Fact: way, Value: fmt.Sprintf("%s on sockets, %s arrived", lesson.Counted(calls[way], "call"), lesson.Counted(got[way], "byte")), Source: "the steps above"})
			}
			l.Note("with", strings.Join(with, ", "))
			switch strings.Join(with, " ") {
			case "unix tcp":
				l.Answer("two")
			case "unix tcp ring":
				l.Answer("three")
			default:
				l.Answer("all")
			}
		}},
	}
}

// contents are those of a file; of none they are empty.
func contents(path string) string {
	text, _ := os.ReadFile(path)
	return string(text)
}

// pipe wants bytes through a named pipe, from a process that has no socket.
func pipe(l *lab.Lab) lab.Check {
	path := filepath.Join(l.TempDir(), "pipe")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		l.Fatalf("mkfifo: %w", err)
	}
	reader, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		l.Fatalf("%s: %w", path, err)
	}
	l.Cleanup(func() { unix.Close(reader) })
	l.Note("pipe", path)
	l.Note("owner", "(nobody)")
	l.Note("bytes", 0)
	arrived := 0
	return func() (bool, string) {
		b := make([]byte, 4096)
		if n, _ := unix.Read(reader, b); n > 0 {
			arrived += n
		}
		pid, name, sockets := writer(path)
		switch {
		case pid == 0 && arrived == 0:
			return false, "nobody has opened the pipe for writing"
		case pid == 0:
			arrived = 0
			return false, "bytes came, and who sent them is gone already"
		case sockets > 0:
			return false, fmt.Sprintf("%s, process %d, has it open, and %s", name, pid, lesson.Counted(sockets, "socket"))
		case arrived == 0:
			return false, fmt.Sprintf("%s, process %d, has it open, and has written nothing", name, pid)
		}
		l.Note("owner", fmt.Sprintf("%s, process %d", name, pid))
		l.Note("bytes", arrived)
		return true, fmt.Sprintf("%s of %s, process %d", lesson.Counted(arrived, "byte"), name, pid)
	}
}

// writer is a process other than this one that has a file open, and how many sockets it
// has. Of several it is one with the fewest.
func writer(path string) (pid int, name string, sockets int) {
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		p, err := strconv.Atoi(entry.Name())
		if err != nil || p == os.Getpid() {
			continue
		}
		fds, _ := kernel.FDs(p)
		has, n := false, 0
		for _, fd := range fds {
			has = has || fd.Target == path
			if fd.Inode != 0 {
				n++
			}
		}
		if has && (pid == 0 || n < sockets) {
			comm, _ := kernel.Comm(p)
			pid, name, sockets = p, comm, n
		}
	}
	return pid, name, sockets
}
