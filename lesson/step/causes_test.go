package step

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets"
	"fd3/sockets/kernel"
)

// tellCauses brings each errno about by each of its causes, and expects it to be told
// with its own: words that only this cause has, and none that would be false here. It
// returns all that was told, and whether all causes could be brought about. It is long,
// since it is a table.
func tellCauses(t *testing.T) (told []string, all bool) {
	inet := family(unix.AF_INET)
	inet6 := family(unix.AF_INET6)
	local := family(unix.AF_UNIX)
	stream := func(o *Options) { o.Type = unix.SOCK_STREAM }
	tests := map[string]struct {
		run       func(t *testing.T, h *stagehand, dir string)
		says, not string
	}{
		"socket of a protocol above all numbers": {func(t *testing.T, h *stagehand, _ string) { h.fails("socket", "EINVAL", proto(300)) }, "from 0 to 262", "argument does not fit"},
		"socket of a unix protocol":              {func(t *testing.T, h *stagehand, _ string) { h.fails("socket", "EPROTONOSUPPORT", local, proto(5)) }, "PF_UNIX", "TCP is for streams"},
		"bind of IPv4 on IPv6": {func(t *testing.T, h *stagehand, _ string) {
			h.do("socket", inet6)
			h.fails("bind", "EINVAL", to(loopback(0)))
		}, "struct does not fit", "link-local"},
		"bind of a link-local address on a unix socket": {func(t *testing.T, h *stagehand, _ string) {
			h.do("socket", local)
			h.fails("bind", "EINVAL", to(parse(t, "[fe80::1]:0")))
		}, "struct does not fit", "link-local"},
		"bind of multicast without zone": {func(t *testing.T, h *stagehand, _ string) { h.fails("bind", "EINVAL", to(parse(t, "[ff02::1]:0"))) }, "zone", "does not fit"},
		"bind below a file": {func(t *testing.T, h *stagehand, dir string) {
			h.fails("bind", "ENOTDIR", to(sockets.UnixSockaddr(dir+"/file/s")))
		}, "no folder", "no words of its own"},
		"bind through links": {func(t *testing.T, h *stagehand, dir string) {
			h.fails("bind", "ELOOP", to(sockets.UnixSockaddr(dir+"/loop/s")))
		}, "Symbolic links", "no words of its own"},
		"bind in a folder of the kernel": {func(t *testing.T, h *stagehand, _ string) {
			if os.Geteuid() != 0 {
				t.Skip("only root gets as far as the file system's own answer")
			}
			h.fails("bind", "EPERM", to(sockets.UnixSockaddr("/sys/s")))
		}, "this folder takes none", "firewall"},
		"bind of UDP where TCP is in TIME_WAIT": {func(t *testing.T, h *stagehand, _ string) {
			h.start()
			addr := h.listenerAddr()
			h.do("connect")
			h.do("accept")
			h.do("close")
			h.do("close", asClient)
			h.do("close")
			h.do("socket", dgram)
			h.do("bind", to(addr), only)
			h.do("socket", dgram)
			h.fails("bind", "EADDRINUSE", to(addr), only)
		}, "is in use", "TIME_WAIT"},
		"listen on a unix connection": {func(t *testing.T, h *stagehand, dir string) {
			h.do("bind", to(sockets.UnixSockaddr(dir+"/s")))
			h.do("accept")
			h.fails("listen", "EINVAL", fd(h.newest(server)))
		}, "one end of a connection. Only", "has none"},
		"recv of a connection that was not accepted": {func(t *testing.T, h *stagehand, _ string) {
			h.start()
			h.do("connect")
			h.do("close")
			h.fails("recv", "ECONNRESET", asClient, only)
		}, "closed its listener before it had accepted", "no words of its own"},
		"recv of a unix connection that was not accepted": {func(t *testing.T, h *stagehand, dir string) {
			h.do("bind", to(sockets.UnixSockaddr(dir+"/s")))
			h.do("listen")
			h.do("connect")
			h.do("close")
			h.fails("recv", "ECONNRESET", asClient, only)
		}, "closed its listener before it had accepted", "RST"},
		"connect to broadcast, stream": {func(t *testing.T, h *stagehand, _ string) {
			h.fails("connect", "ENETUNREACH", to(parse(t, "127.255.255.255:9")))
		}, "address of many machines", "no route"},
		"connect to multicast, stream": {func(t *testing.T, h *stagehand, _ string) {
			h.fails("connect", "ENETUNREACH", to(parse(t, "224.0.0.1:9")))
		}, "address of many machines", "no route"},
		"connect to broadcast, datagram": {func(t *testing.T, h *stagehand, _ string) {
			h.fails("connect", "EACCES", dgram, to(parse(t, "127.255.255.255:9")))
		}, "SO_BROADCAST", "permission"},
		"send to broadcast": {func(t *testing.T, h *stagehand, _ string) {
			h.do("socket", asClient, dgram, inet)
			h.fails("send", "EACCES", asClient, only, to(parse(t, "127.255.255.255:9")))
		}, "SO_BROADCAST", "permission"},
		"send to port 0": {func(t *testing.T, h *stagehand, _ string) {
			h.do("socket", asClient, dgram, inet)
			h.fails("send", "EINVAL", asClient, only, to(loopback(0)))
		}, "port 0", "right state"},
		"send of IPv4 on a unix socket": {func(t *testing.T, h *stagehand, _ string) {
			h.do("socket", asClient, local, dgram)
			h.fails("send", "EINVAL", asClient, only, to(loopback(9)))
		}, "struct does not fit", "right state"},
		"connect by a link to a file that is left": {func(t *testing.T, h *stagehand, dir string) {
			unix.Close(boundTo(t, unix.SOCK_STREAM, dir+"/left"))
			if err := os.Symlink("left", dir+"/link"); err != nil {
				t.Fatal(err)
			}
			h.fails("connect", "ECONNREFUSED", to(sockets.UnixSockaddr(dir+"/link")))
		}, "the socket is gone", "does not listen"},
		"send of IPv6 on IPv4": {func(t *testing.T, h *stagehand, _ string) {
			h.do("socket", asClient, dgram, inet)
			h.fails("send", "EAFNOSUPPORT", asClient, only, to(parse(t, "[::1]:9")))
		}, "but the address is `AF_INET6`", "no words of its own"},
		"connect of IPv4 on IPv6": {func(t *testing.T, h *stagehand, _ string) {
			h.do("socket", asClient, inet6)
			h.fails("connect", "EINVAL", only, to(loopback(9)))
		}, "struct does not fit", "right state"},
		"connect to a link-local address": {func(t *testing.T, h *stagehand, _ string) {
			h.fails("connect", "EINVAL", to(parse(t, "[fe80::1]:9")))
		}, "zone", "right state"},
		"connect away from loopback": {func(t *testing.T, h *stagehand, _ string) {
			h.do("socket", asClient, inet)
			h.do("bind", asClient, to(loopback(0)))
			h.fails("connect", "EINVAL", only, to(parse(t, "192.0.2.1:9")))
		}, "no packet leaves this machine", "right state"},
		"connect of a listener": {func(t *testing.T, h *stagehand, _ string) {
			h.do("socket", asClient)
			h.do("bind", asClient, to(loopback(0)))
			h.do("listen", asClient, only)
			h.fails("connect", "EISCONN", only, to(loopback(9)))
		}, "is a listener", "has a peer already"},
		"connect again": {func(t *testing.T, h *stagehand, _ string) {
			h.start()
			h.do("connect")
			h.fails("connect", "EISCONN", fd(h.newest(client)), to(h.listenerAddr()))
		}, "has a peer already", "is a listener"},
		"the same four-tuple": {func(t *testing.T, h *stagehand, _ string) { scenarios["the same four-tuple twice"](t, h) }, "exists already", "all ports"},
		"connect to a plain file": {func(t *testing.T, h *stagehand, dir string) {
			h.fails("connect", "ECONNREFUSED", to(sockets.UnixSockaddr(dir+"/file")))
		}, "a regular file", "does not listen"},
		"connect to a file that is left": {func(t *testing.T, h *stagehand, dir string) {
			unix.Close(boundTo(t, unix.SOCK_STREAM, dir+"/left"))
			h.fails("connect", "ECONNREFUSED", to(sockets.UnixSockaddr(dir+"/left")))
		}, "the socket is gone", "does not listen"},
		"connect to one that does not listen": {func(t *testing.T, h *stagehand, dir string) {
			defer unix.Close(boundTo(t, unix.SOCK_STREAM, dir+"/quiet"))
			h.fails("connect", "ECONNREFUSED", to(sockets.UnixSockaddr(dir+"/quiet")))
		}, "does not listen", "is gone"},
		"connect of a datagram to a file that is left": {func(t *testing.T, h *stagehand, dir string) {
			unix.Close(boundTo(t, unix.SOCK_DGRAM, dir+"/left"))
			h.fails("connect", "ECONNREFUSED", dgram, to(sockets.UnixSockaddr(dir+"/left")))
		}, "the socket is gone", "listen"},
		"connect to a datagram socket that has a peer": {func(t *testing.T, h *stagehand, dir string) {
			taken(t, dir)
			h.fails("connect", "EPERM", dgram, to(sockets.UnixSockaddr(dir+"/taken")))
		}, "has a peer of its own", "firewall"},
		"send to a datagram socket that has a peer": {func(t *testing.T, h *stagehand, dir string) {
			taken(t, dir)
			h.do("socket", asClient, local, dgram)
			h.fails("send", "EPERM", asClient, only, to(sockets.UnixSockaddr(dir+"/taken")))
		}, "has a peer of its own", "firewall"},
		"connect within a time": {func(t *testing.T, h *stagehand, _ string) {
			h.start(backlog(0))
			h.do("connect")
			h.fails("connect", "EINPROGRESS", timeout(10*time.Millisecond))
		}, "`SO_SNDTIMEO` is over", "does not block"},
		"connect without blocking": {func(t *testing.T, h *stagehand, _ string) {
			h.start(backlog(0))
			h.do("connect", count(3))
			h.do("socket", asClient, func(o *Options) { o.Count = 2 })
			h.fails("connect", "EINPROGRESS", only)
		}, "does not block", "is over"},
		"a full unix queue": {func(t *testing.T, h *stagehand, dir string) {
			h.do("bind", to(sockets.UnixSockaddr(dir+"/s")))
			h.do("listen", backlog(0))
			h.do("connect")
			h.fails("connect", "EAGAIN", timeout(10*time.Millisecond))
		}, "accept queue is full", "does not block"},
		"accept on a connection": {func(t *testing.T, h *stagehand, _ string) {
			h.start()
			h.do("accept", connectFirst(h), func(o *Options) { o.FD = Fitting })
			h.fails("accept", "EINVAL", fd(h.newest(server)))
		}, "one end of a connection", "Do that first"},
		"accept on a unix listener that was shut down": {func(t *testing.T, h *stagehand, dir string) {
			h.do("bind", to(sockets.UnixSockaddr(dir+"/s")))
			h.do("listen")
			h.do("shutdown", only, how(unix.SHUT_RD), fd(h.newest(server)))
			h.fails("accept", "EINVAL", only)
		}, "shut down for receiving", "does not listen"},
		"recv of a message in vain": {func(t *testing.T, h *stagehand, _ string) {
			h.do("bind", dgram)
			h.fails("recv", "EAGAIN", timeout(10*time.Millisecond))
		}, "No message arrived", "connection"},
		"recv after a late refusal": {lateRefusal("recv"), "earlier `connect(2)`", "ICMP"},
		"send after a late refusal": {lateRefusal("send"), "earlier `connect(2)`", "ICMP"},
		"recv after a close with unread bytes, unix": {func(t *testing.T, h *stagehand, dir string) {
			unreadClose(h, dir)
			h.fails("recv", "ECONNRESET", asClient)
		}, "closed its socket while bytes", "RST"},
		"send after a close with unread bytes, unix": {func(t *testing.T, h *stagehand, dir string) {
			unreadClose(h, dir)
			h.fails("send", "EPIPE", asClient)
		}, "closed its socket", "RST"},
		"send of a client that is not connected": {func(t *testing.T, h *stagehand, _ string) {
			h.do("socket", asClient, inet)
			h.fails("send", "EPIPE", asClient, only)
		}, "fd3 connect", "fd3 accept"},
		"send after shutdown": {func(t *testing.T, h *stagehand, _ string) {
			h.start()
			h.do("connect")
			h.do("accept")
			h.do("shutdown")
			h.fails("send", "EPIPE")
		}, "has said itself", "answered our bytes"},
		"send after shutdown, datagram": {func(t *testing.T, h *stagehand, _ string) {
			h.do("bind", dgram)
			h.do("connect")
			h.do("shutdown", asClient)
			h.fails("send", "EPIPE", asClient)
		}, "has said itself", "answered our bytes"},
		"send to nobody, unix datagram": {func(t *testing.T, h *stagehand, _ string) {
			h.do("socket", local, dgram)
			h.fails("send", "ENOTCONN", only)
		}, "datagram socket has no peer", "fd3 accept"},
		"send to nobody, unix datagram of the client": {func(t *testing.T, h *stagehand, _ string) {
			h.do("socket", asClient, local, dgram)
			h.fails("send", "ENOTCONN", asClient, only)
		}, "fd3 connect", "fd3 accept"},
		"send to nobody, UDP client": {func(t *testing.T, h *stagehand, _ string) {
			h.do("socket", asClient, inet, dgram)
			h.fails("send", "EDESTADDRREQ", asClient, only)
		}, "fd3 connect", "fd3 recv"},
		"send to one that is gone, unix datagram": {func(t *testing.T, h *stagehand, dir string) {
			h.do("socket", local, dgram)
			h.do("bind", to(sockets.UnixSockaddr(dir+"/s")))
			h.do("connect")
			h.do("close")
			h.fails("send", "ECONNREFUSED", asClient)
		}, "says so at once", "ICMP"},
		"send to a plain file": {func(t *testing.T, h *stagehand, dir string) {
			h.do("socket", asClient, local, dgram)
			h.fails("send", "ECONNREFUSED", asClient, only, to(sockets.UnixSockaddr(dir+"/file")))
		}, "a regular file", "ICMP"},
		"send into a full queue, unix datagram": {func(t *testing.T, h *stagehand, dir string) {
			h.do("socket", local, dgram)
			h.do("bind", to(sockets.UnixSockaddr(dir+"/s")))
			h.do("connect")
			for range 1000 {
				if h.try("send", asClient, timeout(10*time.Millisecond)) != nil {
					break
				}
			}
			h.fails("send", "EAGAIN", asClient, timeout(10*time.Millisecond))
		}, "No message is lost", "receive buffer"},
		"send into a full buffer, unix": {func(t *testing.T, h *stagehand, dir string) {
			h.do("bind", to(sockets.UnixSockaddr(dir+"/s")))
			h.do("accept")
			h.fill(client)
		}, "counts against the sender's buffer", "receive buffer has filled"},
		"send of too much, unix": {func(t *testing.T, h *stagehand, dir string) {
			h.do("socket", local, dgram)
			h.do("bind", to(sockets.UnixSockaddr(dir+"/s")))
			h.do("connect")
			h.fails("send", "EMSGSIZE", asClient, data(strings.Repeat("x", 1<<20)))
		}, "send buffer, which has", "IP packet"},
		"send with an address on a unix connection": {func(t *testing.T, h *stagehand, dir string) {
			h.do("bind", to(sockets.UnixSockaddr(dir+"/s")))
			h.do("accept")
			h.fails("send", "EISCONN", asClient, to(sockets.UnixSockaddr(dir+"/s")))
		}, "takes no address", "no words of its own"},
		"send with an address on a unix socket": {func(t *testing.T, h *stagehand, dir string) {
			h.do("socket", asClient, local, stream)
			h.fails("send", "EOPNOTSUPP", asClient, only, to(sockets.UnixSockaddr(dir+"/s")))
		}, "on a connection only", "no words of its own"},
		"send to the wrong type": {func(t *testing.T, h *stagehand, dir string) {
			defer unix.Close(boundTo(t, unix.SOCK_STREAM, dir+"/s"))
			h.do("socket", asClient, local, dgram)
			h.fails("send", "EPROTOTYPE", asClient, only, to(sockets.UnixSockaddr(dir+"/s")))
		}, "of another type", "no words of its own"},
		"socket for ping": {func(t *testing.T, h *stagehand, _ string) {
			if h.try("socket", dgram, proto(unix.IPPROTO_ICMP)) == nil {
				t.Skip("net.ipv4.ping_group_range allows it")
			}
			h.fails("socket", "EACCES", dgram, proto(unix.IPPROTO_ICMP))
		}, "ping_group_range", "file permission"},
		"connect without a route": {func(t *testing.T, h *stagehand, _ string) {
			h.fails("connect", "ENETUNREACH", to(parse(t, "[fe80::1%1]:9")))
		}, "no route", "many machines"},
		"connect of a unix listener": {func(t *testing.T, h *stagehand, dir string) {
			h.do("socket", asClient, local, stream)
			h.do("bind", asClient, to(sockets.UnixSockaddr(dir+"/s")))
			h.do("listen", asClient, only)
			h.fails("connect", "EINVAL", only, to(sockets.UnixSockaddr(dir+"/s")))
		}, "is a listener", "right state"},
		"connect without blocking, unix": {func(t *testing.T, h *stagehand, dir string) {
			h.do("bind", to(sockets.UnixSockaddr(dir+"/s")))
			h.do("listen", backlog(0))
			h.do("connect")
			h.do("socket", asClient, func(o *Options) { o.Count = 2 })
			h.fails("connect", "EAGAIN", only)
		}, "does not block", "SO_SNDTIMEO"},
		"send after shutdown, unix datagram": {func(t *testing.T, h *stagehand, dir string) {
			h.do("socket", local, dgram)
			h.do("bind", to(sockets.UnixSockaddr(dir+"/s")))
			h.do("connect")
			h.do("shutdown", asClient)
			h.fails("send", "EPIPE", asClient)
		}, "receives no more", "RST"},
		"send away from loopback": {func(t *testing.T, h *stagehand, _ string) {
			h.do("bind", asClient, dgram, to(loopback(0)))
			h.fails("send", "EINVAL", asClient, only, to(parse(t, "192.0.2.1:9")))
		}, "no packet leaves this machine", "right state"},
		"bind with no port left": {inNetOfOnePort(func(h *stagehand) {
			h.do("bind", to(loopback(0)))
			h.do("socket")
			h.fails("bind", "EADDRINUSE", only, to(loopback(0)))
		}), "found none", "held by"},
		"listen with no port left": {inNetOfOnePort(func(h *stagehand) {
			h.do("socket")
			h.do("listen", only)
			h.do("socket")
			h.fails("listen", "EADDRINUSE", only)
		}), "no port is left", "Another socket"},
		"connect with no port left": {inNetOfOnePort(func(h *stagehand) {
			h.do("bind", to(loopback(9)))
			h.do("listen")
			h.do("connect")
			h.fails("connect", "EADDRNOTAVAIL")
		}), "all ports of the range", "is bound to"},
		"connect with no port left, UDP": {inNetOfOnePort(func(h *stagehand) {
			h.do("bind", dgram, to(loopback(0)))
			h.fails("connect", "EAGAIN", dgram)
		}), "found none", "accept queue"},
		"send with no port left, UDP": {inNetOfOnePort(func(h *stagehand) {
			h.do("bind", dgram, to(loopback(0)))
			h.do("socket", asClient, dgram, inet)
			h.fails("send", "EAGAIN", asClient, only, to(loopback(9)))
		}), "had no port", "receive buffer"},
		"connect where a route forbids": {inNetOfOnePort(func(h *stagehand) {
			h.fails("connect", "EACCES", to(parse(t, "192.0.2.1:9")))
		}), "prohibit", "permission"},
		"send where a route forbids": {inNetOfOnePort(func(h *stagehand) {
			h.do("socket", asClient, dgram, inet)
			h.fails("send", "EACCES", asClient, only, to(parse(t, "192.0.2.1:9")))
		}), "prohibit", "permission"},
		"connect where a route leads nowhere": {inNetOfOnePort(func(h *stagehand) {
			h.fails("connect", "EHOSTUNREACH", to(parse(t, "198.51.100.1:9")))
		}), "not to this machine", "no words of its own"},
		"shutdown of a datagram socket": {func(t *testing.T, h *stagehand, _ string) {
			h.do("socket", dgram)
			h.fails("shutdown", "ENOTCONN", only)
		}, "datagram socket has no peer", "reset"},
	}
	all = true
	for name, c := range tests {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			defer func() { all = all && !t.Skipped() }()
			dir := filepath.Dir(socketPath(t))
			if err := os.WriteFile(dir+"/file", nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(dir+"/loop", dir+"/loop"); err != nil {
				t.Fatal(err)
			}
			h := newStagehand(t)
			c.run(t, h, dir)
			defer h.closeAll()
			for _, e := range h.events {
				told = append(told, e.Text)
			}
			text := h.cause()
			if !strings.Contains(text, c.says) {
				t.Errorf("not told: %q\n%s\n%s", c.says, h.lastCall().Strace, text)
			}
			if strings.Contains(text, c.not) {
				t.Errorf("false here: %q\n%s\n%s", c.not, h.lastCall().Strace, text)
			}
		})
	}
	return told, all
}

