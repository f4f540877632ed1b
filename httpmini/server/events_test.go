package server

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestStory has the events tell all that happens to a connection, in order.
func TestStory(t *testing.T) {
	noneLeft(t)
	dir := documents(t)
	one, last := get("/hello.txt"), get("/kilo.bin", "Connection: close")
	stories := map[string]struct {
		sent []string // each when the one before is answered
		told []string
	}{
		"one request": {
			[]string{last},
			[]string{"accept4", "recvfrom " + strconv.Itoa(len(last)), "answered", "sendto", "close", "closed"},
		},
		"two requests": {
			[]string{one, last},
			[]string{"accept4", "recvfrom " + strconv.Itoa(len(one)), "answered", "sendto",
				"recvfrom " + strconv.Itoa(len(last)), "answered", "sendto", "close", "closed"},
		},
		"the client closes": {
			[]string{one},
			[]string{"accept4", "recvfrom " + strconv.Itoa(len(one)), "answered", "sendto", "recvfrom 0", "close", "closed"},
		},
	}
	everywhere(t, loops, func(t *testing.T, network string, loop Loop) {
		for name, story := range stories {
			t.Run(name, func(t *testing.T) {
				l := launch(t, network, Config{Loop: loop, Root: root(t, dir)})
				c := l.client(t)
				for _, send := range story.sent {
					c.send(t, send)
					_, err := c.answer()
					must(t, err)
				}
				c.halfClose(t)
				must(t, ended(c.in))
				local := c.LocalAddr().String()
				l.end(t)
				if network == "unix" {
					local = "unix:(no name)"
				}
				var told []string
				requests := uint64(0)
				for _, e := range l.told("") {
					if e.Conn == 0 {
						continue
					}
					if e.Conn != 1 || e.Peer != local || e.FD <= 2 || e.TID == 0 || e.Loop < 0 || e.Loop > 1 {
						t.Errorf("connection %d of %q, descriptor %d, thread %d, loop %d", e.Conn, e.Peer, e.FD, e.TID, e.Loop)
					}
					switch e.Kind {
					case Called:
						what := e.Call.Name
						if what == "recvfrom" {
							if e.Call.Errno == unix.EAGAIN {
								continue
							}
							what += " " + strconv.Itoa(int(e.Call.Ret))
						}
						about := e.Call.FD == e.FD || e.Call.Name == "accept4" // and not a file
						if about && slices.Contains([]string{"accept4", "recvfrom", "sendto", "close"}, e.Call.Name) {
							told = append(told, what)
						}
						if e.Call.Data != nil {
							t.Errorf("%s comes with a view of the server's buffer", what)
						}
					case Answered:
						requests++
						told = append(told, "answered")
						path, length, _ := strings.Cut(e.Request, " HTTP/1.1")
						if want := map[string]int64{"GET /hello.txt": int64(len(hello)), "GET /kilo.bin": int64(len(kilo))}[path]; e.Length != want || length != "" {
							t.Errorf("%q with %d bytes", e.Request, e.Length)
						}
						if e.Status != 200 || e.Why != "" || e.Requests != requests {
							t.Errorf("status %d, request %d: %s", e.Status, e.Requests, e.Why)
						}
					case Closed:
						told = append(told, "closed")
						if e.Requests != requests || e.Age <= 0 {
							t.Errorf("%d requests in %v", e.Requests, e.Age)
						}
					default:
						t.Errorf("%+v", e)
					}
				}
				if !slices.Equal(told, story.told) {
					t.Errorf("told: %q\nhappened: %q", told, story.told)
				}
				if n, m := l.Skipped(); n != 0 || m != 0 {
					t.Errorf("%d connections and %d requests were not told of", n, m)
				}
			})
		}
	})
}

// TestImpatienceIsTold names each timeout when it ends a connection.
func TestImpatienceIsTold(t *testing.T) {
	noneLeft(t)
	dir := documents(t)
	sideBySide(t, loops, func(t *testing.T, network string, loop Loop) {
		l := launch(t, network, Config{Loop: loop, Root: root(t, dir), Timeouts: Timeouts{Head: 300 * time.Millisecond, Idle: 300 * time.Millisecond}})
		must(t, ended(l.client(t).in))
		c := l.client(t)
		c.gets(t, "/hello.txt", hello)
		must(t, ended(c.in))
		l.end(t)
		var whys []string
		for _, e := range l.told(Ran) {
			whys = append(whys, e.Why)
		}
		if !slices.Equal(whys, []string{"silent", "idle"}) {
			t.Errorf("patience ran out with one who was %q", whys)
		}
	})
}

