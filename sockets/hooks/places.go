package hooks

import (
	"fmt"
	"slices"

	"fd3/sockets/netlab"
)

// A Place is one on a packet's way where a rule or a program can be put.
type Place struct {
	Name     string // as fd3 hooks --at has it
	Host     string // client: on the way out; server: on the way in
	Layer    string // whose work it interrupts
	Function string // of the kernel, which asks whoever sits there
}

// The layers of a host, from the program's down.
const (
	Socket = "socket"
	IP     = "IP"
	Device = "device"
)

// Places are all of them, in the order in which a datagram comes by.
var Places = []Place{
	{"output", netlab.Client, IP, "__ip_local_out"},
	{"postrouting", netlab.Client, IP, "ip_output"},
	{"cgroup-egress", netlab.Client, IP, "ip_finish_output"},
	{"netdev-egress", netlab.Client, Device, "nf_hook_egress"},
	{"tc-egress", netlab.Client, Device, "sch_handle_egress"},
	{"xdp", netlab.Server, Device, "bpf_prog_run_xdp"},
	{"tc-ingress", netlab.Server, Device, "sch_handle_ingress"},
	{"netdev-ingress", netlab.Server, Device, "nf_ingress"},
	{"prerouting", netlab.Server, IP, "ip_rcv"},
	{"input", netlab.Server, IP, "ip_local_deliver"},
	{"cgroup-ingress", netlab.Server, Socket, "sk_filter_trim_cap"},
	{"socket", netlab.Server, Socket, "sk_filter_trim_cap"},
}

// Sockops is none of the places on a packet's way: a program there is called at moments of a
// connection, on either host (Connect).
var Sockops = Place{Name: "sockops", Layer: Socket, Function: "tcp_call_bpf"}

// At returns the Place of a name, or nil.
func At(name string) *Place {
	if name == Sockops.Name {
		return &Sockops
	}
	if i := slices.IndexFunc(Places, func(p Place) bool { return p.Name == name }); i >= 0 {
		return &Places[i]
	}
	return nil
}

// A Verb is what is done to the packet at a place.
type Verb string

// The verbs.
const (
	Watch    Verb = "watch"    // count it, and let it pass
	Drop     Verb = "drop"     // throw it away
	Rewrite  Verb = "rewrite"  // give its IP header another type of service
	Redirect Verb = "redirect" // send it out of another interface
)

// Verbs are all of them.
var Verbs = []Verb{Watch, Drop, Rewrite, Redirect}

// Service is the type of service that Rewrite writes: DSCP 46, expedited forwarding (RFC
// 3246).
const Service = 0xb8

// Means are what is put at a place.
type Means string

// The means.
const (
	EBPF     Means = "eBPF"
	NFTables Means = "nftables"
	Classic  Means = "classic BPF"
)

// means returns what can be put at a place, the one that tells most first.
func (p Place) means() []Means {
	switch p.Name {
	case "cgroup-egress", "cgroup-ingress", "xdp", "sockops":
		return []Means{EBPF}
	case "tc-egress", "tc-ingress", "socket":
		return []Means{EBPF, Classic}
	}
	return []Means{NFTables}
}

// refuses reports whether the kernel's verifier takes no eBPF program for it: those of a
// cgroup and of a socket have no helper that writes into a packet, or redirects it
// (bpf-helpers(7)). What Rewrite does at sockops is something else.
func (p Place) refuses(v Verb) bool {
	passive := p.Name == "cgroup-egress" || p.Name == "cgroup-ingress" || p.Name == "socket"
	return passive && (v == Rewrite || v == Redirect) || p == Sockops && v == Redirect
}

// can reports whether there are means that do it at a place. What an eBPF program may do,
// the kernel's verifier says.
func (p Place) can(m Means, v Verb) bool {
	switch m {
	case NFTables:
		return v != Redirect || p.Layer == Device
	case Classic:
		return v == Watch || v == Drop
	}
	return true
}

// unable says why means cannot do it at a place, where that is known without the kernel;
// "": they can, or the kernel says.
func (p Place) unable(m Means, v Verb, unchecked bool) string {
	switch {
	case !p.can(m, v):
		return fmt.Sprintf("%s cannot %s a packet at %s", m, v, p.Name)
	case unchecked && m != EBPF:
		return fmt.Sprintf("%s has no check that could be left out", m)
	case unchecked && contexts[p.Name].end == 0:
		return fmt.Sprintf("a program at %s reads no byte of a packet itself: it has no check that could be left out", p.Name)
	}
	return ""
}
