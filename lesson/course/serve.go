package course

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	web "fd3/httpmini/server"
	"fd3/httpmini/server/docroot"
	"fd3/lesson"
	"fd3/sockets"
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
			c = l.connect(l.asked(server, listener).Local)
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
			l.show(lesson.Evidence{Fact: "the client has received", Value: fmt.Sprintf("%d bytes, of them %d of the file", len(all), len(body)), Source: "recvfrom(2)"})
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

// serveOwn is fd3's own server, on a thread of this process.
type serveOwn struct {
	*web.Server
	listener int
	addr     sockets.Sockaddr
	tid      int           // of the thread that Run runs on
	ran      chan struct{} // closed when Run has returned
}

// serve starts fd3's server with one small page. It ends with the experiment, or
// when it is drained.
func (l *Lab) serve(config web.Config) *serveOwn {
	dir := l.folder()
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte("<p>Hello.\n"), 0o644); err != nil {
		l.failf("%w", err)
	}
	root, err := docroot.Open(dir)
	if err != nil {
		l.failf("%w", err)
	}
	own := &serveOwn{ran: make(chan struct{})}
	if own.listener, own.addr, err = serveListener(); err != nil {
		root.Close()
		l.failf("a listener: %w", err)
	}
	config.Root, config.Listeners, config.Quiet = root, []int{own.listener}, true
	if own.Server, err = web.New(config); err != nil {
		root.Close()
		unix.Close(own.listener)
		l.failf("%w", err)
	}
	started := make(chan int)
	go func() {
		defer close(own.ran)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		started <- unix.Gettid()
		own.Run()
	}()
	own.tid = <-started
	l.atEnd(func() {
		own.end()
		root.Close()
	})
	l.note("addr", own.addr)
	l.note("port", own.addr.Port())
	l.note("tid", own.tid)
	l.note("own_pid", os.Getpid())
	return own
}

// end ends the server, also if a learner's client has sent half of a request, for
// whose rest it would wait.
func (own *serveOwn) end() {
	own.Drain()
	for {
		select {
		case <-own.ran:
			return
		case <-time.After(20 * time.Millisecond):
			if fd, _, _ := own.HeldUp(); fd >= 0 {
				unix.Shutdown(fd, unix.SHUT_RDWR)
			}
		}
	}
}

// serveListener makes a listening socket in this process.
func serveListener() (fd int, addr sockets.Sockaddr, err error) {
	var t sockets.Tracer
	made := t.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if made.Errno != 0 {
		return -1, nil, made.Errno
	}
	fd = int(made.Ret)
	for _, call := range []func() sockets.Call{
		func() sockets.Call { return t.SetReuseAddr(fd, true) },
		func() sockets.Call { return t.Setsockopt(fd, unix.SOL_TCP, unix.TCP_NODELAY, 1) },
		func() sockets.Call { return t.Bind(fd, loopback(0)) },
		func() sockets.Call { return t.Listen(fd, unix.SOMAXCONN) },
	} {
		if c := call(); c.Errno != 0 {
			unix.Close(fd)
			return -1, nil, c.Errno
		}
	}
	return fd, sockets.Sockname(fd), nil
}

// serveTold says which server it is that a step has started.
func (l *Lab) serveTold(own *serveOwn, loop web.Loop) {
	l.show(lesson.Evidence{Fact: "the server", Value: fmt.Sprintf("%s, on %s, thread %d of process %d", loop, own.addr, own.tid, os.Getpid()),
		Source: "sock_diag(7)", Command: listenerCommand(own.addr)})
}

const (
	serveGet10 = "GET / HTTP/1.0\r\n\r\n"
	serveGet11 = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
)

