package watch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"fd3/httpmini/page"
	"fd3/lesson"
	"fd3/lesson/view"
	"fd3/sockets"
	"fd3/sockets/watch"
)

// manyClients is the last but one argument of this program when it is to be a client that
// connects very often; the address follows.
const manyClients = "many-clients"

func TestMain(m *testing.M) {
	watch.Become()
	if n := len(os.Args); n > 2 && os.Args[n-2] == manyClients {
		for range 300 {
			if c, err := net.Dial("tcp", os.Args[n-1]); err == nil {
				c.Close()
			}
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// tell watches a command and returns what a Narrator has told.
func tell(t *testing.T, n *Narrator, argv ...string) []lesson.Event {
	t.Helper()
	path, err := exec.LookPath(argv[0])
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	var told []lesson.Event
	n.Show = func(e lesson.Event) { told = append(told, e) }
	w := watch.Watch{Tell: n.Tell, Still: n.Draw || n.Bytes}
	if _, err := w.Command(path, argv, false); err != nil {
		t.Fatal(err)
	}
	n.End()
	return told
}

// server is one that answers every request, after it has read all of it.
func server(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Set-Cookie", "session=~~~~; Path=/")
		w.Write([]byte("hello\n"))
	})}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return l.Addr().String()
}

// A life has its steps in their order, the other end, and the heads of both messages.
func TestLife(t *testing.T) {
	at := server(t)
	told := tell(t, &Narrator{Bytes: true}, "curl", "-s", "--noproxy", "*", "-o", "/dev/null", "http://"+at+"/path")
	var steps, texts []string
	var number uint64
	drawn := 0
	for _, e := range told {
		if e.Kind == lesson.KindReturn && e.Step == "socket" && strings.Contains(e.Strace, "AF_INET,") {
			number = 0
		}
		switch e.Kind {
		case lesson.KindLife:
			number = e.Connection
			if e.Value == "TCP over IPv4" {
				steps = append(steps, "life")
			}
		case lesson.KindReturn:
			if len(steps) > 0 {
				steps = append(steps, e.Step)
			}
		case lesson.KindText:
			texts = append(texts, e.Text)
			if said := fmt.Sprintf("%d calls before", e.CallsBefore); (e.CallsBefore > 0) != strings.Contains(e.Text, said) {
				t.Errorf("%d calls before a socket, told as %s", e.CallsBefore, e.Text)
			}
		case lesson.KindBytes:
			drawn++
			if len(e.Spans) < 10 || e.Spans[0].Name != "method" && !strings.Contains(e.Spans[0].Name, "version") {
				t.Errorf("%+v", e)
			}
		}
	}
	all := strings.Join(steps, " ")
	for _, want := range []string{"life socket setsockopt", "connect", "send", "recv", "close"} {
		at := strings.Index(all, want)
		if at < 0 {
			t.Fatalf("no %q in what is left of %q", want, strings.Join(steps, " "))
		}
		all = all[at:]
	}
	said := strings.Join(texts, "\n")
	for _, want := range []string{"before its first one on a socket", "Written: `GET /path HTTP/1.1`, a whole head with 3 field lines", "Read: `HTTP/1.1 200 OK`, a whole head with", "has ended: exit code 0", "In all: "} {
		if !strings.Contains(strings.ReplaceAll(said, "\n", " "), want) {
			t.Errorf("no %q in %s", want, said)
		}
	}
	if drawn != 2 || number == 0 {
		t.Errorf("%d heads are drawn", drawn)
	}
}

