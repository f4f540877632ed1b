package view

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"

	"fd3/lesson"
	"fd3/lesson/words"
)

// sample has every kind of Event, with long lines, wide characters and bytes of
// all sorts.
func sample() []lesson.Event {
	ret, failed, fd := int64(78), int64(-1), 3
	long := strings.Repeat("The kernel put the connection in the accept queue. ", 6)
	return []lesson.Event{
		{Kind: lesson.KindText, Section: "born", Text: "The server process is born: pid 4242."},
		{Kind: lesson.KindReturn, Recap: true, Strace: "socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = 3", Result: "3", Ret: &ret, Text: "a TCP socket; nothing else knows of it yet"},
		{Kind: lesson.KindStep, Step: "recv", Process: "server", PID: 4242, Title: "recv: read what has arrived", Life: []string{"socket", "bind", "listen", "accept", "recv", "send", "shutdown", "close"}},
		{Kind: lesson.KindText, Section: "before", Text: long},
		{Kind: lesson.KindEnter, Strace: "recvfrom(4, "},
		{Kind: lesson.KindText, Section: "blocked", Text: "It waits.\n\n- `fd3 connect`: in another terminal\n- `strace -p 4242`: see it"},
		{Kind: lesson.KindConnection, Connection: 1, FD: new(int), Peer: "unix:@evil\x1b[2J", Loop: "loop 1"},
		{Kind: lesson.KindRequest, Connection: 1, FD: new(int), Request: "GET / HTTP/1.1", Status: 404, Value: "404 Not Found", Text: "there is no file of this name"},
		{Kind: lesson.KindEnd, Text: "The server has ended."},
		{Kind: lesson.KindEvidence, Fact: "main thread", Value: "sleeping in wait_woken\x1b[31m", Source: "/proc/4242/wchan", Command: "cat /proc/4242/wchan"},
		{Kind: lesson.KindReturn, Strace: `recvfrom(4, "GET / HTTP/1.1\r\nHost: 127.0.0.1:"..., 4096, 0, NULL, NULL) = 78`, Result: "78", Took: "4.1 µs", Ret: &ret, C: "ssize_t n = recv(4, buf, 4096, 0);", Go: "n, from, err := unix.Recvfrom(4, buf[:4096], 0)", DurationNS: 4100},
		{Kind: lesson.KindArgument, Name: "sockfd", Value: "4", Text: "The connection, not the listener."},
		{Kind: lesson.KindBytes, Title: "24, an HTTP request", Data: []byte("GET / HTTP/1.1\r\nA: b\r\n\r\n\x00\xff\u6f22"), Spans: []lesson.Span{
			{Name: "method", Start: 0, End: 3}, {Name: "space", Start: 3, End: 4}, {Name: "target", Start: 4, End: 5}, {Name: "space", Start: 5, End: 6},
			{Name: "version", Start: 6, End: 14}, {Name: "CRLF", Start: 14, End: 16}, {Name: "field name", Start: 16, End: 17}, {Name: "colon", Start: 17, End: 18},
			{Name: "optional whitespace", Start: 18, End: 19}, {Name: "field value", Start: 19, End: 20}, {Name: "CRLF", Start: 20, End: 22}, {Name: "empty line", Start: 22, End: 24}}},
		{Kind: lesson.KindBytes, Title: "16, struct sockaddr_in", Form: "struct", Data: make([]byte, 16), Spans: []lesson.Span{
			{Name: "sin_family", Start: 0, End: 2, Value: "AF_INET"}, {Name: "sin_port", Start: 2, End: 4, Value: "8080"}, {Name: "sin_addr", Start: 4, End: 8, Value: "127.0.0.1"}, {Name: "sin_zero", Start: 8, End: 16, Value: "padding"}}},
		{Kind: lesson.KindEvidence, Fact: "states", Value: strings.Repeat("server: ESTABLISHED, ", 12), Source: "TCP_INFO and sock_diag(7)", Command: "ss -tanp '( sport = :8080 or dport = :8080 )'", Text: "Both **ends** say so."},
		{Kind: lesson.KindEvidence, Fact: "file", Value: "/tmp/" + strings.Repeat("漢字", 40), Source: "lstat(2)"},
		{Kind: lesson.KindText, Section: "meaning", Text: long + "\n\n" + long},
		{Kind: lesson.KindText, Section: "try", Command: "ss -tn", Text: "look at it"},
		{Kind: lesson.KindText, Section: "next", Command: "fd3 send", Text: "answer"},
		{Kind: lesson.KindReturn, Strace: "bind(3, {sa_family=AF_INET}, 16) = -1 EADDRINUSE (Address already in use)", Result: "-1 EADDRINUSE (Address already in use)", Ret: &failed, Errno: 98, ErrnoName: "EADDRINUSE"},
		{Kind: lesson.KindText, Section: "errno", Text: long},
		{Kind: lesson.KindProcess, Title: "The server process, pid 4242", Text: "Runs for 3s."},
		{Kind: lesson.KindSocket, FD: &fd, Value: "AF_INET SOCK_STREAM, LISTEN on 127.0.0.1:8080", Text: "note", Source: "getsockopt(2)"},
	}
}