// cause is what was told last of an errno, in one line.
func (h *stagehand) cause() string {
	text := ""
	for _, e := range h.events {
		if e.Section == "errno" {
			text = e.Text
		}
	}
	return strings.ReplaceAll(text, "\n", " ")
}

// taken binds a datagram socket at dir/taken that has a peer.
func taken(t *testing.T, dir string) {
	peer := boundTo(t, unix.SOCK_DGRAM, dir+"/peer")
	fd := boundTo(t, unix.SOCK_DGRAM, dir+"/taken")
	t.Cleanup(func() { unix.Close(fd); unix.Close(peer) })
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: dir + "/peer"}); err != nil {
		t.Fatal(err)
	}
}

// unreadClose closes the server's end of a unix connection with bytes unread.
func unreadClose(h *stagehand, dir string) {
	h.do("bind", to(sockets.UnixSockaddr(dir+"/s")))
	h.do("accept")
	h.do("send", asClient)
	h.do("close")
}

// lateRefusal has a step meet the refusal of a connect that had gone on by itself:
// the listener is gone when the SYN is sent again, after a second.
func lateRefusal(step string) func(*testing.T, *stagehand, string) {
	return func(t *testing.T, h *stagehand, _ string) {
		h.start(backlog(0))
		listener := h.newest(server)
		h.do("connect")
		h.fails("connect", "EINPROGRESS", timeout(10*time.Millisecond))
		late := h.newest(client)
		h.do("close", fd(listener))
		poll := []unix.PollFd{{Fd: int32(late), Events: unix.POLLOUT}}
		for {
			if n, err := unix.Poll(poll, 10_000); err == unix.EINTR {
				continue
			} else if err != nil || n == 0 {
				t.Fatal("the SYN was not sent again within 10 s: ", err)
			}
			break
		}
		h.fails(step, "ECONNREFUSED", asClient, only, fd(late))
	}
}

