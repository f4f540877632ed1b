package course

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

var plugPractice = practice{
	experiments: map[string]experiment{
		"calls": plugCalls,
		"where": plugWhere,
		"file":  plugFile,
	},
	exercises: map[string]exercise{"say": plugSay},
}

func plugCalls(l *Lab) map[string]func() {
	var inet, local []sockets.Call
	var path sockets.Sockaddr
	return map[string]func(){
		"inet": func() { inet = plugConversation(l, loopback(0)) },
		"unix": func() {
			path = plugPath(l)
			local = plugConversation(l, path)
		},
		"look": func() {
			differ, same := plugDifferences(inet, local)
			order := "other names"
			if same {
				order = "the same names in the same order"
			}
			l.show(lesson.Evidence{Fact: "the calls", Value: fmt.Sprintf("%d and %d, %s", len(inet), len(local), order), Source: "the calls above"})
			l.show(lesson.Evidence{Fact: "other arguments", Value: strings.Join(differ, ", "), Source: "the calls above"})
			l.note("calls", len(local))
			l.note("differ", strings.Join(differ, ", "))
			if same {
				l.answer("none")
			} else {
				l.answer("some")
			}
		},
		"left": func() {
			left := "nothing"
			if _, err := os.Lstat(path.Path()); err == nil {
				left = "a file"
			}
			l.show(lesson.Evidence{Fact: "at the path", Value: left, Source: "lstat(2)", Command: "ls " + path.Path()})
			l.note("again", outcome(l.bind(server, l.socket(server, unix.AF_UNIX, unix.SOCK_STREAM), path)))
		},
	}
}

func plugPath(l *Lab) sockets.Sockaddr {
	addr, err := sockets.ParseSockaddr("unix:" + l.folder() + "/talk")
	if err != nil {
		l.failf("%w", err)
	}
	return addr
}

// plugConversation is a whole conversation at an address, from the first socket to
// the last close, with each of its calls.
func plugConversation(l *Lab, addr sockets.Sockaddr) (calls []sockets.Call) {
	make := func(role stage.Role, o stage.Order) sockets.Call {
		c := l.do(role, o)
		calls = append(calls, c)
		return c
	}
	listener, conn, fd := plugOpen(l, make, addr)
	l.must(make(client, stage.Order{Do: "sendto", FD: fd, Data: []byte("hello"), Flags: unix.MSG_NOSIGNAL}))
	l.must(make(server, stage.Order{Do: "recvfrom", FD: conn, Type: unix.SOCK_STREAM, Size: 100}))
	plugNames(l, conn, fd)
	make(client, stage.Order{Do: "close", FD: fd})
	make(server, stage.Order{Do: "close", FD: conn})
	make(server, stage.Order{Do: "close", FD: listener})
	return calls
}

// plugOpen opens a connection between both processes at an address of any domain.
func plugOpen(l *Lab, make func(stage.Role, stage.Order) sockets.Call, addr sockets.Sockaddr) (listener, conn, fd int) {
	socket := stage.Order{Do: "socket", Domain: addr.Family(), Type: unix.SOCK_STREAM | unix.SOCK_CLOEXEC}
	listener = int(l.must(make(server, socket)).Ret)
	l.must(make(server, stage.Order{Do: "bind", FD: listener, Addr: addr}))
	l.must(make(server, stage.Order{Do: "listen", FD: listener, Backlog: 5}))
	fd = int(l.must(make(client, socket)).Ret)
	l.must(make(client, stage.Order{Do: "connect", FD: fd, Addr: l.asked(server, listener).Local}))
	conn = int(l.must(make(server, stage.Order{Do: "accept4", FD: listener, Flags: unix.SOCK_CLOEXEC})).Ret)
	return listener, conn, fd
}

// plugNames shows what both ends of a connection are called.
func plugNames(l *Lab, conn, fd int) {
	l.show(lesson.Evidence{Fact: "names", Value: fmt.Sprintf("server %s, client %s", l.asked(server, conn).Local, l.asked(client, fd).Local), Source: "getsockname(2)"})
}

// plugSame are the arguments that are not compared: descriptors, which are only
// numbers of what is open, and the protocol, which is 0 in both conversations and
// has a name of its own in AF_INET.
var plugSame = []string{"sockfd", "fd", "protocol"}