func render(t *testing.T, l Look) string {
	t.Helper()
	var out bytes.Buffer
	v := NewText(&out, l)
	for _, e := range sample() {
		if err := v.Show(e); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

func TestTextFitsTheWidth(t *testing.T) {
	for _, width := range []int{60, 72, 80, 120, 200} {
		for _, ascii := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d-ascii-%t", width, ascii), func(t *testing.T) {
				for line := range strings.Lines(render(t, Look{Width: width, Colour: true, ASCII: ascii})) {
					if n := ansi.StringWidth(strings.TrimRight(line, "\n")); n > width {
						t.Errorf("%d columns: %q", n, line)
					}
				}
			})
		}
	}
}

func TestColourOnlyDecorates(t *testing.T) {
	plain := render(t, Look{Width: 80})
	if strings.ContainsRune(plain, 0x1b) {
		t.Error("an escape sequence without colours")
	}
	coloured := ansi.Strip(render(t, Look{Width: 80, Colour: true}))
	for _, word := range strings.Fields(strings.ReplaceAll(plain, "`", "")) {
		if !strings.Contains(coloured, word) {
			t.Errorf("%q is only in the plain text", word)
		}
	}
}

func TestASCIIHasOnlyASCIIOfItsOwn(t *testing.T) {
	for line := range strings.Lines(render(t, Look{Width: 80, ASCII: true})) {
		for _, r := range strings.NewReplacer("漢", "", "字", "").Replace(line) {
			if r > 0x7e {
				t.Errorf("%q in %q", r, line)
			}
		}
	}
}

