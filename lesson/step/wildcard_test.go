package step

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A connect or a send to the wildcard goes to an address of this machine, and the words
// say to which, however the call ends.
func TestWildcardAsADestination(t *testing.T) {
	for wildcard, loopback := range map[string]string{"0.0.0.0": "127.0.0.1", "[::]": "[::1]"} {
		t.Run(loopback, func(t *testing.T) {
			h := newStagehand(t)
			h.do("bind", to(parse(t, loopback+":0")))
			h.do("listen")
			port := h.listenerAddr().Port()
			at := fmt.Sprintf("%s:%d stands for %s:%d here", wildcard, port, loopback, port)
			goes := to(parse(t, fmt.Sprintf("%s:%d", wildcard, port)))

			h.do("connect", goes)
			if e := h.fact("wildcard"); e.Value != at {
				t.Errorf("connected: %q, want %q", e.Value, at)
			}
			h.do("close", asClient)
			h.do("close", fd(h.newest(server)))
			h.events = nil
			h.fails("connect", "ECONNREFUSED", goes)
			if e := h.fact("wildcard"); e.Value != at || !h.told("which the kernel takes for the wildcard") {
				t.Errorf("refused: %q, want %q", e.Value, at)
			}

			h.do("close", asClient)
			h.do("bind", dgram, to(parse(t, loopback+":0")))
			port = h.listenerAddr().Port()
			h.do("socket", asClient, dgram)
			h.events = nil
			h.do("send", asClient, to(parse(t, fmt.Sprintf("%s:%d", wildcard, port))))
			if e := h.fact("wildcard"); e.Value != fmt.Sprintf("%s:%d stands for %s:%d here", wildcard, port, loopback, port) {
				t.Errorf("sent: %q", e.Value)
			}
			h.do("recv") // it came
		})
	}
}

// Of a socket with an address of its own the kernel takes that one, not loopback
// 127.0.0.1. A port that has a listener there is reached.
func TestWildcardOfABoundSocket(t *testing.T) {
	h := newStagehand(t)
	h.do("bind", to(parse(t, "127.0.0.2:0")))
	h.do("listen")
	port := h.listenerAddr().Port()
	h.do("bind", asClient, to(parse(t, "127.0.0.3:0")))
	h.fails("connect", "ECONNREFUSED", to(parse(t, fmt.Sprintf("0.0.0.0:%d", port))))
	if want := fmt.Sprintf("0.0.0.0:%d stands for 127.0.0.3:%[1]d here", port); h.fact("wildcard").Value != want {
		t.Errorf("%q, want %q", h.fact("wildcard").Value, want)
	}
	if !h.told(fmt.Sprintf("No socket listens on `127.0.0.3:%d`", port)) || !h.told("On this machine the port does have a listener") {
		t.Error("the words do not say where it went, and where the listener is")
	}
	h.do("close", asClient)
	h.do("bind", asClient, to(parse(t, "127.0.0.2:0")))
	h.do("connect", to(parse(t, fmt.Sprintf("0.0.0.0:%d", port))))
}

// Of an address that this process could not bind to it is not known what the kernel takes.
func TestWildcardOfAnAddressElsewhere(t *testing.T) {
	if taken := takenFor(parse(t, "0.0.0.0:9"), parse(t, "192.0.2.1:0")); taken != nil {
		t.Errorf("%s", taken)
	}
}

// A name was typed, and the words say that it stands for one address of two.
func TestLocalhostIsOneAddressOfTwo(t *testing.T) {
	h := newStagehand(t)
	localhost := func(o *Options) { o.Localhost = true }
	h.do("bind", to(loopback(0)), localhost)
	h.do("listen")
	addr := h.listenerAddr()
	h.do("connect", to(addr), localhost)
	h.do("send", asClient, to(addr), localhost)
	told := 0
	for _, e := range h.events {
		if e.Section == "before" && strings.Contains(oneLine(e.Text), "takes `127.0.0.1` for `localhost`") && strings.Contains(oneLine(e.Text), "`[::1]` can have that name too") {
			told++
		}
	}
	if told != 3 {
		t.Errorf("told of %d of 3 steps", told)
	}
	h.events = nil
	h.do("socket", asClient, family(unix.AF_INET))
	h.do("connect", to(addr))
	if h.told("localhost") {
		t.Error("told where nobody typed the name")
	}
}