// No byte of a secret is told, however a program writes it.
func TestSecrets(t *testing.T) {
	at := server(t)
	host, port, _ := net.SplitHostPort(at)
	pieces := fmt.Sprintf(`import socket,time
s=socket.create_connection(("%s",%s))
for p in [b"POST /?token=~~~~ HTTP/1.1\r\nHost: a\r\nCookie: ~~", b"~~~~~~~~", b"~~\r\nAuthorization: Bearer ~~~~\r\nContent-Length: 13\r\nConnection: close\r\n\r\n", b"password=~~~~"]:
    s.send(p)
s.sendmsg([b"",b""])
while s.recv(4096): pass`, host, port)
	for _, argv := range [][]string{
		{"curl", "-s", "--noproxy", "*", "-o", "/dev/null", "-H", "Cookie: a=~~~~", "-u", "a:~~~~", "-d", "password=~~~~", "http://" + at + "/?token=~~~~"},
		{python(), "-c", pieces},
	} {
		for _, n := range []*Narrator{{Bytes: true}, {Calls: true}} {
			for _, e := range tell(t, n, argv...) {
				line, err := json.Marshal(e)
				if err != nil || bytes.Contains(line, []byte("~")) || bytes.Contains(e.Data, []byte("~")) || bytes.Contains(e.Data, []byte("YTp+fn5+")) || bytes.Contains(line, []byte("YTp+")) {
					t.Errorf("%s: %s %s", argv[0], line, e.Data)
				}
			}
		}
	}
}

// python is the interpreter itself, where python3 is a script that looks for it: one with
// sockets of its own.
var python = sync.OnceValue(func() string {
	path, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		return "python3"
	}
	return strings.TrimSpace(string(path))
})

// toldOf watches Python code and returns all that is told in words, a paragraph a line, and
// the Events.
func toldOf(t *testing.T, n *Narrator, code string) (string, []lesson.Event) {
	t.Helper()
	events := tell(t, n, python(), "-c", code)
	var said strings.Builder
	for _, e := range events {
		said.WriteString(strings.ReplaceAll(e.Text, "\n", " ") + "\n")
	}
	return said.String(), events
}

// The first line of a head is told as its bytes are, also what a server has made up.
func TestFirstLine(t *testing.T) {
	for sent, want := range map[string]string{
		"HTTP/1.1 200 Alles gut":             "HTTP/1.1 200 Alles gut",
		"HTTP/1.1 299 ":                      "HTTP/1.1 299",
		"HTTP/1.0 404 Not  Found":            "HTTP/1.0 404 Not  Found",
		"HTTP/1.1 200 ?token=~~ x":           "HTTP/1.1 200 ?token=** x",
		"GET http://a/?password=~~ HTTP/1.1": "GET http://a/?password=** HTTP/1.1",
	} {
		var d direction
		if m, _ := d.add([]byte(sent + "\r\nHost: a\r\n\r\n")); m == nil || m.line != want {
			t.Errorf("%q: %+v", sent, m)
		}
	}
}

// A life has as many calls as are told under its heading, from the one that made it to the
// one that closes it.
func TestCallsOfLife(t *testing.T) {
	_, events := toldOf(t, &Narrator{}, `import socket
l=socket.socket(); l.bind(("127.0.0.1",0)); l.listen()
c=socket.socket(); c.connect(l.getsockname())
a,_=l.accept(); b=a.dup(); b.close()
a.close(); c.close()
u,v=socket.socketpair()`)
	calls, life, ended := make(map[uint64]int), uint64(0), 0
	for _, e := range events {
		switch {
		case e.Kind == lesson.KindLife:
			life = e.Connection
		case e.Kind == lesson.KindReturn:
			calls[life]++
			if strings.HasPrefix(e.Strace, "accept") {
				calls[1]++ // it is made on the listener, too
			}
			if strings.HasPrefix(e.Strace, "socketpair") {
				calls[life+1]++ // it has made both
			}
		case strings.Contains(e.Text, " ends: "):
			ended++
			if want := fmt.Sprintf("Life %d ends: %d calls ", e.Connection, calls[e.Connection]); !strings.HasPrefix(e.Text, want) {
				t.Errorf("%q does not begin with %q", e.Text, want)
			}
		}
	}
	if ended != 5 {
		t.Errorf("%d lives have ended", ended)
	}
}

// notes returns what is said behind the calls of a name, in their order.
func notes(events []lesson.Event, call string) (all []string) {
	for _, e := range events {
		if e.Kind == lesson.KindReturn && strings.HasPrefix(e.Strace, call+"(") {
			_, note, _ := strings.Cut(strings.ReplaceAll(e.Text, "\n", " "), ", ")
			all = append(all, note)
		}
	}
	return all
}

