package glossary

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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
	_, err := os.Stat("/proc/sys/net/ipv6")
	return word == "AF_INET6" && i == 0 && err != nil
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	names, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

// The glossary says what other programs read, each in its own way. The test is long,
// since it is a table.
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
		{"SO_ERROR", "first reading", "111, ECONNREFUSED"},
		{"SO_ERROR", "second reading", "0: no error waits"},
		{"SO_PROTOCOL", "SO_PROTOCOL", "IPPROTO_TCP"},
		{"TCP_DEFER_ACCEPT", "TCP_DEFER_ACCEPT", "0 on a new TCP socket"},
		{"TCP_USER_TIMEOUT", "TCP_USER_TIMEOUT", "0 on a new TCP socket"},
		{"edge-triggered", "level, second", `epoll_pwait(%d, [{events=EPOLLIN, data={u32=%d, u64=%d}}], 4, 0, NULL, 8) = 1`},
		{"edge-triggered", "EPOLLET, first", `epoll_pwait(%d, [{events=EPOLLIN, data={u32=%d, u64=%d}}], 4, 0, NULL, 8) = 1`},
		{"edge-triggered", "EPOLLET, second", `epoll_pwait(%d, [], 4, 0, NULL, 8) = 0`},
		{"poll", "a listener", "1 ready of the 1 asked for: fd %d, POLLIN"},
		{"select", "a listener", "1 ready of the %d descriptors below %d"},
		{"select", "fd_set", "1024 bits, for descriptors 0 to 1023"},
		{"sockaddr_un", "its size", "110 bytes, 108 of them for sun_path"},
		{"MSG_PEEK", "first receive", `recvfrom(%d, "hello", 4096, MSG_PEEK, NULL, NULL) = 5`},
		{"MSG_PEEK", "second receive", `recvfrom(%d, "hello", 4096, 0, NULL, NULL) = 5`},
		{"SCM_RIGHTS", "a descriptor", "fd %d was sent, fd %d came out: one open file description"},
		{"empty reply", "the client", `recvfrom(%d, "", 4096, 0, NULL, NULL) = 0`},
		{"timeout", "1 ms", `epoll_pwait(%d, [], 4, 1, NULL, 8) = 0`},
		{"qdisc", "lo", "noqueue"},
	} {
		got := value(c.word, c.fact)
		if strings.Contains(c.want, "%d") { // descriptors
			got = regexp.MustCompile(`((recvfrom|pwait)\(|u32=|u64=|fd |the |below )\d+`).ReplaceAllString(got, "$1%d")
			c.want = strings.Replace(c.want, "the 1 asked", "the %d asked", 1)
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
	rows, err := kernel.Own().TCP()
	if err != nil {
		t.Fatal(err)
	}
	old := make(map[uint64]bool) // a port may have had connections before
	for _, r := range rows {
		old[r.Cookie] = true
	}
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
	if rows, err = kernel.Own().TCP(); err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if (ports[r.Local.Port()] || ports[r.Remote.Port()]) && !old[r.Cookie] {
			t.Errorf("left: %+v", r)
		}
	}
}

// A sysctl that the course names is found, with and without its place, and is told with
// the value that its file has.
func TestEverySysctlOfTheCourse(t *testing.T) {
	named := regexp.MustCompile(`\b(net|fs|kernel)(\.[a-z0-9_]+)+\b|\b[a-z0-9]+_[a-z0-9_]+\b`)
	found := make(map[string]string) // the files, by name
	for _, pattern := range []string{
		"../step/*.go", "../step/*.md",
		"../course/*/*.go", "../course/*/*.md",
		"../serve/*.go", "../serve/*.md",
		"*.md",
	} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				continue // a folder
			}
			for _, name := range named.FindAllString(string(data), -1) {
				if path := settingFile(name); path != "" {
					found[name] = path
				}
			}
		}
	}
	if len(found) < 20 {
		t.Fatalf("only %v", found)
	}
	for name, path := range found {
		data, err := os.ReadFile(path)
		if err != nil {
			continue // root alone may read it
		}
		value := strings.Join(strings.Fields(string(data)), " ")
		whole := strings.ReplaceAll(strings.TrimPrefix(path, "/proc/sys/"), "/", ".")
		for _, asked := range []string{name, whole, path, whole[strings.LastIndex(whole, ".")+1:]} {
			if asked == "enabled" { // of net.mptcp; no name without its place
				continue
			}
			e, ok := LookUp(asked)
			if !ok {
				t.Errorf("%q is no entry", asked)
				continue
			}
			if !slices.ContainsFunc(e.now(), func(e lesson.Evidence) bool { return e.Source == path && e.Value == value }) {
				t.Errorf("%q leads to %s, which does not say %s = %s", asked, e.Word, whole, value)
			}
		}
	}
}

// settingFile returns the file of a sysctl that is named with or without its place.
func settingFile(name string) string {
	for _, place := range []string{"", "net/ipv4/", "net/core/", "net/unix/"} {
		path := "/proc/sys/" + place + strings.ReplaceAll(name, ".", "/")
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() {
			return path
		}
	}
	return ""
}