func serveVersion(l *Lab) map[string]func() {
	var own *serveOwn
	var old, recent int
	return map[string]func(){
		"server": func() {
			own = l.serve(web.Config{Loop: web.Threads})
			l.serveTold(own, web.Threads)
		},
		"old": func() {
			old = l.connect(own.addr)
			l.must(l.send(client, old, serveGet10))
			l.serveAnswer(old)
		},
		"recent": func() {
			recent = l.connect(own.addr)
			l.must(l.send(client, recent, serveGet11))
			l.serveAnswer(recent)
		},
		"look": func() {
			l.serveCloses(old)
			for name, fd := range map[string]int{"old_state": old, "recent_state": recent} {
				l.note(name, l.tcpState(client, fd))
			}
			for _, fd := range []int{old, recent} {
				l.show(lesson.Evidence{Fact: fmt.Sprintf("the client's socket %d", fd), Value: l.tcpState(client, fd).String(), Source: "getsockopt(2) TCP_INFO", Command: clientsCommand(own.addr)})
			}
		},
		"again": func() {
			l.send(client, old, serveGet10)
			oldAgain := l.serveAnswer(old)
			l.must(l.send(client, recent, serveGet11))
			recentAgain := l.serveAnswer(recent)
			l.note("old_bytes", oldAgain)
			l.note("recent_bytes", recentAgain)
			switch {
			case oldAgain > 0 && recentAgain > 0:
				l.answer("both")
			case oldAgain > 0:
				l.answer("old")
			case recentAgain > 0:
				l.answer("recent")
			default:
				l.answer("none")
			}
		},
	}
}

// serveCloses gives the server a moment to close a connection, if it does.
func (l *Lab) serveCloses(fd int) {
	end := time.Now().Add(serveFor)
	l.until("the server to close", func() bool {
		return l.tcpState(client, fd) != kernel.Established || time.Now().After(end)
	})
}

// serveAnswer has the client read one whole answer, and gives its length: 0 if the
// connection has ended instead.
func (l *Lab) serveAnswer(fd int) int {
	var all []byte
	for !serveWhole(all) {
		got := l.recv(client, fd, 1<<16)
		if got.Errno != 0 || got.Ret == 0 {
			break
		}
		all = append(all, got.Data...)
	}
	return len(all)
}

// serveWhole says whether this is a whole answer, by its Content-Length.
func serveWhole(b []byte) bool {
	head, body, _ := bytes.Cut(b, []byte("\r\n\r\n"))
	_, rest, ok := bytes.Cut(head, []byte("\r\nContent-Length: "))
	number, _, _ := bytes.Cut(rest, []byte("\r\n"))
	length, err := strconv.Atoi(string(number))
	return ok && err == nil && len(body) >= length
}

func serveIdle(l *Lab) map[string]func() {
	var own *serveOwn
	var silent, second int
	return map[string]func(){
		"silent": func() {
			own = l.serve(web.Config{Loop: web.Iterative})
			l.serveTold(own, web.Iterative)
			silent = l.connect(own.addr)
			l.until("the server to wait for the silent client", func() bool { fd, _, _ := own.HeldUp(); return fd >= 0 })
		},
		"second": func() {
			second = l.connect(own.addr)
			l.must(l.do(client, stage.Order{Do: "setsockopt", FD: second, Option: unix.SO_RCVTIMEO, Timeout: 300 * time.Millisecond}))
			l.must(l.send(client, second, serveGet10))
			got := l.recv(client, second, 1<<16)
			l.note("waited", lesson.Took(got.Duration))
			switch {
			case got.Errno == unix.EAGAIN:
				l.answer("waits")
			case got.Errno == 0 && got.Ret > 0:
				l.answer("served")
			default:
				l.answer("refused")
			}
		},
		"look": func() {
			waiting := l.serveWaiting(own)
			fd, _, _ := own.HeldUp()
			l.showServer(own)
			l.show(lesson.Evidence{Fact: fmt.Sprintf("descriptor %d", fd), Value: fmt.Sprintf("a connection with %s, the silent client", sockets.Peername(fd)), Source: "getpeername(2)"})
			l.show(lesson.Evidence{Fact: "accept queue", Value: fmt.Sprintf("%d waiting", waiting), Source: "sock_diag(7)", Command: listenerCommand(own.addr)})
			l.note("waiting", waiting)
		},
		"leave": func() {
			l.close(client, silent)
			l.must(l.quietly(client, stage.Order{Do: "setsockopt", FD: second, Option: unix.SO_RCVTIMEO, Timeout: patience}))
			l.must(l.recv(client, second, 1<<16))
		},
	}
}

