package hooks_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fd3/sockets/hooks"
	"fd3/sockets/netlab"
	"fd3/sockets/netlab/netlabtest"
)

// try sends a packet. A place that takes nothing from this user is skipped, unless the user
// is root.
func try(t *testing.T, n *netlab.Network, o hooks.Order) *hooks.Trial {
	t.Helper()
	trial, err := hooks.Try(t.Context(), n, o)
	var denied *hooks.DeniedError
	var unable *hooks.UnableError
	switch {
	case errors.As(err, &denied) && os.Geteuid() != 0, errors.As(err, &unable):
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
	return trial
}

// saw are the places that saw the packet, of those that can tell.
func saw(trial *hooks.Trial) (all []string) {
	for _, s := range trial.Stops {
		if s.Packets > 0 {
			all = append(all, fmt.Sprintf("%s:%d", s.Place.Name, s.Packets))
		}
	}
	return all
}

// able are the places at which something is that can tell, up to one and with it.
func able(trial *hooks.Trial, last string) (all []string) {
	for _, s := range trial.Stops {
		if s.Means != "" && !s.Blind {
			all = append(all, s.Place.Name+":1")
		}
		if s.Place.Name == last {
			break
		}
	}
	return all
}

func arrived(trial *hooks.Trial) bool { return string(trial.Received.Data) == "hello" }

func TestWatch(t *testing.T) {
	t.Parallel()
	n := netlabtest.Up(t)
	trial := try(t, n, hooks.Order{Verb: hooks.Watch})
	if got, want := saw(trial), able(trial, "socket"); !slices.Equal(got, want) {
		t.Errorf("seen at %v, and not at %v", got, want)
	}
	if trial.Sent.Ret != 5 || !arrived(trial) || trial.Service != 0 || trial.Cable == nil || trial.Dropped != nil {
		t.Errorf("%+v", trial)
	}
	// Five bytes, with 8 of UDP, 20 of IP, and 14 of Ethernet.
	lengths := map[string]int{"output": 33, "postrouting": 33, "cgroup-egress": 33, "netdev-egress": 47, "tc-egress": 47, "xdp": 47,
		"tc-ingress": 47, "netdev-ingress": 33, "prerouting": 33, "input": 33, "cgroup-ingress": 33, "socket": 13}
	var last int64
	for _, s := range trial.Stops {
		want, counted := lengths[s.Place.Name], 0
		if s.Place.Name == "tc-ingress" && s.Means == hooks.Classic { // the qdisc's counter has 14 less than the program gets
			want, counted = 0, 33
		}
		if s.Packets > 0 && (s.Length != want || s.Counted != counted) {
			t.Errorf("%s: %d bytes, and not %d; counted %d, and not %d", s.Place.Name, s.Length, want, s.Counted, counted)
		}
		if s.Time == 0 {
			continue
		}
		if s.Time < last {
			t.Errorf("%s saw it before the one before", s.Place.Name)
		}
		last = s.Time
	}
	if os.Geteuid() == 0 {
		for _, s := range trial.Stops {
			if s.Means == "" && (cgroups() != "" || !strings.HasPrefix(s.Place.Name, "cgroup")) {
				t.Errorf("%s: %v", s.Place.Name, s.Failed)
			}
		}
	}
}

// A drop at a place is seen there and before it, and nowhere behind. What the sender is
// told depends on the place; the receiver gets nothing, and the kernels count.
func TestDrop(t *testing.T) {
	t.Parallel()
	n := netlabtest.Up(t)
	reasons := map[string]string{"output": "NETFILTER_DROP", "postrouting": "NETFILTER_DROP", "cgroup-egress": "BPF_CGROUP_EGRESS", "netdev-egress": "NETFILTER_DROP",
		"tc-egress": "TC_EGRESS", "tc-ingress": "TC_INGRESS", "netdev-ingress": "NETFILTER_DROP", "prerouting": "NETFILTER_DROP", "input": "NETFILTER_DROP", "cgroup-ingress": "SOCKET_FILTER", "socket": "SOCKET_FILTER"}
	for _, p := range hooks.Places {
		t.Run(p.Name, func(t *testing.T) {
			trial := try(t, n, hooks.Order{Verb: hooks.Drop, At: p.Name})
			if got, want := saw(trial), able(trial, p.Name); !slices.Equal(got, want) {
				t.Errorf("seen at %v, and not at %v", got, want)
			}
			told := p.Name == "output" || p.Name == "postrouting" || p.Name == "cgroup-egress"
			if told != (trial.Sent.Errno == unix.EPERM) || !told && trial.Sent.Ret != 5 {
				t.Error(trial.Sent.Strace())
			}
			if trial.Received.Errno != unix.EAGAIN {
				t.Error(trial.Received.Strace())
			}
			if onCable := p.Host == netlab.Server; onCable != (trial.Cable != nil) {
				t.Errorf("on the cable: %v", trial.Cable)
			}
			client, server := trial.Moved[netlab.Client], trial.Moved[netlab.Server]
			if out := client["Udp.OutDatagrams"]; (p.Host == netlab.Server) != (out == 1) {
				t.Errorf("Udp.OutDatagrams moved by %d", out)
			}
			if p.Layer == hooks.Socket && server["Udp.InErrors"] != 1 || server["Udp.InDatagrams"] != 0 {
				t.Errorf("server: %v", server)
			}
			if os.Geteuid() != 0 {
				return
			}
			if trial.Dropped == nil {
				t.Fatal("the kernel does not tell why")
			}
			if want := reasons[p.Name]; want != "" && trial.Dropped.Reason != want {
				t.Errorf("%+v", trial.Dropped)
			}
		})
	}
}

func TestRewrite(t *testing.T) {
	t.Parallel()
	n := netlabtest.Up(t)
	for _, p := range hooks.Places {
		t.Run(p.Name, func(t *testing.T) {
			trial := try(t, n, hooks.Order{Verb: hooks.Rewrite, At: p.Name})
			at := trial.Stop(p.Name)
			cgroup := strings.HasPrefix(p.Name, "cgroup") || p.Name == "socket"
			if cgroup != (at.Refused != 0) {
				t.Fatalf("%s: %v", at.Refused, at.Log)
			}
			foretold(t, trial)
			service := hooks.Service
			if cgroup { // such a program may not write
				service = 0
				if said := strings.Join(at.Log, "\n"); !strings.Contains(said, "cannot use helper") && !strings.Contains(said, "unknown func") { // the second before Linux 6.12
					t.Error(said)
				}
			}
			if !arrived(trial) || trial.Service != service {
				t.Errorf("type of service %#x: %s", trial.Service, trial.Received.Strace())
			}
			onCable := 0 // what is written on the server's host was not there yet
			if p.Host == netlab.Client {
				onCable = service
			}
			if trial.Cable == nil || trial.Cable.Layer("IPv4").Field("DSCP").Value != fmt.Sprint(onCable>>2) {
				t.Errorf("on the cable, where the type of service is to be %#x: %+v", onCable, trial.Cable)
			}
		})
	}
}

// foretold checks what a user who may load no program is told that root gets to see.
func foretold(t *testing.T, trial *hooks.Trial) {
	t.Helper()
	at := trial.Stop(trial.At)
	said := (&hooks.DeniedError{Place: at.Place, Verb: trial.Verb, Errno: unix.EPERM}).Error()
	if strings.Contains(said, "the verifier refuses") != (at.Refused != 0) {
		t.Errorf("the verifier says %s, and without root it says: %s", at.Refused, said)
	}
}

func TestRedirect(t *testing.T) {
	t.Parallel()
	n := netlabtest.Up(t)
	for _, p := range hooks.Places {
		t.Run(p.Name, func(t *testing.T) {
			trial := try(t, n, hooks.Order{Verb: hooks.Redirect, At: p.Name})
			foretold(t, trial)
			if trial.Stop(p.Name).Refused != 0 {
				if !arrived(trial) || len(trial.Aside) != 0 {
					t.Errorf("%v, %s", trial.Aside, trial.Received.Strace())
				}
				return
			}
			if !slices.Equal(trial.Aside, []int{47}) || arrived(trial) || trial.Sent.Ret != 5 {
				t.Errorf("%v, %s, %s", trial.Aside, trial.Sent.Strace(), trial.Received.Strace())
			}
			if onCable := p.Host == netlab.Server; onCable != (trial.Cable != nil) {
				t.Errorf("on the cable: %v", trial.Cable)
			}
			if got := trial.Moved[netlab.Server]["Udp.InDatagrams"]; got != 0 {
				t.Errorf("the server's kernel has delivered %d", got)
			}
		})
	}
}

// A program that reads without looking how long the packet is: the verifier says where.
func TestUnchecked(t *testing.T) {
	t.Parallel()
	n := netlabtest.Up(t)
	trial := try(t, n, hooks.Order{Verb: hooks.Watch, At: "xdp", Unchecked: true})
	at := trial.Stop("xdp")
	if at.Refused != unix.EACCES || !strings.Contains(strings.Join(at.Log, "\n"), "invalid access to packet, off=36 size=2") {
		t.Errorf("%s: %v", at.Refused, at.Log)
	}
	if at.Packets != 0 || !arrived(trial) {
		t.Error("a program that was refused has seen something")
	}
}

// In both modes of XDP a program sees the packet, and can do the same with it. Where a
// packet was dropped tells who has called it: the driver, or the stack.
func TestXDPModes(t *testing.T) {
	t.Parallel()
	n := netlabtest.Up(t)
	for mode, function := range map[string]string{"native": "veth", "generic": "do_xdp_generic"} {
		for _, v := range []hooks.Verb{hooks.Drop, hooks.Rewrite} {
			t.Run(mode+"/"+string(v), func(t *testing.T) {
				trial := try(t, n, hooks.Order{Verb: v, At: "xdp", Generic: mode == "generic"})
				at := trial.Stop("xdp")
				if at.XDP != mode || at.Packets != 1 || at.Length != 47 {
					t.Errorf("%+v", at)
				}
				if v == hooks.Rewrite && trial.Service != hooks.Service || arrived(trial) != (v == hooks.Rewrite) {
					t.Errorf("type of service %#x, %s", trial.Service, trial.Received.Strace())
				}
				if d := trial.Dropped; v == hooks.Drop && (d == nil || !strings.HasPrefix(d.Function, function)) {
					t.Errorf("dropped: %+v", d)
				}
			})
		}
	}
}
