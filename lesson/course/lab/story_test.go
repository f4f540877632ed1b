package lab

import (
	"testing"

	"fd3/lesson"
)

// What a socket is stands in the protocol that socket(2) was asked for: sockets of MPTCP
// are streams over IP, too.
func TestCounted(t *testing.T) {
	call := func(name, step string, fd, ret int, args ...lesson.Arg) lesson.Event {
		n := int64(ret)
		return lesson.Event{Kind: lesson.KindReturn, Name: name, Step: step, FD: &fd, Ret: &n, Args: args}
	}
	socket := func(fd int, domain, protocol string) lesson.Event {
		return call("socket", "socket", fd, fd, lesson.Arg{Name: "domain", Value: domain}, lesson.Arg{Name: "type", Value: "SOCK_STREAM|SOCK_CLOEXEC"}, lesson.Arg{Name: "protocol", Value: protocol})
	}
	rest := []lesson.Event{
		call("bind", "bind", 3, 0), call("listen", "listen", 3, 0), call("accept4", "accept", 3, 4),
		call("read", "recv", 4, 1), call("write", "send", 4, 1),
	}
	for _, tt := range []struct {
		made            []lesson.Event
		want, listening string
	}{
		{[]lesson.Event{socket(3, "AF_INET", "IPPROTO_IP")}, "1 of TCP", "TCP"},
		{[]lesson.Event{socket(3, "AF_INET", "IPPROTO_MPTCP")}, "1 of MPTCP", "MPTCP"},
		{[]lesson.Event{socket(3, "AF_INET", "IPPROTO_TCP"), socket(5, "AF_INET6", "IPPROTO_TCP"), socket(3, "AF_UNIX", "0"), socket(3, "AF_INET", "IPPROTO_MPTCP")}, "2 of TCP and 1 of MPTCP", "MPTCP"},
	} {
		v, err := Story{Events: append(tt.made, rest...)}.Service()
		if err != nil {
			t.Fatal(err)
		}
		if got, listening := v.Counted(), Protocol(v.Socket); got != tt.want || listening != tt.listening {
			t.Errorf("%s, the listener of %s; not %s, %s", got, listening, tt.want, tt.listening)
		}
	}
}