// What waits is told by what it waits for, and what only looks is not said to wait.
func TestWaitNotes(t *testing.T) {
	const look, one, several, added = "its time is 0: it only looks", "waits here for one descriptor", "waits here for several descriptors", "all that `epoll_ctl(2)` has added"
	code := "import select,socket\ns,u=[socket.socket(socket.AF_INET,socket.SOCK_DGRAM) for _ in (0,1)]\np=select.poll(); p.register(s,1); e=select.epoll(); e.register(s,1)\n"
	var want []string
	for _, c := range [][2]string{
		{"p.poll(0)", look},
		{"p.poll(2)", one},
		{"p.register(u,1); p.poll(2)", several},
		{"select.select([s],[],[],0)", look},
		{"select.select([s],[s],[s],0.002)", one},
		{"select.select([s],[u],[],0.002)", several},
		{"e.poll(0)", look},
		{"e.poll(0.002)", added},
	} {
		code += c[0] + "\n"
		want = append(want, c[1])
	}
	n := &Narrator{}
	var events []lesson.Event
	n.Show = func(e lesson.Event) { events = append(events, e) }
	path, err := exec.LookPath(python())
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	w := watch.Watch{Tell: func(e *watch.Event) {
		clear(n.noted) // what was said once is said again
		n.Tell(e)
	}}
	if _, err := w.Command(path, []string{"python3", "-c", code}, false); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, call := range []string{"poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait", "epoll_pwait2"} {
		got = append(got, notes(events, call)...)
	}
	if !slices.EqualFunc(got, want, strings.Contains) {
		t.Errorf("%q, not %q", got, want)
	}
}

// Waits in vain are told once, and counted then: until something happens, and to the end.
func TestIdle(t *testing.T) {
	_, events := toldOf(t, &Narrator{}, `import os,select,socket
s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(("127.0.0.1",0))
p=select.poll(); p.register(s,select.POLLIN)
for ms in 5,6,5,6: p.poll(ms)
s.sendto(b"x",s.getsockname()); p.poll(); s.recv(1)
for ms in 5,6,5: p.poll(ms)
os._exit(0)`)
	var got []string
	for _, e := range events {
		text := strings.ReplaceAll(e.Text, "\n", " ")
		switch {
		case strings.Contains(e.Result, "Timeout"):
			got = append(got, "timeout")
		case strings.Contains(text, " has waited in `"):
			_, text, _ = strings.Cut(text, "(2)` ")
			got = append(got, text)
		case strings.HasPrefix(e.Strace, "sendto("):
			got = append(got, "sendto")
		case strings.Contains(text, "has ended"):
			got = append(got, "end")
		}
	}
	const vain = " more, and nothing came before its time was over."
	if want := []string{"timeout", "3 times" + vain, "sendto", "timeout", "2 times" + vain, "end"}; !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
}

// That no call waits any more is said where that is new.
func TestNonblockNotes(t *testing.T) {
	const now, already = "from here on no call on it waits", "it was so already: no call on it waits"
	const set = "; import fcntl,os; fcntl.fcntl(s,fcntl.F_SETFL,os.O_NONBLOCK)"
	for code, want := range map[string]string{
		"s=socket.socket()" + set: now,
		"s=socket.socket(socket.AF_INET,socket.SOCK_STREAM|socket.SOCK_NONBLOCK)" + set: already,
		"s=socket.socket(); s.setblocking(False)" + set:                                 already,
		"s=socket.socket(); s.setblocking(False); s.setblocking(True)" + set:            "",
		"s=socket.socket(); s.setblocking(True)":                                        "",
	} {
		_, events := toldOf(t, &Narrator{}, "import socket; "+code)
		if all := append(notes(events, "ioctl"), notes(events, "fcntl")...); len(all) == 0 || all[len(all)-1] != want {
			t.Errorf("%s: %q, not %q last", code, all, want)
		}
	}
}

// IPv6 is said to serve IPv4 where a socket gets the address that does, and a peer that is
// taken away is no peer.
func TestAddressNotes(t *testing.T) {
	const both = "and for IPv4 as well unless IPV6_V6ONLY is 1"
	said, events := toldOf(t, &Narrator{}, `import socket
u=socket.socket(socket.AF_INET6,socket.SOCK_DGRAM)
u.connect(("::1",9))
import ctypes; ctypes.CDLL(None).connect(u.fileno(), bytes(16), 16)
c=socket.socket(socket.AF_INET6)`)
	if strings.Contains(said, "IPv4") || strings.Contains(said, "IPv6 is tried") {
		t.Error(said)
	}
	if all := notes(events, "connect"); len(all) != 2 || !strings.Contains(all[1], "the socket has no peer any more") {
		t.Errorf("%q", all)
	}
	said, _ = toldOf(t, &Narrator{}, `import socket; socket.socket(socket.AF_INET6).bind(("::",0))`)
	if !strings.Contains(said, both) {
		t.Error(said)
	}
}

