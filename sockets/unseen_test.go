package sockets

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An unseen call is one that nobody observes, and the same call without a Tracer, for
// the difference in time.
type unseenCall struct {
	name      string
	call, raw func()
}

// unseenCalls are calls that can be made again and again: a byte goes from one socket
// to the other and back.
func unseenCalls(tb testing.TB) []unseenCall {
	tb.Helper()
	check := func(err error) {
		if err != nil {
			tb.Helper()
			tb.Fatal(err)
		}
	}
	t := &Tracer{Nonblocking: true}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	check(err)
	listener := int(t.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0).Ret)
	check(t.Listen(listener, 1).Err())
	epfd := int(t.EpollCreate1(unix.EPOLL_CLOEXEC).Ret)
	check(t.EpollCtl(epfd, unix.EPOLL_CTL_ADD, fds[0], &unix.EpollEvent{Events: unix.EPOLLIN}).Err())
	root := int(t.Openat(unix.AT_FDCWD, "/", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0).Ret)
	file := int(t.Openat(unix.AT_FDCWD, os.Args[0], unix.O_RDONLY|unix.O_CLOEXEC, 0).Ret)
	tb.Cleanup(func() {
		for _, fd := range []int{fds[0], fds[1], listener, epfd, root, file} {
			unix.Close(fd)
		}
	})
	buf, st, events, change, peer := make([]byte, 1), new(unix.Stat_t), make([]unix.EpollEvent, 8), &unix.EpollEvent{Events: unix.EPOLLIN}, new(Peer)
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH}
	at := func(b []byte) uintptr { return uintptr(unsafe.Pointer(&b[0])) } // buf is on the heap
	return []unseenCall{
		{"Send and RecvInto", func() {
			t.Send(fds[1], buf, unix.MSG_NOSIGNAL)
			t.RecvInto(fds[0], buf, 0)
		}, func() {
			unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fds[1]), at(buf), 1, unix.MSG_NOSIGNAL, 0, 0)
			unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fds[0]), at(buf), 1, 0, 0, 0)
		}},
		{"RecvInto that fails", func() { t.RecvInto(fds[0], buf, 0) }, func() {
			unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fds[0]), at(buf), 1, 0, 0, 0)
		}},
		{"Sendmsg and Read", func() {
			t.Sendmsg(fds[1], buf, unix.MSG_NOSIGNAL)
			t.Read(fds[0], buf)
		}, nil},
		{"AcceptInto", func() { t.AcceptInto(listener, peer, unix.SOCK_CLOEXEC) }, func() {
			peer.size = sizeStorage
			unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(listener), uintptr(unsafe.Pointer(&peer.addr)), uintptr(unsafe.Pointer(&peer.size)), unix.SOCK_CLOEXEC, 0, 0)
		}},
		{"EpollCtl", func() { t.EpollCtl(epfd, unix.EPOLL_CTL_MOD, fds[0], change) }, func() {
			unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(epfd), unix.EPOLL_CTL_MOD, uintptr(fds[0]), uintptr(unsafe.Pointer(change)), 0, 0)
		}},
		{"EpollWait", func() { t.EpollWait(epfd, events, 0) }, func() {
			unix.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(epfd), uintptr(unsafe.Pointer(&events[0])), 8, 0, 0, sigsetSize)
		}},
		{"Setsockopt", func() { t.Setsockopt(listener, unix.SOL_TCP, unix.TCP_NODELAY, 1) }, func() {
			value := int32(1)
			unix.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(listener), unix.SOL_TCP, unix.TCP_NODELAY, uintptr(unsafe.Pointer(&value)), 4, 0)
		}},
		{"SetTimeout", func() { t.SetTimeout(listener, unix.SO_RCVTIMEO, time.Second) }, nil},
		{"SetLinger", func() { t.SetLinger(listener, 1) }, nil},
		{"SetCongestion", func() { t.SetCongestion(listener, "reno") }, nil},
		{"Shutdown", func() { t.Shutdown(-1, unix.SHUT_WR) }, nil},
		{"Close", func() { t.Close(-1) }, func() { unix.RawSyscall6(unix.SYS_CLOSE, ^uintptr(0), 0, 0, 0, 0, 0) }},
		{"Fstat", func() { t.Fstat(root, st) }, func() {
			unix.Syscall6(unix.SYS_FSTAT, uintptr(root), uintptr(unsafe.Pointer(st)), 0, 0, 0, 0)
		}},
		{"Newfstatat", func() { t.Newfstatat(root, "etc/passwd", st, 0) }, nil},
		{"Openat and Close", func() { t.Close(int(t.Openat(root, "etc/passwd", unix.O_PATH|unix.O_CLOEXEC, 0).Ret)) }, nil},
		{"Openat2 and Close", func() { t.Close(int(t.Openat2(root, "etc/passwd", how).Ret)) }, nil},
		{"Pread64", func() { t.Pread64(file, buf, 0) }, nil},
		{"Getdents64", func() { t.Getdents64(root, buf) }, nil},
		{"Sendfile", func() { t.Sendfile(-1, file, nil, 1) }, nil},
		{"Dup and Close", func() { t.Close(int(t.Dup(root).Ret)) }, nil},
		{"a nil Tracer", func() { (*Tracer)(nil).Close(-1) }, nil},
	}
}

// A call that nobody observes allocates nothing.
func TestUnseenCallsAllocateNothing(t *testing.T) {
	for _, c := range unseenCalls(t) {
		t.Run(c.name, func(t *testing.T) {
			if n := testing.AllocsPerRun(200, c.call); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

// BenchmarkUnseen is what a call costs that nobody observes, beside the bare call.
func BenchmarkUnseen(b *testing.B) {
	for _, c := range unseenCalls(b) {
		if c.raw == nil {
			continue
		}
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				c.call()
			}
		})
		b.Run(c.name+" raw", func(b *testing.B) {
			for b.Loop() {
				c.raw()
			}
		})
	}
}

// BenchmarkSeen is what a call costs that is put into words.
func BenchmarkSeen(b *testing.B) {
	t := watched()
	buf := make([]byte, 100)
	b.ReportAllocs()
	for b.Loop() {
		t.RecvInto(-1, buf, 0)
	}
}

// What the kernel writes to is where the caller looks, though the observer has the stack
// moved between: Tracer.call keeps it off the stack.
func TestPointersStay(t *testing.T) {
	var text string
	tracer := Tracer{Observe: func(c Call) {
		if c.Returned {
			text = c.Strace()
			return
		}
		deep(1000)
		runtime.GC()
	}}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	done := make(chan bool)
	go func() { // with a stack that is small yet
		defer close(done)
		var st unix.Stat_t
		if tracer.Fstat(fds[0], &st); st.Mode&unix.S_IFMT != unix.S_IFSOCK || !strings.Contains(text, "S_IFSOCK") {
			t.Errorf("mode %#o, %s", st.Mode, text)
		}
		out := [5]byte{'h', 'e', 'l', 'l', 'o'}
		var in [8]byte
		tracer.Sendmsg(fds[0], out[:], 0)
		if c := tracer.RecvInto(fds[1], in[:], 0); string(in[:5]) != "hello" || string(c.Data) != "hello" || !strings.Contains(text, `"hello"`) {
			t.Errorf("%q, %q, %s", in, c.Data, text)
		}
	}()
	<-done
}

// deep uses so many frames of the stack.
//
//go:noinline
func deep(frames int) int {
	if frames == 0 {
		return 0
	}
	var frame [64]int
	frame[frames%64] = deep(frames - 1)
	return frame[(frames+1)%64]
}