// inNetOfOnePort plays a scenario in a network namespace of its own, where the kernel
// has one port to choose, and routes that lead nowhere.
func inNetOfOnePort(play func(*stagehand)) func(*testing.T, *stagehand, string) {
	return func(t *testing.T, h *stagehand, _ string) {
		ns, net, err := netOfOnePort()
		if err != nil {
			t.Skip("no network namespace of its own: ", err)
		}
		t.Cleanup(func() { net.Close(); unix.Close(ns) })
		for i := range h.Parties {
			h.Parties[i].Net = net
			h.Parties[i].Stage = stageWhere(t, func() error { return unix.Setns(ns, unix.CLONE_NEWNET) })
		}
		defer h.closeAll()
		play(h)
	}
}

func netOfOnePort() (ns int, net kernel.Net, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with its namespace
		if err = unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return
		}
		if err = os.WriteFile("/proc/sys/net/ipv4/ip_local_port_range", []byte("40001 40001"), 0); err != nil {
			return
		}
		for _, args := range []string{"link set lo up", "route add prohibit 192.0.2.0/24", "route add unreachable 198.51.100.0/24"} {
			if err = exec.Command("ip", strings.Fields(args)...).Run(); err != nil {
				return
			}
		}
		if ns, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			return
		}
		net, err = kernel.OpenNet()
	}()
	<-done
	return ns, net, err
}
