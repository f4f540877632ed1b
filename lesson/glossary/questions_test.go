package glossary

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets/kernel"
)

func TestQuestionsAreOfEntries(t *testing.T) {
	for word := range questions {
		if e, ok := LookUp(word); !ok || e.Word != word {
			t.Errorf("%q is no entry", word)
		}
	}
}

// Every question has an answer on this kernel, and leaves no descriptor open.
func TestEveryQuestionIsAnswered(t *testing.T) {
	before := openDescriptors(t)
	for _, entry := range glossary().entries {
		word := entry.Word
		for i, ask := range entry.questions() {
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

// What the glossary says is what others read, each in its own way.
func TestNowAgreesWithOthers(t *testing.T) {
	value := func(word, fact string) string {
		t.Helper()
		e, _ := LookUp(word)
		for _, found := range e.now() {
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
		func(p *pair) { failures[unix.ECONNRESET].call(p) },
		func(p *pair) { p.accept(); p.Shutdown(p.client, unix.SHUT_WR) },
	} {
		withPair(func(p *pair) []lesson.Evidence {
			row := p.row(p.listener)
			if row == nil {
				t.Fatal("no listener")
			}
			ports[row.Local.Port()] = true
			ask(p)
			return nil
		})()
	}
	rows, err := kernel.Own().TCP()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if ports[r.Local.Port()] || ports[r.Remote.Port()] {
			t.Errorf("left: %+v", r)
		}
	}
}
