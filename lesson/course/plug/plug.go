package plug

import (
	_ "embed"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

//go:embed plug.md
var markdown string

// Lesson is the lesson plug.
var Lesson = lab.Lesson{
	ID:    "plug",
	Words: markdown,
	Experiments: lab.Experiments{
		"calls": calls,
		"where": where,
		"file":  file,
	},
	Exercises: lab.Exercises{"say": say},
}

func calls(l *lab.Lab) []lab.Step {
	var inet, local []sockets.Call
	var path sockets.Sockaddr
	return []lab.Step{
		{Name: "inet", Do: func() { inet = conversation(l, lab.Loopback(0)) }},
		{Name: "unix", Do: func() {
			path = newPath(l)
			local = conversation(l, path)
		}},
		{Name: "look", Do: func() {
			differ, same := differences(inet, local)
			order := "other names"
			if same {
				order = "the same names in the same order"
			}
			l.Show(lesson.Evidence{Fact: "the calls", Value: fmt.Sprintf("%d and %d, %s", len(inet), len(local), order), Source: "the calls above"})
			l.Show(lesson.Evidence{Fact: "other arguments", Value: strings.Join(differ, ", "), Source: "the calls above"})
			l.Note("calls", len(local))
			l.Note("differ", strings.Join(differ, ", "))
			if same {
				l.Answer("none")
			} else {
				l.Answer("some")
			}
		}},
		{Name: "left", Do: func() {
			left := "nothing"
			if _, err := os.Lstat(path.Path()); err == nil {
				left = "a file"
			}
			l.Show(lesson.Evidence{Fact: "at the path", Value: left, Source: "lstat(2)", Command: "ls " + path.Path()})
			l.Note("again", lab.Outcome(l.Bind(lab.Server, l.Socket(lab.Server, unix.AF_UNIX, unix.SOCK_STREAM), path)))
		}},
	}
}

func newPath(l *lab.Lab) sockets.Sockaddr {
	addr, err := sockets.ParseSockaddr("unix:" + l.TempDir() + "/talk")
	if err != nil {
		l.Fatalf("%w", err)
	}
	return addr
}

// conversation is a whole conversation at an address, from the first socket to
// the last close, with each of its calls.
func conversation(l *lab.Lab, addr sockets.Sockaddr) (calls []sockets.Call) {
	do := func(role stage.Role, o stage.Order) sockets.Call {
		c := l.Do(role, o)
		calls = append(calls, c)
		return c
	}
	listener, conn, fd := l.OpenAt(do, addr)
	l.Must(do(lab.Client, stage.Order{Do: "sendto", FD: fd, Data: []byte("hello"), Flags: unix.MSG_NOSIGNAL}))
	l.Must(do(lab.Server, stage.Order{Do: "recvfrom", FD: conn, Type: unix.SOCK_STREAM, Size: 100}))
	showNames(l, conn, fd)
	do(lab.Client, stage.Order{Do: "close", FD: fd})
	do(lab.Server, stage.Order{Do: "close", FD: conn})
	do(lab.Server, stage.Order{Do: "close", FD: listener})
	return calls
}

// showNames shows what both ends of a connection are called.
func showNames(l *lab.Lab, conn, fd int) {
	l.Show(facts.Names(l.Ask(lab.Server, conn).Local, l.Ask(lab.Client, fd).Local))
}

// sameAnyway are the arguments that are not compared: descriptors, which are only
// numbers of what is open, and the protocol, which is 0 in both conversations and
// has a name of its own in AF_INET.
var sameAnyway = []string{"sockfd", "fd", "protocol"}

// differences are the arguments, call by call, that were not the same in two
// conversations. same: no call has another name.
func differences(a, b []sockets.Call) (differ []string, same bool) {
	same = len(a) == len(b)
	for i := range min(len(a), len(b)) {
		same = same && a[i].Name == b[i].Name
		var names []string
		for j, arg := range a[i].Args {
			if !slices.Contains(sameAnyway, arg.Name) && (j >= len(b[i].Args) || arg != b[i].Args[j]) {
				names = append(names, arg.Name)
			}
		}
		text := fmt.Sprintf("%s (%s)", a[i].Name, strings.Join(names, ", "))
		if len(names) > 0 && !slices.Contains(differ, text) {
			differ = append(differ, text)
		}
	}
	return differ, same
}

func where(l *lab.Lab) []lab.Step {
	const said = 100
	var listener, conn, fd int
	return []lab.Step{
		{Name: "open", Do: func() { l.Setup(func() { listener, conn, fd = l.OpenAt(l.Do, newPath(l)) }) }},
		{Name: "send", Do: func() { l.Must(l.Send(lab.Client, fd, strings.Repeat("x", said))) }},
		{Name: "look", Do: func() {
			path := l.Ask(lab.Server, listener).Local.Path()
			size := showFile(l, path)
			rows := showPorts(l, l.Inode(lab.Server, conn), l.Inode(lab.Client, fd))
			showUnix(l, l.Inode(lab.Server, conn), path)
			unread := l.Ask(lab.Server, conn).Unread
			l.Show(lesson.Evidence{Fact: "unread", Value: lesson.Counted(unread, "byte") + " at the server's socket", Source: "ioctl(2) SIOCINQ"})
			l.Note("size", size)
			l.Note("ports", rows)
			l.Note("unread", unread)
			switch {
			case size == said:
				l.Answer("file")
			case rows > 0:
				l.Answer("network")
			case unread == said:
				l.Answer("kernel")
			}
		}},
	}
}

func showFile(l *lab.Lab, path string) (size int64) {
	info, err := os.Lstat(path)
	if err != nil {
		l.Fatalf("%w", err)
	}
	kind := info.Mode().String()
	if info.Mode()&os.ModeSocket != 0 {
		kind = "a socket"
	}
	l.Show(lesson.Evidence{Fact: "the file", Value: fmt.Sprintf("%s, %s", kind, lesson.Counted(info.Size(), "byte")), Source: "lstat(2)", Command: "ls -l " + path})
	return info.Size()
}

// showPorts shows how many TCP sockets, and so ports, are behind these inodes.
func showPorts(l *lab.Lab, inodes ...uint64) (found int) {
	rows := l.TCP()
	for _, inode := range inodes {
		if rows.Inode(inode) != nil {
			found++
		}
	}
	l.Show(lesson.Evidence{Fact: "TCP sockets", Value: fmt.Sprintf("%d of %d belong to this conversation", found, len(rows)), Source: "sock_diag(7)", Command: facts.SS("-tane", "")})
	return found
}

// showUnix shows the row of one end, which names the other, and the row of the
// listener in the table that is a text.
func showUnix(l *lab.Lab, inode uint64, path string) {
	if rows, err := l.Net().Unix(); err == nil {
		for _, row := range rows {
			if row.Inode == inode {
				l.Show(lesson.Evidence{Fact: "Unix socket", Value: fmt.Sprintf("inode %d, %s, the other end is inode %d", row.Inode, row.State, row.Peer), Source: "sock_diag(7)",
					Command: facts.SS("-x src "+path, ""), Note: "An inode is what the kernel keeps of a socket or a file. Each has a number."})
			}
		}
	}
	for _, row := range rowsOf(l, path) {
		if row.Listening() {
			l.Show(lesson.Evidence{Fact: "its listener", Value: row.Raw, Source: "/proc/net/unix", Command: "grep " + path + " /proc/net/unix",
				Note: fmt.Sprintf("The column `%08X` says that it listens. A client finds it by its path.", row.Flags)})
		}
	}
}

// rowsOf are the Unix sockets of that path.
func rowsOf(l *lab.Lab, path string) (found []kernel.UnixRow) {
	rows, err := l.Net().UnixTable()
	if err != nil {
		l.Fatalf("/proc/net/unix: %w", err)
	}
	for _, row := range rows {
		if row.Path == path {
			found = append(found, row)
		}
	}
	return found
}

func file(l *lab.Lab) []lab.Step {
	var path string
	var reader int
	return []lab.Step{
		{Name: "write", Do: func() {
			path = l.TempDir() + "/talk.txt"
			writer := l.Must(l.Do(lab.Client, stage.Order{Do: "openat", Path: path, Flags: unix.O_CREAT | unix.O_WRONLY | unix.O_CLOEXEC, Mode: 0600}))
			l.Must(l.Write(lab.Client, int(writer.Ret), "hello"))
		}},
		{Name: "read", Do: func() {
			reader = int(l.Must(l.Do(lab.Server, stage.Order{Do: "openat", Path: path, Flags: unix.O_RDONLY | unix.O_CLOEXEC})).Ret)
			first := l.Must(l.Read(lab.Server, reader, 100))
			l.Note("first", first.Ret)
		}},
		{Name: "again", Do: func() {
			call := l.Must(l.Read(lab.Server, reader, 100))
			l.Note("second", call.Ret)
			l.Note("took", lesson.Took(call.Duration))
			if call.Ret == 0 {
				l.Answer("zero")
			} else {
				l.Answer("again")
			}
		}},
		{Name: "socket", Do: func() {
			_, conn, fd := l.OpenAt(l.Quietly, newPath(l))
			waiting := l.Begin(lab.Server, stage.Order{Do: "recvfrom", FD: conn, Type: unix.SOCK_STREAM, Size: 100})
			waiting.Blocks()
			l.Must(l.Send(lab.Client, fd, "hello"))
			l.Must(waiting.Wait())
		}},
	}
}

// say wants bytes from a program of the learner's, at a path.
func say(l *lab.Lab) lab.Check {
	addr := newPath(l)
	listener := l.Socket(lab.Server, unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK)
	l.Must(l.Bind(lab.Server, listener, addr))
	l.Must(l.Listen(lab.Server, listener, 5))
	l.Note("path", addr.Path())
	clients, received := 0, 0
	l.Note("received", received)
	return func() (bool, string) {
		waiting := slices.ContainsFunc(rowsOf(l, addr.Path()), func(r kernel.UnixRow) bool { return r.Inode == 0 })
		if waiting && l.Do(lab.Server, stage.Order{Do: "accept4", FD: listener, Flags: unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK}).Errno == 0 {
			clients++
		}
		for _, x := range l.State(lab.Server).Sockets {
			if x.Unread > 0 && !x.Listening {
				received += int(max(l.Recv(lab.Server, x.FD, 4096).Ret, 0))
			}
		}
		l.Note("received", received)
		return received > 0, fmt.Sprintf("clients that have connected: %d, bytes that have arrived: %d", clients, received)
	}
}