// serveWaiting is the length of the server's accept queue.
func (l *Lab) serveWaiting(own *serveOwn) int {
	row, _ := kernel.FindListener(l.tcp(), own.addr.AddrPort())
	return int(row.RQueue)
}

// showServer shows the call that the server's thread sleeps in.
func (l *Lab) showServer(own *serveOwn) {
	task, err := kernel.Thread(os.Getpid(), own.tid)
	if err != nil {
		l.failf("thread %d: %w", own.tid, err)
	}
	path := fmt.Sprintf("/proc/%d/task/%d/", os.Getpid(), own.tid)
	value := fmt.Sprintf("%s in %s", task.StateName, task.Wchan)
	if s := task.Syscall; s.Form == kernel.SyscallBlocked && s.Number == unix.SYS_RECVFROM {
		value += fmt.Sprintf(", inside recvfrom on descriptor %d", s.Args[0])
	}
	l.show(lesson.Evidence{Fact: "the server's thread", Value: value, Source: path + "wchan and syscall", Command: "cat " + path + "wchan"})
	l.note("wchan", task.Wchan)
}

const (
	serveClients = 8
	serveFor     = 300 * time.Millisecond
)

func serveLoops(l *Lab) map[string]func() {
	return map[string]func(){
		"run":  func() { l.serveCompare(false) },
		"idle": func() { l.serveCompare(true) },
	}
}

// serveCompare has the three loops serve the same load, one after the other, and
// shows what each has done. With idle another client has come before.
func (l *Lab) serveCompare(idle bool) {
	loops := []web.Loop{web.Iterative, web.Threads, web.Epoll}
	totals, served, most := make([]int64, len(loops)), make([]int, len(loops)), int64(1)
	for i, loop := range loops {
		for _, n := range l.serveLoad(loop, idle) {
			totals[i] += n
			if n > 0 {
				served[i]++
			}
		}
		most = max(most, totals[i])
	}
	when := ""
	if idle {
		when = "idle_"
	}
	for i, loop := range loops {
		rate := totals[i] * int64(time.Second/time.Millisecond) / serveFor.Milliseconds()
		l.show(lesson.Evidence{Fact: string(loop), Value: fmt.Sprintf("%d requests a second, for %d of %d clients", rate, served[i], serveClients),
			Source: "counted by the clients", Have: totals[i], Full: most})
		l.note(when+string(loop), fmt.Sprintf("%d of %d", served[i], serveClients))
	}
	if idle {
		return
	}
	switch served[0] {
	case 0:
		l.answer("none")
	case 1:
		l.answer("one")
	case serveClients:
		l.answer("all")
	}
}

// serveLoad gives each client's answers from a server with that loop.
func (l *Lab) serveLoad(loop web.Loop, idle bool) []int64 {
	if l.ctx.Err() != nil {
		l.failf("%w", l.ctx.Err())
	}
	own := l.serve(web.Config{Loop: loop, Loops: 1})
	defer own.Drain()
	if idle {
		fd, err := serveConnect(own.addr)
		if err != nil {
			l.failf("connect: %w", err)
		}
		defer unix.Close(fd)
		l.until("the idle client to be accepted", func() bool { return own.Stats()[0].Open == 1 })
	}
	answers := make([]int64, serveClients)
	var clients sync.WaitGroup
	end := time.Now().Add(serveFor)
	for i := range answers {
		clients.Go(func() { answers[i] = serveAsk(own.addr, end) })
	}
	clients.Wait()
	return answers
}

// serveConnect makes a connection of this process, on which no read blocks for long.
func serveConnect(addr sockets.Sockaddr) (fd int, err error) {
	var t sockets.Tracer
	made := t.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if made.Errno != 0 {
		return -1, made.Errno
	}
	fd = int(made.Ret)
	if c := t.Connect(fd, addr); c.Errno != 0 {
		unix.Close(fd)
		return -1, c.Errno
	}
	t.SetTimeout(fd, unix.SO_RCVTIMEO, serveFor)
	return fd, nil
}

