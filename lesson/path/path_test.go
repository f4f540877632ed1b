package path

import (
	"slices"
	"strings"
	"testing"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/path"
)

// told is what a Narrator tells of a way, with every value known.
func told(t *testing.T, p path.Path, call sockets.Call) string {
	t.Helper()
	var text strings.Builder
	n := Narrator{Step: "send", Who: "client", Explain: lesson.Full, Functions: true,
		Show:     func(e lesson.Event) { text.WriteString(e.Title + e.Fact + " " + e.Value + " " + e.Text + "\n") },
		Complain: func(err error) { t.Error(err) }}
	n.Before()
	n.Saw(p, call)
	return strings.Join(strings.Fields(text.String()), " ")
}

var way = path.Path{Kernel: "6.18.1", Table: "6.12.117", TookNS: 100000, Visits: []path.Visit{
	{Function: "__sys_sendto", File: "net/socket.c", Layer: path.Sockets, Takes: []string{"int fd", "void *buff"}, Hits: []path.Hit{{Number: 3, Event: "sock_send_length", Len: 5}}},
	{Function: "tcp_sendmsg", File: "net/ipv4/tcp.c", Layer: path.Transport, Packet: 1},
	{Function: "newer_function", Packet: 1},
	{Function: "dev_hard_start_xmit", File: "net/core/dev.c", Layer: path.Device, Packet: 1, Hits: []path.Hit{{Number: 1, Event: "net_dev_start_xmit", Packet: 1, Len: 71, Network: 14, Transport: 34, Says: "lo"}}},
	{Function: "__netif_receive_skb_core", File: "net/core/dev.c", Layer: path.Device, Packet: 1, Up: true, Softirq: true, Hits: []path.Hit{{Number: 2, Event: "netif_receive_skb", Packet: 1, Len: 57, Says: "lo"}}},
	{Function: "tcp_v4_rcv", File: "net/ipv4/tcp_ipv4.c", Layer: path.Transport, Packet: 1, Up: true, Softirq: true, Hits: []path.Hit{{Number: 4, Event: "kfree_skb", Packet: 1, Says: "NO_SOCKET"}}},
	{Function: "__tcp_transmit_skb", File: "net/ipv4/tcp_output.c", Layer: path.Transport, Packet: 2, Softirq: true, Hits: []path.Hit{{Number: 5, Event: "net_dev_start_xmit", Packet: 2}}}, // passed once more
}}

