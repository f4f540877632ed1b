package serve

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/httpmini/server"
	"fd3/httpmini/server/docroot"
	"fd3/lesson"
	"fd3/lesson/step"
	"fd3/sockets"
	"fd3/sockets/stage"
)

// A performance is a server that is told of, and what was told.
type performance struct {
	t      *testing.T
	addr   string
	dir    string // that is served
	server *server.Server
	begin  func() // the telling
	drain  func()

	mu     sync.Mutex
	events []lesson.Event
}

// perform listens, serves and tells; the events of the listening are among those
// that are told. With late the telling begins when the test says so.
func perform(t *testing.T, c server.Config, loops int, late bool) *performance {
	t.Helper()
	p := &performance{t: t, dir: t.TempDir()}
	c.Listeners = p.listen(loops)
	p.addr = p.told(func(e lesson.Event) bool { return e.Section == "serving" }).Value
	for name, size := range map[string]int{"small": 5, "large": 32 << 20} {
		if err := os.WriteFile(filepath.Join(p.dir, name), make([]byte, size), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if c.Root, err = docroot.Open(p.dir); err != nil {
		t.Fatal(err)
	}
	if p.server, err = server.New(c); err != nil {
		t.Fatal(err)
	}
	var both sync.WaitGroup
	both.Go(func() {
		if err := p.server.Run(); err != nil {
			t.Error(err)
		}
	})
	stopping := make(chan struct{})
	p.drain = sync.OnceFunc(func() {
		close(stopping)
		p.server.Drain()
	})
	p.begin = sync.OnceFunc(func() {
		both.Go(func() {
			s := Narrator{Server: p.server, Loop: c.Loop, Show: p.show, Stopping: stopping}
			s.Tell()
		})
	})
	if !late {
		p.begin()
	}
	t.Cleanup(func() {
		p.begin()
		p.drain()
		both.Wait()
		c.Root.Close()
	})
	return p
}

// listen makes the listening sockets, on a thread that a Machine has for itself.
func (p *performance) listen(loops int) []int {
	p.t.Helper()
	m := stage.NewMachine()
	ran := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer close(ran)
		m.Run()
	}()
	r := &step.Runner{Name: "test", Parties: []step.Party{{Name: stage.Server, Stage: stage.Local{Machine: m}}}, Show: p.show}
	o := step.DefaultOptions()
	o.Addr, o.Explain = sockets.InetSockaddr(netip.MustParseAddrPort("127.0.0.1:0")), lesson.Short
	listeners, err := Listen(context.Background(), r, o, loops, nil)
	m.Stop()
	<-ran
	if err != nil {
		p.t.Fatal(err)
	}
	return listeners
}

func (p *performance) show(e lesson.Event) {
	p.mu.Lock()
	p.events = append(p.events, e)
	p.mu.Unlock()
}

// told waits for an event.
func (p *performance) told(which func(lesson.Event) bool) lesson.Event {
	p.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Millisecond) {
		p.mu.Lock()
		i := slices.IndexFunc(p.events, which)
		if i >= 0 {
			defer p.mu.Unlock()
			return p.events[i]
		}
		p.mu.Unlock()
		if time.Now().After(deadline) {
			p.t.Fatal("waited too long for an event")
		}
	}
}

// tells waits for a section of serve.md, with all its values.
func (p *performance) tells(section string) lesson.Event {
	p.t.Helper()
	text, ok := page().Section(section)
	if !ok {
		p.t.Fatalf("serve.md has no section %q", section)
	}
	e := p.told(func(e lesson.Event) bool { return strings.Contains(e.Text, longest(text)) })
	if hole.MatchString(e.Text) {
		p.t.Errorf("%s: a value is missing: %s", section, e.Text)
	}
	return e
}

func (p *performance) dial() net.Conn {
	p.t.Helper()
	c, err := net.Dial("tcp", p.addr)
	if err != nil {
		p.t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(20 * time.Second))
	p.t.Cleanup(func() { c.Close() })
	return c
}

// get asks for a path and reads the beginning of the answer.
func (p *performance) get(c net.Conn, path string) {
	p.t.Helper()
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path)
	if _, err := c.Read(make([]byte, 512)); err != nil {
		p.t.Fatal(err)
	}
}

const soon = 200 * time.Millisecond

