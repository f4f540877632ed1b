package sockets

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestConversation(t *testing.T) {
	noneLeft(t)
	var seen []string
	tr := &Tracer{Observe: func(c Call) {
		seen = append(seen, fmt.Sprint(c.Name, " ", c.Returned))
	}}
	listener, server, client := pair(t, tr)
	if want := strings.Fields("socket bind listen socket connect accept4"); len(seen) != 2*len(want) {
		t.Errorf("observed %q", seen)
	} else {
		for i, name := range want {
			if got := seen[2*i : 2*i+2]; !slices.Equal(got, []string{name + " false", name + " true"}) {
				t.Errorf("observed %q for %s", got, name)
			}
		}
	}

	says(t, tr.Send(client, []byte("hello\r\n"), unix.MSG_NOSIGNAL), fmt.Sprintf(`sendto(%d, "hello\r\n", 7, MSG_NOSIGNAL, NULL, 0) = 7`, client))
	c := tr.Recv(server, 3, 0)
	says(t, c, fmt.Sprintf(`recvfrom(%d, "hel", 3, 0, NULL, NULL) = 3`, server))
	if string(c.Data) != "hel" {
		t.Errorf("Data %q", c.Data)
	}
	ok(t, tr.Recv(server, 100, 0))
	says(t, tr.Shutdown(client, unix.SHUT_WR), fmt.Sprintf("shutdown(%d, SHUT_WR) = 0", client))
	says(t, tr.Recv(server, 100, 0), fmt.Sprintf(`recvfrom(%d, "", 100, 0, NULL, NULL) = 0`, server))
	for _, fd := range []int{server, client, listener} {
		says(t, tr.Close(fd), fmt.Sprintf("close(%d) = 0", fd))
	}
	says(t, tr.Close(server), fmt.Sprintf("close(%d) = -1 EBADF (Bad file descriptor)", server))
}

// The address of the peer comes out of accept4 and recvfrom.
func TestAddressesThatComeOut(t *testing.T) {
	noneLeft(t)
	tr := watched()
	listener := ok(t, tr.Socket(unix.AF_INET6, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0))
	ok(t, tr.Bind(listener, parse(t, "[::1]:0")))
	ok(t, tr.Listen(listener, 1))
	client := ok(t, tr.Socket(unix.AF_INET6, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0))
	ok(t, tr.Connect(client, Sockname(listener)))
	c := tr.Accept4(listener, unix.SOCK_CLOEXEC)
	server := ok(t, c)
	if !bytes.Equal(c.Addr, Sockname(client)) || !bytes.Equal(c.Addr, Peername(server)) || len(c.Addr) != sizeInet6 {
		t.Errorf("accept4 gave %s, and the client is %s", c.Addr, Sockname(client))
	}
	if Peername(listener) != nil {
		t.Error("a listener has a peer")
	}

	a, b := dgram(t, tr), dgram(t, tr)
	ok(t, tr.SendTo(a, []byte("one message"), 0, Sockname(b)))
	c = tr.RecvFrom(b, 3, 0)
	if ok(t, c); string(c.Data) != "one" || !bytes.Equal(c.Addr, Sockname(a)) {
		t.Errorf("%s from %s, and the sender is %s", c.Data, c.Addr, Sockname(a))
	}
	for _, fd := range []int{listener, client, server, a, b} {
		ok(t, tr.Close(fd))
	}
}

func dgram(t *testing.T, tr *Tracer) int {
	t.Helper()
	fd := ok(t, tr.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0))
	ok(t, tr.Bind(fd, parse(t, "127.0.0.1:0")))
	return fd
}

