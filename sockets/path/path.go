package path

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Path is the way of one call through the kernel, as far as it was seen.
type Path struct {
	Call     string    `json:"call"`               // as strace(1) prints it
	Kernel   string    `json:"kernel"`             // the release of the kernel that it ran on
	Made     time.Time `json:"made"`               // when
	Source   string    `json:"source"`             // what has shown it
	Table    string    `json:"table"`              // the version of the kernel whose source files are named
	Missing  []string  `json:"missing,omitempty"`  // events that this kernel does not have
	TookNS   int64     `json:"took_ns,omitempty"`  // how long the call lasted while its stacks were written
	Timed    string    `json:"timed,omitempty"`    // where the times of the hits come from; empty: they have none
	PlainNS  int64     `json:"plain_ns,omitempty"` // how long the call lasted in the pass that gave the times
	Every    string    `json:"every,omitempty"`    // the tracer by which every function has told, once for each time that it was called; empty: tracepoints have
	OnNS     int64     `json:"on_ns,omitempty"`    // how long it took to have every function tell
	Probed   *Probed   `json:"probed,omitempty"`   // what a program at the functions has seen; nil: there was none
	Unprobed string    `json:"unprobed,omitempty"` // why there was none
	Visits   []Visit   `json:"visits"`             // the functions, in the order in which the call came to them
}

// A Visit is a function that the call went through.
type Visit struct {
	Function string   `json:"function"`
	File     string   `json:"file,omitempty"`    // that defines it; empty: the table does not have it
	Layer    Layer    `json:"layer,omitempty"`   // of that file; empty: of the network's none
	Takes    []string `json:"takes,omitempty"`   // its parameters, as C declares them, by the types of the running kernel; empty: it has none, or they are not told
	SkBuff   *SkBuff  `json:"sk_buff,omitempty"` // what the packet said that it was given, as it was entered; nil: it takes none, or has not told
	Depth    int      `json:"depth"`             // how many functions were active around it
	Up       bool     `json:"up,omitempty"`      // on the way up to a receiver, in a softirq
	Packet   int      `json:"packet,omitempty"`  // the packet that it handles, from 1; 0: none yet, or none
	Softirq  bool     `json:"softirq,omitempty"` // it ran in a softirq, and else as the process that made the call
	CPU      int      `json:"cpu"`
	Hits     []Hit    `json:"hits,omitempty"`   // tracepoints inside of it, in their order
	OwnNS    int64    `json:"own_ns,omitempty"` // how long it ran, without what it called; 0: that was not told
}

// A Hit is a tracepoint that was passed.
type Hit struct {
	Number int    `json:"number"`           // in the order in which they were passed, from 1
	Event  string `json:"event"`            // net_dev_queue
	Packet int    `json:"packet,omitempty"` // the packet that it is about
	Len    int    `json:"len,omitempty"`    // bytes in the sk_buff, or that were sent, received or copied
	Says   string `json:"says,omitempty"`   // what else it tells: TCP_CLOSE -> TCP_SYN_SENT
	// Before are the bytes in front of the network's and of the transport's header: where
	// the sk_buff's data begins the offset is 0. Only net_dev_start_xmit tells them.
	Network   int   `json:"network,omitempty"`
	Transport int   `json:"transport,omitempty"`
	AfterNS   int64 `json:"after_ns,omitempty"` // since the call was entered, in the pass that gave the times
}

// allocation is the event of memory that is got from a cache of structures.
const allocation = "kmem_cache_alloc"

// waking is the event of a thread that slept, and is to run again.
const waking = "sched_waking"

// copied is the event of bytes that a reader gets out of a packet that has come.
const copied = "skb_copy_datagram_iovec"

// drop is the event of an sk_buff that is freed before it was used up. Unspecified is its
// reason where the kernel has none: mostly nothing is lost then.
const (
	drop        = "kfree_skb"
	Unspecified = "NOT_SPECIFIED"
)

// Dropped reports whether a packet was thrown away, for a reason that the kernel names.
func (h Hit) Dropped() bool { return h.Event == drop && h.Says != Unspecified }

// hit is what a record says.
func hit(r followed) Hit {
	h := Hit{Event: r.event, Packet: r.number}
	number := func(key string) int {
		n, _ := strconv.Atoi(r.field(key))
		return n
	}
	h.Len = number("len")
	switch r.event {
	case "net_dev_start_xmit":
		h.Network = number("network_offset")
		if number("transport_offset_valid") == 1 {
			h.Transport = number("transport_offset")
		}
		h.Says = r.field("dev")
	case "net_dev_queue", "netif_rx", "netif_receive_skb":
		h.Says = r.field("dev")
	case "inet_sock_set_state":
		h.Says = r.field("oldstate") + " -> " + r.field("newstate")
	case "tcp_probe":
		h.Len = number("data_len")
	case drop:
		h.Says = r.reason()
	case "sk_data_ready":
		h.Says = r.field("func")
	case waking:
		h.Says = r.woken()
	case allocation:
		h.Says, h.Len = r.field("name"), number("bytes_req")
	case "sock_send_length", "sock_recv_length":
		h.Len = r.length()
	}
	return h
}

