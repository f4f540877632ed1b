package watch_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets"
	"fd3/sockets/watch"
)

// A scenario is a program, and what happens to it while it runs.
type scenario struct {
	name    string
	argv    []string
	during  func(t *testing.T) // where the program has to be asked something
	end     bool               // and ended
	port    int                // where it listens
	loosely bool               // how often its threads wait, and for what, is another time another number
}

// strace(1) is the referee: the same calls on sockets in the same order with the same
// arguments, thread by thread.
func TestStraceAgrees(t *testing.T) {
	odd := compile(t)
	port := freePort(t)
	at := "127.0.0.1:" + strconv.Itoa(port)
	web := webServer(t)
	get := func(n int) func(*testing.T) {
		return func(t *testing.T) {
			for range n {
				fetch(t, at)
			}
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []scenario{
		{name: "curl", argv: []string{"curl", "-s", "-o", "/dev/null", "http://" + web + "/"}},
		{name: "wget", argv: []string{"wget", "-q", "-O", "/dev/null", "http://" + web + "/"}},
		{name: "bash", argv: []string{"bash", "-c", "exec 3<>/dev/tcp/" + strings.Replace(web, ":", "/", 1) + "; printf 'GET / HTTP/1.0\r\n\r\n' >&3; cat <&3 >/dev/null"}},
		{name: "a daemon", argv: []string{"sh", "-c", "(setsid bash -c 'exec 3<>/dev/tcp/" + strings.Replace(web, ":", "/", 1) + "; echo GET / >&3; cat <&3 >/dev/null' &)"}},
		{name: "a pipeline", argv: []string{"sh", "-c", "printf 'GET / HTTP/1.0\r\n\r\n' | nc -N " + strings.Replace(web, ":", " ", 1) + " > /dev/null"}},
		{name: "a C server that forks", argv: []string{odd, "forking", strconv.Itoa(port)}, during: get(3)},
		{name: "python3", argv: []string{"python3", "-m", "http.server", "--bind", "127.0.0.1", strconv.Itoa(port)}, during: get(1), end: true, port: port}, // one: when its thread closes the descriptor is a matter of time
		{name: "a Go server", argv: []string{self, "-test.run=^$", goServer, at}, during: get(2), end: true, port: port, loosely: true},
		{name: "nginx", argv: nginx(t, port), during: get(3), end: true, port: port, loosely: true},
		{name: "node", argv: []string{"node", "-e", "require('http').createServer((q,r)=>r.end('hello')).listen(" + strconv.Itoa(port) + ",'127.0.0.1')"}, during: get(2), end: true, port: port, loosely: true},
	} {
		t.Run(s.name, func(t *testing.T) {
			if s.name == "node" || s.name == "python3" {
				if exec.Command(s.argv[0], "--version").Run() != nil {
					t.Skip("missing: " + s.argv[0])
				}
			}
			s.agrees(t)
		})
	}
}

// agrees compares the two, more than once where the machine is busy: no run of a program
// is like another.
func (s scenario) agrees(t *testing.T) {
	byBoth(t, s.agree)
}

func (s scenario) agree(t *testing.T, still bool) {
	var ours, theirs [][]string
	for try := range 4 {
		if try > 0 {
			t.Logf("try %d", try+1)
		}
		ours, theirs = s.watched(t, still), s.straced(t)
		if slices.EqualFunc(ours, theirs, func(a, b []string) bool { return slices.Equal(a, b) }) {
			if len(slices.Concat(ours...)) < 5 {
				t.Errorf("only %q", ours)
			}
			return
		}
	}
	for i := range max(len(ours), len(theirs)) {
		var a, b []string
		if i < len(ours) {
			a = ours[i]
		}
		if i < len(theirs) {
			b = theirs[i]
		}
		if !slices.Equal(a, b) {
			t.Errorf("thread %d:\n%s\nstrace:\n%s", i, strings.Join(a, "\n"), strings.Join(b, "\n"))
		}
	}
}

// watched are the calls of each thread, in the order in which the threads came.
func (s scenario) watched(t *testing.T, still bool) [][]string {
	by := make(map[int][]string)
	root := 0
	started := make(chan int, 1)
	w := watch.Watch{Still: still, Tell: func(e *watch.Event) {
		if root == 0 {
			root = e.PID
			started <- root
		}
		if e.Kind == watch.Returned {
			by[e.TID] = append(by[e.TID], e.Call.Strace())
		}
	}}
	done := make(chan error, 1)
	go func() {
		_, err := w.Command(tool(t, s.argv[0]), s.argv, false)
		done <- err
	}()
	s.happen(t, func() int { return <-started })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return s.alike(by)
}

// straced is the same by strace.
func (s scenario) straced(t *testing.T) [][]string {
	dir := t.TempDir()
	var names []string
	for _, number := range watch.Numbers() {
		if name, _, _ := strings.Cut(sockets.Describe(number, sockets.Registers{}, nil).Strace(), "("); !strings.HasPrefix(name, "syscall_") {
			names = append(names, name)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, tool(t, "strace"), append([]string{"-ff", "-y", "-a1", "--seccomp-bpf", "-e", "trace=" + strings.Join(names, ","), "-o", dir + "/s"}, s.argv...)...)
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.happen(t, func() int { return firstChild(t, cmd.Process.Pid) })
	cmd.Wait()
	by := make(map[int][]string)
	files, _ := filepath.Glob(dir + "/s.*")
	for _, file := range files {
		tid, _ := strconv.Atoi(strings.TrimPrefix(filepath.Ext(file), "."))
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSuffix(line, "\n"); concerns(line) {
				by[tid] = append(by[tid], annotation.ReplaceAllString(line, "$1"))
			}
		}
	}
	return s.alike(by)
}

func (s scenario) happen(t *testing.T, pid func() int) {
	if s.during != nil {
		s.during(t)
	}
	if s.end {
		until(t, "the end of all connections", s.idle)
		unix.Kill(pid(), unix.SIGTERM)
	}
}

// idle reports whether the server has closed all connections.
func (s scenario) idle() bool {
	table, _ := os.ReadFile("/proc/net/tcp")
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line)                                                                            // sl local_address rem_address st
		if strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", s.port)) && fields[3] != "0A" && fields[3] != "06" { // LISTEN, TIME_WAIT
			return false
		}
	}
	return true
}

