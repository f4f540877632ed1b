package server

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/httpmini/server/docroot"
)

// TestMain makes this binary a child of a test too.
func TestMain(m *testing.M) {
	time.AfterFunc(0, func() {}) // the runtime's epoll and eventfd are there before anybody counts
	if text := os.Getenv(orderName); text != "" {
		var o order
		err := json.Unmarshal([]byte(text), &o)
		if err == nil {
			err = o.follow()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestAboveTheLimit has more clients come than the server can have, by
// RLIMIT_NOFILE or by MaxConnections. They are told so, the others are served on,
// nothing spins, and when some have left there is room again.
func TestAboveTheLimit(t *testing.T) {
	noneLeft(t)
	dir := documents(t)
	limits := map[string]order{
		"RLIMIT_NOFILE":  {Descriptors: 100, Room: 50},
		"MaxConnections": {Descriptors: 300, Max: 20, Room: 20},
	}
	sideBySide(t, []Loop{Threads, Epoll}, func(t *testing.T, network string, loop Loop) {
		all := subtests{}
		for limit, o := range limits {
			o.Role, o.Loop, o.Dir = "server", loop, dir
			all[limit] = func(t *testing.T) { aboveTheLimit(t, network, o) }
		}
		all.sideBySide(t)
	})
}

func aboveTheLimit(t *testing.T, network string, o order) {
	s := spawnServer(t, network, o)
	var kept []*client
	for range o.Room {
		c := s.client(t)
		c.gets(t, "/hello.txt", hello)
		kept = append(kept, c)
	}
	before := s.used(t)
	began := time.Now()

	// These stay after they have been turned away, so that some have to wait
	// for an answer until the server's patience with others has ended.
	var above []*client
	turned := make(chan error, turnedAway+10)
	for range cap(turned) {
		c := s.client(t)
		above = append(above, c)
		go func() {
			r, err := c.answer()
			if err == nil && (r.status != 503 || r.get("Retry-After") == "" || !r.closes()) {
				err = fmt.Errorf("%q", r.raw)
			}
			turned <- errors.Join(err, ended(c.in))
		}()
	}
	for range above {
		if err := <-turned; err != nil {
			t.Errorf("a client above the limit: %v", err)
		}
	}
	for _, c := range kept {
		c.gets(t, "/hello.txt", hello)
	}
	if used, passed := s.used(t)-before, time.Since(began); used > passed/4 {
		t.Errorf("in %v the server used %v of its CPU", passed, used)
	}
	s.expect(t, string(Full))
	for _, c := range above {
		c.Close()
	}

	const leave = 5
	for _, c := range kept[:leave] {
		c.Close()
	}
	for range leave {
		until(t, "room for a new client", func() bool {
			c := s.client(t)
			c.send(t, get("/hello.txt"))
			r, err := c.answer()
			if err != nil || r.status == 503 {
				c.Close()
				return false
			}
			return r.status == 200
		})
	}
	s.leave(t)
}

// TestAsManyAsTheLimit has more clients than that come at once: exactly so many
// are served.
func TestAsManyAsTheLimit(t *testing.T) {
	noneLeft(t)
	dir := documents(t)
	everywhere(t, []Loop{Threads, Epoll}, func(t *testing.T, network string, loop Loop) {
		const room, more = 8, turnedAway
		l := listening(t, network, Config{Loop: loop, Root: root(t, dir), MaxConnections: room, Quiet: true})
		var all []*client
		for range room + more {
			c := l.client(t)
			c.send(t, get("/hello.txt"))
			all = append(all, c)
		}
		l.start()
		count := map[int]int{}
		for _, c := range all {
			r, err := c.answer()
			must(t, err)
			count[r.status]++
		}
		for _, c := range all {
			c.Close()
		}
		if count[200] != room || count[503] != more {
			t.Errorf("there is room for %d of %d, and the answers were %v", room, len(all), count)
		}
		l.end(t)
	})
}

// TestNoDescriptorLeft has accept4 fail with EMFILE, since the limit is lowered
// while the server runs. Nobody is turned away: who finds no descriptor waits in the
// kernel's queue until there is one, and the server waits too, without spinning.
func TestNoDescriptorLeft(t *testing.T) {
	noneLeft(t)
	sideBySide(t, loops, noDescriptorLeft)
}

func noDescriptorLeft(t *testing.T, network string, loop Loop) {
	const most = 300
	s := spawnServer(t, network, order{Role: "server", Loop: loop, Descriptors: most}) // without files, which need descriptors too
	ask, spare := get("/"), 6
	if loop == Iterative {
		ask, spare = get("/", "Connection: close"), 0 // it never has more than one
	}
	s.client(t).send(t, get("/", "Connection: close"))
	s.expect(t, string(Closed))
	s.limit(t, s.room(t, spare))
	before, began := s.used(t), time.Now()

	leave := make(chan struct{})
	var clients sync.WaitGroup
	var served atomic.Int64
	for range 30 {
		c := s.client(t)
		c.send(t, ask)
		clients.Go(func() {
			r, err := c.answer()
			if err == nil && r.status != 200 {
				err = fmt.Errorf("%q %q", r.raw, r.body)
			}
			if err != nil {
				t.Errorf("a client: %v", err)
			}
			served.Add(1)
			<-leave
			c.Close()
		})
	}
	s.expect(t, string(Exhausted))
	until(t, "half a second of it", func() bool { return time.Since(began) > 500*time.Millisecond })
	if used, passed := s.used(t)-before, time.Since(began); used > passed/4 {
		t.Errorf("in %v the server used %v of its CPU", passed, used)
	}
	if n := served.Load(); n > int64(spare)+1 { // 1: a thread that waits in accept4 has a descriptor already
		t.Errorf("%d clients were answered with %d descriptors", n, spare)
	}
	close(leave)
	if spare == 0 {
		s.limit(t, most)
	}
	clients.Wait()
	s.leave(t)
}

// TestClientsThatDie kills them with SIGKILL, or has them send an RST, in the middle
// of everything. The server goes on, and their descriptors come back.
func TestClientsThatDie(t *testing.T) {
	noneLeft(t)
	dir := documents(t)
	sparse(t, dir, "huge.bin", 64<<20)
	everywhere(t, loops, func(t *testing.T, network string, loop Loop) {
		l := launch(t, network, Config{Loop: loop, Root: root(t, dir), MaxConnections: 200, Quiet: true})
		c := l.client(t)
		c.gets(t, "/hello.txt", hello)
		c.Close()
		until(t, "the client to be gone", func() bool { return l.open() == 0 })
		before := len(fdNames(t))
		n := 20
		if loop == Iterative {
			n = 1
		}
		for kind := range middles {
			doomed := spawn(t, order{Role: "caller", Network: network, Addr: l.addr.String(), Count: n, Kind: kind})
			doomed.expect(t, "ready")
			until(t, "the clients to be served", func() bool { return l.open() == int64(n) })
			doomed.kill(t)
			until(t, "the killed clients to be gone", func() bool { return l.open() == 0 })

			for range n {
				c, err := middle(kind, network, l.addr.String())
				must(t, err)
				defer c.Close()
				until(t, "the client to be served", func() bool { return l.open() > 0 })
				must(t, c.reset())
			}
			until(t, "the clients that sent an RST to be gone", func() bool { return l.open() == 0 })
			until(t, "their descriptors to be closed", func() bool { return len(fdNames(t)) <= before+2 }) // 2: each loop may keep the file open for a while
			c := l.client(t)
			c.gets(t, "/hello.txt", hello)
			c.Close()
			until(t, "the client to be gone", func() bool { return l.open() == 0 })
		}
		l.end(t)
	})
}

// middles are requests in the middle of which clients go away.
var middles = map[string]string{
	"head":    "GET /hello.txt HTTP/1.1\r\nHo",
	"content": request("POST /hello.txt", "Content-Length: 10") + "12345",
	"answer":  get("/huge.bin"),
	"answers": strings.Repeat(get("/kilo.bin"), 3000),
}

// middle is a client that has got so far.
func middle(kind, network, addr string) (*client, error) {
	c, err := knock(network, addr)
	if err != nil {
		return nil, err
	}
	go io.WriteString(c, middles[kind])
	if strings.HasPrefix(kind, "answer") {
		_, err = c.in.Peek(1)
	}
	return c, err
}

// order is what a child process of a test does.
type order struct {
	Role          string
	Network, Addr string // the server of clients
	Count         int    // of clients
	Kind          string // a key of middles

	Loop        Loop
	Dir         string // "": the visitor's page
	Max         int    // MaxConnections
	Descriptors int    // RLIMIT_NOFILE
	Room        int    // for so many connections
	Delay       bool   // wait for a line before anything
	Patience    time.Duration
}

const orderName = "FD3_TEST_ORDER"

// follow is all that the child does. It ends when its standard input does.
func (o order) follow() error {
	switch o.Role {
	case "server":
		return o.serve()
	case "idlers":
		return o.idle()
	case "caller":
		for range o.Count {
			c, err := middle(o.Kind, o.Network, o.Addr)
			if err != nil {
				return err
			}
			defer c.Close()
		}
		fmt.Println("ready")
		_, err := io.Copy(io.Discard, os.Stdin)
		return err
	}
	return fmt.Errorf("no such role: %q", o.Role)
}

// serve serves on descriptor 3, and writes what is rare.
func (o order) serve() error {
	if o.Delay {
		if _, err := os.Stdin.Read(make([]byte, 8)); err != nil {
			return err
		}
	}
	most := uint64(o.Descriptors)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: most, Max: most}); err != nil {
		return err
	}
	c := Config{Loop: o.Loop, Listeners: []int{3}, MaxConnections: o.Max, Timeouts: Timeouts{Idle: cmp.Or(o.Patience, 2*long), Head: cmp.Or(o.Patience, 2*long)}}
	if o.Dir != "" {
		r, err := docroot.Open(o.Dir)
		if err != nil {
			return err
		}
		defer r.Close()
		c.Root = r
	}
	s, err := New(c)
	if err != nil {
		return err
	}
	if o.Room > 0 && s.config.MaxConnections != o.Room {
		return fmt.Errorf("MaxConnections is %d, not %d", s.config.MaxConnections, o.Room)
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		s.Drain()
	}()
	go func() {
		for e := range s.Events() {
			if e.Kind == Full || e.Kind == NoThread || e.Kind == Exhausted || e.Kind == Closed {
				fmt.Println(e.Kind)
			}
		}
	}()
	return s.Run()
}

// idle is many clients that have been answered once and stay. They ask again when
// they are told to.
func (o order) idle() error {
	var clients []*client
	var mu sync.Mutex
	var workers sync.WaitGroup
	errs := make(chan error, o.Count)
	const at = 8 // a time, so that no queue overflows
	for i := range at {
		workers.Go(func() {
			for range o.Count/at + min(max(o.Count%at-i, 0), 1) {
				c, err := knock(o.Network, o.Addr)
				if err == nil {
					if tcp, ok := c.Conn.(*net.TCPConn); ok {
						tcp.SetLinger(0) // ports that are free at once
					}
					c.SetDeadline(time.Now().Add(3 * long))
					c.in = bufio.NewReaderSize(c, 512)
					err = c.again()
				}
				if err != nil {
					errs <- err
					return
				}
				mu.Lock()
				clients = append(clients, c)
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	select {
	case err := <-errs:
		return fmt.Errorf("with %d clients: %w", len(clients), err)
	default:
		fmt.Println("ready")
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		for i, c := range clients {
			if i%10 != 0 {
				continue
			}
			if err := c.again(); err != nil {
				return fmt.Errorf("client %d: %w", i, err)
			}
		}
		fmt.Println("asked")
	}
	return nil
}

func (c *client) again() error {
	if _, err := io.WriteString(c, get("/hello.txt")); err != nil {
		return err
	}
	r, err := c.answer()
	if err == nil && r.body != hello {
		err = fmt.Errorf("%q %q", r.raw, r.body)
	}
	return err
}

// child is a process of this binary that follows an order.
type child struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string
	errs  strings.Builder
	gone  bool
}

func spawn(t *testing.T, o order, files ...*os.File) *child {
	t.Helper()
	text, err := json.Marshal(o)
	must(t, err)
	c := &child{cmd: exec.Command("/proc/self/exe"), lines: make(chan string, 1<<16)}
	c.cmd.Env = append(os.Environ(), orderName+"="+string(text))
	c.cmd.ExtraFiles = files
	c.cmd.Stderr = &c.errs
	c.in, err = c.cmd.StdinPipe()
	must(t, err)
	out, err := c.cmd.StdoutPipe()
	must(t, err)
	must(t, c.cmd.Start())
	go func() {
		defer close(c.lines)
		for in := bufio.NewScanner(out); in.Scan(); {
			c.lines <- in.Text()
		}
	}()
	t.Cleanup(func() {
		if !c.gone {
			c.kill(t)
		}
	})
	return c
}

// expect waits for a line; others before it do not matter.
func (c *child) expect(t *testing.T, line string) {
	t.Helper()
	timeout := time.After(3 * long)
	for {
		select {
		case said, more := <-c.lines:
			if said == line {
				return
			}
			if !more {
				c.gone = true
				err := c.cmd.Wait()
				t.Fatalf("the child does not say %q: %v\n%s", line, err, c.errs.String())
			}
		case <-timeout:
			t.Fatalf("the child does not say %q", line)
		}
	}
}

func (c *child) say(t *testing.T, line string) {
	t.Helper()
	_, err := io.WriteString(c.in, line+"\n")
	must(t, err)
}

// leave has the child end in order.
func (c *child) leave(t *testing.T) {
	t.Helper()
	c.gone = true
	c.in.Close()
	stuck := time.AfterFunc(long, func() { c.cmd.Process.Signal(unix.SIGQUIT) })
	defer stuck.Stop()
	for range c.lines {
	}
	if err := c.cmd.Wait(); err != nil {
		t.Errorf("the child: %v\n%s", err, c.errs.String())
	}
}

// kill ends the child as kill -9 does.
func (c *child) kill(t *testing.T) {
	t.Helper()
	c.gone = true
	c.cmd.Process.Kill()
	for range c.lines {
	}
	c.cmd.Wait()
}

// childServer is a server in a process of its own.
type childServer struct {
	*child
	addr net.Addr
}

func spawnServer(t *testing.T, network string, o order) *childServer {
	t.Helper()
	fds, addr := listenOn(t, network)
	f := os.NewFile(uintptr(fds[0]), "listener")
	defer f.Close()
	return &childServer{spawn(t, o, f), addr}
}

func (s *childServer) client(t *testing.T) *client {
	t.Helper()
	c, err := knock(s.addr.Network(), s.addr.String())
	must(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// used is the CPU time that the child has had: proc_pid_stat(5).
func (s *childServer) used(t *testing.T) time.Duration {
	t.Helper()
	text, err := os.ReadFile(s.proc("stat"))
	must(t, err)
	_, after, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(after)
	user, err := strconv.Atoi(fields[11])
	must(t, err)
	system, err := strconv.Atoi(fields[12])
	must(t, err)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// room is the RLIMIT_NOFILE that leaves so many descriptors free. It is about the
// highest number, and there may be gaps below.
func (s *childServer) room(t *testing.T, free int) (limit int) {
	t.Helper()
	for ; ; limit++ {
		if _, err := os.Lstat(s.proc("fd/" + strconv.Itoa(limit))); err == nil {
			continue
		}
		if free--; free < 0 {
			return limit
		}
	}
}

func (s *childServer) proc(name string) string {
	return fmt.Sprintf("/proc/%d/%s", s.cmd.Process.Pid, name)
}

// limit sets the number of descriptors that the child may have.
func (s *childServer) limit(t *testing.T, n int) {
	t.Helper()
	must(t, unix.Prlimit(s.cmd.Process.Pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(n), Max: 300}, nil))
	runtime.KeepAlive(s)
}
