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

// calls has one conversation over AF_INET, call by call, and then one over AF_UNIX, of
// which the calls with other arguments are told in full.
func calls(l *lab.Lab) []lab.Step {
	var inet, local conversation
	var path sockets.Sockaddr
	return append(inet.steps(l), []lab.Step{
		{Name: "unix", Do: func() {
			path = newPath(l)
			local.socket(l, path)
		}},
		{Name: "path", Do: func() { local.bind(l, path) }},
		{Name: "there", Do: func() {
			l.Setup(func() {
				local.listen(l)
				local.dial(l, path)
			})
			local.connect(l, path)
		}},
		{Name: "same", Do: func() {
			l.Setup(func() {
				local.accept(l)
				local.send(l)
				local.recv(l)
			})
			local.showNames(l)
		}},
		{Name: "look", Do: func() {
			l.Setup(func() { local.close(l) })
			differ, same := differences(inet.calls, local.calls)
			order := "other names"
			if same {
				order = "the same names in the same order"
			}
			l.Show(lesson.Evidence{Fact: "the calls", Value: fmt.Sprintf("%d and %d, %s", len(inet.calls), len(local.calls), order), Source: "the calls above"})
			l.Show(lesson.Evidence{Fact: "other arguments", Value: strings.Join(differ, ", "), Source: "the calls above"})
			l.Note("calls", len(local.calls))
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
		}},
		{Name: "next", Do: func() {
			var fd int
			l.Setup(func() { fd = l.Socket(lab.Server, unix.AF_UNIX, unix.SOCK_STREAM) })
			l.Note("again", lab.Outcome(l.Bind(lab.Server, fd, path)))
		}},
	}...)
}

func newPath(l *lab.Lab) sockets.Sockaddr {
	addr, err := sockets.ParseSockaddr("unix:" + l.TempDir() + "/talk")
	if err != nil {
		l.Fatalf("%w", err)
	}
	return addr
}

// A conversation is one at an address, from the first socket to the last close, with
// each of its calls.
type conversation struct {
	calls              []sockets.Call
	listener, conn, fd int
}

// steps are a conversation over AF_INET, a call in each.
func (c *conversation) steps(l *lab.Lab) []lab.Step {
	addr := lab.Loopback(0)
	return []lab.Step{
		{Name: "socket", Do: func() { c.socket(l, addr) }},
		{Name: "bind", Do: func() { c.bind(l, addr) }},
		{Name: "listen", Do: func() {
			c.listen(l)
			addr = l.Ask(lab.Server, c.listener).Local
		}},
		{Name: "client", Do: func() { c.dial(l, addr) }},
		{Name: "connect", Do: func() { c.connect(l, addr) }},
		{Name: "accept", Do: func() {
			c.accept(l)
			c.showNames(l)
		}},
		{Name: "send", Do: func() { c.send(l) }},
		{Name: "recv", Do: func() { c.recv(l) }},
		{Name: "close", Do: func() { l.Setup(func() { c.close(l) }) }},
	}
}

func (c *conversation) do(l *lab.Lab, role stage.Role, o stage.Order) int {
	call := l.Must(l.Do(role, o))
	c.calls = append(c.calls, call)
	return int(call.Ret)
}

func (c *conversation) socket(l *lab.Lab, addr sockets.Sockaddr) {
	c.listener = c.do(l, lab.Server, newSocket(addr))
}

func newSocket(addr sockets.Sockaddr) stage.Order {
	return stage.Order{Do: "socket", Domain: addr.Family(), Type: unix.SOCK_STREAM | unix.SOCK_CLOEXEC}
}

func (c *conversation) bind(l *lab.Lab, addr sockets.Sockaddr) {
	c.do(l, lab.Server, stage.Order{Do: "bind", FD: c.listener, Addr: addr})
}

func (c *conversation) listen(l *lab.Lab) {
	c.do(l, lab.Server, stage.Order{Do: "listen", FD: c.listener, Backlog: 5})
}

// dial makes the client's socket.
func (c *conversation) dial(l *lab.Lab, addr sockets.Sockaddr) {
	c.fd = c.do(l, lab.Client, newSocket(addr))
}

func (c *conversation) connect(l *lab.Lab, addr sockets.Sockaddr) {
	c.do(l, lab.Client, stage.Order{Do: "connect", FD: c.fd, Addr: addr})
}

func (c *conversation) accept(l *lab.Lab) {
	c.conn = c.do(l, lab.Server, stage.Order{Do: "accept4", FD: c.listener, Flags: unix.SOCK_CLOEXEC})
}

// showNames shows what both ends of the connection are called.
func (c *conversation) showNames(l *lab.Lab) {
	l.Show(facts.Names(l.Ask(lab.Server, c.conn).Local, l.Ask(lab.Client, c.fd).Local))
}

func (c *conversation) send(l *lab.Lab) {
	c.do(l, lab.Client, stage.Order{Do: "sendto", FD: c.fd, Data: []byte("hello"), Flags: unix.MSG_NOSIGNAL})
}

func (c *conversation) recv(l *lab.Lab) {
	c.do(l, lab.Server, stage.Order{Do: "recvfrom", FD: c.conn, Type: unix.SOCK_STREAM, Size: 100})
}

func (c *conversation) close(l *lab.Lab) {
	c.do(l, lab.Client, stage.Order{Do: "close", FD: c.fd})
	c.do(l, lab.Server, stage.Order{Do: "close", FD: c.conn})
	c.do(l, lab.Server, stage.Order{Do: "close", FD: c.listener})
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
	said := l.Param("bytes")
	var listener, conn, fd int
	return []lab.Step{
		{Name: "open", Do: func() { listener, conn, fd = l.OpenAt(newPath(l)) }},
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
			case size == int64(said):
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
	var writer, reader, fd int
	var waiting *lab.Pending
	return []lab.Step{
		{Name: "make", Do: func() {
			path = l.TempDir() + "/talk.txt"
			writer = int(l.Must(l.Do(lab.Client, stage.Order{Do: "openat", Path: path, Flags: unix.O_CREAT | unix.O_WRONLY | unix.O_CLOEXEC, Mode: 0600})).Ret)
		}},
		{Name: "write", Do: func() { l.Must(l.Write(lab.Client, writer, "hello")) }},
		{Name: "open", Do: func() {
			reader = int(l.Must(l.Do(lab.Server, stage.Order{Do: "openat", Path: path, Flags: unix.O_RDONLY | unix.O_CLOEXEC})).Ret)
		}},
		{Name: "read", Do: func() {
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
			var conn int
			_, conn, fd = l.OpenAt(newPath(l))
			waiting = l.Begin(lab.Server, stage.Order{Do: "recvfrom", FD: conn, Type: unix.SOCK_STREAM, Size: 100})
			waiting.Blocks()
		}},
		{Name: "send", Do: func() {
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