// The sections of serve.md, each in a situation of its own that makes a real
// server tell it.
var performances = map[string]func(t *testing.T, section string) *performance{
	"nodelay": whileListening, "reuseport": whileListening, "another": whileListening,
	"reuseaddr": whileListening, "bind": whileListening, "listen": whileListening,
	"closed": func(t *testing.T, _ string) *performance {
		p := perform(t, server.Config{}, 1, false)
		c := p.dial()
		p.get(c, "/small")
		c.Close()
		return p
	},
	"draining": func(t *testing.T, _ string) *performance {
		p := perform(t, server.Config{Loop: server.Threads}, 1, false)
		p.drain()
		return p
	},
	"waiting": func(t *testing.T, _ string) *performance {
		p := perform(t, server.Config{Loop: server.Threads}, 1, false)
		p.get(p.dial(), "/large") // and does not read all of it
		p.drain()
		return p
	},
	"SO_RCVTIMEO": whileBlocking, "SO_SNDTIMEO": whileBlocking,
	"full": func(t *testing.T, _ string) *performance {
		p := perform(t, server.Config{MaxConnections: 1}, 1, false)
		p.get(p.dial(), "/small")
		p.get(p.dial(), "/small")
		return p
	},
	"ran out silent": func(t *testing.T, _ string) *performance {
		p := perform(t, server.Config{Timeouts: server.Timeouts{Head: soon}}, 1, false)
		p.dial()
		return p
	},
	"ran out idle": func(t *testing.T, _ string) *performance {
		p := perform(t, server.Config{Timeouts: server.Timeouts{Idle: soon}}, 1, false)
		p.get(p.dial(), "/small")
		return p
	},
	"ran out write": func(t *testing.T, _ string) *performance {
		p := perform(t, server.Config{Timeouts: server.Timeouts{Write: soon}}, 1, false)
		c := p.dial()
		c.(*net.TCPConn).SetReadBuffer(4096)
		fmt.Fprint(c, strings.Repeat("GET /large HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 4))
		return p
	},
	"skipped": func(t *testing.T, _ string) *performance {
		p := perform(t, server.Config{}, 1, true)
		c := p.dial()
		go fmt.Fprint(c, strings.Repeat("GET /small HTTP/1.1\r\nHost: a\r\n\r\n", 6000))
		for answered := 0; p.server.Stats()[0].Requests < 6000; answered++ {
			if _, err := c.Read(make([]byte, 64<<10)); err != nil {
				t.Fatal(err)
			}
		}
		p.begin()
		return p
	},
	"held up silent": func(t *testing.T, _ string) *performance {
		p := perform(t, server.Config{Loop: server.Iterative}, 1, false)
		p.dial()
		p.dial()
		return p
	},
	"held up full": func(t *testing.T, _ string) *performance {
		p := perform(t, server.Config{Loop: server.Iterative}, 1, false)
		c := p.dial()
		c.(*net.TCPConn).SetReadBuffer(4096)
		fmt.Fprint(c, strings.Repeat("GET /large HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 4))
		p.dial()
		return p
	},
	"held up served": func(t *testing.T, _ string) *performance {
		p := perform(t, server.Config{Loop: server.Iterative}, 1, false)
		c := p.dial()
		go func() {
			request := strings.Repeat("GET /small HTTP/1.1\r\nHost: a\r\n\r\n", 100)
			for b := make([]byte, 64<<10); ; { // until it is closed with the test
				if _, err := io.WriteString(c, request); err != nil {
					return
				}
				if _, err := c.Read(b); err != nil {
					return
				}
			}
		}()
		p.dial()
		return p
	},
	"no thread": func(t *testing.T, _ string) *performance {
		fewThreads(t)
		p := perform(t, server.Config{Loop: server.Threads}, 1, false)
		p.dial()
		return p
	},
	"gone": func(t *testing.T, _ string) *performance {
		p := perform(t, server.Config{}, 1, false)
		if err := os.RemoveAll(p.dir); err != nil {
			t.Fatal(err)
		}
		return p
	},
	"exhausted": func(t *testing.T, _ string) *performance {
		p := perform(t, server.Config{}, 1, false)
		p.get(p.dial(), "/small")
		lastDescriptor(t)
		p.dial()
		return p
	},
}

func whileListening(t *testing.T, _ string) *performance {
	return perform(t, server.Config{}, 2, false)
}

func whileBlocking(t *testing.T, _ string) *performance {
	p := perform(t, server.Config{Loop: server.Iterative}, 1, false)
	p.get(p.dial(), "/small")
	return p
}

// fewThreads puts this process into a cgroup that has room for a few threads more, and
// back.
func fewThreads(t *testing.T) {
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(groups)) {
		part := strings.SplitN(strings.TrimSpace(line), ":", 3)
		own := "/sys/fs/cgroup/" + strings.TrimSuffix(part[1]+part[2], "/")
		dir := fmt.Sprintf("%s/fd3-few-%d", own, os.Getpid())
		if part[1] != "" && part[1] != "pids" || os.Mkdir(dir, 0o755) != nil {
			continue
		}
		move := func(to string) error {
			return os.WriteFile(to+"/cgroup.procs", []byte(fmt.Sprint(os.Getpid())), 0o644)
		}
		t.Cleanup(func() {
			move(own)
			if err := os.Remove(dir); err != nil {
				t.Error(err)
			}
		})
		if move(dir) != nil {
			continue
		}
		if used, err := os.ReadFile(dir + "/pids.current"); err == nil {
			n, _ := strconv.Atoi(strings.TrimSpace(string(used)))
			if os.WriteFile(dir+"/pids.max", []byte(fmt.Sprint(n+9)), 0o644) == nil {
				return
			}
		}
	}
	t.Skip("missing: a cgroup of its own with the pids controller, which takes root")
}

// lastDescriptor leaves one descriptor to this process.
func lastDescriptor(t *testing.T) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	less := limit
	less.Cur = 100
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &less); err != nil {
		t.Fatal(err)
	}
	var taken []int
	for {
		fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			break
		}
		taken = append(taken, fd)
	}
	t.Cleanup(func() {
		for _, fd := range taken {
			unix.Close(fd)
		}
		unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	})
	if len(taken) == 0 {
		t.Fatal("no descriptor to take")
	}
	unix.Close(taken[len(taken)-1])
	taken = taken[:len(taken)-1]
}

