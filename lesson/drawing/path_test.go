package drawing

import (
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"fd3/sockets/path"
)

// sent is a send on loopback, shortened.
var sent = path.Path{Visits: []path.Visit{
	{Function: "do_syscall_64", File: "arch/x86/entry/common.c", Layer: path.SystemCall},
	{Function: "__sys_sendto", File: "net/socket.c", Layer: path.Sockets, Hits: []path.Hit{{Number: 6, Event: "sock_send_length", Len: 5, AfterNS: 28000}}},
	{Function: "tcp_sendmsg", File: "net/ipv4/tcp.c", Layer: path.Transport, Packet: 1, Takes: []string{"struct sock *sk", "struct msghdr *msg", "size_t size"}},
	{Function: "security_sock_rcv_skb", File: "security/security.c", Packet: 1},
	{Function: "newer_function", Packet: 1},
	{Function: "dev_hard_start_xmit", File: "net/core/dev.c", Layer: path.Device, Packet: 1, Hits: []path.Hit{{Number: 1, Event: "net_dev_start_xmit", Packet: 1, Len: 71, Network: 14, Transport: 34, AfterNS: 11000}}},
	{Function: "loopback_xmit", File: "drivers/net/loopback.c", Layer: path.Driver, Packet: 1},
	{Function: "handle_softirqs", File: "kernel/softirq.c", Layer: path.Softirq, Packet: 1, Up: true, Softirq: true},
	{Function: "__netif_receive_skb_core", File: "net/core/dev.c", Layer: path.Device, Packet: 1, Up: true, Softirq: true, Hits: []path.Hit{{Number: 2, Event: "netif_receive_skb", Packet: 1, Len: 57, Says: "lo"}}},
	{Function: "tcp_v4_rcv", File: "net/ipv4/tcp_ipv4.c", Layer: path.Transport, Packet: 1, Up: true, Softirq: true},
	{Function: "sock_def_readable", File: "net/core/sock.c", Layer: path.Sockets, Packet: 1, Up: true, Softirq: true, Hits: []path.Hit{{Number: 3, Event: "sk_data_ready", Packet: 1, Says: "sock_def_readable"}}},
	{Function: "__tcp_transmit_skb", File: "net/ipv4/tcp_output.c", Layer: path.Transport, Packet: 2, Softirq: true, Hits: []path.Hit{{Number: 4, Event: "net_dev_queue", Packet: 2, Len: 66, Says: "lo"}}},
}}

func pathLines(all [][]Span) []string {
	var text []string
	for _, spans := range all {
		line := ""
		for _, s := range spans {
			line += s.Text
		}
		text = append(text, line)
	}
	return text
}

// Down stands at the left and up at the right, in the order of the layers; what is in no
// layer stands below, and nothing is lost at any width.
func TestPath(t *testing.T) {
	for columns := Narrowest; columns <= 130; columns += 7 {
		for _, ascii := range []bool{false, true} {
			all := pathLines(NewPath(sent).Cells(Room{Columns: columns}, ascii))
			joined := strings.Join(all, "\n")
			squeezed := strings.NewReplacer("│", "", "|", "", " ", "", "\n", "", "\u00a0", "").Replace(joined)
			for _, line := range all {
				if ansi.StringWidth(line) > columns {
					t.Errorf("%d columns: %q has %d", columns, line, ansi.StringWidth(line))
				}
				if ascii && strings.ContainsFunc(line, func(r rune) bool { return r > 0x7e }) {
					t.Errorf("not ASCII: %q", line)
				}
			}
			for _, want := range []string{"loopback_xmit", "tcp_v4_rcv", "71=14", "thereader", "Packet2", "sock"} {
				if !strings.Contains(squeezed, want) && columns >= 50 {
					t.Fatalf("%d columns: no %q in\n%s", columns, want, joined)
				}
			}
		}
	}
	all := pathLines(NewPath(sent).Cells(Room{Columns: 80}, false))
	at := func(text string) (row, column int) {
		for y, line := range all {
			if i := strings.Index(line, text); i >= 0 && !strings.Contains(line, "▼") {
				return y, ansi.StringWidth(line[:i])
			}
		}
		t.Fatalf("no %q", text)
		return 0, 0
	}
	_, left := at("tcp_sendmsg")
	_, right := at("tcp_v4_rcv")
	if left >= right {
		t.Errorf("down at column %d, up at %d", left, right)
	}
	last := -1
	for _, band := range []string{"system call", "socket", "TCP, UDP", "device", "driver", "softirq", "elsewhere"} {
		row, _ := at(band)
		if row <= last {
			t.Errorf("%s in row %d", band, row)
		}
		last = row
	}
	if row, _ := at("newer_function ?"); row <= last-1 {
		t.Errorf("a function that is not in the table stands in row %d", row)
	}
}