func TestUnixPath(t *testing.T) {
	noneLeft(t)
	dir, err := os.MkdirTemp("/tmp", "fd3")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	tr := watched()
	fd := ok(t, tr.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0))
	defer tr.Close(fd)
	addr := parse(t, "unix:"+dir+"/s")
	ok(t, tr.Bind(fd, addr))
	if got := Sockname(fd); !bytes.Equal(got, addr) {
		t.Errorf("bound to % x, and getsockname gives % x", addr, got)
	}
	if st, err := os.Lstat(dir + "/s"); err != nil || st.Mode()&os.ModeSocket == 0 {
		t.Errorf("the file: %v, %v", st, err)
	}
	ok(t, tr.Listen(fd, 1))
	client := ok(t, tr.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0))
	defer tr.Close(client)
	ok(t, tr.Connect(client, addr))
	c := tr.Accept4(fd, unix.SOCK_CLOEXEC)
	defer tr.Close(ok(t, c))
	if c.Addr.String() != "unix:(no name)" {
		t.Errorf("the client's address is %s", c.Addr)
	}
}

// An entered call says what goes in, and stops where the kernel has yet to write.
func TestEntered(t *testing.T) {
	noneLeft(t)
	var entered []string
	tr := &Tracer{Observe: func(c Call) {
		if !c.Returned {
			entered = append(entered, c.Strace())
		}
	}}
	tr.Recv(99, 10, 0)
	tr.Accept4(99, 0)
	tr.Listen(99, 7)
	if want := []string{"recvfrom(99, ", "accept4(99, ", "listen(99, 7"}; !slices.Equal(entered, want) {
		t.Errorf("%q, not %q", entered, want)
	}
}

// The kernel ends the wait: SO_RCVTIMEO.
func TestTimeout(t *testing.T) {
	noneLeft(t)
	tr := watched()
	listener, server, client := pair(t, tr)
	c := tr.SetTimeout(server, unix.SO_RCVTIMEO, 1500*time.Microsecond)
	says(t, c, fmt.Sprintf(`setsockopt(%d, SOL_SOCKET, SO_RCVTIMEO_OLD, "\0\0\0\0\0\0\0\0\334\5\0\0\0\0\0\0", 16) = 0`, server))
	if c.Timeout != 1500*time.Microsecond {
		t.Errorf("the limit is %s", c.Timeout)
	}
	if c = tr.Recv(server, 1, 0); c.Errno != unix.EAGAIN || c.Ret != -1 || c.Duration < time.Millisecond {
		t.Errorf("%s after %s", c.Strace(), c.Duration)
	}
	for _, fd := range []int{listener, server, client} {
		ok(t, tr.Close(fd))
	}
}

// A call that a signal interrupts is told as it was, and made again.
func TestEINTR(t *testing.T) {
	tr := watched()
	t.Run("recvfrom", func(t *testing.T) {
		noneLeft(t)
		listener, server, client := pair(t, tr)
		// With SO_RCVTIMEO a signal ends the call whatever its handler asks for (signal(7)).
		ok(t, tr.SetTimeout(server, unix.SO_RCVTIMEO, time.Minute))
		buf := make([]byte, 10)
		c := interrupt(t, unix.SYS_RECVFROM, func() { unix.Write(client, []byte("x")) },
			func(tr *Tracer) Call { return tr.RecvInto(server, buf, 0) })
		if c.Errno != 0 || string(c.Data) != "x" {
			t.Errorf("in the end: %s", c.Strace())
		}
		for _, fd := range []int{listener, server, client} {
			ok(t, tr.Close(fd))
		}
	})
	t.Run("epoll_pwait", func(t *testing.T) {
		noneLeft(t)
		listener, server, client := pair(t, tr)
		epfd := ok(t, tr.EpollCreate1(unix.EPOLL_CLOEXEC))
		ok(t, tr.EpollCtl(epfd, unix.EPOLL_CTL_ADD, server, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(server)}))
		events := make([]unix.EpollEvent, 4)
		c := interrupt(t, unix.SYS_EPOLL_PWAIT, func() { unix.Write(client, []byte("x")) },
			func(tr *Tracer) Call { return tr.EpollWait(epfd, events, -1) })
		if c.Ret != 1 {
			t.Errorf("in the end: %s", c.Strace())
		}
		for _, fd := range []int{epfd, listener, server, client} {
			ok(t, tr.Close(fd))
		}
	})
	t.Run("sendfile", func(t *testing.T) {
		noneLeft(t)
		listener, server, client := pair(t, tr)
		ok(t, tr.SetTimeout(server, unix.SO_SNDTIMEO, time.Minute))
		file := ok(t, tr.Openat(unix.AT_FDCWD, os.Args[0], unix.O_RDONLY|unix.O_CLOEXEC, 0)) // large enough
		buf := make([]byte, 64<<10)
		filled := 0
		for c := tr.Send(server, buf, unix.MSG_DONTWAIT); c.Errno == 0; c = tr.Send(server, buf, unix.MSG_DONTWAIT) {
			filled += int(c.Ret)
		}
		offset := int64(0)
		drain := func() {
			for n := 0; n < filled; {
				c := tr.RecvInto(client, buf, 0)
				if c.Ret <= 0 {
					return
				}
				n += int(c.Ret)
			}
		}
		c := interrupt(t, unix.SYS_SENDFILE, drain, func(tr *Tracer) Call { return tr.Sendfile(server, file, &offset, 1000) })
		if c.Ret <= 0 || offset != c.Ret {
			t.Errorf("in the end: %s", c.Strace())
		}
		for _, fd := range []int{file, listener, server, client} {
			ok(t, tr.Close(fd))
		}
	})
}

