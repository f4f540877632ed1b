package netlab_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/netlab"
	"fd3/sockets/stage"
	"fd3/sockets/stage/stagetest"
	"fd3/sockets/wire"
)

// index is the number of a host's interface.
func (l *lab) index(on stage.Role) int {
	l.t.Helper()
	number, _, _ := strings.Cut(l.run(on, "ip", "-o", "link", "show", "net0"), ":")
	n, err := strconv.Atoi(number)
	if err != nil {
		l.t.Fatal(err)
	}
	return n
}

// Two networks have the same addresses, and do not meet.
func TestTwoNetworks(t *testing.T) {
	t.Parallel()
	t.Run("one", func(t *testing.T) {
		one := up(t, netlab.Options{})
		t.Run("other", func(t *testing.T) {
			other := up(t, netlab.Options{})
			one.listens()
			one.begin(stage.Client, stage.Order{Do: "connect", FD: 3, Addr: at})
			one.lies("client: SYN seq 0")
			other.lies()
			other.listens()
			other.cable(wire.Order{Do: "flow"})
			other.must(stage.Client, stage.Order{Do: "connect", FD: 3, Addr: at})
			other.states("ESTAB", "ESTAB")
			one.states("SYN-SENT", "")
		})
	})
}

// The machine's own network is as it was.
func TestNothingOfTheMachineIsTouched(t *testing.T) {
	look := func() string {
		links, _ := os.ReadFile("/proc/net/dev")
		var names []string
		for line := range strings.Lines(string(links)) {
			names = append(names, strings.Fields(line)[0])
		}
		routes, _ := os.ReadFile("/proc/net/route")
		settings := ""
		for _, name := range []string{"ipv4/tcp_early_retrans", "ipv4/ping_group_range", "ipv6/conf/all/disable_ipv6", "ipv6/conf/default/disable_ipv6"} {
			text, _ := os.ReadFile("/proc/sys/net/" + name)
			settings += string(text)
		}
		return fmt.Sprint(names, string(routes), settings)
	}
	before := look()
	l := up(t, netlab.Options{})
	if during := look(); during != before {
		t.Errorf("before:\n%s\nduring:\n%s", before, during)
	}
	for _, on := range []stage.Role{stage.Client, stage.Server} {
		if out := l.run(on, "ip", "-br", "-4", "addr", "show", "net0"); !strings.Contains(out, l.Host(on).Addr+"/24") {
			t.Errorf("%s: %s", on, out)
		}
	}
}

// While a packet is held all of its processes sleep.
func TestHeldNetworkIsIdle(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{})
	l.connected()
	l.send(stage.Client, 3, "hello")
	l.lies("client: 5 bytes seq 1")
	ran := func() (all time.Duration) {
		var threads []string
		for _, pid := range stagetest.Processes(filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "fd3", l.name)) {
			of, _ := filepath.Glob("/proc/" + pid + "/task/*/schedstat")
			threads = append(threads, of...)
		}
		if len(threads) == 0 {
			t.Skip("this kernel does not tell how long a thread has run")
		}
		for _, path := range threads {
			text, _ := os.ReadFile(path)
			n, _ := strconv.ParseInt(strings.Fields(string(text) + " 0")[0], 10, 64)
			all += time.Duration(n)
		}
		return all
	}
	before := ran()
	time.Sleep(500 * time.Millisecond) // in which nothing is to happen
	if took := ran() - before; took > 10*time.Millisecond {
		t.Errorf("they ran for %s of 500 ms", took)
	}
}

// left lists what is left of a network: processes in its namespaces, or in the keeper's.
func left(hosts []netlab.Host, pids []int) (found []string) {
	namespaces, _ := filepath.Glob("/proc/[0-9]*/ns/net")
	for _, path := range namespaces {
		var st unix.Stat_t
		if unix.Stat(path, &st) != nil {
			continue
		}
		if slices.ContainsFunc(hosts, func(h netlab.Host) bool { return h.Inode == st.Ino }) {
			found = append(found, path)
		}
	}
	for _, pid := range pids {
		if task, err := kernel.Thread(pid, pid); err == nil && task.State != 'Z' { // the starter of the keeper is this process, which has not waited for it
			found = append(found, fmt.Sprint(pid))
		}
	}
	return found
}

