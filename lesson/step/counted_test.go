package step

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fd3/lesson"
)

// The kernel counts a FIN as a byte, and ss(8) shows what the kernel counts. A learner
// who compares is told both numbers.
func TestQueueWithItsFIN(t *testing.T) {
	h := newStagehand(t)
	h.start()
	h.do("connect")
	h.do("accept")
	h.do("send", asClient, data("123456789"))
	h.do("shutdown", asClient)
	h.do("recv", size(4), fd(h.newest(server)))
	e := h.fact("unread here")
	if want := "Recv-Q of `ss` is 6:"; e.Value != "5 bytes (9 before)" || !strings.HasPrefix(e.Text, want) {
		t.Errorf("%q, %q; want 5 bytes and %q", e.Value, e.Text, want)
	}
	if got := column(t, e.Command, "CLOSE-WAIT", 1); got != "6" {
		t.Errorf("ss shows Recv-Q %s", got)
	}
	h.events = nil
	if err := h.Status(t.Context(), lesson.Full); err != nil {
		t.Fatal(err)
	}
	if line := h.line("CLOSE_WAIT,"); !strings.Contains(line.Value, " 5 unread, 0 not ack") || !strings.Contains(line.Text, "Recv-Q of `ss` is 6:") {
		t.Errorf("status: %q, %q", line.Value, line.Text)
	}
}

// Our own FIN that nobody acknowledges is no byte either: the client's window is shut
// by a full buffer, so the FIN waits behind bytes.
func TestQueueWithItsOwnFIN(t *testing.T) {
	h := newStagehand(t)
	h.start()
	h.do("connect")
	h.do("accept")
	h.fill(server)
	h.do("shutdown")
	h.events = nil
	if err := h.Status(t.Context(), lesson.Full); err != nil {
		t.Fatal(err)
	}
	line := h.line("FIN_WAIT1,")
	var bytes, counted int
	fmt.Sscanf(regexp.MustCompile(`\d+ not ack`).FindString(line.Value), "%d", &bytes)
	fmt.Sscanf(regexp.MustCompile("Send-Q of `ss` is .*").FindString(line.Text), "Send-Q of `ss` is %d", &counted)
	if bytes == 0 || counted != bytes+1 {
		t.Errorf("status: %q, %q", line.Value, line.Text)
	}
	if got := column(t, line.Command, "FIN-WAIT-1", 2); got != fmt.Sprint(counted) {
		t.Errorf("ss shows Send-Q %s, and the words say %d", got, counted)
	}
}

// ss(8) counts the memory of UDP messages, and fd3 the size of the next one.
func TestQueueOfMessages(t *testing.T) {
	h := newStagehand(t)
	h.receives(unix.AF_INET)
	h.do("send", asClient, data("hello"))
	h.do("send", asClient, data("again"))
	h.do("recv", size(4))
	e := h.fact("unread here")
	if got := column(t, e.Command, "UNCONN", 1); got == "5" || e.Value != "5 bytes (5 before)" || !strings.Contains(e.Text, "Recv-Q of `ss` is "+got+":") {
		t.Errorf("ss shows %s; fd3 %q, %q", got, e.Value, e.Text)
	}
}

// What waits at a socket without a peer is in the list of status too, on both kinds of
// datagram socket, as ss(8) has it.
func TestStatusOfWaitingMessages(t *testing.T) {
	for name, domain := range map[string]int{"UDP": unix.AF_INET, "UNIX": unix.AF_UNIX} {
		t.Run(name, func(t *testing.T) {
			h := newStagehand(t)
			h.receives(domain)
			h.do("send", asClient, data("hello"))
			h.do("send", asClient, data("again and again"))
			if err := h.Status(t.Context(), lesson.Full); err != nil {
				t.Fatal(err)
			}
			if line := h.line("bound to "); !strings.HasSuffix(line.Value, ", 5 unread") || !strings.Contains(line.Text, "The size of the next message alone") {
				t.Errorf("%q, %q", line.Value, line.Text)
			}
		})
	}
}

// An RST ends a connection, and the kernel throws away what was not acknowledged. SIOCOUTQ
// counts it still, and the words say so.
func TestSendQueueAfterReset(t *testing.T) {
	h := newStagehand(t)
	h.start()
	h.do("connect")
	h.do("accept")
	h.do("close", asClient)
	h.do("send", data("hello"))
	e := h.fact("send queue")
	if e.Value != "5 bytes not acknowledged" || !strings.Contains(e.Text, "the kernel has thrown them away") || e.Command != "" {
		t.Errorf("%q, %q, %q", e.Value, e.Text, e.Command)
	}
}

// line is the socket of status that is in a state, or said to be otherwise.
func (h *stagehand) line(state string) lesson.Event {
	h.t.Helper()
	for _, e := range h.events {
		if e.Kind == lesson.KindSocket && strings.Contains(e.Value, " "+state) {
			return e
		}
	}
	h.t.Fatalf("no socket in %s", state)
	return lesson.Event{}
}

// column is a field of the first row in a state that an ss(8) command shows.
func column(t *testing.T, command, state string, n int) string {
	t.Helper()
	out := shell(t, command)
	for row := range strings.Lines(out) {
		if f := strings.Fields(row); len(f) > n && f[0] == state {
			return f[n]
		}
	}
	t.Fatalf("%s shows no %s:\n%s", command, state, out)
	return ""
}