// The words say what was seen, and no more.
func TestWords(t *testing.T) {
	returned := sockets.Call{Name: "sendto", Returned: true, Ret: 5}
	text := told(t, way, returned)
	for _, want := range []string{
		"way through send", "the client makes it. Meanwhile the kernel itself writes", "71 bytes when it leaves: 14 of the device's header, 20 of IP's, and 37", "the 5 bytes of the program",
		"arrived before the call returns", "Packet 2 is an answer", "thrown away in `tcp_v4_rcv`", "`NO_SOCKET`. No socket has this address and port. TCP answers with RST", "The program sees: `5`",
		"Seen by 4 tracepoints of Linux 6.18.1", "those of Linux 6.12.117", "not in the table of those files: newer", "took 100 µs", "__sys_sendto socket, takes (int fd, void *buff)", "what the kernel tells of its own types", "Finds the socket behind the descriptor, and makes a message",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	alone := way
	alone.Visits = way.Visits[:1]
	text = told(t, alone, returned)
	for _, wrong := range []string{"arrived", "answer", "thrown away", "newer_function", "bytes when it leaves"} {
		if strings.Contains(text, wrong) {
			t.Errorf("%q in\n%s", wrong, text)
		}
	}
	if text := told(t, path.Path{}, sockets.Call{Name: "accept4"}); !strings.Contains(text, "waits inside of the kernel") {
		t.Error(text)
	}
	if text := told(t, path.Path{}, returned); !strings.Contains(text, "None of this kernel's tracepoints") {
		t.Error(text)
	}
	for _, c := range []struct {
		visit path.Visit
		want  string
	}{
		{path.Visit{Function: "udp_sendmsg", Hits: []path.Hit{{Number: 9, Event: "sock_send_length", Len: 29}}}, "and 37 of UDP's with the 29 bytes of the program"},
		{path.Visit{Function: "udpv6_sendmsg"}, "and 37 of UDP's with the bytes of the program. How many"},
		{path.Visit{Function: "tcp_connect"}, "No byte of a program is in packet 1"},
		{path.Visit{Function: "tcp_sendmsg_locked"}, "How many these are, no tracepoint of Linux 6.1.2 tells on this way."},
		{path.Visit{Function: "tcp_sendmsg_locked", Hits: []path.Hit{{Number: 9, Event: "tcp_probe", Packet: 1, Len: 5}}}, "the 5 bytes of the program"},
	} {
		older := path.Path{Kernel: "6.1.2", Table: way.Table, Missing: []string{"sock:sock_send_length", "sock:sk_data_ready"}, Visits: []path.Visit{c.visit, way.Visits[3]}}
		text := strings.ReplaceAll(told(t, older, returned), `\_`, "_")
		for _, want := range []string{c.want, "Linux 6.1.2 does not have these tracepoints: sock:sock_send_length, sock:sk_data_ready."} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in\n%s", want, text)
			}
		}
	}
	held := told(t, way, sockets.Call{Name: "sendto"})
	if !strings.Contains(held, "its way so far") {
		t.Error(held)
	}
}

