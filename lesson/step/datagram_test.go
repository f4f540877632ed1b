package step

import (
	"testing"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/stage"
)

// A message that is longer than the room for it loses its rest, and the words say how
// much, on both kinds of datagram socket.
func TestMessageLongerThanItsRoom(t *testing.T) {
	for name, domain := range map[string]int{"UDP": unix.AF_INET, "UNIX": unix.AF_UNIX} {
		t.Run(name, func(t *testing.T) {
			h := newStagehand(t)
			h.receives(domain)
			h.do("send", asClient, data("hello world"))
			h.do("send", asClient, data("next"))
			h.do("recv", size(4))
			if !h.told("The message had `11` bytes, and there was room for `4`. The kernel threw the other `7` away") {
				t.Error("the words do not say what was lost")
			}
			if !h.shows("4, the beginning of one message of 11") {
				t.Error("the bytes are not said to be the beginning of a message")
			}
			if e := h.fact("unread here"); e.Value != "4 bytes (11 before)" || e.Text == "" {
				t.Errorf("%q, %q: SIOCINQ is the size of the next message alone", e.Value, e.Text)
			}
			h.events = nil
			h.do("recv", size(4))
			if h.told("threw") || !h.shows("4, one message") {
				t.Error("a message that fits is told as one that was cut")
			}
		})
	}
}

// A receive that waited had nobody ask how long the message is: the words claim
// neither that it was whole nor that it was cut.
func TestMessageThatFillsItsRoom(t *testing.T) {
	h := newStagehand(t)
	h.receives(unix.AF_INET)
	waits := h.another()
	done := make(chan error)
	go func() { done <- waits.try("recv", only, size(4)) }()
	<-waits.waits
	h.do("send", asClient, data("hello world"))
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if !waits.told("it filled all the room that there was") || waits.told("one whole message") {
		t.Error("what was not known is told")
	}
}

// What waits when a receive is told that nobody watched is the next message: nothing is
// known of the one that it took.
func TestMessageThatWasTakenUnwatched(t *testing.T) {
	h := newStagehand(t)
	h.receives(unix.AF_INET)
	h.do("send", asClient, data("the next one"))
	now, err := look(t.Context(), h.Parties)
	if err != nil {
		t.Fatal(err)
	}
	x := h.newest(server)
	for _, late := range []bool{true, false} {
		s := &scene{todo: todo{Recv, server}, before: now, after: now, late: late,
			call: sockets.Call{Name: "recvfrom", FD: x, Returned: true, Ret: 4}, order: stage.Order{Do: "recvfrom", FD: x, Size: 4}}
		if message, cut := s.cut(); !cut || (message == 0) != late {
			t.Errorf("late %t: cut %t, of %d bytes", late, cut, message)
		}
	}
}

// An address in a send on a socket that has a peer: ignored on TCP, refused on a Unix
// stream, and where the message goes on a datagram socket.
func TestSendNamesAnAddressBesideThePeer(t *testing.T) {
	t.Run("TCP", func(t *testing.T) {
		h := newStagehand(t)
		h.start()
		h.do("connect")
		h.do("accept")
		h.do("send", asClient, to(loopback(9)), data("hello"))
		if !h.told("TCP does not look at it: the bytes go to `"+h.listenerAddr().String()) || !h.told("is not looked at: a TCP connection has one other end") {
			t.Error("the words do not say that TCP does not look at the address")
		}
		if e := h.fact("peer address"); e.Value != h.listenerAddr().String() {
			t.Errorf("the peer is %q", e.Value)
		}
		h.do("recv")
		if e := h.lastCall(); e.Ret == nil || *e.Ret != 5 {
			t.Errorf("the peer received %s", e.Strace)
		}
	})
	t.Run("UNIX", func(t *testing.T) {
		h := newStagehand(t)
		path := socketPath(t)
		h.do("bind", to(sockets.UnixSockaddr(path)))
		h.do("listen")
		h.do("connect")
		h.fails("send", "EISCONN", asClient, to(sockets.UnixSockaddr(path)))
		if !h.told("takes no address: the peer is the only one that it can send to. TCP ignores the address") {
			t.Error("the words do not say why")
		}
	})
	for name, domain := range map[string]int{"UDP": unix.AF_INET, "UNIX datagram": unix.AF_UNIX} {
		t.Run(name, func(t *testing.T) {
			h := newStagehand(t)
			first := h.receives(domain)
			second := h.receives(domain, only)
			h.do("send", asClient, to(second), data("hello"))
			if !h.told("may still name another address: it holds for this message alone. The peer is still `" + first.String()) {
				t.Error("the words do not say where the message goes")
			}
			h.do("recv") // on the newest: what is not there would block
			if e := h.lastCall(); e.Ret == nil || *e.Ret != 5 {
				t.Errorf("%s", e.Strace)
			}
		})
	}
}

// receives makes a datagram socket that the server receives on and, the first time, a
// client that is connected to it. It returns the address.
func (h *stagehand) receives(domain int, set ...func(*Options)) sockets.Sockaddr {
	h.t.Helper()
	addr := loopback(0)
	if domain == unix.AF_UNIX {
		addr = sockets.UnixSockaddr(socketPath(h.t))
	}
	h.do("socket", dgram, family(domain))
	h.do("bind", to(addr), fd(h.newest(server)))
	addr = h.listenerAddr()
	if set == nil {
		if domain == unix.AF_UNIX { // so that its messages have a sender
			h.do("bind", asClient, dgram, family(domain), to(sockets.UnixSockaddr(socketPath(h.t))))
		}
		h.do("connect")
	}
	return addr
}

// shows reports whether bytes were shown under a title.
func (h *stagehand) shows(title string) bool {
	for _, e := range h.events {
		if e.Kind == lesson.KindBytes && e.Title == title {
			return true
		}
	}
	return false
}
