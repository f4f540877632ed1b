package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/serve"
	"fd3/lesson/step"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// The servers of the articles behind this course have faults, each a lesson of
// its own. Here are the tests that those of making a listener and of being a
// process are not in fd3 serve; httpmini/server has the others.

// A listening server is fd3 serve on a TCP port.
type listening struct {
	cmd  *exec.Cmd
	addr netip.AddrPort
}

// serveTCP starts fd3 serve --quiet, and returns when it listens.
func serveTCP(t *testing.T, p place, addr string, args ...string) listening {
	t.Helper()
	l := listening{cmd: p.fd3(append([]string{"serve", "--addr", addr, "--quiet", "--json"}, args...)...)}
	stdout, err := l.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	l.cmd.Stderr = os.Stderr
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.cmd.Process.Kill() })
	out := bufio.NewReader(stdout)
	for e := (lesson.Event{}); e.Section != "serving"; {
		line, err := out.ReadString('\n')
		if err != nil || json.Unmarshal([]byte(line), &e) != nil {
			t.Fatalf("fd3 serve --addr %s: %v: %q", addr, err, line)
		}
		if e.Section == "serving" {
			l.addr = netip.MustParseAddrPort(e.Value)
		}
	}
	go io.Copy(io.Discard, out)
	return l
}

// ends interrupts the server as Ctrl-C does.
func (l listening) ends(t *testing.T) {
	t.Helper()
	l.cmd.Process.Signal(os.Interrupt)
	if err := l.cmd.Wait(); err != nil {
		t.Errorf("fd3 serve: %v", err)
	}
}