var (
	annotation = regexp.MustCompile(`(\d)<(?:socket|anon_inode|pipe|/)[^>]*>`)
	always     = regexp.MustCompile(`^(socket|socketpair|bind|listen|accept4?|connect|getsockname|getpeername|[sg]etsockopt|shutdown|sendto|recvfrom|sendm?msg|recvm?msg|pidfd_getfd|epoll_\w+|io_uring_setup)\(`)
	volatile   = []struct {
		like *regexp.Regexp
		as   string
	}{
		{regexp.MustCompile(`F_SETOWN, \d+`), "F_SETOWN, PID"},
		{regexp.MustCompile(`iov_base="\\\d[^"]*"`), "BYTES"}, // a process is named in them
		{regexp.MustCompile(`0x[0-9a-f]{6,}`), "ADDRESS"},
		{regexp.MustCompile(`\d{9,}`), "NUMBER"},
		{regexp.MustCompile(`htons\([3-6]\d{4}\)`), "htons(PORT)"},
		{regexp.MustCompile(`tv_n?u?sec=\d+`), "TIME"},
	}
	waiting = regexp.MustCompile(`^epoll_p?wait|EAGAIN|restart|^futex`)
)

// concerns reports whether a line of strace is about a socket.
func concerns(line string) bool {
	return (always.MatchString(line) || strings.Contains(line, "<socket:[")) && !strings.HasPrefix(line, "---") && strings.Contains(line, " = ")
}

// alike leaves out what is not the same another time: how often a program polls is a
// matter of time.
func (s scenario) alike(by map[int][]string) (all [][]string) {
	for _, tid := range slices.Sorted(maps.Keys(by)) {
		var kept []string
		for _, line := range by[tid] {
			for _, v := range volatile {
				line = v.like.ReplaceAllString(line, v.as)
			}
			if strings.Contains(line, " = ?") || strings.HasPrefix(line, "poll(") || s.loosely && waiting.MatchString(line) {
				continue
			}
			kept = append(kept, line)
		}
		if kept != nil {
			all = append(all, kept)
		}
	}
	if s.loosely { // which of the threads it was is another one each time
		merged := slices.Concat(all...)
		slices.Sort(merged)
		return [][]string{merged}
	}
	return all
}

// compile makes testdata/odd.c a program.
func compile(t testing.TB) string {
	path := filepath.Join(t.TempDir(), "odd")
	if out, err := exec.Command(tool(t, "gcc"), "-w", "-O1", "-pthread", "-o", path, "testdata/odd.c").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// fetch asks for / once the server is there, and reads until it closes.
func fetch(t *testing.T, at string) {
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		c, err := net.Dial("tcp", at)
		if err == nil {
			fmt.Fprintf(c, "GET / HTTP/1.0\r\n\r\n")
			line, _ := bufio.NewReader(c).ReadString('\n')
			io.Copy(io.Discard, c)
			c.Close()
			if !strings.HasPrefix(line, "HTTP/1") {
				t.Errorf("the answer is %q", line)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// webServer is one for clients.
func webServer(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("hello\n")) })}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return l.Addr().String()
}

func firstChild(t *testing.T, pid int) int {
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
		if fields := strings.Fields(string(b)); len(fields) > 0 {
			child, _ := strconv.Atoi(fields[0])
			return child
		}
		if time.Now().After(deadline) {
			t.Fatal("strace starts nothing")
		}
	}
}

// nginx is one with a worker, so that it is always the same that accepts.
func nginx(t *testing.T, port int) []string {
	dir := t.TempDir()
	os.Chmod(dir, 0o755)
	conf := fmt.Sprintf(`daemon off; worker_processes 1; pid %[1]s/pid; error_log %[1]s/error; events {}
http { access_log off; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
server { listen 127.0.0.1:%[2]d; location / { return 200 "hello\n"; } } }`, dir, port)
	if err := os.WriteFile(dir+"/conf", []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	return []string{"nginx", "-p", dir, "-c", dir + "/conf", "-e", dir + "/error"}
}