// Whichever process of a network is killed, at whatever moment of its life, nothing is left
// when whoever has made it takes it away: no process, so no namespace, so no interface, and
// no file. A program that has nothing to do with the keeper runs on a host, too.
func TestKilled(t *testing.T) {
	up(t, netlab.Options{}) // where none can be made the test is skipped
	folder := filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "fd3")
	const (
		rounds = 100
		bound  = 20 * time.Second // for all of them
	)
	begun := time.Now()
	killed := make(map[string]int)
	for round := range rounds {
		if time.Since(begun) > bound {
			t.Logf("%d rounds in %s", round, bound)
			break
		}
		name, role := fmt.Sprintf("killed-%d-", round), []string{"network", "network-guard", "client", "server"}[round%4]
		path := filepath.Join(folder, name)
		lived := make(chan []netlab.Host, 1)
		go func() { lived <- life(t.Context(), name) }()
		for len(lived) == 0 {
			if victim := processOf(path, role); victim != 0 {
				time.Sleep(rand.N(20 * time.Millisecond)) // any moment will do
				if unix.Kill(victim, unix.SIGKILL) == nil {
					killed[role]++
				}
				break
			}
			time.Sleep(100 * time.Microsecond)
		}
		hosts := <-lived
		for _, role := range []stage.Role{stage.Server, stage.Client} { // as fd3 reset does
			stage.Remote{Name: name, Role: role}.Quit(t.Context())
		}
		netlab.Down(t.Context(), name)
		left := func() []string { return append(left(hosts, nil), stagetest.Processes(path)...) }
		until(t, func() string { return fmt.Sprintf("the end of %v, round %d, killed: %s", left(), round, role) }, func() bool { return len(left()) == 0 })
	}
	t.Logf("killed: %v", killed)
	if err := stage.Tidy(); err != nil {
		t.Error(err)
	}
	if files, _ := filepath.Glob(filepath.Join(folder, "*killed-*")); len(files) > 0 {
		t.Errorf("left: %v", files)
	}
}

// processOf is the process of that role behind a control socket whose path begins so, or 0.
func processOf(path, role string) int {
	for _, pid := range stagetest.Processes(path) {
		args, _ := os.ReadFile("/proc/" + pid + "/cmdline")
		if words := strings.Split(string(args), "\x00"); len(words) > 2 && words[2] == role {
			n, _ := strconv.Atoi(pid)
			return n
		}
	}
	return 0
}

// life is that of a network from its beginning to its end, with a connection that is held
// and a program that runs on a host. Whatever fails, it goes on: somebody kills its processes.
func life(ctx context.Context, name string) (hosts []netlab.Host) {
	netlab.Up(name, netlab.Options{})
	network, err := netlab.Open(name)
	if err == nil {
		defer network.Close()
		hosts = network.Hosts
		program(network, stage.Client, "sh", "-c", "sleep 1000 >/dev/null 2>&1 &").Run()
		if again, err := netlab.Open(name); err == nil {
			again.Close()
		} else { // as fd3 on does: it may have come onto the host when all others there had been ended
			hosts[0].Clear()
		}
		server, client := stage.Remote{Name: name, Role: stage.Server, In: network.On(stage.Server)}, stage.Remote{Name: name, Role: stage.Client, In: network.On(stage.Client)}
		for _, s := range []stage.Remote{server, client} {
			s.Start(time.Minute)
			s.Do(ctx, stage.Order{Do: "socket", Domain: unix.AF_INET, Type: unix.SOCK_STREAM}, func(sockets.Call) {})
			defer s.Quit(ctx)
		}
		server.Do(ctx, stage.Order{Do: "bind", FD: 3, Addr: at}, func(sockets.Call) {})
		server.Do(ctx, stage.Order{Do: "listen", FD: 3, Backlog: 5}, func(sockets.Call) {})
		held, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
		defer cancel()
		client.Do(held, stage.Order{Do: "connect", FD: 3, Addr: at}, func(sockets.Call) {})
		network.Cable(wire.Order{Do: "next"})
	}
	netlab.Down(ctx, name) // which may find it dying
	return hosts
}

