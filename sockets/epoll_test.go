package sockets

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

func TestEpoll(t *testing.T) {
	noneLeft(t)
	tr := watched()
	listener, server, client := pair(t, tr)
	epfd := ok(t, tr.EpollCreate1(unix.EPOLL_CLOEXEC))
	event := &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP, Fd: int32(server), Pad: 1}
	data := fmt.Sprintf("data={u32=%d, u64=%d}", server, 1<<32+server)
	says(t, tr.EpollCtl(epfd, unix.EPOLL_CTL_ADD, server, event), fmt.Sprintf("epoll_ctl(%d, EPOLL_CTL_ADD, %d, {events=EPOLLIN|EPOLLRDHUP, %s}) = 0", epfd, server, data))
	events := make([]unix.EpollEvent, 8)
	says(t, tr.EpollWait(epfd, events, 0), fmt.Sprintf("epoll_pwait(%d, [], 8, 0, NULL, 8) = 0", epfd))
	ok(t, tr.Send(client, []byte("x"), unix.MSG_NOSIGNAL))
	says(t, tr.EpollWait(epfd, events, -1), fmt.Sprintf("epoll_pwait(%d, [{events=EPOLLIN, %s}], 8, -1, NULL, 8) = 1", epfd, data))
	if events[0].Fd != int32(server) || events[0].Pad != 1 || events[0].Events != unix.EPOLLIN {
		t.Errorf("the event is %+v", events[0])
	}
	says(t, tr.EpollCtl(epfd, unix.EPOLL_CTL_DEL, server, nil), fmt.Sprintf("epoll_ctl(%d, EPOLL_CTL_DEL, %d, NULL) = 0", epfd, server))
	for _, fd := range []int{epfd, listener, server, client} {
		ok(t, tr.Close(fd))
	}
}

// What a server asks of TCP is read back from the kernel.
func TestSetsockopt(t *testing.T) {
	noneLeft(t)
	tr := watched()
	fd := ok(t, tr.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0))
	for _, o := range []struct {
		level, option, value int
		want                 string
	}{
		{unix.SOL_TCP, unix.TCP_NODELAY, 1, "SOL_TCP, TCP_NODELAY, [1]"},
		{unix.SOL_TCP, unix.TCP_DEFER_ACCEPT, 1, "SOL_TCP, TCP_DEFER_ACCEPT, [1]"},
		{unix.SOL_SOCKET, unix.SO_REUSEPORT, 1, "SOL_SOCKET, SO_REUSEPORT, [1]"},
	} {
		says(t, tr.Setsockopt(fd, o.level, o.option, o.value), fmt.Sprintf("setsockopt(%d, %s, 4) = 0", fd, o.want))
		if got, err := unix.GetsockoptInt(fd, o.level, o.option); got != o.value || err != nil {
			t.Errorf("%s reads back as %d, %v", o.want, got, err)
		}
	}
	ok(t, tr.Close(fd))
}