// The bytes of the sk_buff that a function was given stand at the other edge of its column.
func TestPathBytes(t *testing.T) {
	told := sent
	told.Visits = slices.Clone(sent.Visits)
	told.Visits[5].SkBuff, told.Visits[6].SkBuff, told.Visits[9].SkBuff = &path.SkBuff{Len: 71}, &path.SkBuff{Len: 1234571}, &path.SkBuff{}
	for columns := Narrowest; columns <= 130; columns += 7 {
		all := pathLines(NewPath(told).Cells(Room{Columns: columns}, false))
		for _, want := range []string{" 71 B │", " 1234571 B │", " 0 B │"} {
			if !strings.Contains(strings.Join(all, "\n"), want) {
				t.Fatalf("%d columns: no %q in\n%s", columns, want, strings.Join(all, "\n"))
			}
		}
		for _, line := range all {
			if ansi.StringWidth(line) > columns {
				t.Errorf("%d columns: %q has %d", columns, line, ansi.StringWidth(line))
			}
		}
	}
	if text := strings.Join(NewPath(told).Sentences(), "\n"); !strings.Contains(text, "6 dev_hard_start_xmit (entered with 71 bytes; 71 = 14") {
		t.Error(text)
	}
}

func TestPathSentences(t *testing.T) {
	text := strings.Join(NewPath(sent).Sentences(), "\n")
	for _, want := range []string{
		"Packet 1, 71 bytes when it leaves.",
		"Down, socket: 2 __sys_sendto (5 bytes taken: done +28 us).",
		"Up, device: 9 __netif_receive_skb_core (57 bytes from lo).",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if down, up := strings.Index(text, "Up, softirq"), strings.Index(text, "Up, socket"); down < 0 || up < down {
		t.Errorf("up does not begin below:\n%s", text)
	}
}

func TestPathSVG(t *testing.T) {
	svg := NewPath(sent).SVG(Room{Columns: 84})
	for _, want := range []string{"<svg", "loopback_xmit", "tcp_v4_rcv"} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %q in %s", want, svg)
		}
	}
}

// Of a way that every function has told only the layers are drawn: how many functions, and
// who has run them.
func TestPathFolded(t *testing.T) {
	every := path.Path{Every: "function_graph", Visits: []path.Visit{
		{Function: "vfs_write", Layer: path.SystemCall, OwnNS: 2000},
		{Function: "tcp_sendmsg", Layer: path.Transport, OwnNS: 1500},
		{Function: "tcp_sendmsg", Layer: path.Transport, OwnNS: 1500},
		{Function: "tcp_v4_rcv", Layer: path.Transport, Softirq: true, OwnNS: 4000},
		{Function: "kfree"},
	}}
	for _, columns := range []int{50, 80} {
		text := strings.Join(pathLines(NewPath(every).Cells(Room{Columns: columns}, false)), "\n")
		for _, want := range []string{"system call", "1 function ", "2 calls, 3 µs", "1 call, 4 µs", "in a softirq", "elsewhere"} {
			if !strings.Contains(text, want) {
				t.Errorf("%d columns: no %q in\n%s", columns, want, text)
			}
		}
		for _, wrong := range []string{"tcp_v4_rcv", "down", " up", " 0 "} {
			if strings.Contains(text, wrong) {
				t.Errorf("%d columns: %q in\n%s", columns, wrong, text)
			}
		}
	}
	sentences := strings.Join(NewPath(every).Sentences(), " ")
	if want := "In a softirq, TCP, UDP: 1 function (1 call, 4 us)."; !strings.Contains(sentences, want) {
		t.Errorf("no %q in %s", want, sentences)
	}
}
