package stage_test

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets"
	"fd3/sockets/stage"
	"fd3/sockets/stage/stagetest"
)

// A stage remembers its calls, with the beginning of what they carried, and knows the one
// that it is inside.
func TestHistory(t *testing.T) {
	t.Parallel()
	r, _ := started(t, time.Minute)
	if calls, err := r.History(t.Context()); len(calls) != 0 || err != nil {
		t.Errorf("before any: %v, %v", calls, err)
	}
	do(t, r, stage.Order{Do: "socket", Domain: unix.AF_UNIX, Type: unix.SOCK_DGRAM})
	self, _ := sockets.ParseSockaddr("unix:@" + t.Name() + r.Name)
	do(t, r, stage.Order{Do: "bind", FD: 3, Addr: self})
	do(t, r, stage.Order{Do: "connect", FD: 3, Addr: self})
	sent := do(t, r, stage.Order{Do: "sendto", FD: 3, Data: make([]byte, 1000)})
	do(t, r, stage.Order{Do: "recvfrom", FD: 3, Size: 2000})
	go r.Do(t.Context(), stage.Order{Do: "recvfrom", FD: 3, Size: 2000}, func(sockets.Call) {})
	stagetest.Until(t, "a call that waits", func() bool { return look(t, r).Blocked != nil })
	calls, err := r.History(t.Context())
	if err != nil || len(calls) != 6 {
		t.Fatalf("%d calls, %v", len(calls), err)
	}
	for i, want := range []string{"socket", "bind", "connect", "sendto", "recvfrom", "recvfrom"} {
		if calls[i].Name != want || calls[i].Returned != (i < 5) {
			t.Errorf("call %d: %s, returned %t", i, calls[i].Name, calls[i].Returned)
		}
	}
	if calls[3].Strace() != sent.Strace() || len(calls[3].Data) > 64 {
		t.Errorf("%s, with %d bytes", calls[3].Strace(), len(calls[3].Data))
	}
}