// TestHeldUp tells of the client that keeps the iterative loop from the others: how
// long it is served, how long it has been silent, and how long it has not read.
func TestHeldUp(t *testing.T) {
	noneLeft(t)
	dir := documents(t)
	sparse(t, dir, "huge.bin", hugeSize)
	everywhere(t, []Loop{Iterative}, func(t *testing.T, network string, loop Loop) {
		l := launch(t, network, Config{Loop: loop, Root: root(t, dir), Quiet: true})
		if h := l.HeldUp(); h != (Held{FD: -1}) {
			t.Errorf("with no client: %+v", h)
		}
		c := l.client(t)
		until(t, "the client to be silent", func() bool { return l.HeldUp().Silent > 300*time.Millisecond })
		asked := time.Now()
		c.send(t, get("/huge.bin"))
		_, err := c.in.Peek(1) // and the server goes on to send
		must(t, err)
		if silent, most := l.HeldUp().Silent, time.Since(asked); silent > most {
			t.Errorf("the client asked %v ago, and counts as silent for %v", most, silent)
		}
		until(t, "the client to be one that does not read", func() bool { return l.HeldUp().Full > 0 })
		if h := l.HeldUp(); h.Silent != 0 || h.Served < h.Full {
			t.Errorf("while it has to read: %+v", h)
		}
		_, err = c.in.Discard(hugeSize / 2)
		must(t, err)
		until(t, "the client to be one that reads", func() bool { return l.HeldUp().Full == 0 })
		_, err = io.CopyN(io.Discard, c.in, hugeSize/2)
		must(t, err)
		until(t, "the client to be silent again", func() bool { h := l.HeldUp(); return h.Silent > 0 && h.Full == 0 })
		c.Close()
		until(t, "nobody to hold it up", func() bool { return l.HeldUp().FD < 0 })
		l.end(t)
	})
}

// TestNobodyListens serves on when nobody reads the events, and counts what is not
// told.
func TestNobodyListens(t *testing.T) {
	noneLeft(t)
	dir := documents(t)
	everywhere(t, loops, func(t *testing.T, network string, loop Loop) {
		l := listening(t, network, Config{Loop: loop, Root: root(t, dir)})
		l.start()
		requests := l.load(t)
		told, heard := int64(0), int64(0)
		for len(l.Events()) > 0 {
			switch e := <-l.Events(); {
			case e.Kind == Answered:
				told++
			case e.Call.Name == "accept4" && e.Conn != 0:
				heard++
			}
		}
		unheard, skipped := l.Skipped()
		if told+skipped != requests {
			t.Errorf("%d requests were told of and %d not, of %d", told, skipped, requests)
		}
		if accepted := int64(l.connections.Load()); heard+unheard != accepted {
			t.Errorf("%d connections were told of and %d not, of %d", heard, unheard, accepted)
		}
		if n, m := l.Skipped(); n != 0 || m != 0 {
			t.Errorf("%d connections and %d requests are counted twice", n, m)
		}
		l.end(t)
	})
}

// TestSampling tells of some requests under load and counts the others.
func TestSampling(t *testing.T) {
	noneLeft(t)
	dir := documents(t)
	everywhere(t, loops, func(t *testing.T, network string, loop Loop) {
		l := launch(t, network, Config{Loop: loop, Root: root(t, dir)})
		began := time.Now()
		requests := l.load(t)
		l.end(t)
		windows := int64(time.Since(began)/windowLength) + 2
		told := int64(len(l.told(Answered)))
		_, skipped := l.Skipped()
		if told+skipped != requests {
			t.Errorf("%d requests were told of and %d not, of %d", told, skipped, requests)
		}
		if most := windows * (maxTold + 2); told == 0 || told > most { // 2: loops that begin a window at once
			t.Errorf("%d of %d requests were told of, and %d can be", told, requests, most)
		}
	})
}

