package hooks_test

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

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"fd3/sockets/hooks"
	"fd3/sockets/netlab"
	"fd3/sockets/netlab/netlabtest"
	"fd3/sockets/stage/stagetest"
)

// programs are the eBPF programs of fd3 that this kernel has, as far as it tells.
func programs() (all []string) {
	for id := ebpf.ProgramID(0); ; {
		next, err := ebpf.ProgramGetNextID(id)
		if err != nil {
			return all
		}
		id = next
		p, err := ebpf.NewProgramFromID(id)
		if err != nil {
			continue
		}
		if info, err := p.Info(); err == nil && strings.HasPrefix(info.Name, "fd3") {
			all = append(all, fmt.Sprint(info.Name, " ", id))
		}
		p.Close()
	}
}

// cgroups is where the cgroups of version 2 are mounted, or "".
func cgroups() string {
	text, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(text)) {
		if before, after, _ := strings.Cut(line, " - "); strings.HasPrefix(after, "cgroup2 ") {
			return strings.Fields(before)[4]
		}
	}
	return ""
}

// groups are the cgroups of agents.
func groups() []string {
	all, _ := filepath.Glob(cgroups() + "/fd3-hooks-*")
	return all
}

// inside are the processes in the network namespaces of hosts.
func inside(hosts []netlab.Host) (all []string) {
	for _, pid := range stagetest.PIDs() {
		path := "/proc/" + pid + "/ns/net"
		var st unix.Stat_t
		if unix.Stat(path, &st) == nil && slices.ContainsFunc(hosts, func(h netlab.Host) bool { return h.Inode == st.Ino }) {
			all = append(all, path)
		}
	}
	return all
}

// Whoever is killed, at whatever moment, nothing is left when the network is gone: no
// agent, no program, no cgroup, no namespace.
func TestKilled(t *testing.T) {
	const rounds = 12
	for round := range rounds {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			n := netlabtest.Up(t)
			done := make(chan error, 1)
			go func() {
				_, err := hooks.Try(context.Background(), n, hooks.Order{Verb: hooks.Drop, At: "netdev-egress"})
				done <- err
			}()
			victim := n.PID
			if round%2 == 0 {
				stagetest.Until(t, "an agent", func() bool {
					there := agents()
					if len(there) > 0 {
						victim, _ = strconv.Atoi(there[0])
					}
					return len(there) > 0
				})
			}
			time.Sleep(rand.N(200 * time.Millisecond))   // any moment will do
			there := slices.Concat(groups(), programs()) // of trials of other tests, too, which end soon
			unix.Kill(victim, unix.SIGKILL)
			<-done
			netlab.Down(context.Background(), netlabtest.Name(t))
			left := func() []string {
				now := slices.Concat(groups(), programs())
				still := slices.DeleteFunc(slices.Clone(there), func(x string) bool { return !slices.Contains(now, x) })
				return slices.Concat(agents(), still, inside(n.Hosts))
			}
			stagetest.Until(t, fmt.Sprintf("the end of %v", left()), func() bool { return len(left()) == 0 })
		})
	}
}

// A trial that is given up ends at once, and leaves nothing.
func TestCancelled(t *testing.T) {
	n := netlabtest.Up(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := hooks.Try(ctx, n, hooks.Order{Verb: hooks.Drop, At: "input"})
		done <- err
	}()
	stagetest.Until(t, "an agent", func() bool { return len(agents()) > 0 })
	there := groups()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	stagetest.Until(t, "the end of the agents", func() bool {
		return len(agents()) == 0 && !slices.ContainsFunc(groups(), func(g string) bool { return slices.Contains(there, g) })
	})
}

// What was killed together with whoever had started it has left its cgroup, which the next
// trial removes.
func TestSweep(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("a cgroup at the root takes root")
	}
	if cgroups() == "" {
		t.Skip("no cgroups of version 2 are mounted")
	}
	n := netlabtest.Up(t)
	trial := try(t, n, hooks.Order{Verb: hooks.Watch})
	how := trial.Stop("cgroup-egress").How
	_, path, found := strings.Cut(how, ", ")
	if !found {
		t.Fatal(how)
	}
	if err := os.Mkdir(path, 0o755); err != nil { // as that agent, which has ended, had it
		t.Fatal(err)
	}
	stagetest.Until(t, "the agent to be reaped", func() bool { return unix.Kill(trial.PID[netlab.Client], 0) == unix.ESRCH })
	try(t, n, hooks.Order{Verb: hooks.Watch, At: "output"})
	if _, err := os.Stat(path); err == nil {
		t.Errorf("%s is still there", path)
	}
}