// serveAsk is one client: it asks on one connection, again and again, and counts
// the answers that come before the end.
func serveAsk(addr sockets.Sockaddr, end time.Time) (answers int64) {
	fd, err := serveConnect(addr)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	buf := make([]byte, 4096)
	for {
		if _, err := unix.Write(fd, []byte(serveGet11)); err != nil {
			return answers
		}
		for have := 0; !serveWhole(buf[:have]); {
			n, err := unix.Read(fd, buf[have:])
			if time.Now().After(end) || n == 0 || err != nil && err != unix.EINTR {
				return answers
			}
			have += max(n, 0) // EINTR: the Go runtime's signals interrupt a read with a time limit, signal(7)
		}
		answers++
	}
}

func serveStop(l *Lab) map[string]func() {
	var own *serveOwn
	var c int
	return map[string]func(){
		"half": func() {
			own = l.serve(web.Config{Loop: web.Threads})
			l.serveTold(own, web.Threads)
			c = l.connect(own.addr)
			l.must(l.send(client, c, serveGet11[:20]))
			l.until("the server to read it", func() bool { return l.serveUnread(own) == 0 })
		},
		"stop": func() {
			own.Drain()
			l.until("the listener to be closed", func() bool {
				_, listens := kernel.FindListener(l.tcp(), own.addr.AddrPort())
				return !listens
			})
			rows := l.serveRows(own)
			l.show(lesson.Evidence{Fact: "the server's sockets", Value: strings.Join(rows, ", "), Source: "sock_diag(7)", Command: fmt.Sprintf("ss -tan 'sport = :%d'", own.addr.Port())})
			l.note("rows", strings.Join(rows, ", "))
		},
		"late": func() {
			late := l.stream(client)
			l.note("late", said(l.do(client, stage.Order{Do: "connect", FD: late, Addr: own.addr})))
		},
		"rest": func() {
			l.must(l.send(client, c, serveGet11[20:]))
			l.note("answer", l.serveAnswer(c))
			l.close(client, c)
			l.until("the server to end", func() bool {
				select {
				case <-own.ran:
					return true
				default:
					return false
				}
			})
		},
	}
}

// serveRows are the states of the server's sockets.
func (l *Lab) serveRows(own *serveOwn) (states []string) {
	for _, row := range l.tcp() {
		if row.Local == own.addr.AddrPort() {
			states = append(states, row.State.String())
		}
	}
	return states
}

// serveUnread is how many bytes the server has not read yet; -1 before it has
// accepted anybody.
func (l *Lab) serveUnread(own *serveOwn) int {
	if own.Stats()[0].Open == 0 {
		return -1
	}
	unread := 0
	for _, row := range l.tcp() {
		if row.Local == own.addr.AddrPort() && row.State == kernel.Established {
			unread += int(row.RQueue)
		}
	}
	return unread
}

// serveHang wants a client that says nothing, and behind it another whose request
// nobody reads.
func serveHang(l *Lab) func() (bool, string) {
	const long = time.Hour // the learner may take his time
	own := l.serve(web.Config{Loop: web.Iterative, Timeouts: web.Timeouts{Head: long, Idle: long}})
	return func() (bool, string) {
		fd, _, silent := own.HeldUp()
		unread := 0
		for _, row := range l.tcp() {
			if row.Local == own.addr.AddrPort() && row.State == kernel.Established && row.Inode == 0 {
				unread += int(row.RQueue)
			}
		}
		task, _ := kernel.Thread(os.Getpid(), own.tid)
		l.note("unread", unread)
		l.note("wchan", task.Wchan)
		l.note("peer", "a client")
		held := "nobody holds up the server"
		if fd >= 0 {
			l.note("peer", sockets.Peername(fd))
			held = fmt.Sprintf("held up for %.0f s", silent.Seconds())
		}
		return fd >= 0 && unread > 0, fmt.Sprintf("%s, in the accept queue: %d, unread: %d bytes", held, l.serveWaiting(own), unread)
	}
}