// A network that has crashed is told of by the next one, and can be made again.
func TestUpAfterACrash(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{})
	if started, _, err := netlab.Up(l.name, netlab.Options{}); started || err != nil {
		t.Errorf("Up of what is up: %t, %v", started, err)
	}
	unix.Kill(l.PID, unix.SIGKILL)
	<-l.Ended()
	until(t, func() string { return "the end of the keeper" }, func() bool { _, err := netlab.Open(l.name); return errors.Is(err, netlab.ErrNone) })
	if started, crashed, err := netlab.Up(l.name, netlab.Options{}); !started || !crashed || err != nil {
		t.Errorf("Up after a crash: %t, %t, %v", started, crashed, err)
	}
}

// What is on a host and no child of the keeper ends with the network too.
func TestDownEndsWhatRunsThere(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{})
	l.run(stage.Client, "sh", "-c", "sleep 1000 >/dev/null 2>&1 &")
	if len(left(l.Hosts, nil)) == 0 {
		t.Fatal("nothing runs there")
	}
	for _, s := range l.stages {
		s.Quit(context.Background())
	}
	if _, err := netlab.Down(t.Context(), l.name); err != nil {
		t.Fatal(err)
	}
	until(t, func() string { return "the end of what ran there" }, func() bool { return len(left(l.Hosts, nil)) == 0 })
}

// Flowing, the cable keeps the order and loses nothing.
func TestFlow(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{})
	l.connected()
	l.cable(wire.Order{Do: "flow"})
	const size = 1 << 20
	sent := l.begin(stage.Client, stage.Order{Do: "sendto", FD: 3, Data: make([]byte, size)})
	for read := 0; read < size; {
		read += int(l.must(stage.Server, stage.Order{Do: "recvfrom", FD: 4, Size: 1 << 18}).Ret)
	}
	if c := <-sent; c.Ret != size {
		t.Error(c.Strace())
	}
}

// Of a handshake that flows, each segment is told with the states that it makes.
func TestFlowingHandshake(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{})
	l.listens()
	l.cable(wire.Order{Do: "flow"})
	l.must(stage.Client, stage.Order{Do: "connect", FD: 3, Addr: at})
	var got []wire.States
	want := []wire.States{{From: "SYN_SENT", To: "SYN_RECV"}, {From: "SYN_RECV", To: "ESTABLISHED"}, {From: "ESTABLISHED", To: "ESTABLISHED"}}
	until(t, func() string { return fmt.Sprintf("%v, not %v", want, got) }, func() bool {
		got = nil
		for _, p := range l.record() {
			if _, ok := p.Segment(); ok {
				got = append(got, p.After)
			}
		}
		return slices.Equal(got, want)
	})
}