func TestEveryByteIsDrawn(t *testing.T) {
	out := render(t, Look{Width: 80})
	for _, want := range []string{"47 45 54", `\r \n`, "empty line", "00 ff e6 bc a2"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestJSONIsOneObjectALine(t *testing.T) {
	var out bytes.Buffer
	show := JSON(&out)
	for _, e := range sample() {
		if err := show(e); err != nil {
			t.Fatal(err)
		}
	}
	lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
	if len(lines) != len(sample()) {
		t.Fatalf("%d lines for %d events", len(lines), len(sample()))
	}
	for i, line := range lines {
		var e lesson.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Kind != sample()[i].Kind {
			t.Errorf("%v: %s", err, line)
		}
	}
}

type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, errors.New("closed") }

func TestTheFirstErrorIsKept(t *testing.T) {
	v := NewText(closedPipe{}, Look{Width: 80})
	for _, e := range sample() {
		if err := v.Show(e); err != nil {
			return
		}
	}
	t.Error("a writer that fails goes unnoticed")
}

// A terminal shows the line whole or without whole parts, and nothing of it stays when
// the window gets narrower.
func TestLoadStaysAtTheBottom(t *testing.T) {
	columns := 80
	screen := vt.NewEmulator(columns, 10)
	load := NewLoad(screen, Look{ASCII: true}, func() int { return columns })
	text := NewText(crlf{screen}, Look{Width: columns, ASCII: true})
	show := func(e lesson.Event) {
		load.Hide()
		load.Show(e)
		text.Show(e)
		load.Draw()
	}
	loads := []lesson.Load{
		{Loop: 1, Connections: 2, Requests: 1500, Bytes: 2_500_000, Listener: 3, Queue: 1, Backlog: 5},
		{Loop: 2, Connections: 3, Requests: 10, Bytes: 10, Listener: 4, Queue: 4, Backlog: 5},
	}
	said := lesson.Event{Kind: lesson.KindText, Section: "serve", Text: "Said."}
	for _, c := range []struct {
		columns int
		line    string
	}{
		{80, "5 conn (2+3), 1510 req/s (1500+10), 2.5 MB/s, accept queues 1 of 5, 4 of 5"},
		{70, "5 conn (2+3), 1510 req/s, 2.5 MB/s, accept queues 1 of 5, 4 of 5"},
		{60, "5 conn, 1510 req/s, 2.5 MB/s, fullest accept queue 4 of 5"},
		{50, "5 conn, 1510 req/s, fullest accept queue 4 of 5"},
		{40, "5 conn, 1510 req/s"},
		{10, ""},
		{200, "5 conn (2+3), 1510 req/s (1500+10), 2.5 MB/s, accept queues 1 of 5, 4 of 5"},
	} {
		columns = c.columns
		screen.Resize(columns, 10)
		show(said)
		show(lesson.Event{Kind: lesson.KindLoad, Loads: loads})
		rows := strings.Split(strings.TrimRight(screen.String(), "\n "), "\n")
		last := strings.TrimSpace(rows[len(rows)-1])
		if c.line == "" {
			last = strings.TrimSuffix(last, "Said.")
		}
		if last != c.line || strings.Count(screen.String(), "conn") > 1 {
			t.Errorf("%d columns:\n%s", columns, screen.String())
		}
	}
	loads[0].Listener, loads[1].Listener, loads[0].Queue = 3, 3, 4
	show(lesson.Event{Kind: lesson.KindLoad, Loads: loads})
	if !strings.Contains(screen.String(), ", accept queue 4 of 5") {
		t.Errorf("a listener that two loops share:\n%s", screen.String())
	}
	io.WriteString(screen, "^C")
	show(said)
	if strings.Contains(screen.String(), "^C") {
		t.Errorf("the key is left in the story:\n%s", screen.String())
	}
	show(lesson.Event{Kind: lesson.KindEnd, Text: "The server has ended."})
	if strings.Contains(screen.String(), "conn") || !strings.Contains(screen.String(), "The server has ended.") {
		t.Errorf("at the end:\n%s", screen.String())
	}
}

// crlf is what a terminal's driver makes of a newline.
type crlf struct{ w io.Writer }

func (c crlf) Write(b []byte) (int, error) {
	_, err := c.w.Write(bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")))
	return len(b), err
}

// A value at the beginning of a line stays a value, and begins no list.
func TestValueBeginsALine(t *testing.T) {
	text, err := words.Fill("Clients that got no answer:\n{hanging}. These are in {state}.", map[string]string{"hanging": "1", "state": "SYN_SENT"})
	var out strings.Builder
	NewText(&out, Look{Width: 100}).Show(lesson.Event{Kind: lesson.KindText, Section: "done", Text: text})
	if want := "Clients that got no answer: 1. These are in SYN_SENT."; err != nil || !strings.Contains(out.String(), want) {
		t.Errorf("%v, not %q:\n%s", err, want, out.String())
	}
}

// The words behind a call are rendered, and a path is in one piece.
func TestNotesAndPaths(t *testing.T) {
	var out strings.Builder
	text := NewText(&out, Look{Width: 60, Colour: true})
	text.Show(lesson.Event{Kind: lesson.KindReturn, Recap: true, Strace: "f() = 0", Result: "0", Took: "18 µs", Text: "18 µs, at once (`TCP_NODELAY`);\nnot later"})
	text.Show(lesson.Event{Kind: lesson.KindText, Section: "errno", Text: "When no server uses the file any more, it goes by `rm /tmp/rev-serve/s-1.sock`. Or `ss -tanp state established state time-wait '( sport = :8080 or dport = :8080 )'`"})
	got := ansi.Strip(out.String())
	for _, want := range []string{"18 µs, at once (TCP_NODELAY); not", "rm /tmp/rev-serve/s-1.sock", "time-wait"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	out.Reset()
	plain := NewText(&out, Look{Width: 60, ASCII: true})
	plain.Show(lesson.Event{Kind: lesson.KindReturn, Strace: "f() = 0", Result: "0", Took: "18 µs"})
	if !strings.Contains(out.String(), "in 18 us") {
		t.Errorf("%q", out.String())
	}
}
