package stage_test

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"fd3/sockets"
	"fd3/sockets/stage"
)

// connected has the stage connect its 3 to a listener of this test, and returns
// the other end.
func connected(t *testing.T, p *stage.Private) (fd int) {
	t.Helper()
	l, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(l)
	if err := errors.Join(unix.Bind(l, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), unix.Listen(l, 1)); err != nil {
		t.Fatal(err)
	}
	if c := must(t, p, newSocket); c.Ret != 3 {
		t.Fatal(c.Strace())
	}
	must(t, p, stage.Order{Do: "connect", FD: 3, Addr: sockets.Sockname(l)})
	fd, _, err = unix.Accept4(l, unix.SOCK_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

// says compares what strace would print of a call.
func says(t *testing.T, c sockets.Call, want string) {
	t.Helper()
	if got := c.Strace(); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// A socket is an ordinary open file, with read, write and as many descriptors as
// one likes; the stage knows each of them for what it is.
func TestSocketIsAFile(t *testing.T) {
	t.Parallel()
	p := private(t)
	peer := connected(t, p)
	defer unix.Close(peer)
	says(t, must(t, p, stage.Order{Do: "dup", FD: 3}), "dup(3) = 4")
	must(t, p, on(3, "close"))
	s := lookAt(t, p).Sockets
	if len(s) != 1 || s[0].FD != 4 || !s[0].Conversation() || s[0].Peer == nil {
		t.Errorf("after the first is closed: %+v", s)
	}
	says(t, must(t, p, stage.Order{Do: "write", FD: 4, Data: []byte("a")}), `write(4, "a", 1) = 1`)
	says(t, must(t, p, stage.Order{Do: "sendmsg", FD: 4, Data: []byte("b"), Flags: unix.MSG_NOSIGNAL}),
		`sendmsg(4, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="b", iov_len=1}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, MSG_NOSIGNAL) = 1`)
	buf := make([]byte, 10)
	if n, _, err := unix.Recvfrom(peer, buf[:2], unix.MSG_WAITALL); err != nil || string(buf[:n]) != "ab" {
		t.Errorf("arrived %q, %v", buf[:n], err)
	}
	unix.Write(peer, []byte("answer"))
	says(t, must(t, p, stage.Order{Do: "read", FD: 4, Size: 3}), `read(4, "ans", 3) = 3`)

	dir := t.TempDir()
	says(t, must(t, p, stage.Order{Do: "openat", Path: dir + "/f", Flags: unix.O_CREAT | unix.O_RDWR, Mode: 0o600}),
		fmt.Sprintf(`openat(AT_FDCWD, "%s/f", O_RDWR|O_CREAT, 0600) = 3`, dir))
	says(t, must(t, p, stage.Order{Do: "write", FD: 3, Data: []byte("text")}), `write(3, "text", 4) = 4`)
	says(t, must(t, p, stage.Order{Do: "read", FD: 3, Size: 9}), `read(3, "", 9) = 0`)
	if text, err := os.ReadFile(dir + "/f"); string(text) != "text" || err != nil {
		t.Errorf("the file: %q, %v", text, err)
	}
	says(t, must(t, p, stage.Order{Do: "dup", FD: 3}), "dup(3) = 5")
	if s := lookAt(t, p).Sockets; len(s) != 1 || s[0].FD != 4 {
		t.Errorf("a file among the sockets: %+v", s)
	}
	if c := order(t, p, stage.Order{Do: "dup", FD: 99}); c.Errno != unix.EBADF {
		t.Error(c.Strace())
	}
}

// What a socket becomes, it becomes under all its numbers.
func TestDupBeforeConnect(t *testing.T) {
	t.Parallel()
	p := private(t)
	l, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(l)
	if err := unix.Listen(l, 1); err != nil {
		t.Fatal(err)
	}
	addr, _ := sockets.ParseSockaddr(fmt.Sprintf("127.0.0.1:%d", sockets.Sockname(l).AddrPort().Port()))
	must(t, p, newSocket)
	must(t, p, stage.Order{Do: "dup", FD: 3})
	if s := lookAt(t, p).Sockets; len(s) != 2 || s[0].Conversation() || s[1].Conversation() {
		t.Errorf("before: %+v", s)
	}
	must(t, p, stage.Order{Do: "connect", FD: 4, Addr: addr})
	if s := lookAt(t, p).Sockets; len(s) != 2 || !s[0].Conversation() || !s[1].Conversation() {
		t.Errorf("after: %+v", s)
	}
	must(t, p, on(4, "close"))
	if c := must(t, p, newSocket); c.Ret != 4 {
		t.Error(c.Strace())
	}
	if s := lookAt(t, p).Sockets; len(s) != 2 || !s[0].Conversation() || s[1].Conversation() {
		t.Errorf("another socket under the number: %+v", s)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	p := private(t)
	must(t, p, newSocket)
	for _, c := range []struct {
		order stage.Order
		want  string
	}{
		{stage.Order{Level: unix.SOL_SOCKET, Option: unix.SO_REUSEADDR}, "SOL_SOCKET, SO_REUSEADDR, [0], 4"},
		{stage.Order{Level: unix.SOL_SOCKET, Option: unix.SO_REUSEADDR, Value: 1}, "SOL_SOCKET, SO_REUSEADDR, [1], 4"},
		{stage.Order{Level: unix.SOL_SOCKET, Option: unix.SO_REUSEPORT, Value: 1}, "SOL_SOCKET, SO_REUSEPORT, [1], 4"},
		{stage.Order{Level: unix.SOL_SOCKET, Option: unix.SO_RCVBUF, Value: 4096}, "SOL_SOCKET, SO_RCVBUF, [4096], 4"},
		{stage.Order{Level: unix.SOL_SOCKET, Option: unix.SO_KEEPALIVE, Value: 1}, "SOL_SOCKET, SO_KEEPALIVE, [1], 4"},
		{stage.Order{Level: unix.SOL_SOCKET, Option: unix.SO_LINGER}, "SOL_SOCKET, SO_LINGER, {l_onoff=1, l_linger=0}, 8"},
		{stage.Order{Level: unix.SOL_SOCKET, Option: unix.SO_RCVTIMEO}, `SOL_SOCKET, SO_RCVTIMEO_OLD, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16`},
		{stage.Order{Level: unix.SOL_TCP, Option: unix.TCP_NODELAY, Value: 1}, "SOL_TCP, TCP_NODELAY, [1], 4"},
		{stage.Order{Level: unix.SOL_TCP, Option: unix.TCP_DEFER_ACCEPT, Value: 5}, "SOL_TCP, TCP_DEFER_ACCEPT, [5], 4"},
	} {
		c.order.Do, c.order.FD = "setsockopt", 3
		says(t, must(t, p, c.order), "setsockopt(3, "+c.want+") = 0")
	}
}

// A server that does not ask for MSG_NOSIGNAL is ended by the first client that
// leaves early, as soon as SIGPIPE is what it is in C.
func TestSIGPIPE(t *testing.T) {
	t.Parallel()
	for _, last := range []stage.Order{
		{Do: "sendto", FD: 3, Data: []byte("x")},
		{Do: "write", FD: 3, Data: []byte("x")},
		{Do: "sendmsg", FD: 3, Data: []byte("x")},
	} {
		t.Run(last.Do, func(t *testing.T) {
			t.Parallel()
			p := private(t)
			unix.Close(connected(t, p))
			says(t, must(t, p, stage.Order{Do: "read", FD: 3, Size: 9}), `read(3, "", 9) = 0`)
			must(t, p, stage.Order{Do: "shutdown", FD: 3, How: unix.SHUT_WR})
			if c := order(t, p, last); c.Errno != unix.EPIPE {
				t.Errorf("with the handler of the Go runtime: %s", c.Strace())
			}
			says(t, must(t, p, stage.Order{Do: "sigaction", Value: int(sockets.SIG_IGN)}), "rt_sigaction(SIGPIPE, {sa_handler=SIG_IGN, sa_mask=[], sa_flags=0}, NULL, 8) = 0")
			if c := order(t, p, last); c.Errno != unix.EPIPE {
				t.Errorf("ignored: %s", c.Strace())
			}
			says(t, must(t, p, stage.Order{Do: "sigaction"}), "rt_sigaction(SIGPIPE, {sa_handler=SIG_DFL, sa_mask=[], sa_flags=0}, NULL, 8) = 0")
			calm := last
			if last.Do != "write" {
				calm.Flags = unix.MSG_NOSIGNAL
				if c := order(t, p, calm); c.Errno != unix.EPIPE {
					t.Errorf("with MSG_NOSIGNAL: %s", c.Strace())
				}
			}
			c, err := p.Do(t.Context(), last, nil)
			var end *stage.EndedError
			if !errors.As(err, &end) || end.Do != last.Do || c.Name != last.Do || c.Returned {
				t.Errorf("%s, %v", c.Strace(), err)
			}
			if how, ended := p.Ended(); !ended || !how.Signaled() || how.Signal() != unix.SIGPIPE {
				t.Errorf("Ended: %#x, %t", how, ended)
			}
		})
	}
}
