package step

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets"
	"fd3/sockets/kernel"
)

// A shutdown is a scenario with what its words must say, and must not.
type shutdownTold struct {
	take  func(*stagehand)
	told  []string
	never []string
}

var (
	both = how(unix.SHUT_RDWR)
	rd   = how(unix.SHUT_RD)
)

// connected makes a TCP connection, local one of Unix streams that is not accepted yet.
func connected(h *stagehand) {
	h.start()
	h.do("connect")
	h.do("accept")
}

func local(h *stagehand) {
	h.do("bind", to(sockets.UnixSockaddr(socketPath(h.t))))
	h.do("listen")
	h.do("connect")
}

var shutdowns = map[string]shutdownTold{
	"a receive after our own SHUT_RD": {
		func(h *stagehand) { connected(h); h.do("shutdown", rd); h.do("recv") },
		[]string{"the peer has not finished: no FIN has come", "This end is in the state `ESTABLISHED`, the other in `ESTABLISHED`"},
		[]string{"its kernel said so with a FIN", "the peer has finished sending, and"},
	},
	"a receive after the peer's FIN": {
		func(h *stagehand) { connected(h); h.do("shutdown", asClient); h.do("recv") },
		[]string{"its kernel said so with a FIN"},
		[]string{"no FIN has come"},
	},
	"what is left after SHUT_RDWR": {
		func(h *stagehand) { connected(h); h.do("shutdown", both) },
		[]string{"0 here tells nothing about the peer", "The other end is in the state `CLOSE_WAIT`"},
		[]string{"Now it is safe to close"},
	},
	"SHUT_WR twice": {
		func(h *stagehand) {
			connected(h)
			h.do("shutdown")
			h.settles(kernel.FinWait2)
			h.events = nil
			h.do("shutdown")
		},
		[]string{"Nothing changes, and no packet is sent", "This end is in the state `FIN_WAIT2`"},
		[]string{"sends a **FIN**"},
	},
	"SHUT_RD after the peer's FIN": {
		func(h *stagehand) { connected(h); h.do("shutdown", asClient); h.events = nil; h.do("shutdown", rd) },
		[]string{"Nothing changes, and no packet is sent"},
		[]string{"It may go on sending"},
	},
	"SHUT_RD after SHUT_WR": {
		func(h *stagehand) { connected(h); h.do("shutdown"); h.events = nil; h.do("shutdown", rd) },
		[]string{"this end had finished sending before", "answers them with RST"},
		[]string{"It may go on sending", "sends a **FIN**"},
	},
	"SHUT_WR after SHUT_RD": {
		func(h *stagehand) { connected(h); h.do("shutdown", rd); h.events = nil; h.do("shutdown") },
		[]string{"Receiving ends too", "0 here tells nothing about the peer"},
		[]string{"this end can still receive", "Now it is safe to close"},
	},
	"SHUT_WR after the peer's FIN": {
		func(h *stagehand) { connected(h); h.do("shutdown", asClient); h.events = nil; h.do("shutdown") },
		[]string{"so ours ends the other direction too", "Now it is safe to close"},
		nil,
	},
	"SHUT_RDWR of a listener": {
		func(h *stagehand) {
			h.start()
			h.do("connect")
			h.do("shutdown", both, fd(h.newest(server)), only)
			h.fails("recv", "ECONNRESET", asClient)
		},
		[]string{"The socket listens no more: its state is `CLOSE`", "In the accept queue waited `1`"},
		[]string{"Nothing is lost", "sends a **FIN**"},
	},
	"SHUT_WR of a listener": {
		func(h *stagehand) {
			h.start()
			h.do("connect")
			h.do("shutdown", fd(h.newest(server)), only)
			h.do("accept")
		},
		[]string{"a listener sends nothing, so there is nothing to end", "holds `1` in its accept queue"},
		[]string{"sends a **FIN**"},
	},
	"SHUT_RD of a Unix listener": {
		func(h *stagehand) {
			local(h)
			h.do("shutdown", rd, fd(h.newest(server)), only)
			h.do("accept", only)
		},
		[]string{"Nobody can connect any more", "these are still there, and accept takes them out"},
		[]string{"the kernel marks both sockets", "RST"},
	},
	"a Unix stream, twice": {
		func(h *stagehand) {
			local(h)
			h.do("accept")
			h.do("shutdown", both)
			h.events = nil
			h.do("shutdown", both)
		},
		[]string{"Nothing changes: what this call ends was over before", "or this end has said that it reads no more"},
		[]string{"sends a **FIN**", "the kernel marks both sockets"},
	},
	"a receive after SHUT_RD on a Unix stream": {
		func(h *stagehand) { local(h); h.do("accept"); h.do("shutdown", rd); h.do("recv") },
		[]string{"or this end has itself said with `shutdown(2)` that it reads no more"},
		[]string{"its kernel said so with a FIN"},
	},
	"a connection that is not open yet": {
		func(h *stagehand) {
			h.start(backlog(0))
			h.do("connect", count(3))
			h.events = nil
			h.do("shutdown", asClient, fd(h.newest(client)))
		},
		[]string{"The kernel gives it up and sends nothing more", "The socket is in the state `CLOSE` now"},
		[]string{"sends a **FIN**"},
	},
	"a close of one that is not open yet": {
		func(h *stagehand) {
			h.start(backlog(0))
			h.do("connect", count(3))
			h.events = nil
			h.do("close", asClient, fd(h.newest(client)))
		},
		[]string{"The kernel gives it up, and sends no FIN"},
		[]string{"This end finished first"},
	},
	"UDP without a peer": {
		func(h *stagehand) {
			h.do("socket", dgram)
			h.do("bind")
			h.fails("shutdown", "ENOTCONN")
			h.fails("send", "EPIPE", to(loopback(9)))
		},
		[]string{"Linux marks a UDP socket all the same"},
		nil,
	},
}

// settles waits until the newest socket of the server is in a state: what brings it there
// may still be on its way.
func (h *stagehand) settles(state kernel.State) {
	h.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		now, err := look(h.t.Context(), h.Parties)
		if err != nil {
			h.t.Fatal(err)
		}
		if x, _ := now.socket(server, h.newest(server)); x.State() == state {
			return
		} else if time.Now().After(end) {
			h.t.Fatalf("the server's socket is in %s, not in %s", x.State(), state)
		}
	}
}

// They are scenarios too: every sentence of theirs has its values.
func init() {
	for name, test := range shutdowns {
		scenarios[name] = func(_ *testing.T, h *stagehand) { test.take(h) }
	}
}

// The words of shutdown, and of the receive after it, follow what was over before and
// what is over then.
func TestShutdownFollowsTheState(t *testing.T) {
	for name, test := range shutdowns {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			h := newStagehand(t)
			test.take(h)
			for _, text := range test.told {
				if !h.told(text) {
					t.Errorf("not told: %q", text)
				}
			}
			for _, text := range test.never {
				if h.told(text) {
					t.Errorf("told, and false: %q", text)
				}
			}
			if t.Failed() {
				for _, e := range h.events {
					if e.Section == "meaning" {
						t.Log(e.Step, e.Text)
					}
				}
			}
		})
	}
}
