package path

import (
	_ "embed"
	"iter"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
)

// functions is made by scripts/functions from a kernel's source: its version; the files, a
// line each; an empty line; and the functions in their order, each with the number of the
// file that defines it, from 0.
//
//go:embed functions.txt
var functions string

// A Table says which source file defines a function.
type Table struct {
	Version string // of the kernel whose source it is
	files   []string
	names   string // the functions, as the text has them
}

// Functions returns the table that is built in. Another kernel may have a function in
// another file, and has some that the table does not know.
var Functions = sync.OnceValue(func() Table {
	head, names, _ := strings.Cut(functions, "\n\n")
	version, files, _ := strings.Cut(head, "\n")
	return Table{version, strings.Split(files, "\n"), names}
})

// File returns the source file that defines a function, or "" where the table does not
// have it, or knows it of another architecture alone. It is looked up where it stands, as by
// look(1): to read the whole table takes longer than a call's way.
func (t Table) File(function string) string {
	// line is the one that a place is in, or ends.
	line := func(at int) (name, number string) {
		begin := strings.LastIndexByte(t.names[:at], '\n') + 1
		text, _, _ := strings.Cut(t.names[begin:], "\n")
		name, number, _ = strings.Cut(text, " ")
		return name, number
	}
	at := sort.Search(len(t.names), func(at int) bool {
		name, _ := line(at)
		return name >= function
	})
	name, number := line(at)
	n, err := strconv.Atoi(number)
	if name != function || err != nil || n >= len(t.files) {
		return ""
	}
	if file := t.files[n]; !strings.HasPrefix(file, "arch/") || strings.HasPrefix(file, "arch/"+arches[runtime.GOARCH]+"/") {
		return file
	}
	return ""
}

// layers are all functions of the table, each with its layer.
func (t Table) layers() iter.Seq2[string, Layer] {
	of := make([]Layer, len(t.files))
	for i, file := range t.files {
		of[i] = LayerOf(file)
	}
	return func(yield func(string, Layer) bool) {
		for line := range strings.Lines(t.names) {
			name, number, _ := strings.Cut(strings.TrimSpace(line), " ")
			if n, err := strconv.Atoi(number); err == nil && n < len(of) && !yield(name, of[n]) {
				return
			}
		}
	}
}

// arches are the kernel's names of the architectures.
var arches = map[string]string{"amd64": "x86", "arm64": "arm64"}

// A Layer is a part of the kernel's source with one task.
type Layer string

// The layers, from the system call down to the device.
const (
	SystemCall Layer = "system call"
	Sockets    Layer = "socket"
	Transport  Layer = "TCP, UDP"
	Internet   Layer = "IP"
	Neighbour  Layer = "neighbour"
	Traffic    Layer = "traffic control"
	Device     Layer = "device"
	Driver     Layer = "driver"
	Softirq    Layer = "softirq"
)

// Layers are all layers, from the highest to the lowest.
var Layers = []Layer{SystemCall, Sockets, Transport, Internet, Neighbour, Traffic, Device, Driver, Softirq}

// places say which layer a source file belongs to, by the beginning of its name. The first
// that fits holds.
var places = []struct {
	file  string
	layer Layer
}{
	{"arch/", SystemCall}, {"kernel/entry/", SystemCall}, {"fs/", SystemCall}, {"io_uring/", SystemCall},
	{"kernel/softirq.c", Softirq},
	{"drivers/net/", Driver},
	{"net/sched/", Traffic}, {"net/core/gen_estimator.c", Traffic},
	{"net/core/neighbour.c", Neighbour}, {"net/ipv4/arp.c", Neighbour}, {"net/ipv6/ndisc.c", Neighbour}, {"include/net/neighbour.h", Neighbour}, {"include/net/arp.h", Neighbour},
	{"net/core/dev", Device}, {"net/core/gro", Device}, {"net/core/gso", Device}, {"net/ethernet/", Device}, {"net/core/link_watch.c", Device},
	{"net/ipv4/tcp", Transport}, {"net/ipv4/udp", Transport}, {"net/ipv6/tcp", Transport}, {"net/ipv6/udp", Transport},
	{"net/ipv4/inet_connection_sock.c", Transport}, {"net/ipv4/inet_hashtables.c", Transport}, {"net/ipv6/inet6_connection_sock.c", Transport}, {"net/ipv4/inet_timewait_sock.c", Transport}, {"net/mptcp/", Transport},
	{"net/ipv4/af_inet.c", Sockets}, {"net/ipv6/af_inet6.c", Sockets}, {"net/ipv4/ping.c", Transport}, {"net/ipv4/raw.c", Transport}, {"net/ipv4/icmp.c", Internet},
	{"net/ipv4/", Internet}, {"net/ipv6/", Internet}, {"net/netfilter/", Internet}, {"include/net/ip", Internet}, {"include/net/dst.h", Internet}, {"net/core/dst.c", Internet},
	{"net/socket.c", Sockets}, {"net/core/", Sockets}, {"net/packet/", Sockets}, {"net/unix/", Sockets}, {"include/net/sock.h", Sockets}, {"net/", Sockets},
}

// LayerOf returns the layer that a source file belongs to, or "" where it is none of the
// network's: memory, time, security.
func LayerOf(file string) Layer {
	for _, p := range places {
		if strings.HasPrefix(file, p.file) {
			return p.layer
		}
	}
	return ""
}