// load makes some thousand requests and says how many. All are answered then.
func (l *launched) load(t *testing.T) int64 {
	t.Helper()
	const clients, each = 4, 1000
	for range clients { // one after the other, for the iterative loop
		c := l.client(t)
		for range each {
			c.gets(t, "/hello.txt", hello)
		}
		c.Close()
	}
	if n := l.requests(); n != clients*each {
		t.Errorf("the server counts %d requests, not %d", n, clients*each)
	}
	return clients * each
}

// journal is a log that may be written while it is read.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
	gate chan struct{} // if not nil, nothing is written until it is closed
}

func (j *journal) Write(b []byte) (int, error) {
	if j.gate != nil {
		<-j.gate
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) lines() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Split(strings.TrimSuffix(j.text.String(), "\n"), "\n")
}

var logLine = regexp.MustCompile(`^(\S+) - - \[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "([ !#-~]*)" (\d{3}) (\d+|-)$`)

// TestLog has a line for each request, also when they come fast, in the format that
// all readers of logs know.
func TestLog(t *testing.T) {
	noneLeft(t)
	dir := documents(t)
	for _, network := range []string{"tcp", "tcp6", "unix"} {
		host := map[string]string{"tcp": "127.0.0.1", "tcp6": "::1", "unix": "-"}[network]
		if _, err := os.Stat("/proc/net/if_inet6"); network == "tcp6" && err != nil {
			continue
		}
		for _, loop := range loops {
			t.Run(network+" "+string(loop), func(t *testing.T) {
				var j journal
				l := launch(t, network, Config{Loop: loop, Root: root(t, dir), Log: &j, Quiet: true})
				began := time.Now().Truncate(time.Second)
				const clients, each, piece = 3, 400, 20
				for i := range clients {
					c := l.client(t)
					for k := 0; k < each; k += piece {
						var send strings.Builder
						for n := k; n < k+piece; n++ {
							send.WriteString(get(fmt.Sprintf("/hello.txt?client=%d&request=%d", i, n)))
						}
						c.send(t, send.String())
						for range piece {
							_, err := c.answer()
							must(t, err)
						}
					}
					c.Close()
				}
				l.end(t)
				lines := j.lines()
				if len(lines) != clients*each {
					t.Errorf("%d lines for %d requests", len(lines), clients*each)
				}
				seen := map[string]bool{}
				for _, line := range lines {
					m := logLine.FindStringSubmatch(line)
					if m == nil {
						t.Fatalf("%q", line)
					}
					at, err := time.Parse("02/Jan/2006:15:04:05 -0700", m[2])
					if err != nil || at.Before(began) || at.After(time.Now()) {
						t.Fatalf("%v: %q", err, line)
					}
					if m[1] != host || m[4] != "200" || m[5] != strconv.Itoa(len(hello)) || seen[m[3]] {
						t.Fatalf("%q", line)
					}
					seen[m[3]] = true
				}
			})
		}
	}
}

// TestHostileLog has bytes in the log that would end a quote, begin a line, or
// command a terminal.
func TestHostileLog(t *testing.T) {
	noneLeft(t)
	dir := documents(t)
	hostile := []string{
		"GET /\" 200 1 HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /\"\\\" HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /\x1b[2J\x1b]0;title\x07 HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /a\r10.0.0.1 - - HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /\x9b31m\xff\x00\x7f\xc2\x9b HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /" + strings.Repeat("\"", 7000) + " HTTP/1.1\r\nHost: a\r\n\r\n",
		"\x1b[31m\"\r\n\r\n",
		"G\x1bET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\x1b[2J\"\r\nHost: a\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"GET /%22%0a%1b HTTP/1.1\r\nHost: a\r\n\r\n",
	}
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			var j journal
			l := launch(t, network, Config{Root: root(t, dir), Log: &j})
			for _, send := range hostile {
				c := l.client(t)
				c.send(t, send)
				c.halfClose(t)
				for {
					if _, err := c.answer(); err != nil {
						break
					}
				}
				c.Close()
			}
			if network == "unix" { // whose clients can have a name too
				for i, name := range []string{"\"\n10.0.0.1 - - [] \"GET /\" 200:1", "\x1b[2J\x07\x9b:1", "\"- :1"} {
					c, err := net.DialUnix("unix", &net.UnixAddr{Net: "unix", Name: fmt.Sprintf("@fd3-test-%d-%d%s", os.Getpid(), i, name)}, l.addr.(*net.UnixAddr))
					must(t, err)
					_, err = io.WriteString(c, get("/hello.txt", "Connection: close"))
					must(t, err)
					_, err = io.ReadAll(c)
					must(t, err)
					c.Close()
				}
			}
			l.end(t)
			for _, line := range j.lines() {
				if !logLine.MatchString(line) {
					t.Errorf("%q", line)
				}
			}
			if n := int64(len(j.lines())); n != l.requests() {
				t.Errorf("%d lines for %d requests", n, l.requests())
			}
			for _, e := range l.told(Answered) {
				if i := strings.IndexFunc(e.Request, func(r rune) bool { return r < ' ' || r > '~' }); i >= 0 {
					t.Errorf("an event has %q", e.Request)
				}
			}
		})
	}
}