// rows are the kernel's listening sockets that this process has a descriptor of.
func (l listening) rows(t *testing.T) kernel.InetTable {
	t.Helper()
	fds, err := kernel.FDs(l.cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(rowsIn(t, kernel.Listen), func(r kernel.InetSocket) bool {
		return !slices.ContainsFunc(fds, func(f kernel.FD) bool { return f.Inode == r.Inode })
	})
}

func rowsIn(t *testing.T, s kernel.State) kernel.InetTable {
	t.Helper()
	rows, err := kernel.Own().TCP(s)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// answers has one request answered, after which the server closes first.
func (l listening) answers(t *testing.T) {
	t.Helper()
	c, err := net.Dial("tcp", l.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
	if b, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(b), "HTTP/1.1 200 ") {
		t.Fatalf("%q %v", b, err)
	}
}

// The article's server looks at no return value: when its port is taken, listen(2)
// takes a free one at every address, and nobody knows which.
func TestFaultBindUnchecked(t *testing.T) {
	t.Parallel()
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	p := in(t)
	for _, c := range []struct{ addr, errno string }{
		{other.Addr().String(), "EADDRINUSE"},
		{strings.Replace(other.Addr().String(), "127.0.0.1", "0.0.0.0", 1), "EADDRINUSE"},
		{"203.0.113.1:0", "EADDRNOTAVAIL"}, // RFC 5737: nobody's
	} {
		for _, how := range [][]string{{"--loop", "epoll"}, {"--loop", "threads", "--quiet"}} {
			cmd := p.fd3(append([]string{"serve", "--addr", c.addr, "--json"}, how...)...)
			out, _ := cmd.Output()
			events, err := parseEvents(string(out))
			if err != nil {
				t.Fatal(err)
			}
			if code := cmd.ProcessState.ExitCode(); code != exitFailed || !strings.Contains(string(out), c.errno) {
				t.Errorf("%s %v: exit code %d\n%s", c.addr, how, code, out)
			}
			for _, e := range events {
				if e.Section == "serving" || e.Name == "listen" {
					t.Errorf("%s %v: it goes on: %+v", c.addr, how, e)
				}
			}
		}
	}
}

// The article's server has no SO_REUSEADDR. It closes first, so its side keeps the
// port in TIME_WAIT, and bind says EADDRINUSE for a minute.
func TestFaultRestartInTimeWait(t *testing.T) {
	t.Parallel()
	eachLoop(t, func(t *testing.T, loop string) {
		p := in(t)
		first := serveTCP(t, p, "127.99.0.1:0", "--loop", loop) // no other program here connects from it
		waiting := func() bool {
			return slices.ContainsFunc(rowsIn(t, kernel.TimeWait), func(r kernel.InetSocket) bool { return r.Local == first.addr })
		}
		until(t, "the server's side to be in TIME_WAIT", func() bool {
			first.answers(t)
			return waiting()
		})
		first.ends(t)
		again := serveTCP(t, p, first.addr.String(), "--loop", loop)
		again.answers(t)
		if again.addr != first.addr || !waiting() {
			t.Errorf("it listened on %v, now on %v; TIME_WAIT: %v", first.addr, again.addr, waiting())
		}
		again.ends(t)
	})
}

// The article's server copies the first 4 of the 16 bytes that an IPv4 address has
// as an IPv6 one. They are zero, so it listens on every interface.
func TestFaultIPv4InIPv6CutToZeros(t *testing.T) {
	t.Parallel()
	p := in(t)
	for _, addr := range []string{"127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"} {
		for _, loop := range []string{"iterative", "epoll"} {
			l := serveTCP(t, p, net.JoinHostPort(addr, "0"), "--loop", loop)
			for _, r := range l.rows(t) {
				if r.Local.Addr() != netip.MustParseAddr(addr) || r.Local != l.addr {
					t.Errorf("asked for %s, it says %v, and the kernel %v", addr, l.addr, r.Local)
				}
			}
			if len(l.rows(t)) == 0 {
				t.Errorf("no row of %v", l.addr)
			}
			l.answers(t)
			l.ends(t)
		}
	}
}

// Go's constant SOMAXCONN is 128, whatever the kernel allows.
func TestFaultBacklogOf128(t *testing.T) {
	t.Parallel()
	allowed, err := kernel.Own().SysctlInt("net.core.somaxconn")
	if err != nil {
		t.Fatal(err)
	}
	p := in(t)
	for backlog, args := range map[int][]string{
		allowed:         {"--loop", "epoll"},
		min(7, allowed): {"--loop", "threads", "--backlog", "7"},
	} {
		l := serveTCP(t, p, "127.0.0.1:0", args...)
		for _, r := range l.rows(t) {
			if int(r.WQueue) != backlog {
				t.Errorf("%v: the kernel has a backlog of %d, not of %d", args, r.WQueue, backlog)
			}
		}
		l.ends(t)
	}
}

// A client that goes in the middle of an answer has the kernel send SIGPIPE to
// who writes on. It ends the article's server.
func TestFaultSIGPIPE(t *testing.T) {
	t.Parallel()
	eachLoop(t, func(t *testing.T, loop string) {
		dir := t.TempDir()
		huge := filepath.Join(dir, "huge")
		write(t, huge, "")
		if err := os.Truncate(huge, 64<<20); err != nil { // no buffer holds it
			t.Fatal(err)
		}
		s := startServe(t, dir, "--loop", loop, "--quiet", "--listing")
		for _, path := range []string{"/huge", "/", "/huge"} {
			c := s.dial()
			io.WriteString(c, strings.Repeat(fmt.Sprintf("GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path), 3))
			c.Read(make([]byte, 1))
			c.Close()
		}
		if status, body := s.get("/"); status != 200 || !strings.Contains(body, "huge") {
			t.Errorf("%d %s", status, body)
		}
		s.ends()
	})
}

// The article's server returns from a failed bind or listen with its socket open
// and, when socket(2) failed, with the lock held that the next one needs.
//
// No other test runs meanwhile: it counts descriptors.
func TestFaultDescriptorsLeakedOnFailure(t *testing.T) {
	other := listenerToBe(t)
	port := sockets.Sockname(other)
	for _, c := range []struct {
		name string
		fail string // which call has to; before it somebody else listens on the port
		make func(*step.Runner, step.Options) ([]int, error)
	}{
		{"listen, told", "listen", makeTold},
		{"bind, told", "bind", makeTold},
		{"bind, quiet", "bind", func(r *step.Runner, o step.Options) ([]int, error) {
			return serve.ListenQuietly(o, 2, nil, r.Show, func(sockets.Call) {})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := open(t)
			failed := ""
			runner := &step.Runner{Show: func(e lesson.Event) {
				if e.Kind != lesson.KindReturn {
					return
				}
				if e.Errno != 0 {
					failed = e.Name
				}
				if c.fail == "listen" && e.Name == "bind" {
					unix.Listen(other, 1)
				}
			}}
			options := step.DefaultOptions()
			options.Addr = port
			if listeners, err := c.make(runner, options); err == nil {
				t.Fatalf("on a port that is taken it makes the listeners %v", listeners)
			}
			if failed != c.fail && c.name != "bind, quiet" { // which tells nothing
				t.Errorf("it is %q that fails, not %s", failed, c.fail)
			}
			if after := open(t); !slices.Equal(after, before) {
				t.Errorf("open before: %v, and after: %v", before, after)
			}
			if !syscall.ForkLock.TryLock() {
				t.Fatal("a lock is kept: no process can be started any more")
			}
			syscall.ForkLock.Unlock()
			options.Addr = sockets.InetSockaddr(netip.MustParseAddrPort("127.0.0.1:0"))
			listeners, err := serve.ListenQuietly(options, 2, nil, runner.Show, func(sockets.Call) {})
			if err != nil || len(listeners) != 2 {
				t.Errorf("afterwards, on a free port: %v %v", listeners, err)
			}
			for _, fd := range listeners {
				unix.Close(fd)
			}
		})
	}
}

// makeTold makes two listeners as fd3 serve does, on a thread of its own.
func makeTold(r *step.Runner, o step.Options) (listeners []int, err error) {
	machine := stage.NewMachine()
	r.Parties = []step.Party{{Name: stage.Server, Stage: stage.Local{Machine: machine}}}
	ran := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		machine.Run()
		close(ran)
	}()
	listeners, err = serve.Listen(context.Background(), r, o, 2, nil)
	machine.Stop()
	<-ran
	return listeners, err
}

// listenerToBe is a socket with a port, on which it can listen any time. As long
// as it does not, others with SO_REUSEADDR may have the port too.
func listenerToBe(t *testing.T) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	return fd
}

// open are the descriptors of this process.
func open(t *testing.T) []kernel.FD {
	t.Helper()
	fds, err := kernel.FDs(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	// Go's runtime opens an epoll and an eventfd when it first waits, and a pidfd for a child.
	return slices.DeleteFunc(fds, func(fd kernel.FD) bool { return strings.HasPrefix(fd.Target, "anon_inode:") })
}