func TestEverySentenceOfServingIsTold(t *testing.T) {
	for _, s := range page().Sections {
		section := s.Heading
		t.Run(strings.ReplaceAll(section, " ", "-"), func(t *testing.T) {
			run, ok := performances[section]
			if !ok {
				t.Fatalf("no performance tells %q", section)
			}
			e := run(t, section).tells(section)
			t.Log(e.Text)
		})
	}
	if _, err := os.Stat("/proc/self/fd/99"); err == nil {
		t.Error("descriptors are left")
	}
}

// Loops that cannot accept are told of once, with the limit and who waits.
func TestExhaustedOnce(t *testing.T) {
	p := perform(t, server.Config{}, 2, false)
	p.get(p.dial(), "/small")
	var clients []int
	for range 10 {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		clients = append(clients, fd)
	}
	lastDescriptor(t)
	to := netip.MustParseAddrPort(p.addr)
	for _, fd := range clients {
		if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}); err != nil && err != unix.EINPROGRESS {
			t.Fatal(err)
		}
	}
	e := p.tells("exhausted")
	if !strings.Contains(e.Text, "may have 100") || !regexp.MustCompile(`In the accept queue now: \d+ client`).MatchString(e.Text) {
		t.Errorf("%s", e.Text)
	}
	p.told(func(e lesson.Event) bool { return e.Kind == lesson.KindLoad && e.Loads[0].Queue+e.Loads[1].Queue > 0 }) // a second of it
	p.mu.Lock()
	defer p.mu.Unlock()
	told := 0
	for _, e := range p.events {
		if strings.Contains(e.Text, "No connection can be accepted") {
			told++
		}
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}

func TestTook(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 ns", 812: "812 ns", 999: "999 ns", 4100: "4.1 µs", 4000: "4 µs", 18_000: "18 µs", 99_949: "99.9 µs", 99_960: "100 µs", 812_300: "812 µs",
		999_499: "999 µs", 999_600: "1 ms", 12_340_000: "12.3 ms", 999_960_000: "1 s",
		4610 * time.Millisecond: "4.6 s", 10 * time.Second: "10 s", 59_400 * time.Millisecond: "59.4 s", 59_600 * time.Millisecond: "1 min",
		75 * time.Second: "1 min 15 s", time.Hour: "1 h", 2*time.Hour + 5*time.Minute + 7*time.Second: "2 h 5 min",
	} {
		if got := lesson.Took(d); got != want {
			t.Errorf("%d ns is %q, not %q", d, got, want)
		}
	}
}

var hole = regexp.MustCompile(`\{[a-z_]+\}`)

// longest returns the longest stretch of a text between its placeholders.
func longest(text string) string {
	parts := hole.Split(text, -1)
	return slices.MaxFunc(parts, func(a, b string) int { return len(a) - len(b) })
}