// TestSlowLog does not wait for who takes the lines, and loses none of these few.
func TestSlowLog(t *testing.T) {
	noneLeft(t)
	j := journal{gate: make(chan struct{})}
	l := launch(t, "unix", Config{Root: root(t, documents(t)), Log: &j, Quiet: true})
	requests := l.load(t)
	close(j.gate)
	l.end(t)
	if n := int64(len(j.lines())); n != requests {
		t.Errorf("%d lines for %d requests", n, requests)
	}
}

// TestRefusalIsOfItsOwnRequest refuses what is not a whole request for what it is:
// an answer to HEAD that was given before, perhaps to another client, does not
// colour it.
func TestRefusalIsOfItsOwnRequest(t *testing.T) {
	noneLeft(t)
	dir := documents(t)
	before := request("HEAD /hello.txt", "Accept: text/html")
	refusals := map[string]struct {
		sent, then string // then: after HEAD was answered; "": the client waits
		half       bool   // and ends its direction
		status     int
	}{
		"time runs out":         {sent: "POST /late HT", status: 408},
		"half a head":           {sent: "POST /half HT", half: true, status: 400},
		"half a content":        {sent: request("POST /half", "Content-Length: 9") + "123", half: true, status: 400},
		"content in bad chunks": {sent: request("POST /bad", "Transfer-Encoding: chunked") + "3\r\nabc\r\n", then: "z\r\n", status: 400},
		"content too large":     {sent: request("POST /large", "Transfer-Encoding: chunked") + "3\r\nabc\r\n", then: "10\r\n0123456789abcdef\r\n", status: 413},
		"too many bytes":        {sent: request("POST /large", "Content-Length: 100"), status: 413},
	}
	all := subtests{}
	for _, loop := range loops {
		for name, r := range refusals {
			all[string(loop)+" "+name] = func(t *testing.T) {
				var j journal
				l := launch(t, "unix", Config{
					Loop: loop, Loops: 1, Root: root(t, dir), Log: &j, Quiet: true, MaxBody: 10,
					Timeouts: Timeouts{Head: time.Second, Body: time.Second},
				})
				headed := func(c *client) {
					c.send(t, before)
					_, err := readResponse(c.in, question{head: true})
					must(t, err)
				}
				c := l.client(t)
				headed(c)
				c.send(t, r.sent)
				if loop != Iterative {
					c.isRead(t)
					headed(l.client(t))
				}
				if r.then != "" {
					c.send(t, r.then)
				}
				if r.half {
					c.halfClose(t)
				}
				got, err := c.answer()
				if err != nil {
					t.Errorf("as if it were an answer to HEAD: %v", err)
				} else if got.status != r.status || !strings.HasPrefix(got.get("Content-Type"), "text/plain") {
					t.Errorf("%q", got.raw)
				}
				c.Close()
				l.end(t)
				for _, line := range j.lines() {
					if strings.Contains(line, `" `+strconv.Itoa(r.status)+" ") && strings.Contains(line, "HEAD") {
						t.Errorf("logged as of another request: %q", line)
					}
				}
			}
		}
	}
	all.sideBySide(t)
}

// isRead waits until the server has read what was sent on a Unix socket: unix(7),
// SIOCOUTQ.
func (c *client) isRead(t *testing.T) {
	t.Helper()
	raw, err := c.Conn.(*net.UnixConn).SyscallConn()
	must(t, err)
	until(t, "the server to read", func() bool {
		waiting := 0
		must(t, raw.Control(func(fd uintptr) { waiting, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) }))
		must(t, err)
		return waiting == 0
	})
}
