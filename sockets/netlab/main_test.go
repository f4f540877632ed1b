package netlab_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets"
	"fd3/sockets/netlab"
	"fd3/sockets/stage"
	"fd3/sockets/stage/stagetest"
	"fd3/sockets/wire"
)

// TestMain makes this test binary become a keeper, or a stage on a host, when it is
// executed again. Nothing may be left of either.
func TestMain(m *testing.M) {
	netlab.Become()
	stage.Become()
	if role := os.Getenv(loadRole); role != "" {
		os.Exit(load(role))
	}
	os.Exit(stagetest.Run(m, nil))
}

// A lab is a network with a stage on each host, and the descriptors that it has there.
type lab struct {
	t testing.TB
	*netlab.Network
	name   string
	stages map[stage.Role]stage.Remote
}

// skipDenied skips a test where the machine denies its user a network. CI must have one.
func skipDenied(t testing.TB, err error) {
	t.Helper()
	if denied := new(netlab.DeniedError); errors.As(err, &denied) && os.Getenv("CI") != "true" {
		t.Skip(denied)
	}
}

// up makes a network that is gone after the test.
func up(t testing.TB, o netlab.Options) *lab {
	t.Helper()
	name := strings.NewReplacer("/", "-", "_", "-").Replace(strings.TrimPrefix(t.Name(), "Test"))
	l := &lab{t: t, name: name[:min(len(name), 32)], stages: make(map[stage.Role]stage.Remote)}
	started, crashed, err := netlab.Up(l.name, o)
	skipDenied(t, err)
	if !started || crashed || err != nil {
		t.Fatalf("Up: started %t, crashed %t, %v", started, crashed, err)
	}
	if l.Network, err = netlab.Open(l.name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, s := range l.stages {
			s.Quit(context.Background())
		}
		l.Close()
		netlab.Down(context.Background(), l.name)
	})
	for _, role := range []stage.Role{stage.Client, stage.Server} {
		l.stages[role] = stage.Remote{Name: l.name, Role: role, In: l.On(role)}
		if _, _, err := l.stages[role].Start(time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// do has a stage make a call that returns.
func (l *lab) do(on stage.Role, o stage.Order) sockets.Call {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), 10*time.Second)
	defer cancel()
	c, err := l.stages[on].Do(ctx, o, func(sockets.Call) {})
	if err != nil || !c.Returned {
		l.t.Fatalf("%s: %s: %v", on, o.Do, err)
	}
	return c
}

// must is do of a call that succeeds.
func (l *lab) must(on stage.Role, o stage.Order) sockets.Call {
	l.t.Helper()
	c := l.do(on, o)
	if c.Errno != 0 {
		l.t.Fatalf("%s: %s", on, c.Strace())
	}
	return c
}

// begin has a stage make a call, and returns what gives its result.
func (l *lab) begin(on stage.Role, o stage.Order) <-chan sockets.Call {
	done := make(chan sockets.Call, 1)
	go func() {
		c, _ := l.stages[on].Do(l.t.Context(), o, func(sockets.Call) {})
		done <- c
	}()
	return done
}

// port is where the servers of these tests listen, each in a network of its own.
var at, _ = sockets.ParseSockaddr("10.0.0.2:8080")

// listens makes the server listen, as descriptor 3, and the client a socket, 3 too.
func (l *lab) listens(options ...stage.Order) {
	l.t.Helper()
	inet := stage.Order{Do: "socket", Domain: unix.AF_INET, Type: unix.SOCK_STREAM}
	l.must(stage.Server, inet)
	for _, o := range options {
		o.Do, o.FD = "setsockopt", 3
		l.must(stage.Server, o)
	}
	l.must(stage.Server, stage.Order{Do: "bind", FD: 3, Addr: at})
	l.must(stage.Server, stage.Order{Do: "listen", FD: 3, Backlog: 5})
	l.must(stage.Client, inet)
	l.must(stage.Client, stage.Order{Do: "setsockopt", FD: 3, Level: unix.IPPROTO_TCP, Option: unix.TCP_NODELAY, Value: 1})
}

// connected opens a connection through a cable that lets everything flow, and has it hold
// again: the client's descriptor 3, the server's 4.
func (l *lab) connected(options ...stage.Order) {
	l.t.Helper()
	l.listens(options...)
	l.cable(wire.Order{Do: "flow"})
	l.must(stage.Client, stage.Order{Do: "connect", FD: 3, Addr: at})
	l.must(stage.Server, stage.Order{Do: "accept4", FD: 3})
	l.cable(wire.Order{Do: "hold", When: wire.Usual})
}