// plugDifferences are the arguments, call by call, that were not the same in two
// conversations. same: no call has another name.
func plugDifferences(a, b []sockets.Call) (differ []string, same bool) {
	same = len(a) == len(b)
	for i := range min(len(a), len(b)) {
		same = same && a[i].Name == b[i].Name
		var names []string
		for j, arg := range a[i].Args {
			if !slices.Contains(plugSame, arg.Name) && (j >= len(b[i].Args) || arg != b[i].Args[j]) {
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

func plugWhere(l *Lab) map[string]func() {
	const said = 100
	var listener, conn, fd int
	return map[string]func(){
		"open": func() { l.setup(func() { listener, conn, fd = plugOpen(l, l.do, plugPath(l)) }) },
		"send": func() { l.must(l.send(client, fd, strings.Repeat("x", said))) },
		"look": func() {
			path := l.asked(server, listener).Local.Path()
			size := plugShowFile(l, path)
			rows := plugShowPorts(l, l.inode(server, conn), l.inode(client, fd))
			plugShowUnix(l, l.inode(server, conn), path)
			unread := l.asked(server, conn).Unread
			l.show(lesson.Evidence{Fact: "unread", Value: lesson.Counted(unread, "byte") + " at the server's socket", Source: "ioctl(2) SIOCINQ"})
			l.note("size", size)
			l.note("ports", rows)
			l.note("unread", unread)
			switch {
			case size == said:
				l.answer("file")
			case rows > 0:
				l.answer("network")
			case unread == said:
				l.answer("kernel")
			}
		},
	}
}

func plugShowFile(l *Lab, path string) (size int64) {
	info, err := os.Lstat(path)
	if err != nil {
		l.failf("%w", err)
	}
	kind := info.Mode().String()
	if info.Mode()&os.ModeSocket != 0 {
		kind = "a socket"
	}
	l.show(lesson.Evidence{Fact: "the file", Value: fmt.Sprintf("%s, %s", kind, lesson.Counted(info.Size(), "byte")), Source: "lstat(2)", Command: "ls -l " + path})
	return info.Size()
}

// plugShowPorts shows how many TCP sockets, and so ports, are behind these inodes.
func plugShowPorts(l *Lab, inodes ...uint64) (found int) {
	rows := l.tcp()
	for _, inode := range inodes {
		if _, ok := kernel.FindInode(rows, inode); ok {
			found++
		}
	}
	l.show(lesson.Evidence{Fact: "TCP sockets", Value: fmt.Sprintf("%d of %d belong to this conversation", found, len(rows)), Source: "sock_diag(7)", Command: "ss -tane"})
	return found
}

// plugShowUnix shows the row of one end, which names the other, and the row of the
// listener in the table that is a text.
func plugShowUnix(l *Lab, inode uint64, path string) {
	if rows, err := kernel.UnixSockets(); err == nil {
		for _, row := range rows {
			if row.Inode == inode {
				l.show(lesson.Evidence{Fact: "Unix socket", Value: fmt.Sprintf("inode %d, %s, the other end is inode %d", row.Inode, row.State, row.Peer), Source: "sock_diag(7)",
					Command: "ss -x src " + path, Note: "An inode is what the kernel keeps of a socket or a file. Each has a number."})
			}
		}
	}
	for _, row := range plugRows(l, path) {
		if row.Listening() {
			l.show(lesson.Evidence{Fact: "its listener", Value: row.Raw, Source: "/proc/net/unix", Command: "grep " + path + " /proc/net/unix",
				Note: fmt.Sprintf("The column `%08X` says that it listens. A client finds it by its path.", row.Flags)})
		}
	}
}

// plugRows are the Unix sockets of that path.
func plugRows(l *Lab, path string) (found []kernel.UnixRow) {
	rows, err := kernel.UnixTable(l.pid(server))
	if err != nil {
		l.failf("/proc/net/unix: %w", err)
	}
	for _, row := range rows {
		if row.Path == path {
			found = append(found, row)
		}
	}
	return found
}

func plugFile(l *Lab) map[string]func() {
	var path string
	var reader int
	return map[string]func(){
		"write": func() {
			path = l.folder() + "/talk.txt"
			writer := l.must(l.do(client, stage.Order{Do: "openat", Path: path, Flags: unix.O_CREAT | unix.O_WRONLY | unix.O_CLOEXEC, Mode: 0600}))
			l.must(l.write(client, int(writer.Ret), "hello"))
		},
		"read": func() {
			reader = int(l.must(l.do(server, stage.Order{Do: "openat", Path: path, Flags: unix.O_RDONLY | unix.O_CLOEXEC})).Ret)
			first := l.must(l.read(server, reader, 100))
			l.note("first", first.Ret)
		},
		"again": func() {
			call := l.must(l.read(server, reader, 100))
			l.note("second", call.Ret)
			l.note("took", lesson.Took(call.Duration))
			if call.Ret == 0 {
				l.answer("zero")
			} else {
				l.answer("again")
			}
		},
		"socket": func() {
			_, conn, fd := plugOpen(l, l.quietly, plugPath(l))
			waiting := l.begin(server, stage.Order{Do: "recvfrom", FD: conn, Type: unix.SOCK_STREAM, Size: 100})
			waiting.blocks()
			l.must(l.send(client, fd, "hello"))
			l.must(waiting.wait())
		},
	}
}

// plugSay wants bytes from a program of the learner's, at a path.
func plugSay(l *Lab) func() (bool, string) {
	addr := plugPath(l)
	listener := l.socket(server, unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK)
	l.must(l.bind(server, listener, addr))
	l.must(l.listen(server, listener, 5))
	l.note("path", addr.Path())
	clients, received := 0, 0
	l.note("received", received)
	return func() (bool, string) {
		waiting := slices.ContainsFunc(plugRows(l, addr.Path()), func(r kernel.UnixRow) bool { return r.Inode == 0 })
		if waiting && l.do(server, stage.Order{Do: "accept4", FD: listener, Flags: unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK}).Errno == 0 {
			clients++
		}
		for _, x := range l.state(server).Sockets {
			if x.Unread > 0 && !x.Listening {
				received += int(max(l.recv(server, x.FD, 4096).Ret, 0))
			}
		}
		l.note("received", received)
		return received > 0, fmt.Sprintf("clients that have connected: %d, bytes that have arrived: %d", clients, received)
	}
}