// Several commands read the hosts at once, while the cable reads them too.
func TestReadersDoNotMeet(t *testing.T) {
	t.Parallel()
	l := up(t, netlab.Options{})
	l.connected()
	l.cable(wire.Order{Do: "flow"})
	done := make(chan error)
	const readers = 4
	for range readers {
		go func() {
			n, err := netlab.Open(l.name)
			for i := 0; i < 50 && err == nil; i++ {
				_, err = n.Net(stage.Server).TCP()
			}
			if err == nil {
				n.Close()
			}
			done <- err
		}()
	}
	for range readers {
		for over := false; !over; {
			select {
			case err := <-done:
				if over = true; err != nil {
					t.Error(err)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("a reader waits for an answer that another one took")
			default: // the cable asks both hosts at each turn of a connection
				l.cable(wire.Order{Do: "rst", To: netlab.Client, Off: 100})
			}
		}
	}
}

// Of packets that have lain there, each is told with the states that it makes itself, and
// no other one, when they leave all together.
func TestFlowOfHeld(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		do   func(*lab)
		want string // of the last segments: who sent each, its flags and bytes, and the states when the other end had it
	}{
		{"handshake", func(l *lab) {
			l.listens()
			l.begin(stage.Client, stage.Order{Do: "connect", FD: 3, Addr: at})
			l.lies("client: SYN")
		}, `client SYN: SYN_SENT, SYN_RECV
server SYN+ACK: SYN_RECV, ESTABLISHED
client ACK: ESTABLISHED, ESTABLISHED`},
		{"SYN+ACK", func(l *lab) {
			l.listens()
			l.begin(stage.Client, stage.Order{Do: "connect", FD: 3, Addr: at})
			l.passes("client: SYN")
			l.lies("server: SYN+ACK")
		}, `client SYN: SYN_SENT, SYN_RECV
server SYN+ACK: SYN_RECV, ESTABLISHED
client ACK: ESTABLISHED, ESTABLISHED`},
		{"data and FIN to the client", func(l *lab) {
			l.connected()
			l.send(stage.Server, 4, "hello")
			l.must(stage.Server, stage.Order{Do: "close", FD: 4})
			l.lies("server: ", "server: FIN")
		}, `server PSH+ACK 5: FIN_WAIT1, ESTABLISHED
server FIN+ACK: FIN_WAIT1, CLOSE_WAIT
client ACK: CLOSE_WAIT, FIN_WAIT1
client ACK: CLOSE_WAIT, FIN_WAIT2`},
		{"both FINs", func(l *lab) {
			l.connected()
			l.must(stage.Server, stage.Order{Do: "close", FD: 4})
			l.must(stage.Client, stage.Order{Do: "close", FD: 3})
			l.lies("server: FIN", "client: FIN")
		}, `server FIN+ACK: FIN_WAIT1, CLOSING
client FIN+ACK: CLOSING, CLOSING
client ACK: CLOSING, TIME_WAIT
server ACK: TIME_WAIT, TIME_WAIT`},
		{"data and FIN to the server", func(l *lab) {
			l.connected()
			l.send(stage.Client, 3, "hello")
			l.must(stage.Client, stage.Order{Do: "close", FD: 3})
			l.lies("client: ", "client: FIN")
		}, `client PSH+ACK 5: FIN_WAIT1, ESTABLISHED
client FIN+ACK: FIN_WAIT1, CLOSE_WAIT
server ACK: CLOSE_WAIT, FIN_WAIT1
server ACK: CLOSE_WAIT, FIN_WAIT2`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := up(t, netlab.Options{})
			c.do(l)
			l.cable(wire.Order{Do: "flow"})
			var got string
			until(t, func() string { return c.want + "\nnot\n" + got }, func() bool { got = l.segments(); return strings.HasSuffix(got, c.want) })
		})
	}
}

// segments tells of all TCP segments that a host has had, in that order.
func (l *lab) segments() string {
	l.t.Helper()
	var all []string
	packets := l.record()
	slices.SortStableFunc(packets, func(a, b wire.Packet) int { return a.Had().Compare(b.Had()) })
	for _, p := range packets {
		s, ok := p.Segment()
		if !ok || p.Fate == wire.TakenOff {
			continue
		}
		bytes := ""
		if s.Length > 0 {
			bytes = fmt.Sprintf(" %d", s.Length)
		}
		all = append(all, fmt.Sprintf("%s %s%s: %s, %s", p.From, s.Flags, bytes, p.After.From, p.After.To))
	}
	return strings.Join(all, "\n")
}
