package step

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/words"
	"fd3/sockets"
	"fd3/sockets/stage"
)

// A stagehand is a Runner on two stages in this process, and all it has told.
type stagehand struct {
	*Runner
	t       *testing.T
	explain lesson.Explain
	events  []lesson.Event
	waits   chan struct{} // see another
}

func newStagehand(t *testing.T) *stagehand {
	h := &stagehand{t: t, explain: lesson.Full}
	h.Runner = &Runner{
		Name:     "test",
		Usual:    loopback(0),
		Parties:  []Party{{Name: server, Stage: localStage(t)}, {Name: client, Stage: localStage(t)}},
		Start:    func(stage.Role) (bool, bool, error) { return false, false, nil },
		Show:     func(e lesson.Event) { h.events = append(h.events, e) },
		Complain: func(err error) { t.Error(err) },
	}
	t.Cleanup(h.closeAll)
	return h
}

// localStage runs a Machine on a thread of its own until the test ends.
func localStage(t *testing.T) Stage {
	return stageWhere(t, func() error { return nil })
}

// stageWhere is localStage on a thread that has gone elsewhere first.
func stageWhere(t *testing.T, enter func() error) Stage {
	m := stage.NewMachine()
	ready := make(chan error)
	done := make(chan struct{})
	go func() {
		runtime.LockOSThread() // for good: the thread ends where it has gone
		defer close(done)
		err := enter()
		if ready <- err; err == nil {
			m.Run()
		}
	}()
	if err := <-ready; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Stop(); <-done })
	return stage.Local{Machine: m}
}

// closeAll closes what a scenario left open, so that no descriptor leaks from one
// to the next.
func (h *stagehand) closeAll() {
	for _, p := range h.Parties {
		state, _ := p.Stage.State(context.Background())
		for _, x := range state.Sockets {
			unix.Close(x.FD)
		}
	}
}

// do takes a step and expects it to succeed.
func (h *stagehand) do(step string, set ...func(*Options)) {
	h.t.Helper()
	if err := h.try(step, set...); err != nil {
		h.t.Fatalf("%s: %v\n%s", step, err, h.lastCall().Strace)
	}
}

// fails takes a step and expects the kernel to refuse it with this errno.
func (h *stagehand) fails(step, errno string, set ...func(*Options)) {
	h.t.Helper()
	if err := h.try(step, set...); !errors.Is(err, ErrFailed) {
		h.t.Fatalf("%s: got %v, want a failed call", step, err)
	}
	if e := h.lastCall(); e.ErrnoName != errno {
		h.t.Fatalf("%s: got %s, want %s", step, e.Strace, errno)
	}
}

func (h *stagehand) try(step string, set ...func(*Options)) error {
	o := DefaultOptions()
	o.Explain = h.explain
	for _, f := range set {
		f(&o)
	}
	return h.Do(context.Background(), named(step), o)
}

func (h *stagehand) lastCall() lesson.Event {
	for _, e := range slices.Backward(h.events) {
		if e.Kind == lesson.KindReturn {
			return e
		}
	}
	return lesson.Event{}
}

func loopback(port uint16) sockets.Sockaddr {
	return sockets.InetSockaddr(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port))
}

