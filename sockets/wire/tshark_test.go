package wire

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// tsharkNames are tshark's names of our fields, by layer. A name that is not here has no
// counterpart of the same span there.
var tsharkNames = map[string]map[string]string{
	"Ethernet": {"destination address": "eth.dst", "source address": "eth.src", "type": "eth.type", "length": "eth.len"},
	"802.1Q":   {"priority code point": "vlan.priority", "drop eligible indicator": "vlan.dei", "VLAN identifier": "vlan.id", "type": "vlan.etype"},
	"ARP": {"hardware type": "arp.hw.type", "protocol type": "arp.proto.type", "hardware length": "arp.hw.size", "protocol length": "arp.proto.size",
		"operation": "arp.opcode", "sender hardware address": "arp.src.hw_mac", "sender protocol address": "arp.src.proto_ipv4",
		"target hardware address": "arp.dst.hw_mac", "target protocol address": "arp.dst.proto_ipv4"},
	"IPv4": {"version": "ip.version", "IHL": "ip.hdr_len", "DSCP": "ip.dsfield.dscp", "ECN": "ip.dsfield.ecn", "total length": "ip.len",
		"identification": "ip.id", "reserved flag": "ip.flags.rb", "don't fragment": "ip.flags.df", "more fragments": "ip.flags.mf",
		"fragment offset": "ip.frag_offset", "time to live": "ip.ttl", "protocol": "ip.proto", "header checksum": "ip.checksum",
		"source address": "ip.src", "destination address": "ip.dst", "option length": "ip.opt.len"},
	"IPv6": {"version": "ip.version", "DSCP": "ipv6.tclass.dscp", "ECN": "ipv6.tclass.ecn", "flow label": "ipv6.flow", "payload length": "ipv6.plen",
		"next header": "ipv6.nxt", "hop limit": "ipv6.hlim", "source address": "ipv6.src", "destination address": "ipv6.dst"},
	"IPv6 hop-by-hop options":  {"next header": "ipv6.hopopts.nxt"},
	"IPv6 destination options": {"next header": "ipv6.dstopts.nxt"},
	"IPv6 fragment header": {"next header": "ipv6.fraghdr.nxt", "fragment offset": "ipv6.fraghdr.offset", "more fragments": "ipv6.fraghdr.more",
		"identification": "ipv6.fraghdr.ident"},
	"ICMP": {"type": "icmp.type", "code": "icmp.code", "checksum": "icmp.checksum", "identifier": "icmp.ident", "sequence number": "icmp.seq",
		"next-hop MTU": "icmp.mtu", "gateway address": "icmp.redir_gw"},
	"ICMPv6": {"type": "icmpv6.type", "code": "icmpv6.code", "checksum": "icmpv6.checksum", "identifier": "icmpv6.echo.identifier",
		"sequence number": "icmpv6.echo.sequence_number", "MTU": "icmpv6.mtu", "option type": "icmpv6.opt.type", "option length": "icmpv6.opt.length",
		"cur hop limit": "icmpv6.nd.ra.cur_hop_limit", "router lifetime": "icmpv6.nd.ra.router_lifetime"},
	"UDP": {"source port": "udp.srcport", "destination port": "udp.dstport", "length": "udp.length", "checksum": "udp.checksum"},
	"TCP": {"source port": "tcp.srcport", "destination port": "tcp.dstport", "sequence number": "tcp.seq_raw", "acknowledgment number": "tcp.ack_raw",
		"data offset": "tcp.hdr_len", "CWR": "tcp.flags.cwr", "ECE": "tcp.flags.ece", "URG": "tcp.flags.urg", "ACK": "tcp.flags.ack",
		"PSH": "tcp.flags.push", "RST": "tcp.flags.reset", "SYN": "tcp.flags.syn", "FIN": "tcp.flags.fin", "window": "tcp.window_size_value",
		"checksum": "tcp.checksum", "urgent pointer": "tcp.urgent_pointer", "option kind": "tcp.option_kind", "option length": "tcp.option_len",
		"maximum segment size": "tcp.options.mss_val", "window scale": "tcp.options.wscale.shift", "TSval": "tcp.options.timestamp.tsval",
		"TSecr": "tcp.options.timestamp.tsecr", "cookie": "tcp.options.tfo.cookie", "subtype": "tcp.options.mptcp.subtype"},
}

