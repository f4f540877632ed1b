package lesson

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fd3/lesson/content"
)

// A reference is a page of the manual, a place in an RFC or a function of the
// kernel.
var reference = regexp.MustCompile(`^([a-z_][a-z0-9_-]*\([1-8]\)(, .+)?|RFC \d+, (section [\d.]+\d|section \d|appendix [A-Z])|[a-z_][a-z0-9_]*\(\))$`)

func TestEveryEntryIsComplete(t *testing.T) {
	entries := glossary().entries
	if len(entries) < 100 {
		t.Fatalf("%d entries", len(entries))
	}
	sentence := regexp.MustCompile(`[.:][ \n]|\.$`)
	for _, e := range entries {
		n := len(sentence.FindAllString(e.Text, -1))
		if n < 1 || n > 7 || !strings.HasSuffix(strings.TrimSpace(e.Text), ".") {
			t.Errorf("%s: %d sentences: %s", e.Word, n, e.Text)
		}
		if strings.ContainsAny(e.Text, "!{}") || len(e.Text) > 500 {
			t.Errorf("%s: a shout, a hole, or too long: %s", e.Word, e.Text)
		}
		for _, from := range e.From {
			if !reference.MatchString(from) {
				t.Errorf("%s: no reference: %q", e.Word, from)
			}
		}
		if len(e.Also) == 0 {
			t.Errorf("%s: no other word is near", e.Word)
		}
		for _, also := range e.Also {
			if other, ok := LookUp(also); !ok || other.Word != also || also == e.Word {
				t.Errorf("%s: see also %q, which is no other entry", e.Word, also)
			}
		}
	}
}

// A heading that comes twice would take the first one's words away without a sound.
func TestNoWordComesTwice(t *testing.T) {
	b, err := content.Files.ReadFile("glossary.md")
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]string)
	n := 0
	for line := range strings.Lines(string(b)) {
		heading, ok := strings.CutPrefix(strings.TrimSpace(line), "## ")
		if !ok {
			continue
		}
		n++
		e := readEntry(heading, "")
		for _, name := range append(e.Aliases, e.Word) {
			if other, taken := names[name]; taken {
				t.Errorf("%q is in %q and in %q", name, other, heading)
			}
			names[name] = heading
		}
	}
	if n != len(glossary().entries) {
		t.Errorf("%d headings, %d entries", n, len(glossary().entries))
	}
}

func TestEveryEntryIsReached(t *testing.T) {
	named := make(map[string]bool)
	for _, e := range glossary().entries {
		for _, name := range append(e.Aliases, e.Word) {
			if found, ok := LookUp(name); !ok || found.Word != e.Word {
				t.Errorf("%q leads to %q, not to %q", name, found.Word, e.Word)
			}
		}
		for _, also := range e.Also {
			named[also] = true
		}
	}
	for _, e := range glossary().entries {
		if !named[e.Word] {
			t.Errorf("no entry names %q as near", e.Word)
		}
	}
}

func TestLookUp(t *testing.T) {
	for asked, want := range map[string]string{
		"accept queue": "accept queue", "Accept  Queue": "accept queue", "accept-queue": "accept queue",
		"time_wait": "TIME_WAIT", "TIME-WAIT": "TIME_WAIT", "time wait": "TIME_WAIT", "sockets": "socket",
		"listen": "listen", "listen(2)": "listen", "listen()": "listen", "LISTEN": "LISTEN state", "listener": "LISTEN state",
		"close": "close", "accept": "accept4", "recv": "recvfrom", "SYNs": "SYN", "ss": "ss", "INADDR_ANY": "wildcard",
		"EADDRINUSE": "EADDRINUSE", "eaddrinuse": "EADDRINUSE", "98": "EADDRINUSE", "EWOULDBLOCK": "EAGAIN", "11": "EAGAIN",
		"95": "EOPNOTSUPP", "ENOTSUP": "EOPNOTSUPP", "ENOMEM": "ENOMEM", "eperm": "EPERM", "1": "EPERM", "ENFILE": "ENFILE",
	} {
		if e, ok := LookUp(asked); !ok || e.Word != want {
			t.Errorf("%q leads to %q, not to %q", asked, e.Word, want)
		}
	}
	for _, asked := range []string{"", " ", "0", "-1", "4096", "backlg", "s", "(", "E", "unheard of"} {
		if e, ok := LookUp(asked); ok {
			t.Errorf("%q leads to %q", asked, e.Word)
		}
	}
	for asked, want := range map[string]string{"backlg": "backlog", "EADRINUSE": "EADDRINUSE", "TIME_WIAT": "TIME_WAIT", "queue": "accept queue", "EHOSTUNREACHABLE": "EHOSTUNREACH", "buffer": "send buffer"} {
		if near := Near(asked); !slices.Contains(near, want) {
			t.Errorf("near %q are %q, not %q", asked, near, want)
		}
	}
	if near := Near("unheard of"); near != nil {
		t.Errorf("near nothing: %q", near)
	}
}