// interrupt makes a call that blocks, sends a signal to its thread, and lets it
// end by what wake does. The result is the last report of the call; those before
// have to say EINTR.
func interrupt(t *testing.T, number int, wake func(), call func(*Tracer) Call) Call {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	tid := unix.Gettid()
	var calls []Call
	interrupted := make(chan struct{})
	go func() {
		defer close(interrupted)
		until(t, "the call to block", func() bool {
			now, _ := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/syscall", tid))
			return strings.HasPrefix(string(now), fmt.Sprintf("%d ", number))
		})
		unix.Tgkill(os.Getpid(), tid, unix.SIGURG) // Go's runtime ignores it
		until(t, "the signal", func() bool {
			status, _ := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/status", tid))
			return !strings.Contains(string(status), "SigPnd:\t0000000000400000")
		})
		wake()
	}()
	c := call(&Tracer{Observe: func(c Call) { calls = append(calls, c) }})
	<-interrupted
	if len(calls) < 4 || len(calls)%2 != 0 {
		t.Fatalf("%d reports of a call that was interrupted", len(calls))
	}
	for i := 0; i < len(calls)-2; i += 2 {
		if calls[i].Returned || !calls[i+1].Returned || calls[i+1].Errno != unix.EINTR || !strings.HasSuffix(calls[i+1].Strace(), "= -1 EINTR (Interrupted system call)") {
			t.Errorf("report %d: %s, then %s", i, calls[i].Strace(), calls[i+1].Strace())
		}
	}
	return c
}

// A write that the kernel takes in part says how much.
func TestPartialSend(t *testing.T) {
	noneLeft(t)
	tr := watched()
	listener, server, client := pair(t, tr)
	data := bytes.Repeat([]byte("x"), 64<<20)
	c := tr.Send(client, data, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	if n := ok(t, c); n == 0 || n == len(data) || len(c.Data) != n {
		t.Errorf("%d of %d bytes taken, Data has %d", n, len(data), len(c.Data))
	}
	if c = tr.Send(client, data, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL); c.Errno == 0 {
		c = tr.Send(client, data, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	}
	if c.Errno != unix.EAGAIN || c.Data != nil {
		t.Errorf("into a full buffer: errno %s, %d bytes", c.ErrnoName(), len(c.Data))
	}
	for _, fd := range []int{listener, server, client} {
		ok(t, tr.Close(fd))
	}
}

// Every errno that glibc has a text for here is one that x/sys knows too, in
// nearly the same words.
func TestMeanings(t *testing.T) {
	for e, text := range strerror {
		if unix.ErrnoName(e) == "" {
			t.Errorf("errno %d has no name", e)
		}
		if !strings.EqualFold(e.Error(), text) {
			t.Errorf("%s: %q, and x/sys says %q", unix.ErrnoName(e), text, e.Error())
		}
	}
}