func parse(t *testing.T, text string) sockets.Sockaddr {
	t.Helper()
	addr, err := sockets.ParseSockaddr(text)
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// These functions on Options are what a learner can say.
func asClient(o *Options)                    { o.Role = stage.Client }
func only(o *Options)                        { o.Only = true }
func dgram(o *Options)                       { o.Type = unix.SOCK_DGRAM }
func fd(n int) func(*Options)                { return func(o *Options) { o.FD = n } }
func family(n int) func(*Options)            { return func(o *Options) { o.Domain = n } }
func backlog(n int) func(*Options)           { return func(o *Options) { o.Backlog = n } }
func count(n int) func(*Options)             { return func(o *Options) { o.Count = n } }
func size(n int) func(*Options)              { return func(o *Options) { o.Size = n } }
func how(n int) func(*Options)               { return func(o *Options) { o.How = n } }
func data(s string) func(*Options)           { return func(o *Options) { o.Data = []byte(s) } }
func proto(n int) func(*Options)             { return func(o *Options) { o.Proto = n } }
func timeout(d time.Duration) func(*Options) { return func(o *Options) { o.Timeout = d } }
func to(a sockets.Sockaddr) func(*Options)   { return func(o *Options) { o.Addr = a } }

// listenerAddr is where the scenario's server listens.
func (h *stagehand) listenerAddr() sockets.Sockaddr {
	h.t.Helper()
	s, err := look(context.Background(), h.Parties)
	if err != nil {
		h.t.Fatal(err)
	}
	x, ok := s.listener()
	if !ok {
		h.t.Fatal("nobody listens")
	}
	return x.Local
}

// start makes a listener on a free port.
func (h *stagehand) start(set ...func(*Options)) {
	h.t.Helper()
	h.do("bind", to(loopback(0)))
	h.do("listen", set...)
}

// scenarios are situations that a learner can bring about. Each runs on the real
// kernel, and every sentence it tells has its values. Together they tell every
// section of the words.
var scenarios = map[string]func(*testing.T, *stagehand){
	"a whole life": func(t *testing.T, h *stagehand) {
		h.do("socket")
		h.do("setsockopt")
		h.do("bind")
		h.do("listen", backlog(2))
		h.do("connect")
		h.do("accept")
		h.do("send", asClient)
		h.do("recv")
		h.do("send")
		h.do("recv", asClient)
		h.do("shutdown")
		h.do("recv", asClient)
		h.do("close", asClient)
		h.do("recv")
		h.do("close")
		h.do("close")
	},
	"the client finishes first": func(t *testing.T, h *stagehand) {
		h.start()
		h.do("connect")
		h.do("accept")
		h.do("shutdown", asClient)
		h.do("recv")
		h.do("close")
		h.do("close", asClient)
		h.do("close")
	},
	"a close with unread bytes": func(t *testing.T, h *stagehand) {
		h.start()
		h.do("connect")
		h.do("accept")
		h.do("send", asClient)
		h.do("close")
		h.fails("recv", "ECONNRESET", asClient)
		h.fails("send", "EPIPE", asClient)
		h.do("close", asClient)
	},
	"a peer that is gone": func(t *testing.T, h *stagehand) {
		h.start()
		h.do("connect")
		h.do("accept")
		h.do("send", asClient)
		h.do("close")
		h.fails("send", "ECONNRESET", asClient)
	},
	"what is left after shutdown is drained": func(t *testing.T, h *stagehand) {
		h.start()
		h.do("connect")
		h.do("accept")
		h.do("send", asClient)
		h.do("shutdown")
	},
	"drained to the end": func(t *testing.T, h *stagehand) {
		h.start()
		h.do("connect")
		h.do("accept")
		h.do("shutdown", asClient)
		h.do("shutdown")
		h.do("close")
	},
	"both directions at once, and only reading": func(t *testing.T, h *stagehand) {
		h.start()
		h.do("connect")
		h.do("accept")
		h.do("shutdown", how(unix.SHUT_RD))
		h.do("shutdown", how(unix.SHUT_RDWR))
	},
	"both directions of a unix connection": func(t *testing.T, h *stagehand) {
		h.do("bind", to(sockets.UnixSockaddr(socketPath(t))))
		h.do("accept")
		h.do("shutdown", how(unix.SHUT_RD))
		h.do("shutdown", how(unix.SHUT_RDWR))
	},
	"every interface, any port": func(t *testing.T, h *stagehand) {
		h.do("bind", to(parse(t, "0.0.0.0:0")))
		h.do("listen", backlog(1<<20))
		h.do("listen", backlog(3))
		h.do("connect")
	},
	"by the name localhost": func(t *testing.T, h *stagehand) {
		localhost := func(o *Options) { o.Localhost = true }
		h.do("bind", to(loopback(0)), localhost)
		h.do("listen")
		h.do("connect", to(h.listenerAddr()), localhost)
		h.do("send", asClient, to(h.listenerAddr()), localhost)
	},
	"nobody at the wildcard": func(t *testing.T, h *stagehand) {
		h.fails("connect", "ECONNREFUSED", to(parse(t, fmt.Sprintf("0.0.0.0:%d", freePort(t)))))
	},
	"a listener at a broadcast address": func(t *testing.T, h *stagehand) {
		h.do("bind", to(parse(t, "127.255.255.255:0")))
		h.do("listen")
		h.fails("connect", "ENETUNREACH")
	},
	"a port of one's own choice": func(t *testing.T, h *stagehand) {
		h.do("bind", to(loopback(freePort(t))))
	},
	"IPv6": func(t *testing.T, h *stagehand) {
		h.do("socket", family(unix.AF_INET6))
		h.do("bind", to(sockets.InetSockaddr(netip.AddrPortFrom(netip.IPv6Loopback(), freePort(t)))))
		h.do("listen")
		h.do("accept", timeout(time.Second), func(o *Options) { o.Only = false; o.FD = Fitting }, connectFirst(h))
	},
	"a unix socket": func(t *testing.T, h *stagehand) {
		path := socketPath(t)
		h.do("socket", family(unix.AF_UNIX))
		h.fails("listen", "EINVAL", only)
		h.do("bind", to(sockets.UnixSockaddr(path)))
		h.do("listen")
		h.do("connect")
		h.do("accept")
		h.do("send", asClient)
		h.do("recv")
		h.do("send")
		h.do("recv", asClient)
		h.do("shutdown")
		h.do("close")
		h.fails("send", "EPIPE", asClient)
		h.do("close", asClient)
		h.do("close")
		h.fails("bind", "EADDRINUSE", to(sockets.UnixSockaddr(path)))
		h.fails("connect", "ECONNREFUSED", to(sockets.UnixSockaddr(path)), family(unix.AF_UNIX))
	},
	"unix sockets without a peer": func(t *testing.T, h *stagehand) {
		h.do("socket", family(unix.AF_UNIX))
		h.fails("send", "ENOTCONN", only)
		h.fails("recv", "EINVAL", only)
		h.do("socket", asClient, family(unix.AF_UNIX))
		h.fails("send", "ENOTCONN", asClient, only)
		h.fails("connect", "ENOENT", to(sockets.UnixSockaddr(socketPath(t))))
		h.fails("bind", "ENOENT", to(sockets.UnixSockaddr(filepath.Join(socketPath(t), "no", "such", "folder"))))
	},
	"unix sockets of two types": func(t *testing.T, h *stagehand) {
		path := socketPath(t)
		h.do("socket", family(unix.AF_UNIX), dgram)
		h.do("bind", to(sockets.UnixSockaddr(path)))
		h.do("socket", asClient, family(unix.AF_UNIX), func(o *Options) { o.Type = unix.SOCK_STREAM })
		h.fails("connect", "EPROTOTYPE", to(sockets.UnixSockaddr(path)))
	},
	"a unix queue that is full": func(t *testing.T, h *stagehand) {
		h.do("bind", to(sockets.UnixSockaddr(socketPath(t))))
		h.do("listen", backlog(0))
		h.do("connect")
		h.fails("connect", "EAGAIN", timeout(10*time.Millisecond))
	},
	"datagrams": func(t *testing.T, h *stagehand) {
		h.do("socket", dgram)
		h.do("bind")
		h.fails("listen", "EOPNOTSUPP", only)
		h.fails("accept", "EOPNOTSUPP", only)
		h.fails("send", "EDESTADDRREQ")
		h.do("connect")
		h.do("send", asClient)
		h.do("recv")
		h.do("send")
		h.do("recv", asClient)
		h.fails("send", "EMSGSIZE", data(strings.Repeat("x", 70000)))
		h.do("close")
		h.do("send", asClient)
		h.fails("recv", "ECONNREFUSED", asClient)
		h.do("send", asClient)
		h.fails("send", "ECONNREFUSED", asClient)
		h.do("close", asClient)
	},
	"a message longer than its room": func(t *testing.T, h *stagehand) {
		h.receives(unix.AF_INET)
		h.do("send", asClient)
		h.do("recv", size(4))
	},
	"an address beside the peer": func(t *testing.T, h *stagehand) {
		h.start()
		h.do("connect")
		h.do("send", asClient, to(loopback(9)))
	},
	"another address than the peer's": func(t *testing.T, h *stagehand) {
		h.receives(unix.AF_INET)
		h.do("send", asClient, to(loopback(9)))
	},
	"a datagram from a client alone": func(t *testing.T, h *stagehand) {
		h.do("socket", asClient, dgram)
		h.do("send", asClient, to(loopback(freePort(t))))
		if state, _ := h.Stage(server).State(context.Background()); len(state.Sockets) > 0 {
			t.Errorf("the server has made %+v", state.Sockets)
		}
	},
	"an accept queue that overflows": func(t *testing.T, h *stagehand) {
		h.start(backlog(1))
		h.do("connect", count(5))
		h.fails("recv", "EAGAIN", asClient)
	},
	"a connect that waits too long": func(t *testing.T, h *stagehand) {
		h.start(backlog(0))
		h.do("connect")
		h.fails("connect", "EINPROGRESS", timeout(10*time.Millisecond))
		h.fails("connect", "EALREADY", only, fd(h.newest(stage.Client)), to(h.listenerAddr()))
	},
	"accept in vain": func(t *testing.T, h *stagehand) {
		h.start()
		h.fails("accept", "EAGAIN", timeout(10*time.Millisecond))
	},
	"accept without listen": func(t *testing.T, h *stagehand) {
		h.do("socket")
		h.fails("accept", "EINVAL", only)
		h.fails("recv", "ENOTCONN", only)
		h.fails("shutdown", "ENOTCONN", only)
		h.fails("send", "EPIPE", only)
	},
	"too little time to read": func(t *testing.T, h *stagehand) {
		h.start()
		h.do("connect")
		h.do("accept")
		h.fails("recv", "EAGAIN", timeout(10*time.Millisecond))
		h.fails("recv", "EAGAIN", asClient, timeout(10*time.Millisecond))
	},
	"a peer that does not read": func(t *testing.T, h *stagehand) {
		h.start()
		h.do("connect")
		h.do("accept")
		h.fill(stage.Server)
	},
	"addresses that cannot be had": func(t *testing.T, h *stagehand) {
		h.do("socket")
		h.fails("bind", "EADDRNOTAVAIL", to(parse(t, "192.0.2.1:0")))
		h.fails("bind", "EAFNOSUPPORT", to(parse(t, "[::1]:0")))
		h.do("bind")
		h.fails("bind", "EINVAL")
	},
	"an address that is taken": func(t *testing.T, h *stagehand) {
		h.start()
		taken := h.listenerAddr()
		h.do("socket")
		h.fails("bind", "EADDRINUSE", to(taken), only)
	},
	"two that may both bind, but not both listen": func(t *testing.T, h *stagehand) {
		h.do("bind")
		s, _ := look(context.Background(), h.Parties)
		x, _ := s.last(stage.Server, quiet)
		h.do("socket")
		h.do("bind", to(x.Local))
		h.do("listen")
		h.fails("listen", "EADDRINUSE", fd(x.FD))
	},
	"an address with old connections": func(t *testing.T, h *stagehand) {
		h.start()
		addr := h.listenerAddr()
		h.do("connect")
		h.do("accept")
		h.do("close")
		h.do("close", asClient)
		h.do("close")
		h.do("socket")
		h.fails("bind", "EADDRINUSE", to(addr), only)
	},
	"clients that nobody listens to": func(t *testing.T, h *stagehand) {
		h.fails("connect", "ECONNREFUSED", to(loopback(freePort(t))))
		h.do("socket", asClient, family(unix.AF_INET))
		h.fails("recv", "ENOTCONN", asClient, only)
		h.fails("connect", "EAFNOSUPPORT", to(parse(t, "[::1]:1")), only)
	},
	"a client that is connected already": func(t *testing.T, h *stagehand) {
		h.start()
		h.do("connect")
		h.fails("connect", "EISCONN", fd(h.newest(stage.Client)), to(h.listenerAddr()))
	},
	"a listener made of a connection": func(t *testing.T, h *stagehand) {
		h.start()
		h.do("connect")
		h.do("accept")
		h.fails("listen", "EINVAL", fd(h.newest(stage.Server)))
	},
	"a server that does not read": func(t *testing.T, h *stagehand) {
		h.start()
		h.do("connect")
		h.fill(stage.Client)
	},
	"the same four-tuple twice": func(t *testing.T, h *stagehand) {
		h.start()
		mine := loopback(freePort(t))
		for range 2 {
			h.do("socket", asClient)
			h.do("setsockopt", asClient)
			h.do("bind", asClient, to(mine))
			if len(h.clientSockets()) == 1 {
				h.do("connect")
			}
		}
		h.fails("connect", "EADDRNOTAVAIL")
	},
	"nowhere to go": func(t *testing.T, h *stagehand) {
		h.fails("connect", "ENETUNREACH", to(parse(t, "255.255.255.255:1")))
	},
	"too many open files": func(t *testing.T, h *stagehand) {
		h.start()
		h.do("connect")
		defer limitDescriptors(t)()
		h.fails("accept", "EMFILE")
		h.fails("socket", "EMFILE")
	},
	"listen without bind": func(t *testing.T, h *stagehand) {
		h.do("socket", proto(unix.IPPROTO_TCP))
		h.do("listen", only)
		h.fails("recv", "ENOTCONN", only)
	},
	"an address that does not fit": func(t *testing.T, h *stagehand) {
		h.do("socket", family(unix.AF_INET6))
		h.fails("bind", "EINVAL", to(loopback(0)))
	},
	"link-local addresses without their interface": func(t *testing.T, h *stagehand) {
		h.do("socket", family(unix.AF_INET6))
		h.fails("bind", "EINVAL", to(parse(t, "[fe80::1]:0")))
		h.fails("bind", "ENODEV", to(parse(t, "[fe80::1%99999999]:0")))
	},
	"a path that a live socket has": func(t *testing.T, h *stagehand) {
		path := to(sockets.UnixSockaddr(socketPath(t)))
		h.do("bind", path)
		h.do("listen")
		h.do("socket", family(unix.AF_UNIX))
		h.fails("bind", "EADDRINUSE", path, only)
	},
	"a path where a directory is": func(t *testing.T, h *stagehand) {
		h.fails("bind", "EADDRINUSE", to(sockets.UnixSockaddr(filepath.Dir(socketPath(t)))))
	},
	"a unix queue that overflows": func(t *testing.T, h *stagehand) {
		h.do("bind", to(sockets.UnixSockaddr(socketPath(t))))
		h.do("listen", backlog(1))
		h.do("connect", count(5))
	},
	"an answer that nobody reads": func(t *testing.T, h *stagehand) {
		h.start()
		h.do("connect")
		h.do("accept")
		h.do("close", asClient)
		h.do("send")
		h.fails("send", "EPIPE")
		h.do("recv")
	},
	"a request from one that is not connected yet": func(t *testing.T, h *stagehand) {
		h.start(backlog(0))
		h.do("connect", count(3))
		h.fails("send", "EAGAIN", asClient, fd(h.newest(stage.Client)))
	},
	"the client that is served": func(t *testing.T, h *stagehand) {
		h.start()
		h.do("connect", count(3))
		h.do("accept")
		h.do("send", asClient)
		h.do("recv")
	},
	"no descriptor": func(t *testing.T, h *stagehand) {
		h.fails("close", "EBADF", fd(900))
		h.fails("listen", "EBADF", fd(900))
		h.fails("listen", "ENOTSOCK", fd(0))
		h.do("close", fd(nullFD(t)))
		h.fails("send", "EBADF", fd(900))
	},
	"sockets that do not exist": func(t *testing.T, h *stagehand) {
		h.fails("socket", "EPROTONOSUPPORT", proto(unix.IPPROTO_UDP))
		h.fails("socket", "EAFNOSUPPORT", family(60))
		h.fails("socket", "ESOCKTNOSUPPORT", func(o *Options) { o.Type = unix.SOCK_SEQPACKET })
	},
	"a client's own end": func(t *testing.T, h *stagehand) {
		h.do("send", asClient)
		h.do("recv")
		h.do("close", asClient)
		h.do("close", asClient)
	},
	"recv first":               func(t *testing.T, h *stagehand) { h.do("recv") },
	"send first":               func(t *testing.T, h *stagehand) { h.do("send") },
	"recv of the client first": func(t *testing.T, h *stagehand) { h.do("recv", asClient) },
	"shutdown first":           func(t *testing.T, h *stagehand) { h.do("shutdown") },
	"accept first":             func(t *testing.T, h *stagehand) { h.do("accept") },
	"close first":              func(t *testing.T, h *stagehand) { h.do("close") },
	"a small buffer": func(t *testing.T, h *stagehand) {
		h.do("recv", size(10))
		h.do("recv")
	},
}

// fill sends until the buffers at both ends are full.
func (h *stagehand) fill(role stage.Role) {
	h.t.Helper()
	for range 64 {
		err := h.try("send", data(strings.Repeat("x", 1<<20)), timeout(50*time.Millisecond), func(o *Options) { o.Role = role })
		if errors.Is(err, ErrFailed) && h.lastCall().ErrnoName == "EAGAIN" {
			return
		} else if err != nil {
			h.t.Fatal(err)
		}
	}
	h.t.Fatal("the send buffer never filled up")
}

func (h *stagehand) clientSockets() []stage.Socket {
	state, _ := h.Stage(client).State(context.Background())
	return state.Sockets
}

// limitDescriptors lets this process open no further descriptor, until the
// returned function is called.
func limitDescriptors(t *testing.T) func() {
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	lowest, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(lowest)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(lowest), Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	return func() { unix.Setrlimit(unix.RLIMIT_NOFILE, &was) }
}

// connectFirst lets the scenario's client connect before the step begins.
func connectFirst(h *stagehand) func(*Options) {
	return func(*Options) { h.do("connect") }
}

func (h *stagehand) newest(role stage.Role) int {
	s, _ := look(context.Background(), h.Parties)
	x, _ := s.last(role, func(stage.Socket) bool { return true })
	return x.FD
}

// freePort is a port that nobody has right now.
func freePort(t *testing.T) uint16 {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	return sockets.Sockname(fd).Port()
}

func socketPath(t *testing.T) string {
	dir, err := os.MkdirTemp("", "fd3")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

// elsewhere are the sections that another test tells, or none can here, with the
// reason.
var elsewhere = map[string]string{
	"bind EACCES":      "needs an ordinary user: testdata/script/errno.txtar of cmd/fd3",
	"bind EACCES unix": "needs an ordinary user",

	"bind EADDRINUSE hidden":   "TestPathHeldInAnotherNamespace",
	"bind EADDRINUSE vanished": "the file must go between bind and lstat",

	"recv meaning full": "TestMessageThatFillsItsRoom",
	"recv recap full":   "one line for the same",

	"connect ECONNREFUSED elsewhere": "TestRefusedBesideAListener",
	"connect ECONNREFUSED late":      "the listener must begin between the refusal and the reading",

	"bind EADDRINUSE abstract": "needs a socket of a container that shares the network namespace",

	"bind EACCES policy": "needs a security module, or a program attached to the cgroup",
	"connect EACCES":     "needs an ordinary user",
	"send EACCES":        "needs an ordinary user",
	"connect ETIMEDOUT":  "tcp_syn_retries makes it last two minutes",
}

func TestEverySentenceIsToldWithItsValues(t *testing.T) {
	var told []string
	for _, name := range slices.Sorted(maps.Keys(scenarios)) {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			for _, level := range []lesson.Explain{lesson.Full, recapOnly} {
				h := newStagehand(t)
				h.explain = level
				scenarios[name](t, h)
				for _, e := range h.events {
					told = append(told, e.Text)
				}
				h.closeAll()
			}
		})
	}
	causes, complete := tellCauses(t)
	told = slices.Concat(told, causes, tellKinds(t))
	if !complete {
		t.Skip("not each cause can be brought about here, so not each sentence is told: see what is skipped")
	}
	all := strings.Join(told, "\n")
	for _, id := range contentNames(t) {
		for heading, text := range sections(page(id)) {
			if id == "errno" || id == "blocked" || strings.TrimSpace(text) == "" {
				continue
			}
			if i := strings.LastIndex(text, "`: "); strings.HasPrefix(text, "- `") { // a list of commands
				text = strings.Join(strings.Fields(text[i+len("`: "):]), " ")
			}
			if _, excused := elsewhere[id+" "+heading]; !excused && !strings.Contains(all, longest(text)) {
				t.Errorf("%s.md: no scenario tells %q", id, heading)
			}
		}
	}
}