// The error that a program reads back is that of its connect, and is counted as such.
func TestErrorOfConnect(t *testing.T) {
	for _, calls := range []bool{false, true} {
		said, events := toldOf(t, &Narrator{Calls: calls}, `import select,socket
l=socket.socket(); l.bind(("127.0.0.1",0)); at=l.getsockname(); l.close()
s=socket.socket(); s.setblocking(False); s.connect_ex(at); select.select([],[s],[])
print(s.getsockopt(socket.SOL_SOCKET,socket.SO_ERROR),s.getsockopt(socket.SOL_SOCKET,socket.SO_ERROR))`)
		if !strings.Contains(said, "`ECONNREFUSED` of `connect`, 1 time: nobody listens there") {
			t.Error(said)
		}
		if all := notes(events, "getsockopt"); !calls && (len(all) != 2 || !strings.HasSuffix(all[0], "this is the error of the `connect`") || !strings.HasSuffix(all[1], "0 is well")) {
			t.Errorf("%q", all)
		}
	}
}

// Each drawing is marked by the one before it, the first by what was there before the call.
// There is one after a connect that does not wait, too, and after each call that brings a
// descriptor.
func TestDrawings(t *testing.T) {
	_, events := toldOf(t, &Narrator{Draw: true}, `import fcntl,os,socket
l=socket.socket(); l.bind(("127.0.0.1",0)); l.listen()
c=socket.socket(); c.setblocking(False); c.connect_ex(l.getsockname())
a,_=l.accept(); a.close(); c.close()
os.dup(l.fileno()); os.dup2(l.fileno(),99); fcntl.fcntl(l,fcntl.F_DUPFD,50); u,v=socket.socketpair()
os._exit(0)`)
	var last *lesson.Event
	drawn, call := make(map[string]int), ""
	for _, e := range events {
		switch e.Kind {
		case lesson.KindReturn:
			call, _, _ = strings.Cut(e.Strace, "(")
			call = strings.TrimRight(call, "234") // dup2, accept4
		case lesson.KindSnapshot:
			drawn[call]++
			if state := e.Snapshot.Hosts[0].Processes[0].State; state == "tracing stop" {
				t.Errorf("after %s the program is in a state that only fd3 has brought: %s", call, state)
			}
			if last == nil && (e.Before == nil || len(e.Snapshot.Hosts[0].Processes[0].Descriptors) != len(e.Before.Hosts[0].Processes[0].Descriptors)+1) {
				t.Errorf("before the first call there was %+v, and after it %+v", e.Before, e.Snapshot)
			}
			if last != nil && !reflect.DeepEqual(e.Before, last.Snapshot) {
				t.Errorf("after %s: before there was %+v, not %+v", call, e.Before, last.Snapshot)
			}
			last = &e
		}
	}
	for call, want := range map[string]int{"socket": 2, "connect": 1, "close": 2, "dup": 1, "fcntl": 2, "socketpair": 1} {
		if drawn[call] != want {
			t.Errorf("%d drawings after %s, not %d", drawn[call], call, want)
		}
	}
}

// Of many connections a few are told, and the others are counted.
func TestMany(t *testing.T) {
	self, _ := os.Executable()
	told := tell(t, &Narrator{}, self, "-test.run=^$", manyClients, server(t))
	lives, said := 0, ""
	for _, e := range told {
		if e.Kind == lesson.KindLife {
			lives = max(lives, int(e.Connection))
		}
		said += e.Text + "\n"
	}
	if lives < 10 || lives > 250 || !strings.Contains(said, "Not told") || !strings.Contains(said, "In all: 30") {
		t.Errorf("%d lives are told: %s", lives, said)
	}
}

