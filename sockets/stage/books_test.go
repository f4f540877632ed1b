package stage

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// A call that a signal interrupted is made again: the thread is in it all the while. But
// close(2) has given its descriptor back.
func TestInterruptedCalls(t *testing.T) {
	m := NewMachine()
	m.became[3] = &sockets.Call{Name: "socket"}
	m.note(sockets.Call{Name: "accept4", FD: 3, Returned: true, Errno: unix.EINTR})
	if m.blocked == nil {
		t.Error("not in accept4 after EINTR")
	}
	m.note(sockets.Call{Name: "close", FD: 3, Returned: true, Errno: unix.EINTR})
	if m.blocked != nil || len(m.became) > 0 {
		t.Errorf("after close: in %v, sockets %v", m.blocked, m.became)
	}
	for _, c := range []struct {
		call sockets.Call
		is   bool
	}{
		{sockets.Call{Name: "accept4"}, false},
		{sockets.Call{Name: "accept4", Returned: true}, true},
		{sockets.Call{Name: "accept4", Returned: true, Errno: unix.EINTR}, false},
		{sockets.Call{Name: "close", Returned: true, Errno: unix.EINTR}, true},
	} {
		if final(c.call) != c.is {
			t.Errorf("%s, returned %t, %s: final %t", c.call.Name, c.call.Returned, c.call.ErrnoName(), !c.is)
		}
	}
}

// A connect(2) that has not waited makes its socket one end of a conversation, as one
// that has does; one that failed does not.
func TestConnectInTheBooks(t *testing.T) {
	for errno, became := range map[unix.Errno]string{0: "connect", unix.EINPROGRESS: "connect", unix.ECONNREFUSED: "socket"} {
		m := NewMachine()
		m.note(sockets.Call{Name: "socket", Returned: true, Ret: 3})
		m.note(sockets.Call{Name: "connect", FD: 3, Returned: true, Errno: errno})
		if got := m.became[3].Name; got != became {
			t.Errorf("after errno %d: %s, not %s", errno, got, became)
		}
	}
}

// A conversation is over with the last of its descriptors.
func TestLeftWithTheLastDescriptor(t *testing.T) {
	m := NewMachine()
	peer, _ := sockets.ParseSockaddr("127.0.0.1:8080")
	for _, c := range []sockets.Call{{Name: "socket", Ret: 3}, {Name: "connect", FD: 3, Addr: peer}, {Name: "dup", FD: 3, Ret: 4}, {Name: "close", FD: 3}} {
		c.Returned = true
		m.note(c)
	}
	if len(m.left) != 0 {
		t.Errorf("left %v while 4 is open", m.left)
	}
	m.note(sockets.Call{Name: "close", FD: 4, Returned: true})
	if len(m.left) != 1 {
		t.Errorf("left %v", m.left)
	}
}

// A call that is interrupted again and again is told more often than anybody reads, and
// its thread never waits for a reader.
func TestReportsThatNobodyReads(t *testing.T) {
	j := job{calls: make(chan sockets.Call, roomForCalls)}
	done := make(chan bool)
	go func() {
		for i := range 3 * roomForCalls {
			j.tell(sockets.Call{Ret: int64(i)})
		}
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("the thread waits for a reader")
	}
	close(j.calls)
	var last sockets.Call
	for last = range j.calls {
	}
	if last.Ret != 3*roomForCalls-1 {
		t.Errorf("the last report is number %d", last.Ret)
	}
}