// Where functions have told of their sk_buffs the words say how it grew, by whom that was seen,
// and at what cost; and where they have not, why.
func TestWordsOfSkBuffs(t *testing.T) {
	returned := sockets.Call{Name: "sendto", Returned: true, Ret: 5}
	seen := way
	seen.Probed = &path.Probed{Functions: 1380, Entered: 68, Lost: 1, OnNS: 1e8, Unvisited: []string{"skb_put", "consume_skb"}}
	seen.Visits = slices.Clone(way.Visits)
	seen.Visits[2].SkBuff, seen.Visits[3].SkBuff = &path.SkBuff{Len: 5, Headroom: 256}, &path.SkBuff{Len: 71, Headroom: 190}
	text := told(t, seen, returned)
	for _, want := range []string{"more bytes on its way down: 5, 71.", "256 bytes at first and 190 in the end", "at 1380 functions of the network", "came to 68 of them within the call, and 2 of these stand here",
		"not drawn, since no tracepoint has told of them: 2 functions, skb\\_put, consume\\_skb.", "For 1 more of the entries the program had no room", "To put the program there took 100 ms", "entered with 71 bytes, and room for 190 in front of them"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	seen.Visits[3].SkBuff = &path.SkBuff{Len: 71, Headroom: 10} // in other memory
	if text := told(t, seen, returned); strings.Contains(text, "on its way down: 5") {
		t.Error(text)
	}
	none := path.Path{Kernel: "6.12.117", Table: "6.12.117", Probed: &path.Probed{Functions: 1380}, Visits: way.Visits[:1]}
	if text := told(t, none, returned); !strings.Contains(text, "came to 0 of them within the call, and none of these") || strings.Contains(text, "Behind a function") {
		t.Error(text)
	}
	none.Probed, none.Unprobed = nil, path.NoMulti
	if text := told(t, none, returned); strings.Contains(text, "many functions at once") {
		t.Error(text)
	}
	for why, want := range map[string]string{path.NoMulti: "Linux 6.18.1 cannot put a program at many functions at once", "bpf(2) for kprobe.multi says EPERM": "not told here: bpf(2) for kprobe.multi says EPERM. So only tracepoints tell"} {
		unseen := way
		unseen.Unprobed = why
		if text := told(t, unseen, returned); !strings.Contains(text, want) || strings.Contains(text, "stand here") {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// A call that has not returned has told its program nothing, whatever was thrown away.
func TestWordsOfADropMeanwhile(t *testing.T) {
	text := told(t, way, sockets.Call{Name: "sendto"})
	if !strings.Contains(text, "The call has not returned, so the program sees nothing yet.") || strings.Contains(text, "The program sees:") {
		t.Error(text)
	}
}

// The words are true of a drawing, of sentences, of a narrow screen, and of a call that has
// no way up; and for a difference of times they blame no one thing.
func TestWordsOfAnyForm(t *testing.T) {
	timed := way
	timed.Visits = way.Visits[:1]
	text := told(t, timed, sockets.Call{Name: "sendto", Returned: true, Ret: 5})
	timed.Timed, timed.PlainNS = "without stacks", 9000
	text += told(t, timed, sockets.Call{Name: "sendto", Returned: true, Ret: 5})
	for _, wrong := range []string{"column", " left", "right ", "band", "1 tracepoints", "cost most"} {
		if strings.Contains(text, wrong) {
			t.Errorf("%q in\n%s", wrong, text)
		}
	}
	for _, want := range []string{"Seen by 1 tracepoint of", "While the kernel wrote the stacks it took 100 µs.", "without stacks, took 9 µs", "all else that ran meanwhile"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// A sentence is about a function that a kernel has, and says which manual page or RFC, if
// any, it stands for.
func TestSentences(t *testing.T) {
	all := Sentences()
	if len(all) < 60 {
		t.Errorf("%d functions", len(all))
	}
	entries := []string{"el0t_64_sync_handler", "__do_softirq"} // of arm64, and of older kernels
	cited := 0
	for name, sentence := range all {
		if strings.HasSuffix(sentence, ")") {
			cited++
		}
		if path.Functions().File(name) == "" && !strings.Contains(strings.Join(entries, " "), name) {
			t.Errorf("%s is in no file of Linux %s", name, path.Functions().Version)
		}
		if len(sentence) > 140 || !strings.HasSuffix(sentence, ".") && !strings.HasSuffix(sentence, ")") {
			t.Errorf("%s: %q", name, sentence)
		}
	}
	if cited < 60 {
		t.Errorf("%d functions with what they serve", cited)
	}
}

// Of a program's call everything is told that is told of a step's, and nothing of a stage.
func TestWordsOfProgram(t *testing.T) {
	var text strings.Builder
	n := Narrator{Step: "send", Who: "curl", PID: 7, Program: true, Explain: lesson.Full,
		Show: func(e lesson.Event) {
			if e.Process != "curl" || e.PID != 7 {
				t.Errorf("%+v", e)
			}
			text.WriteString(e.Text + e.Strace + e.Command + "\n")
		},
		Complain: func(err error) { t.Error(err) }}
	n.Before()
	n.Made(sockets.Call{Name: "sendto", FD: -1, Returned: true, Ret: 5})
	n.Saw(way, sockets.Call{Name: "sendto", Returned: true, Ret: 5})
	n.Never()
	for _, want := range []string{"One call of `curl`", "its first `send` for IPv4 or IPv6", "sendto(", "fd3 path recv -- COMMAND", "made no `send`"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}

// On a host of fd3 wire the way ends at the cable, and what lies there is told.
func TestWordsOfCable(t *testing.T) {
	p := path.Path{Kernel: "6.18.1", Table: "6.12.117", Visits: []path.Visit{
		{Function: "dev_hard_start_xmit", Layer: path.Device, Packet: 1, Hits: []path.Hit{{Number: 1, Event: "net_dev_start_xmit", Packet: 1, Len: 71, Network: 14, Transport: 34, Says: "net0"}}},
		{Function: "packet_rcv", Layer: path.Sockets, Packet: 1, Up: true, Softirq: true},
	}}
	for lies, want := range map[struct {
		lies   string
		number int
	}]string{
		{"SYN seq 0", 0}: "First on the cable lies now: SYN seq 0. When it passes",
		{"SYN seq 0", 7}: "Behind others on the cable lies now: SYN seq 0. When it passes",
		{}:               "Nothing of this connection lies on the cable now",
	} {
		text := ""
		n := Narrator{Step: "connect", Who: "client", Cable: true, Lies: lies.lies, Number: lies.number, Explain: lesson.Full, Show: func(e lesson.Event) { text += e.Text + "\n" }, Complain: func(err error) { t.Error(err) }}
		n.Saw(p, sockets.Call{Name: "connect"})
		text = strings.Join(strings.Fields(text), " ")
		if !strings.Contains(text, want) || !strings.Contains(text, "`packet_rcv` gives the frame to that one") {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// Where every function has told, the words say by which tracer and at what cost, and nothing
// of tracepoints.
func TestWordsOfEvery(t *testing.T) {
	every := path.Path{Kernel: "6.12.117", Table: "6.12.117", Every: "function_graph", OnNS: 2e8, TookNS: 1e6, Visits: []path.Visit{
		{Function: "vfs_write", File: "fs/read_write.c", Layer: path.SystemCall, OwnNS: 2000},
		{Function: "kfree", OwnNS: 1000},
		{Function: "vfs_write", File: "fs/read_write.c", Layer: path.SystemCall, OwnNS: 1000},
	}}
	tell := func(p path.Path) string {
		var text strings.Builder
		n := Narrator{Step: "send", Who: "nc", PID: 7, Program: true, All: true, Functions: true, Explain: lesson.Full,
			Show: func(e lesson.Event) {
				text.WriteString(e.Fact + " " + e.Value + " " + e.Text + e.Command + "\n")
			},
			Complain: func(err error) { t.Error(err) }}
		n.Before()
		n.Saw(p, sockets.Call{Name: "write", Returned: true, Ret: 5})
		return strings.Join(strings.Fields(text.String()), " ")
	}
	text := tell(every)
	for _, want := range []string{"each function of the kernel that the thread comes to", "the tracer `function_graph`", "2 functions, in 3 calls", "took 200 ms", "took 1 ms with it",
		"vfs_write system call, 2 calls, 3 µs", "kfree not in the table of functions, 1 call, 1 µs", "when it began", "fd3 path send -- COMMAND"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "tracepoint") || strings.Contains(text, "sends nothing") {
		t.Error(text)
	}
	every.Every, every.Visits = "function", every.Visits[1:2]
	every.Visits[0].OwnNS = 0
	if text := tell(every); !strings.Contains(text, "not for how long") || strings.Contains(text, "when it began") {
		t.Error(text)
	}
}

// Each word of the kernel's for a reason has a sentence, and a drop is told with it.
func TestDropsTold(t *testing.T) {
	for name, sentence := range reasons() {
		if strings.ToUpper(name) != name || !strings.HasSuffix(sentence, ".") {
			t.Errorf("%s: %q", name, sentence)
		}
	}
	var text strings.Builder
	n := Narrator{Explain: lesson.Full, Show: func(e lesson.Event) { text.WriteString(e.Fact + " " + e.Value + " " + e.Text + "\n") }}
	n.BeforeDrops(true)
	n.Drops([]path.Drop{{Reason: "NO_SOCKET", Function: "tcp_v4_rcv", File: "net/ipv4/tcp_ipv4.c", Count: 2}, {Reason: "OF_A_NEWER_KERNEL", Function: "f", Process: "nc", Count: 1}})
	for _, want := range []string{"while the program runs", "NO_SOCKET 2 packets, in tcp_v4_rcv (net/ipv4/tcp_ipv4.c) No socket has", "OF_A_NEWER_KERNEL 1 packet, in f, within a call of nc fd3 has no sentence for this reason."} {
		if !strings.Contains(text.String(), want) && !strings.Contains(strings.Join(strings.Fields(text.String()), " "), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}