func (l *lab) send(on stage.Role, fd int, bytes string) {
	l.t.Helper()
	l.must(on, stage.Order{Do: "sendto", FD: fd, Data: []byte(bytes), Flags: unix.MSG_DONTWAIT})
}

// cable does something with the cable.
func (l *lab) cable(o wire.Order) wire.Report {
	l.t.Helper()
	r, err := l.Cable(o)
	if err != nil {
		l.t.Fatalf("%+v: %v", o, err)
	}
	return r
}

// record is all packets so far, as a narrator sees them.
func (l *lab) record() []wire.Packet {
	l.t.Helper()
	var flows wire.Flows
	var all []wire.Packet
	for _, p := range l.cable(wire.Order{Do: "record"}).Packets {
		p.Dissect()
		flows.Follow(&p)
		all = append(all, p)
	}
	return all
}

// lying is what lies on the cable: who sent it, and what it says.
func (l *lab) lying() (all []string) {
	l.t.Helper()
	for _, p := range l.record() {
		if p.Fate == wire.Held {
			all = append(all, p.From+": "+p.Summary)
		}
	}
	return all
}

// lies waits until exactly packets that say so lie on the cable.
func (l *lab) lies(want ...string) {
	l.t.Helper()
	var got []string
	until(l.t, func() string { return fmt.Sprintf("%q on the cable, which has %q", want, got) }, func() bool {
		got = l.lying()
		return slices.EqualFunc(got, want, strings.HasPrefix)
	})
}

// passes lets the first packet pass, which says so.
func (l *lab) passes(want string) {
	l.t.Helper()
	until(l.t, func() string { return want }, func() bool { return len(l.lying()) > 0 })
	if got := l.lying()[0]; !strings.HasPrefix(got, want) {
		l.t.Fatalf("%q is first on the cable, and not %q", got, want)
	}
	l.cable(wire.Order{Do: "next"})
}

// states waits until the client's and the server's end of the connection are in these
// states, as ss(8) says that runs on the hosts. None is "".
func (l *lab) states(client, server string) {
	l.t.Helper()
	var got [2]string
	until(l.t, func() string { return fmt.Sprintf("%s and %s, not %q", client, server, got) }, func() bool {
		got = [2]string{l.ss(stage.Client, "dport = :8080"), l.ss(stage.Server, "sport = :8080 and not dst 0.0.0.0/32")}
		return got == [2]string{client, server}
	})
}

// ss is the state of the connection that ss(8) finds on a host.
func (l *lab) ss(on stage.Role, filter string) string {
	l.t.Helper()
	out := l.run(on, "ss", "-Htan", filter)
	var states []string
	for row := range strings.Lines(out) {
		if f := strings.Fields(row); len(f) > 0 && f[0] != "LISTEN" {
			states = append(states, f[0])
		}
	}
	return strings.Join(states, " ")
}

// run runs a program on a host, as fd3 on does.
func (l *lab) run(on stage.Role, command ...string) string {
	l.t.Helper()
	out, err := program(l.Network, on, command...).CombinedOutput()
	if err != nil {
		l.t.Fatalf("%s: %v: %s", command, err, out)
	}
	return string(out)
}

// program is one that is to run on a host.
func program(n *netlab.Network, on stage.Role, command ...string) *exec.Cmd {
	users, network := n.Paths(n.Host(on))
	args := []string{"--net=" + network}
	if users != "" {
		args = append(args, "--user="+users, "--preserve-credentials")
	}
	return exec.Command("nsenter", append(args, command...)...)
}

// counter is a counter of a host's kernel.
func (l *lab) counter(on stage.Role, name string) int64 {
	l.t.Helper()
	c, err := l.Net(on).Counters()
	if err != nil {
		l.t.Fatal(err)
	}
	return c[name]
}

// counts waits until a counter has grown by one or more.
func (l *lab) counts(on stage.Role, name string, was int64) {
	l.t.Helper()
	until(l.t, func() string { return name }, func() bool { return l.counter(on, name) > was })
}

// until waits for a condition.
func until(t testing.TB, what func() string, there func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !there(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long for %s", what())
		}
	}
}
