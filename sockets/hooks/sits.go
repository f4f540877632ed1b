package hooks

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"fd3/sockets/netlab"
	"fd3/sockets/stage"
)

// A Sitting is what sits at a place, whoever has put it there.
type Sitting struct {
	What   []string `json:"what,omitempty"`
	Untold string   `json:"untold,omitempty"` // why the kernel does not tell all; empty: it does
}

// Sits reads what sits at each place of a network, by the place's name. At the place socket
// each socket has its own, and none is read.
func Sits(ctx context.Context, network *netlab.Network) (map[string]Sitting, error) {
	all := map[string]Sitting{}
	for _, h := range network.Hosts {
		r, err := begin(network.On(stage.Role(h.Name)))
		if err != nil {
			return nil, fmt.Errorf("start an agent on the %s's host: %w", h.Name, err)
		}
		stop := context.AfterFunc(ctx, r.hangUp)
		said, err := r.ask(order{Do: sits, Host: h.Name})
		stop()
		r.end()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		for place, s := range said.Sits {
			all[place] = s
		}
	}
	return all, nil
}

// sits reads what sits at the places of a host.
func (a *agent) sits(host string) (map[string]Sitting, error) {
	at, err := netlink.LinkByName(device)
	if err != nil {
		return nil, fmt.Errorf("RTM_GETLINK %s: %w", device, err)
	}
	a.index = at.Attrs().Index
	all := map[string]Sitting{Sockops.Name: programs(contexts[Sockops.Name].attach, effective, cgroupOfThis()...)}
	rules := chainsByPlace()
	for _, p := range Places {
		if p.Host != host || p.Name == "socket" {
			continue
		}
		var s Sitting
		c := contexts[p.Name]
		switch c.program {
		case ebpf.CGroupSKB:
			s = programs(c.attach, effective, cgroupOfThis()...)
		case ebpf.SchedCLS:
			s = programs(c.attach, 0, a.index)
			filters, err := netlink.FilterList(at, a.filter(p).Parent)
			for _, f := range filters {
				if err == nil {
					s.What = append(s.What, "tc filter "+f.Type())
				}
			}
		case ebpf.XDP:
			if x := at.Attrs().Xdp; x != nil && x.Attached {
				s.What = append(s.What, fmt.Sprintf("eBPF program %d, %s", x.ProgId, modeOf(x)))
			}
		default:
			s.What = rules[p.Name]
		}
		all[p.Name] = s
	}
	return all, nil
}

// effective is BPF_F_QUERY_EFFECTIVE of linux/bpf.h: with those of the cgroups above.
const effective = 1

// programs asks for the eBPF programs at a place. A kernel that has no such place has none
// there; one that does not tell this user says what it would say of its ignorance.
func programs(at ebpf.AttachType, flags uint32, targets ...int) (s Sitting) {
	probe, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		s.Untold = errno(err).Error()
		return s
	}
	probe.Close()
	for _, target := range targets {
		r, err := link.QueryPrograms(link.QueryOptions{Target: target, Attach: at, QueryFlags: flags})
		if err != nil {
			continue
		}
		for _, p := range r.Programs {
			s.What = append(s.What, fmt.Sprintf("eBPF program %d", p.ID))
		}
	}
	return s
}

// cgroupOfThis is the cgroup that this process is in, by a descriptor that stays open.
func cgroupOfThis() []int {
	text, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.Lines(string(text)) {
		path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if root := cgroup2(); ok && root != "" {
			if fd, err := unix.Open(filepath.Join(root, path), unix.O_RDONLY|unix.O_CLOEXEC|unix.O_DIRECTORY, 0); err == nil {
				return []int{fd}
			}
		}
	}
	return nil
}

// chainsByPlace reads the rules of nftables, by the places of their chains.
func chainsByPlace() map[string][]string {
	all := map[string][]string{}
	conn, err := nftables.New()
	if err != nil {
		return all
	}
	found, err := conn.ListChains()
	if err != nil {
		return all
	}
	for _, c := range found {
		for place, at := range chains {
			family := c.Table.Family
			if family == nftables.TableFamilyINet {
				family = nftables.TableFamilyIPv4
			}
			if c.Hooknum == nil || family != at.family || *c.Hooknum != *at.hook {
				continue
			}
			rules, _ := conn.GetRules(c.Table, c)
			for _, r := range rules {
				all[place] = append(all[place], fmt.Sprintf("nftables %s: %s", c.Table.Name, words(r)))
			}
			if len(rules) == 0 {
				all[place] = append(all[place], fmt.Sprintf("nftables %s: an empty chain", c.Table.Name))
			}
		}
	}
	return all
}

// words are the parts of a rule that say what it does.
func words(r *nftables.Rule) string {
	var all []string
	for _, e := range r.Exprs {
		switch e := e.(type) {
		case *expr.Counter:
			all = append(all, fmt.Sprintf("counter %d", e.Packets))
		case *expr.Verdict:
			all = append(all, map[expr.VerdictKind]string{expr.VerdictDrop: "drop", expr.VerdictAccept: "accept", expr.VerdictReturn: "return", expr.VerdictJump: "jump", expr.VerdictGoto: "goto"}[e.Kind])
		case *expr.Reject:
			all = append(all, "reject")
		case *expr.Limit:
			all = append(all, "limit")
		case *expr.Log:
			all = append(all, "log")
		}
	}
	if len(all) == 0 {
		return "a rule"
	}
	return strings.Join(all, ", ")
}
