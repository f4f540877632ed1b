package server

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// pidsGroup makes a cgroup that limits how many threads are in it, below the one that
// this process is in, and takes it away.
func pidsGroup(t *testing.T) (dir string) {
	t.Helper()
	for _, above := range []string{"/sys/fs/cgroup/pids", "/sys/fs/cgroup"} {
		dir = filepath.Join(above, fmt.Sprintf("fd3-test-%d", os.Getpid()))
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		if _, err := os.Stat(dir + "/pids.max"); err == nil {
			t.Cleanup(func() { until(t, "the cgroup to be empty", func() bool { return os.Remove(dir) == nil }) })
			return dir
		}
		os.Remove(dir)
	}
	need(t, false, "a cgroup with the pids controller")
	return ""
}

// A connection that cannot have a thread gets a 503, and those that have one are served
// on: the limit is of the server's own cgroup, of one above it, or of its user.
func TestNoThreadIsLeft(t *testing.T) {
	dir := documents(t)
	group := func(t *testing.T, c *childServer, limited, own string) {
		must(t, os.WriteFile(own+"/cgroup.procs", []byte(strconv.Itoa(c.cmd.Process.Pid)), 0o644))
		used, err := readNumber(limited + "/pids.current")
		must(t, err)
		must(t, os.WriteFile(limited+"/pids.max", []byte(strconv.Itoa(used+spareThreads()+10)), 0o644))
	}
	for name, limit := range map[string]func(t *testing.T, c *childServer){
		"cgroup": func(t *testing.T, c *childServer) {
			g := pidsGroup(t)
			group(t, c, g, g)
		},
		"cgroup above": func(t *testing.T, c *childServer) {
			g := pidsGroup(t)
			below := g + "/below"
			must(t, os.Mkdir(below, 0o755))
			t.Cleanup(func() { until(t, "the cgroup to be empty", func() bool { return os.Remove(below) == nil }) })
			group(t, c, g, below)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := spawnServer(t, "tcp", order{Role: "server", Loop: Threads, Dir: dir, Descriptors: 300, Delay: true})
			limit(t, c)
			c.say(t, "go")
			var clients []*client
			refused := 0
			for range 60 {
				k := c.client(t)
				k.send(t, "GET /hello.txt HTTP/1.1\r\nHost:")
				clients = append(clients, k)
			}
			for range 60 - 30 { // at the least
				c.expect(t, string(NoThread))
			}
			for i, k := range clients {
				k.Write([]byte(" a\r\n\r\n"))
				r, err := k.answer()
				switch {
				case err != nil:
					t.Errorf("client %d: %v", i, err)
				case r.status == 503 && strings.Contains(r.body, "pids.max"):
					refused++
				case r.status == 503 && strings.Contains(r.body, "connections already"): // what there was room for at the start
				case r.status != 200 || r.body != hello:
					t.Errorf("client %d: %q %.100q", i, r.raw, r.body)
				}
			}
			if refused == 0 || refused == len(clients) {
				t.Errorf("%d of %d were refused", refused, len(clients))
			}
			for _, k := range clients {
				k.Close()
			}
			until(t, "room again", func() bool {
				k := c.client(t)
				defer k.Close()
				return k.again() == nil
			})
			c.leave(t)
		})
	}
}

// The limits above a cgroup count too, in either version.
func TestPidsGroups(t *testing.T) {
	top := t.TempDir()
	for name, text := range map[string]string{
		"v1/a/b/pids.max": "100", "v1/a/b/pids.current": "1", "v1/a/pids.max": "max", "v1/a/pids.current": "1",
		"v2/x/pids.max": "7", "v2/x/pids.current": "3", "v2/x/y/pids.max": "9", "v2/x/y/pids.current": "3",
		"other/pids.max": "1", "other/pids.current": "1",
		"proc/cgroup": "8:cpu,pids:/host/a/b\n1:name=systemd:/z\n0::/x/y\n",
		"proc/mountinfo": "30 1 0:1 / /proc rw - proc proc rw\n" +
			"31 1 0:2 /host " + top + "/v1 rw,relatime shared:3 - cgroup cgroup rw,pids\n" +
			"31 1 0:2 /ho " + top + "/other rw - cgroup cgroup rw,pids\n" +
			"32 1 0:3 / " + top + "/none rw - cgroup cgroup rw,cpu\n" +
			"33 1 0:4 / " + top + "/v2 rw - cgroup2 cgroup2 rw\n",
	} {
		fill(t, top, map[string]string{name: text})
	}
	var got []string
	for _, dir := range pidsGroups(top + "/proc") {
		room, err := groupRoom(dir)
		must(t, err)
		got = append(got, fmt.Sprint(strings.TrimPrefix(dir, top), " ", room))
	}
	if want := fmt.Sprintf("/v1/a/b 99, /v1/a %d, /v2/x/y 6, /v2/x 4", 1<<30-1); strings.Join(got, ", ") != want {
		t.Errorf("%s", strings.Join(got, ", "))
	}
}

// A connection that gets no thread is counted as any other that gets an answer.
func TestNoThreadIsCounted(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(pair[1])
	listener, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(listener)
	s, err := New(Config{Loop: Threads, Listeners: []int{listener}, Quiet: true})
	must(t, err)
	w := s.worker(0)
	w.noThread(w.open(pair[0], sockets.Call{}), "a limit")
	answer := make([]byte, 4096)
	n, err := unix.Read(pair[1], answer)
	if err != nil || !strings.HasPrefix(string(answer[:n]), "HTTP/1.1 503 ") {
		t.Errorf("%q, %v", answer[:n], err)
	}
	if is := s.Stats()[0]; is.Requests != 1 || is.Open != 0 || is.Accepted != 1 || is.Sent != int64(n) {
		t.Errorf("%+v", is)
	}
}

// The gate looks again, leaves the spare threads, and names the limit.
func TestThreadGate(t *testing.T) {
	room, looks := spareThreads()+4, 0
	g := threadGate{limits: []taskLimit{
		{"a large one", func() (int, error) { return 1 << 20, nil }},
		{"unreadable", func() (int, error) { return 0, unix.ENOENT }},
		{"the small one", func() (int, error) { looks++; return room, nil }},
	}}
	taken := 0
	for taken < 100 {
		limit, ok := g.take()
		if !ok {
			if limit != "the small one" {
				t.Errorf("it is %s", limit)
			}
			break
		}
		taken++
		room--
	}
	if taken != 4 || looks < 3 {
		t.Errorf("%d were taken, after %d looks", taken, looks)
	}
	room += 2
	if _, ok := g.take(); !ok {
		t.Error("a thread that is free again is not taken")
	}
}

// What this process may have is what the kernel says.
func TestTaskLimits(t *testing.T) {
	for _, l := range taskLimits() {
		if n, err := l.room(); err != nil || n <= 0 {
			t.Errorf("%s: %d, %v", l.name, n, err)
		}
	}
	if n, err := userRoom(1 << 20); err != nil || n <= 0 || n >= 1<<20 {
		t.Errorf("RLIMIT_NPROC: %d, %v", n, err)
	}
}