// Any error that the kernel may return has a number, words and a reference.
func TestEveryErrnoIsExplained(t *testing.T) {
	n := 0
	for e := range unix.Errno(lastErrno + 1) {
		name := unix.ErrnoName(e)
		if name == "" {
			continue
		}
		n++
		for _, asked := range []string{name, strings.ToLower(name), strconv.Itoa(int(e))} {
			entry, ok := LookUp(asked)
			if !ok || entry.Errno != e || entry.Text == "" || len(entry.From) == 0 || len(entry.Also) == 0 {
				t.Errorf("%q: %+v", asked, entry)
			}
			if hole.MatchString(entry.Text) {
				t.Errorf("%q: a value is missing: %s", asked, entry.Text)
			}
			if first := entry.Now()[0]; !strings.HasPrefix(first.Value, fmt.Sprintf("%d, ", int(e))) {
				t.Errorf("%q: %+v", asked, first)
			}
		}
	}
	if n < 130 {
		t.Errorf("%d errnos", n)
	}
}

// The texts of errnos are those of the C library, which perl asks.
func TestErrnoTextsAreThoseOfC(t *testing.T) {
	perl, err := exec.LookPath("perl")
	if err != nil {
		t.Skip("perl is not here")
	}
	command := exec.Command(perl, "-e", fmt.Sprintf(`for (0..%d) { $! = $_; print "$_, $!\n" }`, lastErrno))
	command.Env = []string{"LC_ALL=C"}
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(out), "\n")
	for e := range unix.Errno(lastErrno + 1) {
		if unix.ErrnoName(e) == "" {
			continue
		}
		if got := errnoNumber(e).Value; !strings.EqualFold(got, lines[e]) {
			t.Errorf("%s: got %q, want %q", unix.ErrnoName(e), got, lines[e])
		}
	}
}

func TestNowAsksForWordsThatExist(t *testing.T) {
	for word := range now {
		if e, ok := LookUp(word); !ok || e.Word != word {
			t.Errorf("%q is no entry", word)
		}
	}
}

