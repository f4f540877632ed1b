package serve

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fd3/httpmini/server"
	"fd3/lesson"
	"fd3/lesson/step"
	"fd3/sockets"
)

// count returns how often a text was told. It takes one more round of the narrator to
// be sure that it is not told again.
func (p *performance) count(text string) (n int) {
	p.t.Helper()
	p.mu.Lock()
	before := len(p.events)
	p.mu.Unlock()
	loads := func(events []lesson.Event) (n int) {
		for _, e := range events {
			if e.Kind == lesson.KindLoad {
				n++
			}
		}
		return n
	}
	p.told(func(lesson.Event) bool { return loads(p.events[before:]) > 1 })
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.events {
		n += strings.Count(e.Text, text)
	}
	return n
}

// What goes on is told of once, and again when it has changed.
func TestWhatGoesOnIsToldOnce(t *testing.T) {
	q := perform(t, server.Config{Loop: server.Threads}, 1, false)
	q.get(q.dial(), "/large") // and does not read all of it
	q.drain()
	p := perform(t, server.Config{Loop: server.Iterative}, 1, false)
	p.dial()
	p.dial()
	p.told(func(e lesson.Event) bool { return strings.Contains(e.Text, "1 client") })
	if n := p.count("1 client"); n != 1 {
		t.Errorf("the client that waits was told of %d times", n)
	}
	p.dial()
	p.told(func(e lesson.Event) bool { return strings.Contains(e.Text, "2 clients") })
	q.tells("waiting")
	if n := q.count("The server waits for 1 connection"); n != 1 {
		t.Errorf("the connection that is left was told of %d times", n)
	}
}

// Loops that share a listener have one accept queue. While the server drains, the
// descriptor may be another's.
func TestQueuedOfASharedListener(t *testing.T) {
	fds, err := ListenQuietly(options("127.0.0.1:0"), 1, nil, func(lesson.Event) {}, func(sockets.Call) {})
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	c, err := net.Dial("tcp", sockets.Sockname(fds[0]).String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	stopping := make(chan struct{})
	n := &Narrator{Stopping: stopping, before: []server.LoopStats{{Listener: fds[0]}, {Listener: fds[0]}}}
	if sum, ok := n.queued(); sum != 1 || !ok {
		t.Errorf("%d clients wait, %t", sum, ok)
	}
	close(stopping)
	if sum, ok := n.queued(); ok {
		t.Errorf("%d clients wait for a server that drains", sum)
	}
}

func options(addr string) step.Options {
	o := step.DefaultOptions()
	o.Addr, _ = sockets.ParseSockaddr(addr)
	return o
}

// A server that others can reach says so.
func TestServingIsAnnounced(t *testing.T) {
	for addr, others := range map[string]bool{"127.0.0.1:0": false, "0.0.0.0:0": true, "[::]:0": true} {
		var told string
		fds, err := ListenQuietly(options(addr), 1, nil, func(e lesson.Event) { told += e.Text }, func(sockets.Call) {})
		if err != nil {
			t.Errorf("%s: %v", addr, err)
			continue
		}
		unix.Close(fds[0])
		if strings.Contains(told, "**other machines can connect**") != others {
			t.Errorf("%s: %s", addr, told)
		}
	}
}

// A server on a host says from where it is reached, and by which command.
func TestServingOnAHostIsAnnounced(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "0.0.0.0:0", "[::]:0"} {
		var told string
		fds, err := ListenQuietly(options(addr), 1, &Host{Name: "server", Addr: "127.0.0.1", Other: "client"}, func(e lesson.Event) { told += e.Text }, func(sockets.Call) {})
		if err != nil {
			t.Errorf("%s: %v", addr, err)
			continue
		}
		port := sockets.Sockname(fds[0]).Port()
		unix.Close(fds[0])
		if !strings.Contains(told, fmt.Sprintf("`fd3 on client -- curl -v http://127.0.0.1:%d/`", port)) || strings.Contains(told, "other machines") {
			t.Errorf("%s: %s", addr, told)
		}
	}
}

// Where one of several listeners cannot be made, none is left open.
func TestNoListenerIsLeft(t *testing.T) {
	open := func() int {
		all, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	before := open()
	teller := &teller{show: func(lesson.Event) {}}
	first, err := teller.listener(options("127.0.0.1:0").Addr, 1, false)
	if err != nil {
		t.Fatal(err)
	}
	if fds, err := teller.share(first, options("192.0.2.1:8080").Addr, 1, 3); err == nil { // an address of documentation (RFC 5737)
		t.Errorf("listens at an address that this machine has not: %v", fds)
	}
	if after := open(); after != before {
		t.Errorf("%d descriptors, and %d before", after, before)
	}
}

// A connection is named above what is told of it: once, and again when something else
// has been told meanwhile.
func TestConnectionIsNamed(t *testing.T) {
	p := perform(t, server.Config{}, 1, true)
	c := p.dial()
	go fmt.Fprint(c, strings.Repeat("GET /small HTTP/1.1\r\nHost: a\r\n\r\n", 6000))
	for p.server.Stats()[0].Requests < 6000 {
		if _, err := c.Read(make([]byte, 64<<10)); err != nil {
			t.Fatal(err)
		}
	}
	p.begin()
	p.tells("skipped")
	c.Close()
	p.tells("closed")
	p.mu.Lock()
	defer p.mu.Unlock()
	text, _ := page().Section("skipped")
	named, after := 0, 0 // and of these, after the gap
	gap := false
	for _, e := range p.events {
		gap = gap || strings.Contains(e.Text, longest(text))
		if e.Kind == lesson.KindConnection {
			if named++; gap {
				after++
			}
		}
	}
	if named != 2 || after != 1 {
		t.Errorf("named %d times, %d times after the gap", named, after)
	}
}
