package watch

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fd3/lesson"
)

// rows are those of one group, each as the step and, by program, how its call begins; what
// differs has a mark.
func rows(t *testing.T, l lesson.Lives, title string) (all []string) {
	t.Helper()
	for _, g := range l.Groups {
		if g.Title != title {
			continue
		}
		for _, r := range g.Rows {
			line := r.Step
			for _, c := range r.Calls {
				if c == nil {
					line += " | none"
					continue
				}
				line += " | " + mark(c.Differs) + c.Name
				for _, a := range c.Args {
					line += " " + mark(a.Differs) + a.Value
				}
				if c.Times > 1 {
					line += fmt.Sprintf(" x%d", c.Times)
				}
			}
			all = append(all, line)
		}
	}
	return all
}

func mark(differs bool) string {
	if differs {
		return "!"
	}
	return ""
}

// Two servers side by side: what is the same step is one row, what only one does has its
// own, and what they have given to the kernel otherwise is marked. That their descriptors,
// ports and clients are others is not.
func TestSideBySide(t *testing.T) {
	_, one := toldOf(t, &Narrator{}, `import socket
l=socket.socket(); l.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1); l.bind(("127.0.0.1",0)); l.listen(5)
c=socket.create_connection(l.getsockname()); a,_=l.accept()
c.send(b"ping"); a.recv(9); a.send(b"pong"); c.shutdown(socket.SHUT_WR); a.recv(9); a.close()`)
	_, other := toldOf(t, &Narrator{}, `import os,socket
spare=os.dup(0)
l=socket.socket(); l.bind(("127.0.0.1",0)); l.listen(7)
idle=socket.create_connection(l.getsockname()); i,_=l.accept()
c=socket.create_connection(l.getsockname()); a,_=l.accept()
c.send(b"ping"); os.read(a.fileno(),9); a.setsockopt(socket.SOL_TCP,socket.TCP_NODELAY,1)
for _ in range(3): a.send(b"pong")
c.shutdown(socket.SHUT_WR); a.recv(9); a.close()`)
	l := SideBySide(Story{"one", one}, Story{"other", other})
	if !slices.Equal(l.Programs, []string{"one", "other"}) {
		t.Error(l.Programs)
	}
	match := func(title string, want ...string) {
		t.Helper()
		got := slices.DeleteFunc(rows(t, l, title), func(r string) bool { return strings.HasPrefix(r, "ask |") }) // Python's own
		if len(got) != len(want) {
			t.Fatalf("%s: %s", title, strings.Join(got, "\n"))
		}
		for i, w := range want {
			at := 0
			for _, part := range strings.Split(w, "...") {
				n := strings.Index(got[i][at:], part)
				if n < 0 || at == 0 && n > 0 {
					t.Errorf("%s: %q, not %q", title, got[i], w)
					break
				}
				at += n + len(part)
			}
		}
	}
	match("a socket that listens",
		"socket | socket AF_INET SOCK_STREAM|SOCK_CLOEXEC IPPROTO_IP | socket AF_INET SOCK_STREAM|SOCK_CLOEXEC IPPROTO_IP",
		"setsockopt | setsockopt ... SOL_SOCKET SO_REUSEADDR [1] 4 | none",
		"bind | bind ... {... 16 | bind ... {... 16",
		"listen | listen ... !5 | listen ... !7",
		"close | close ... | close ...")
	match("a connection that was accepted",
		"accept | accept4 ... {...} [16] SOCK_CLOEXEC | accept4 ... {...} [16] SOCK_CLOEXEC",
		`recv | !recvfrom ... "ping" 9 0 NULL NULL | !read ... "ping" 9`,
		"setsockopt | none | setsockopt ... SOL_TCP TCP_NODELAY [1] 4",
		`send | sendto ... "pong" 4 ... | sendto ... "pong" 4 ... x3`,
		"recv | recvfrom ... | recvfrom ...",
		"close | close ... | close ...")
	for _, g := range l.Groups {
		if g.Title == "a connection that was accepted" && !slices.Equal(g.Rest, []int{0, 1}) {
			t.Errorf("%d more connections", g.Rest)
		}
	}
	if fact := l.Groups[0].Rows[3].Calls[0].Fact; fact != "backlog: 5 asked for, 5 there" {
		t.Errorf("%q", fact)
	}
}

// Of the same story nothing differs, and none of its rows lacks a call.
func TestBesideItself(t *testing.T) {
	_, story := toldOf(t, &Narrator{}, `import select,socket
l=socket.socket(); l.bind(("127.0.0.1",0)); l.listen()
c=socket.create_connection(l.getsockname()); select.select([l],[],[],1); a,_=l.accept()`)
	l := SideBySide(Story{"a", story}, Story{"b", story}, Story{"c", story})
	calls := 0
	for _, g := range l.Groups {
		for _, r := range g.Rows {
			calls++
			if !r.All() {
				t.Errorf("%s: %+v", g.Title, r)
			}
		}
		for _, line := range rows(t, l, g.Title) {
			if strings.Contains(line, "!") {
				t.Error(line)
			}
		}
	}
	if calls < 8 {
		t.Errorf("%d rows", calls)
	}
}

// Sockets on which nothing is sent or received are none of what programs are compared for:
// beside others they are counted, and alone they are shown.
func TestBesideWhatIsAside(t *testing.T) {
	_, asks := toldOf(t, &Narrator{}, `import socket
for n in range(3): socket.socket(socket.AF_INET,socket.SOCK_DGRAM).connect(("127.0.0.1",9))
l=socket.socket(); l.bind(("127.0.0.1",0)); l.listen()`)
	_, alone := toldOf(t, &Narrator{}, `import socket
socket.socket(socket.AF_INET,socket.SOCK_DGRAM).connect(("127.0.0.1",9))`)
	_, sends := toldOf(t, &Narrator{}, `import socket
l=socket.socket(); l.bind(("127.0.0.1",0)); l.listen()
socket.socket(socket.AF_INET,socket.SOCK_DGRAM).sendto(b"hi",("127.0.0.1",9))`)
	const udp = "besides: UDP over IPv4"
	l := SideBySide(Story{"a", asks}, Story{"b", asks})
	if got := rows(t, l, udp); len(got) > 0 {
		t.Errorf("shown: %q", got)
	}
	if last := l.Groups[len(l.Groups)-1]; last.Title != udp || !slices.Equal(last.Rest, []int{3, 3}) {
		t.Errorf("%+v", last)
	}
	for name, story := range map[string][]lesson.Event{"alone": alone, "sends": sends} {
		if len(rows(t, SideBySide(Story{"a", story}, Story{"b", story}), udp)) == 0 {
			t.Errorf("%s: not shown", name)
		}
	}
}