// Every question has an answer on this kernel, and leaves no descriptor open.
func TestEveryQuestionIsAnswered(t *testing.T) {
	before := openDescriptors(t)
	for word, questions := range now {
		for i, ask := range questions {
			answers := ask()
			if len(answers) == 0 && !excused(word, i) {
				t.Errorf("%s: question %d has no answer", word, i)
			}
			for _, e := range answers {
				if e.Fact == "" || strings.TrimSpace(e.Value) == "" || e.Source == "" {
					t.Errorf("%s: %+v", word, e)
				}
				if len([]rune(e.Fact)) > 16 {
					t.Errorf("%s: %q is wider than its column", word, e.Fact)
				}
			}
		}
	}
	if after := openDescriptors(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// excused are questions about what a kernel may be built or started without.
func excused(word string, i int) bool {
	missing := func(path string) bool { _, err := os.Stat(path); return err != nil }
	switch {
	case word == "strace" && i == 1:
		return missing("/proc/sys/kernel/yama/ptrace_scope")
	case word == "AF_INET6":
		return missing("/proc/net/tcp6")
	}
	return false
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	names, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

// An entry tells its words, its evidence, where it is written and what is near, as
// much of it as it is asked for.
func TestEntryTells(t *testing.T) {
	e, ok := LookUp("accept queue")
	if !ok {
		t.Fatal("no accept queue")
	}
	for level, want := range map[Explain][]string{
		Full:  {"meaning", "evidence", "evidence", "references", "next", "next", "next"},
		Short: {"meaning", "evidence", "evidence"},
		None:  {"evidence", "evidence"},
	} {
		var got []string
		e.Tell(level, func(e Event) {
			if e.Step != "explain" {
				t.Errorf("%+v", e)
			}
			if e.Kind == KindEvidence {
				got = append(got, "evidence")
			} else {
				got = append(got, e.Section)
			}
		})
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", level, got, want)
		}
	}
}

// What the glossary says is what others read, each in its own way.
func TestNowAgreesWithOthers(t *testing.T) {
	value := func(word, fact string) string {
		t.Helper()
		e, _ := LookUp(word)
		for _, found := range e.Now() {
			if found.Fact == fact {
				return found.Value
			}
		}
		t.Errorf("%s says nothing of %s", word, fact)
		return ""
	}
	file := func(path string) string {
		t.Helper()
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(strings.Fields(string(b)), " ")
	}
	somaxconn := file("/proc/sys/net/core/somaxconn")
	for _, c := range []struct{ word, fact, want string }{
		{"somaxconn", "somaxconn", somaxconn},
		{"backlog", "asked for", "1048576, and the kernel made it " + somaxconn},
		{"ephemeral port", "port range", file("/proc/sys/net/ipv4/ip_local_port_range")},
		{"privileged port", "first free port", file("/proc/sys/net/ipv4/ip_unprivileged_port_start")},
		{"send buffer", "tcp_wmem", file("/proc/sys/net/ipv4/tcp_wmem")},
		{"send buffer", "SO_SNDBUF", strings.Fields(file("/proc/sys/net/ipv4/tcp_wmem"))[1] + " bytes on a new TCP socket"},
		{"receive buffer", "SO_RCVBUF", strings.Fields(file("/proc/sys/net/ipv4/tcp_rmem"))[1] + " bytes on a new TCP socket"},
		{"SYN cookie", "tcp_syncookies", file("/proc/sys/net/ipv4/tcp_syncookies")},
		{"accept queue", "a listener", fmt.Sprintf("Recv-Q 1, Send-Q %s", min4096(somaxconn))},
		{"Recv-Q", "a connection", "Recv-Q 5, Send-Q 0"},
		{"half-close", "states", "this end: FIN_WAIT2, its peer: CLOSE_WAIT"},
		{"partial read", "asked for 4096", `recvfrom(%d, "hello", 4096, 0, NULL, NULL) = 5`},
		{"stream", "one receive", `recvfrom(%d, "hello", 4096, 0, NULL, NULL) = 5`},
		{"datagram", "second receive", `recvfrom(%d, "lo", 4096, MSG_DONTWAIT, NULL, NULL) = 2`},
		{"EOF", "second receive", `recvfrom(%d, "", 4096, 0, NULL, NULL) = 0`},
		{"sequence number", "acknowledged", "6 numbers after 5 bytes"},
		{"SOCK_STREAM", "SO_PROTOCOL", "IPPROTO_TCP"},
		{"SOCK_DGRAM", "SO_PROTOCOL", "IPPROTO_UDP"},
		{"CLOSED", "a new socket", "CLOSE"},
		{"SO_REUSEADDR", "SO_REUSEADDR", "0 on a new TCP socket"},
		{"close-on-exec", "FD_CLOEXEC", "1 on a socket made with SOCK_CLOEXEC"},
		{"network byte order", "on the network", "1f 90"},
		{"EADDRINUSE", "errno", "98, Address already in use"},
	} {
		got := value(c.word, c.fact)
		if strings.Contains(c.want, "%d") {
			got = regexp.MustCompile(`^recvfrom\(\d+`).ReplaceAllString(got, "recvfrom(%d")
		}
		if got != c.want {
			t.Errorf("%s, %s: got %q, want %q", c.word, c.fact, got, c.want)
		}
	}
	if mtu := file("/sys/class/net/lo/mtu"); !strings.Contains(value("loopback", "lo"), "MTU "+mtu+", 127.0.0.1/8") {
		t.Errorf("loopback: %q, and its MTU is %s", value("loopback", "lo"), mtu)
	}
	names, err := filepath.Glob("/sys/class/net/*/mtu")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		value("interface", filepath.Base(filepath.Dir(name)))
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || value("EMFILE", "RLIMIT_NOFILE") != fmt.Sprintf("%d of at most %d", limit.Cur, limit.Max) {
		t.Errorf("RLIMIT_NOFILE is %+v, %v", limit, err)
	}
}

// min4096 is what a backlog of 4096 becomes.
func min4096(somaxconn string) string {
	if n, err := strconv.Atoi(somaxconn); err == nil && n < unix.SOMAXCONN {
		return somaxconn
	}
	return strconv.Itoa(unix.SOMAXCONN)
}

// Nothing of what is asked for stays in the kernel: no TIME_WAIT above all.
func TestQuestionsLeaveNoConnection(t *testing.T) {
	ports := make(map[uint16]bool)
	for _, ask := range []func(*pair){
		func(p *pair) { p.live() },
		func(p *pair) { p.accept() },
		func(p *pair) { p.fail(unix.ECONNRESET) },
		func(p *pair) { p.accept(); p.Shutdown(p.client, unix.SHUT_WR) },
	} {
		withPair(func(p *pair) []Evidence {
			row, ok := p.row(p.listener)
			if !ok {
				t.Fatal("no listener")
			}
			ports[row.Local.Port()] = true
			ask(p)
			return nil
		})
	}
	rows, err := tcpSockets(^uint32(0))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if ports[r.Local.Port()] || ports[r.Remote.Port()] {
			t.Errorf("left: %+v", r)
		}
	}
}