// Under load calls are only counted, all of them, and what is told of such a life later
// shows no bytes: they may go on with a secret.
func TestCounted(t *testing.T) {
	n := &Narrator{}
	var told []lesson.Event
	n.Show = func(e lesson.Event) { told = append(told, e) }
	path, err := exec.LookPath(python())
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	w := watch.Watch{Tell: n.Tell, Skip: n.Skip, Counted: n.Counted}
	if _, err := w.Command(path, []string{"python3", "-c", `import socket,time
a,b=socket.socketpair()
for _ in range(3000):
    a.send(b"Cookie: a="); b.recv(99)
time.sleep(1.2)
a.send(b"~~~~"); b.recv(99); a.close(); b.close()`}, false); err != nil {
		t.Fatal(err)
	}
	n.End()
	said := ""
	for _, e := range told {
		said += strings.ReplaceAll(e.Text+e.Strace, "\n", " ") + "\n"
	}
	if strings.Contains(said, "~") || !strings.Contains(said, `, "...", 4, 0, NULL, 0) = 4`) {
		t.Error(said)
	}
	for _, want := range []string{"Only counted", "of them were only counted", "In all: 2 sockets, 600"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in %.2000s", want, said[max(len(said)-2000, 0):])
		}
	}
}

// What a program has open at its end is told, and how it has ended.
func TestLeftOpen(t *testing.T) {
	told := tell(t, &Narrator{}, "bash", "-c", "exec 7<>/dev/udp/127.0.0.1/9; kill -9 $$")
	var said string
	for _, e := range told {
		said += strings.ReplaceAll(e.Text, "\n", " ") + "\n"
	}
	if !strings.Contains(said, "has ended: signal 9, SIGKILL") || !strings.Contains(said, "the kernel has closed: fd 7.") {
		t.Error(said)
	}
}

// A listener's backlog is the one that the kernel has.
func TestBacklog(t *testing.T) {
	most, err := os.ReadFile("/proc/sys/net/core/somaxconn")
	if err != nil {
		t.Fatal(err)
	}
	told := tell(t, &Narrator{}, python(), "-c", "import socket; s=socket.socket(); s.bind(('127.0.0.1',0)); s.listen(1000000)")
	for _, e := range told {
		if e.Kind == lesson.KindEvidence && e.Fact == "backlog" {
			if want := fmt.Sprintf("1000000 asked for, %s there", strings.TrimSpace(string(most))); e.Value != want {
				t.Errorf("%q, not %q", e.Value, want)
			}
			return
		}
	}
	t.Error("no backlog is told")
}

// That a program never stops is said once, where that is so.
func TestLate(t *testing.T) {
	for _, late := range []bool{false, true} {
		said := ""
		n := &Narrator{Show: func(e lesson.Event) { said += e.Text }}
		for pid := range 2 {
			n.Tell(&watch.Event{Kind: watch.Began, PID: 1 + pid, Name: "x", Late: late})
		}
		if got := strings.Count(said, "never stops"); got == 1 != late || got > 1 {
			t.Errorf("late %t: %q", late, said)
		}
	}
}

// Each note that is in the words is reached by a name, and each name has words.
func TestNotes(t *testing.T) {
	for _, s := range story().Sections {
		if name, ok := strings.CutPrefix(s.Heading, "errno "); ok {
			if unix.ErrnoName(errnos[name]) != name {
				t.Errorf("%s is no errno here", name)
			}
		}
		if s.Text == "" {
			t.Errorf("%q has no words", s.Heading)
		}
	}
}

var errnos = map[string]unix.Errno{"EAGAIN": unix.EAGAIN, "EINPROGRESS": unix.EINPROGRESS, "ENOENT": unix.ENOENT, "ECONNREFUSED": unix.ECONNREFUSED}