// visits puts the functions of all stacks into the order in which the call came to them.
// What two stacks that follow each other have in common was not left in between. entered are
// those that have told of their sk_buffs.
func visits(all []followed, entered []entry) []Visit {
	var made []Visit
	var before []string
	last := time.Duration(0) // when the record before was written
	var at []int             // the visit of each function of before
	for n, r := range all {
		if len(r.stack) == 0 { // it was lost
			continue
		}
		same := 0
		for same < len(before) && same < len(r.stack) && before[same] == r.stack[same] {
			same++
		}
		at = at[:same]
		arrives := r.arrives(same)
		said := active(entered, r.stack[same:], last, r.at)
		last = r.at
		for depth := same; depth < len(r.stack); depth++ {
			v := Visit{Function: r.stack[depth], Depth: depth, Up: r.up() || depth < arrives, Packet: r.number, CPU: r.cpu, Softirq: r.softirq(depth), SkBuff: said[depth-same]}
			at = append(at, len(made))
			made = append(made, v)
		}
		if len(at) > 0 {
			v := &made[at[len(at)-1]]
			h := hit(r)
			h.Number = n + 1
			v.Hits = append(v.Hits, h)
		}
		before = r.stack
	}
	name(made)
	return made
}

// up reports whether a record is of a packet on its way to a receiver. What a softirq does
// is, but for the answer that it sends.
func (r followed) up() bool {
	switch r.event {
	case "net_dev_queue", "net_dev_start_xmit", "netif_rx", "qdisc_enqueue", "qdisc_dequeue", "tcp_retransmit_skb":
		return false
	case "netif_receive_skb", "sk_data_ready", "tcp_probe", "tcp_receive_reset":
		return true
	}
	return r.soft || r.has(softirqs...) || r.has(backlog)
}

// backlog is the function in which a process works off the packets that have come while it
// had the socket locked.
const backlog = "__release_sock"

// arrives returns how many functions of a record's stack still take a packet in that has
// arrived, although the record is of an answer that goes down. same of them were active
// before.
func (r followed) arrives(same int) int {
	for depth := len(r.stack) - 1; depth >= same; depth-- {
		f := r.stack[depth]
		if r.softirq(depth) && (strings.Contains(f, "_rcv") || strings.Contains(f, "deliver")) {
			return depth + 1
		}
	}
	return 0
}

// softirq reports whether a function of a record's stack ran in a softirq: it stands below
// the one that works them off.
func (r followed) softirq(depth int) bool {
	return slices.ContainsFunc(r.stack[:depth+1], func(f string) bool { return slices.Contains(softirqs, f) })
}

// Find returns the first hit of an event, with the function that it was in, or nil.
func (p *Path) Find(event string) (*Hit, *Visit) {
	var hit *Hit
	var in *Visit
	for i := range p.Visits {
		for k := range p.Visits[i].Hits {
			if h := &p.Visits[i].Hits[k]; h.Event == event && (hit == nil || h.Number < hit.Number) {
				hit, in = h, &p.Visits[i]
			}
		}
	}
	return hit, in
}

// Protocol is that of the transport layer by which the call goes down: TCP, UDP, or ICMP of a
// ping socket. It is empty where no function of theirs was seen.
func (p *Path) Protocol() string {
	for _, v := range p.Visits {
		if v.Packet > 1 || v.Up {
			continue
		}
		for beginning, name := range map[string]string{"tcp_": "TCP", "udp_": "UDP", "udpv6_": "UDP", "ping_": "ICMP"} {
			if strings.HasPrefix(strings.TrimLeft(v.Function, "_"), beginning) {
				return name
			}
		}
	}
	return ""
}

// Given reports whether a program gives bytes to a socket in the call, and how many, as far
// as a tracepoint tells: what the call took, or where the kernel does not have that event, what
// has come with packet 1. 0: none tells.
func (p *Path) Given() (bytes int, given bool) {
	if taken, _ := p.Find("sock_send_length"); taken != nil {
		return taken.Len, true
	}
	if !slices.ContainsFunc(p.Visits, func(v Visit) bool { return strings.Contains(v.Function, "_sendmsg") }) {
		return 0, false
	}
	if came, _ := p.Find("tcp_probe"); came != nil && came.Packet == 1 {
		return came.Len, true
	}
	return 0, true
}

// Grown returns what the sk_buff of the first packet said on its way down to the driver, one
// after the other, each that differs from the one before. It is empty where no function has
// told.
func (p *Path) Grown() (all []SkBuff) {
	for _, v := range p.Visits {
		if v.Packet != 1 || v.Up {
			continue
		}
		if v.SkBuff != nil && (len(all) == 0 || all[len(all)-1] != *v.SkBuff) {
			all = append(all, *v.SkBuff)
		}
		if slices.ContainsFunc(v.Hits, func(h Hit) bool { return h.Event == "net_dev_start_xmit" }) {
			break
		}
	}
	return all
}

// Told returns how many functions have told of their sk_buffs, each counted once.
func (p *Path) Told() int {
	seen := make(map[string]bool)
	for _, v := range p.Visits {
		if v.SkBuff != nil {
			seen[v.Function] = true
		}
	}
	return len(seen)
}

// Tracepoints returns how many of the kernel's tracepoints have seen the call, each counted
// once.
func (p *Path) Tracepoints() int {
	seen := make(map[string]bool)
	for _, v := range p.Visits {
		for _, h := range v.Hits {
			seen[h.Event] = true
		}
	}
	return len(seen)
}

// Function returns the first visit of a function, or nil.
func (p *Path) Function(name string) *Visit {
	i := slices.IndexFunc(p.Visits, func(v Visit) bool { return v.Function == name })
	if i < 0 {
		return nil
	}
	return &p.Visits[i]
}