// scales are what tshark multiplies a field with.
var scales = map[string]uint64{"ip.hdr_len": 4, "tcp.hdr_len": 4}

// A judgement is what tshark says of one frame: its protocols and fields, in each other.
type judgement struct {
	Name     string      `xml:"name,attr"`
	Pos      int         `xml:"pos,attr"`
	Size     int         `xml:"size,attr"`
	Show     string      `xml:"show,attr"`
	Children []judgement `xml:",any"`
}

// each calls a function for each field of a frame.
func (j judgement) each(f func(judgement)) {
	for _, c := range j.Children {
		f(c)
		c.each(f)
	}
}

// has returns the value of the first field of a name.
func (j judgement) has(name string) (show string, ok bool) {
	j.each(func(f judgement) {
		if f.Name == name && !ok {
			show, ok = f.Show, true
		}
	})
	return show, ok
}

// captured is a file with frames; without times they come one microsecond after the other.
func captured(t *testing.T, frames [][]byte, times []time.Time) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "frames.pcapng")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	c, err := NewCapture(file, "fd3 test", Interface{Name: "client"}, Interface{Name: "server"})
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range frames {
		at := time.Unix(1764400000, int64(i)*1000)
		if times != nil {
			at = times[i]
		}
		if err := c.Write(0, at, b, ""); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// judged returns what tshark says of frames. It runs once for all of them.
func judged(t *testing.T, frames [][]byte) []judgement {
	t.Helper()
	out := tshark(t, "-r", captured(t, frames, nil), "-T", "pdml", "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE", "-o", "tcp.check_checksum:TRUE",
		"-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-o", "ip.tso_support:FALSE")
	var pdml struct {
		Packets []judgement `xml:"packet"`
	}
	if err := xml.Unmarshal(out, &pdml); err != nil {
		t.Fatal(err)
	}
	if len(pdml.Packets) != len(frames) {
		t.Fatalf("%d of %d frames", len(pdml.Packets), len(frames))
	}
	return pdml.Packets
}

// tshark runs it. Where it is not installed the test is skipped, but not in CI.
func tshark(t *testing.T, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath("tshark"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("no tshark here to judge (apt-get install --no-install-recommends tshark)")
	}
	cmd := exec.Command("tshark", append([]string{"-n"}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark %v: %v: %s", args, err, stderr.String())
	}
	return out
}

// A named is a field in tshark's words.
type named struct {
	pos, size int
	bits      bool // it is not whole bytes
	value     string
}

// ours are the fields of a packet by tshark's names.
func ours(p Packet) map[string][]named {
	all := make(map[string][]named)
	for _, l := range p.Layers {
		for _, f := range l.Fields {
			name, ok := tsharkNames[l.Name][f.Name]
			if ok && f.Meaning != "cut off" {
				all[name] = append(all[name], named{f.Start, f.End - f.Start, f.Bits > 0, number(f.Value, scales[name])})
			}
		}
	}
	return all
}

// number is a value as a decimal number, if it is one; bytes have no colons between.
func number(s string, scale uint64) string {
	n, err := strconv.ParseUint(s, 0, 64)
	if err != nil || len(s) > 1 && s[0] == '0' && s[1] != 'x' {
		return strings.ReplaceAll(s, ":", "")
	}
	return fmt.Sprint(n * max(scale, 1))
}

// theirs are the fields of a frame that tshark has, of those that we have a name for.
func theirs(j judgement) map[string][]named {
	known := make(map[string]bool)
	for _, names := range tsharkNames {
		for _, name := range names {
			known[name] = true
		}
	}
	all := make(map[string][]named)
	j.each(func(f judgement) {
		show := f.Show
		switch show {
		case "True":
			show = "1"
		case "False":
			show = "0"
		}
		if f.Name == "tcp.option_kind" && show == "0" && slices.ContainsFunc(all[f.Name], func(n named) bool { return n.value == "0" }) {
			return // what comes after the end of the list is padding (RFC 9293 section 3.1)
		}
		if n := (named{f.Pos, f.Size, false, number(show, 1)}); known[f.Name] && !slices.Contains(all[f.Name], n) {
			all[f.Name] = append(all[f.Name], n)
		}
	})
	return all
}

// Every field of every kind of frame is where tshark has it, with the same value.
func TestTsharkNamesTheSameBytes(t *testing.T) {
	all := corpus()
	var frames [][]byte
	for _, s := range all {
		frames = append(frames, s.frame)
	}
	seen := make(map[string]bool)
	for i, j := range judged(t, frames) {
		our, their := ours(Parse(frames[i])), theirs(j)
		for name := range our {
			seen[name] = true
		}
		if problem := differ(our, their); problem != "" {
			t.Errorf("%s: %s", all[i].name, problem)
		}
		for _, l := range Parse(frames[i]).Layers {
			if problem := j.judges(l); problem != "" {
				t.Errorf("%s: %s", all[i].name, problem)
			}
		}
	}
	for layer, names := range tsharkNames {
		for _, name := range names {
			if !seen[name] {
				t.Errorf("no frame has the field %s of %s", name, layer)
			}
		}
	}
}

// judges compares what is said of a checksum.
func (j judgement) judges(l Layer) string {
	name := map[string]string{"IPv4": "ip", "TCP": "tcp", "UDP": "udp", "ICMP": "icmp", "ICMPv6": "icmpv6"}[l.Name]
	field := l.Field("checksum")
	if l.Name == "IPv4" {
		field = l.Field("header checksum")
	}
	status, ok := j.has(name + ".checksum.status")
	if l.Quoted || field == nil || !ok {
		return ""
	}
	words := map[string]string{"0": "wrong", "1": "right", "2": "not checked", "3": "not used"}[status]
	if words == "" || !strings.HasPrefix(field.Meaning, words) {
		return fmt.Sprintf("the checksum of %s is %q, and tshark says %s (%s)", l.Name, field.Meaning, words, status)
	}
	return ""
}

// differ says what is not the same.
func differ(our, their map[string][]named) string {
	var all []string
	for name, fields := range our {
		if name == "tcp.seq_raw" && len(their[name]) == 0 {
			continue // of a quotation of 8 bytes tshark has none
		}
		if !slices.EqualFunc(fields, their[name], same) {
			all = append(all, fmt.Sprintf("%s: we have %v, tshark %v", name, fields, their[name]))
		}
	}
	for name, fields := range their {
		if _, ok := our[name]; !ok {
			all = append(all, fmt.Sprintf("%s: tshark has %v, and we nothing", name, fields))
		}
	}
	slices.Sort(all)
	return strings.Join(all, "\n\t")
}

// same reports whether two fields are the same. Of one that is not whole bytes tshark
// tells more bytes than it has.
func same(our, their named) bool {
	if our.bits {
		return our.value == their.value && our.pos >= their.pos && our.pos+our.size <= their.pos+their.size
	}
	return our == their
}

// Damaged frames have the same fields as far as both name them, and what we find wrong is
// wrong for tshark too.
func TestTsharkNamesWhatIsLeft(t *testing.T) {
	all := damaged()
	var frames [][]byte
	for _, s := range all {
		frames = append(frames, s.frame)
	}
	compared, wrong := 0, 0
	for i, j := range judged(t, frames) {
		p := Parse(frames[i])
		their := theirs(j)
		for name, fields := range ours(p) {
			for _, f := range fields {
				for _, other := range their[name] {
					if f.pos != other.pos || f.size != other.size || f.bits {
						continue
					}
					if compared++; f.value != other.value {
						t.Errorf("%s: % x: %s: we have %v, tshark %v", all[i].name, frames[i], name, f, other)
					}
				}
			}
		}
		if p.Malformed != "" {
			wrong++
			if !j.complains() {
				t.Errorf("%s: % x: %s, and tshark says nothing", all[i].name, frames[i], p.Malformed)
			}
		}
	}
	if compared < 1000 || wrong < 50 {
		t.Errorf("only %d fields compared, %d frames malformed", compared, wrong)
	}
}

// complains reports whether tshark finds something wrong with a frame.
func (j judgement) complains() bool {
	found := false
	j.each(func(f judgement) {
		switch f.Name {
		case "_ws.malformed", "_ws.short", "_ws.expert":
			found = true
		}
	})
	return found
}

// analysis are tshark's names of the labels.
var analysis = map[Label]string{
	Retransmission: "retransmission", Fast: "fast_retransmission", Spurious: "spurious_retransmission", OutOfOrder: "out_of_order",
	Unseen: "lost_segment", DuplicateACK: "duplicate_ack", UnseenACK: "ack_lost_segment", KeepAlive: "keep_alive", KeepAliveACK: "keep_alive_ack",
	ZeroWindow: "zero_window", Probe: "zero_window_probe", ProbeACK: "zero_window_probe_ack", WindowFull: "window_full",
	WindowUpdate: "window_update", PortReused: "reused_ports",
}

// labelled are the labels of a packet in tshark's words.
func labelled(p Packet) []string {
	var all []string
	for _, l := range p.Labels {
		all = append(all, analysis[l])
	}
	slices.Sort(all)
	return all
}

// An analyzed segment is what tshark makes of it: its labels, and its numbers as they are
// counted from the start.
type analyzed struct {
	labels           []string
	seq, ack, window string
}

// analyses returns what tshark makes of segments. It calls each retransmission of a
// special kind a retransmission, too.
func analyses(t *testing.T, frames [][]byte, times []time.Time) []analyzed {
	t.Helper()
	args := []string{"-r", captured(t, frames, times), "-T", "fields", "-E", "separator=/t", "-e", "tcp.seq", "-e", "tcp.ack", "-e", "tcp.window_size"}
	names := slices.Sorted(maps.Values(analysis))
	for _, name := range names {
		args = append(args, "-e", "tcp.analysis."+name)
	}
	var all []analyzed
	for line := range strings.Lines(string(tshark(t, args...))) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		a := analyzed{seq: fields[0], ack: fields[1], window: fields[2]}
		for i, name := range names {
			if fields[3+i] != "" {
				a.labels = append(a.labels, name)
			}
		}
		if slices.ContainsFunc(a.labels, func(s string) bool { return strings.HasSuffix(s, "_retransmission") }) {
			a.labels = slices.DeleteFunc(a.labels, func(s string) bool { return s == "retransmission" })
		}
		all = append(all, a)
	}
	if len(all) != len(frames) {
		t.Fatalf("%d of %d frames", len(all), len(frames))
	}
	return all
}

// The labels of made-up conversations are tshark's, and so are the numbers that are
// counted from the start, and the scaled windows.
func TestTsharkGivesTheSameLabels(t *testing.T) {
	var packets []Packet
	var frames [][]byte
	var times []time.Time
	var of []string
	add := func(name string, k *talk) {
		k.port(uint16(20000 + len(packets))) // a connection of its own
		packets, frames, times = append(packets, k.packets()...), append(frames, k.frames...), append(times, k.times...)
		for range k.frames {
			of = append(of, name)
		}
	}
	for name, c := range talks() {
		k := newTalk()
		k.handshake()
		c.say(k)
		add(name, k)
	}
	for seed := range uint64(20) {
		k := wander(seed, 100)
		add(fmt.Sprint("by chance ", seed), k)
	}
	seen := make(map[Label]bool)
	for i, tshark := range analyses(t, frames, times) {
		p := packets[i]
		for _, l := range p.Labels {
			seen[l] = true
		}
		if our := labelled(p); !slices.Equal(our, tshark.labels) {
			t.Errorf("%s: frame %d, %s: we have %v, tshark %v", of[i], i+1, p.Summary, our, tshark.labels)
		}
		for field, want := range map[string]string{"sequence number": tshark.seq, "acknowledgment number": tshark.ack, "window": tshark.window} {
			f := p.Layer("TCP").Field(field)
			got := strings.TrimSuffix(strings.TrimPrefix(f.Meaning, "here "), " bytes")
			if got == "" {
				got = f.Value
			}
			if got != want && f.Value != "0" {
				t.Errorf("%s: frame %d, %s: %s is %q, for tshark %q", of[i], i+1, p.Summary, field, got, want)
			}
		}
	}
	for l := range analysis {
		if !seen[l] {
			t.Errorf("no segment is a %s", l)
		}
	}
}