// Whatever stands in a file, it is a recording that can be shown, or none.
func FuzzReplay(f *testing.F) {
	f.Add([]byte(`{"kind":"text","section":"recording","text":"x"}` + "\n" + `{"kind":"life","fd":3}` + "\n" + `{"kind":"return","strace":"x"}`))
	f.Add([]byte(`{"kind":"text","section":"recording"}` + "\n" + `{"kind":"bytes","data":"YQ==","spans":[{"name":"a","start":0,"end":9}]}`))
	f.Add([]byte(`{"kind":"text","section":"recording"}` + "\n" + `{"kind":"snapshot","snapshot":{"hosts":[{"processes":[{"name":"a","pid":1}]}]}}`))
	f.Add([]byte(`{"kind":"text","section":"recording"}` + "\n" + `{"kind":"end"}` + "\n" + `{"kind":"text"}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		text := view.NewText(io.Discard, view.Look{Width: 80})
		Replay(bytes.NewReader(file), func(e lesson.Event) { text.Show(e) })
	})
}

// A socket that a program has not made itself is what the kernel says that it is, and a
// connection that it accepts from one is its own.
func TestFoundSockets(t *testing.T) {
	keep := func(domain, typ int) int {
		fd, err := unix.Socket(domain, typ, 0) // the program has it, too
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		return fd
	}
	listener, datagrams := keep(unix.AF_INET, unix.SOCK_STREAM), keep(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC)
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	if err := errors.Join(unix.Listen(listener, 1), unix.Sendmsg(pair[0], []byte("x"), unix.UnixRights(datagrams), nil, 0)); err != nil {
		t.Fatal(err)
	}
	_, events := toldOf(t, &Narrator{}, fmt.Sprintf(`import socket
l=socket.socket(fileno=%d); c=socket.create_connection(l.getsockname()); a,_=l.accept(); a.close()
p=socket.socket(fileno=%d); fds=socket.recv_fds(p,1,1)[1]; u=socket.socket(fileno=fds[0]); u.close()`, listener, pair[1]))
	var got []string
	for _, e := range events {
		if e.Kind == lesson.KindLife && !slices.Contains(got, e.Value) {
			got = append(got, e.Value)
		}
	}
	want := []string{"TCP over IPv4, there already", "TCP over IPv4", "a Unix stream, there already", "UDP over IPv4, from elsewhere"}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
	for _, e := range events {
		if e.Kind == lesson.KindReturn && strings.HasPrefix(e.Strace, "accept4(") && !strings.Contains(e.Text, "a descriptor of its own") {
			t.Errorf("%s: %s", e.Strace, e.Text)
		}
	}
}

// However a message is cut into calls, of each the beginning is shown as the whole is
// masked.
func TestMaskPieces(t *testing.T) {
	const message = "POST /?token=abcdefgh&x=1 HTTP/1.1\r\nHost: a.very.long.name.of.a.host.example\r\nCookie: id=0123456789012345678901234567890123456789012345678901234567890123456789\r\n" +
		"Authorization: Basic 01234567890123456789012345678901234567890123456789\r\nContent-Length: 72\r\n\r\nuser=somebody.with.a.name&password=01234567890123456789012345678901234567"
	masked := new(page.Masker).Append(nil, []byte(message))
	for range 500 {
		var d direction
		for at := 0; at < len(message); {
			end := min(at+1+rand.IntN(120), len(message))
			piece := []byte(message[at:end])
			call := sockets.Call{Name: "write", Ret: int64(len(piece)), Data: piece, Args: []sockets.Arg{{Name: "fd", Value: "3"}, {Name: "buf", Value: sockets.Quote(piece)}}}
			if got, want := d.mask(call).Args[1].Value, sockets.Quote(masked[at:end]); got != want {
				t.Fatalf("from %d to %d: %s, want %s", at, end, got, want)
			}
			at = end
		}
	}
}

// Behind bytes that nobody has copied may stand the rest of a secret.
func TestMaskGap(t *testing.T) {
	piece := func(d *direction, ret int64, data string) string {
		c := sockets.Call{Name: "write", Ret: ret, Data: []byte(data), Args: []sockets.Arg{{Name: "fd", Value: "3"}, {Name: "buf", Value: sockets.Quote([]byte(data))}}}
		return d.mask(c).Args[1].Value
	}
	for _, lost := range []int64{0, 1000} {
		var d direction
		first := "POST / HTTP/1.1\r\n\r\nuser=a&"
		piece(&d, int64(len(first))+lost, first)
		want := `"name=b"`
		if lost > 0 {
			want = `"******"`
		}
		if got := piece(&d, 6, "name=b"); got != want {
			t.Errorf("behind %d bytes that are not known: %s, want %s", lost, got, want)
		}
	}
}
