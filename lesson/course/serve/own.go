package serve

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	web "fd3/httpmini/server"
	"fd3/httpmini/server/docroot"
	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/kernel"
)

// ownServer is fd3's own server, on a thread of this process.
type ownServer struct {
	*web.Server
	listener int
	addr     sockets.Sockaddr
	tid      int           // of the thread that Run runs on
	ran      chan struct{} // closed when Run has returned
}

// start starts fd3's server with one small page. It ends with the experiment, or
// when it is drained.
func start(l *lab.Lab, config web.Config) *ownServer {
	dir := l.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte("<p>Hello.\n"), 0o644); err != nil {
		l.Fatalf("%w", err)
	}
	root, err := docroot.Open(dir)
	if err != nil {
		l.Fatalf("%w", err)
	}
	own := &ownServer{ran: make(chan struct{})}
	if own.listener, own.addr, err = newListener(); err != nil {
		root.Close()
		l.Fatalf("a listener: %w", err)
	}
	const long = time.Hour // the learner may take their time
	config.Timeouts = web.Timeouts{Head: long, Body: long, Idle: long, Write: long}
	config.Root, config.Listeners, config.Quiet = root, []int{own.listener}, true
	if own.Server, err = web.New(config); err != nil {
		root.Close()
		unix.Close(own.listener)
		l.Fatalf("%w", err)
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
	l.OnBoard(func() (kernel.Party, bool) {
		select {
		case <-own.ran:
			return kernel.Party{}, false
		default:
			name := fmt.Sprintf("server, thread %d of fd3", own.tid)
			return kernel.Party{Name: name, PID: os.Getpid(), Net: l.Net(), TID: own.tid, At: own.addr.AddrPort()}, true
		}
	})
	l.Runs(func() {
		own.end()
		root.Close()
	})
	l.Note("addr", own.addr)
	l.Note("port", own.addr.Port())
	l.Note("tid", own.tid)
	l.Note("own_pid", os.Getpid())
	return own
}

// end ends the server, also if a learner's client has sent half of a request, for
// whose rest it would wait, or does not read.
func (own *ownServer) end() {
	own.Drain()
	for {
		select {
		case <-own.ran:
			return
		case <-time.After(20 * time.Millisecond):
			for _, fd := range own.connections() {
				unix.Shutdown(fd, unix.SHUT_RDWR)
			}
		}
	}
}

// connections returns the descriptors of those that the server has accepted.
func (own *ownServer) connections() (all []int) {
	fds, _ := kernel.FDs(os.Getpid())
	for _, fd := range fds {
		x, err := kernel.Ask(fd.Number)
		if err == nil && x.Type == unix.SOCK_STREAM && bytes.Equal(x.Local, own.addr) && !x.Listening {
			all = append(all, fd.Number)
		}
	}
	return all
}

// newListener makes a listening socket in this process.
func newListener() (fd int, addr sockets.Sockaddr, err error) {
	var t sockets.Tracer
	made := t.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if made.Errno != 0 {
		return -1, nil, made.Errno
	}
	fd = int(made.Ret)
	for _, call := range []func() sockets.Call{
		func() sockets.Call { return t.SetReuseAddr(fd, true) },
		func() sockets.Call { return t.Setsockopt(fd, unix.SOL_TCP, unix.TCP_NODELAY, 1) },
		func() sockets.Call { return t.Bind(fd, lab.Loopback(0)) },
		func() sockets.Call { return t.Listen(fd, unix.SOMAXCONN) },
	} {
		if c := call(); c.Errno != 0 {
			unix.Close(fd)
			return -1, nil, c.Errno
		}
	}
	return fd, sockets.Sockname(fd), nil
}

// tellOf says which server it is that a step has started.
func tellOf(l *lab.Lab, own *ownServer, loop web.Loop) {
	l.Show(lesson.Evidence{Fact: "the server", Value: fmt.Sprintf("%s, on %s, thread %d of process %d", loop, own.addr, own.tid, os.Getpid()),
		Source: "sock_diag(7)", Command: facts.SS("-ltn", facts.From(own.addr.Port()))})
}