// sections are the texts of a page by heading, those of its parts by "section/part".
func sections(p words.Page) map[string]string {
	all := make(map[string]string)
	for _, s := range p.Sections {
		all[s.Heading] = s.Text
		for _, part := range s.Parts {
			all[s.Heading+"/"+part.Heading] = part.Text
		}
	}
	return all
}

func contentNames(t *testing.T) []string {
	names, err := fs.Glob(files, "*.md")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for i, name := range names {
		names[i] = strings.TrimSuffix(filepath.Base(name), ".md")
	}
	return names
}

var hole = regexp.MustCompile(`\{[a-z_]+\}`)

// longest is the longest stretch of a text between its placeholders.
func longest(text string) string {
	parts := hole.Split(text, -1)
	return slices.MaxFunc(parts, func(a, b string) int { return len(a) - len(b) })
}

// nullFD is a descriptor of no socket.
func nullFD(t *testing.T) int {
	t.Helper()
	null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return null
}

// Of a descriptor that is no socket's nothing is told that is of sockets.
func TestNoSocket(t *testing.T) {
	h := newStagehand(t)
	h.do("close", fd(nullFD(t)))
	if !h.told("led to no socket") || h.told("FIN") {
		t.Error("close is told as that of a connection")
	}
	h.do("connect")
	h.fails("send", "EBADF", asClient, fd(900))
	if !slices.ContainsFunc(h.events, func(e lesson.Event) bool { return strings.Contains(e.Strace, "MSG_NOSIGNAL, NULL, 0) = -1 EBADF") }) {
		t.Error("send names an address")
	}
}
