package course

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
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

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
	const long = time.Hour // the learner may take his time
	config.Timeouts = web.Timeouts{Head: long, Body: long, Idle: long, Write: long}
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
	l.mu.Lock()
	l.own = own
	l.mu.Unlock()
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
// whose rest it would wait, or does not read.
func (own *serveOwn) end() {
	own.Drain()
	for {
		select {
		case <-own.ran:
			return
		case <-time.After(20 * time.Millisecond):
			for _, s := range own.sockets() {
				if !s.Listening {
					unix.Shutdown(s.FD, unix.SHUT_RDWR)
				}
			}
		}
	}
}

// sockets are the listener, while it is open, and the connections.
func (own *serveOwn) sockets() (all []stage.Socket) {
	fds, _ := kernel.FDs(os.Getpid())
	for _, fd := range fds {
		asked, err := kernel.Ask(fd.Number)
		if err == nil && asked.Type == unix.SOCK_STREAM && bytes.Equal(asked.Local, own.addr) {
			all = append(all, stage.Socket{Asked: asked, Became: "accept4", With: asked.Peer})
		}
	}
	return all
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
