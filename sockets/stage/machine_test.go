package stage_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fd3/sockets"
	"fd3/sockets/stage"
	"fd3/sockets/stage/stagetest"
)

func unixAddr(path string) sockets.Sockaddr { return sockets.UnixSockaddr(path) }

// An outcome is what the command that ordered a call got.
type outcome struct {
	call sockets.Call
	err  error
}

// blockInAccept orders an accept on descriptor 3, and returns when it blocks.
func blockInAccept(t *testing.T, r stage.Remote) <-chan outcome {
	t.Helper()
	return block(t, t.Context(), r, on(3, "accept4"))
}

func block(t *testing.T, ctx context.Context, r stage.Remote, o stage.Order) <-chan outcome {
	t.Helper()
	done := make(chan outcome, 1)
	go func() {
		c, err := r.Do(ctx, o, func(sockets.Call) {})
		done <- outcome{c, err}
	}()
	stagetest.Until(t, "a blocked "+o.Do, func() bool {
		b := look(t, r).Blocked
		return b != nil && b.Name == o.Do && len(b.Args) > 0
	})
	return done
}

// wake connects to the listener of a stage, so that its accept returns.
func wake(t *testing.T, r stage.Remote) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	to := look(t, r).Sockets[0].Local.AddrPort()
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
}

func listening(t *testing.T) stage.Remote {
	t.Helper()
	r, _ := started(t, stage.IdleEnd)
	do(t, r, newSocket)
	do(t, r, on(3, "bind"))
	if c := do(t, r, on(3, "listen")); c.Errno != 0 {
		t.Fatal(c.Strace())
	}
	return r
}

func TestBusyWhileBlocked(t *testing.T) {
	t.Parallel()
	r := listening(t)
	done := blockInAccept(t, r)
	var busy *stage.BusyError
	if _, err := r.Do(t.Context(), on(3, "close"), nil); !errors.As(err, &busy) || busy.Call.Name != "accept4" || busy.Call.FD != 3 {
		t.Errorf("close meanwhile: %v", err)
	}
	wake(t, r)
	if out := <-done; out.err != nil || out.call.Ret != 4 {
		t.Errorf("accept4: %s, %v", out.call.Strace(), out.err)
	}
	if s := look(t, r); s.Blocked != nil || len(s.Unseen) != 0 || len(s.Sockets) != 2 {
		t.Errorf("after the return: %+v", s)
	}
}

// A result that nobody waited for is kept, told by every State and given away by
// one Collect.
func TestUnseenResult(t *testing.T) {
	t.Parallel()
	r := listening(t)
	ctx, leave := context.WithCancel(t.Context())
	done := block(t, ctx, r, on(3, "accept4"))
	leave()
	if out := <-done; out.err != context.Canceled {
		t.Errorf("left: %v", out.err)
	}
	if b := look(t, r).Blocked; b == nil || b.Name != "accept4" {
		t.Error("the call ended with its command")
	}
	wake(t, r)
	s, err := r.Wait(t.Context())
	if err != nil || len(s.Unseen) != 1 || s.Unseen[0].Ret != 4 || s.Unseen[0].Name != "accept4" {
		t.Fatalf("Wait: %+v, %v", s.Unseen, err)
	}
	if s, err := r.Collect(t.Context()); err != nil || len(s.Unseen) != 0 {
		t.Errorf("given twice: %+v, %v", s.Unseen, err)
	}
}

func TestStateKeepsUnseenResults(t *testing.T) {
	t.Parallel()
	r := listening(t)
	ctx, leave := context.WithCancel(t.Context())
	done := block(t, ctx, r, on(3, "accept4"))
	leave()
	<-done
	wake(t, r)
	stagetest.Until(t, "the result", func() bool { return len(look(t, r).Unseen) == 1 })
	if n := len(look(t, r).Unseen); n != 1 {
		t.Errorf("%d unseen after a State", n)
	}
	if s, err := r.Collect(t.Context()); err != nil || len(s.Unseen) != 1 {
		t.Errorf("Collect: %+v, %v", s.Unseen, err)
	}
}

func TestWaitReturnsAtOnceWhenIdle(t *testing.T) {
	t.Parallel()
	r, _ := started(t, stage.IdleEnd)
	if s, err := r.Wait(t.Context()); err != nil || s.Blocked != nil {
		t.Errorf("%+v, %v", s, err)
	}
}

// What a socket became decides whether it is an end of a conversation.
func TestSocketsOfAState(t *testing.T) {
	t.Parallel()
	r := listening(t)
	wake(t, r)
	do(t, r, on(3, "accept4"))
	s := look(t, r).Sockets
	if len(s) != 2 || !s[0].Listening || s[0].Conversation() || s[1].FD != 4 || !s[1].Conversation() || s[1].Peer == nil {
		t.Errorf("%+v", s)
	}
}

// A stage that has moved many megabytes holds on to few of them.
func TestMemory(t *testing.T) {
	t.Parallel()
	r, pid := started(t, stage.IdleEnd)
	do(t, r, newSocket)
	data := make([]byte, stage.MaxData)
	for range 30 {
		do(t, r, stage.Order{Do: "sendto", FD: 3, Data: data, Flags: unix.MSG_NOSIGNAL}) // EPIPE: it has no peer
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil || kb > 120<<10 {
		t.Errorf("%d kB in memory, %v", kb, err)
	}
	t.Logf("%d kB in memory", kb)
}
