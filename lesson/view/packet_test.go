package view

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"fd3/lesson"
	"fd3/lesson/golden"
	"fd3/sockets/wire"
)

// packets are a few of a connection, as a cable tells of them.
func packets() []lesson.Event {
	d := wire.Draft{From: [6]byte{2, 0, 0, 0, 0, 1}, To: [6]byte{2, 0, 0, 0, 0, 2},
		Src: netip.MustParseAddrPort("10.0.0.1:43210"), Dst: netip.MustParseAddrPort("10.0.0.2:8080"),
		Seq: 2874466580, Flags: wire.SYN, Window: 64240, MSS: 1460}
	var flows wire.Flows
	at := time.Date(2026, 11, 29, 12, 0, 0, 123456789, time.UTC)
	number := 0
	follow := func(frame []byte, after time.Duration) *wire.Packet {
		p := wire.Parse(frame)
		at = at.Add(after)
		number++
		p.Number, p.Time, p.From, p.To, p.Fate = number, at, "client", "server", wire.Passed
		flows.Follow(&p)
		return &p
	}
	syn := follow(d.Frame(), 0)
	syn.Fate, syn.Before = wire.Held, wire.States{From: "SYN_SENT", To: "LISTEN"}
	syn.Cause = &wire.Cause{Process: "client", PID: 4711, Call: "connect(3, {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr(\"10.0.0.2\")}, 16)"}
	d.Flags, d.Seq, d.Ack, d.MSS = wire.PSH|wire.ACK, d.Seq+1, 77, 0
	d.Data = []byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 16\r\n\r\nhello from fd 3\n")
	data := follow(d.Frame(), time.Millisecond)
	data.Fate = wire.Dropped
	whole := *data
	start := len(whole.Data) - len(d.Data)
	whole.Contain("HTTP", "RFC 9112", []wire.Field{{Name: "version", Start: start, End: start + 8}, {Name: "space", Start: start + 8, End: start + 9}, {Name: "status code", Start: start + 9, End: start + 12},
		{Name: "space", Start: start + 12, End: start + 13}, {Name: "reason", Start: start + 13, End: start + 15}, {Name: "CRLF", Start: start + 15, End: start + 17}})
	again := follow(d.Frame(), 207*time.Millisecond)
	needed, err := again.FragmentationNeeded(netip.MustParseAddr("10.0.0.254"), 600)
	if err != nil {
		panic(err)
	}
	d.Data = bytes.Repeat([]byte{0, 1, 2, 3}, 200)
	return []lesson.Event{
		{Kind: lesson.KindPacket, Packet: syn},
		{Kind: lesson.KindPacket, Packet: data, Recap: true},
		{Kind: lesson.KindPacket, Packet: again, Recap: true},
		{Kind: lesson.KindPacket, Packet: &whole},
		{Kind: lesson.KindPacket, Packet: follow(d.Frame(), time.Second)},
		{Kind: lesson.KindPacket, Packet: follow(needed, 0)},
		{Kind: lesson.KindPacket, Packet: follow(d.Frame()[:50], 0)},
	}
}

// Each packet as it is drawn is a file to be looked at in review.
func TestPacketsAreDrawn(t *testing.T) {
	var all strings.Builder
	for _, look := range []Look{{Width: 60}, {Width: 80}, {Width: 120}, {Width: 80, ASCII: true}} {
		all.WriteString(strings.Repeat("=", look.Width) + "\n")
		var out strings.Builder
		v := NewText(&out, look)
		for _, e := range packets() {
			if err := v.Show(e); err != nil {
				t.Fatal(err)
			}
		}
		for line := range strings.Lines(out.String()) {
			if n := ansi.StringWidth(strings.TrimSuffix(line, "\n")); n > look.Width {
				t.Errorf("%d of %d columns: %q", n, look.Width, line)
			}
			if look.ASCII && strings.IndexFunc(line, func(r rune) bool { return r > '~' }) >= 0 {
				t.Errorf("not ASCII: %q", line)
			}
		}
		all.WriteString(out.String())
	}
	golden.Compare(t, "packets.txt", all.String())
}

func TestPacketsInDocuments(t *testing.T) {
	var markdown, html bytes.Buffer
	for _, d := range []*Document{NewMarkdown(&markdown, Head{}), NewHTML(&html, Head{})} {
		for _, e := range packets() {
			d.Show(e)
		}
		if err := d.End(); err != nil {
			t.Fatal(err)
		}
	}
	golden.Compare(t, "packets.md", markdown.String())
	_, body, _ := strings.Cut(html.String(), "<main>")
	golden.Compare(t, "packets.html", body)
}

// Every bit of a packet is drawn: each name of a field, and all bytes of the headers.
func TestPacketHasEveryField(t *testing.T) {
	e := packets()[0]
	got := drawn(t, e)
	for _, l := range e.Packet.Layers {
		for _, f := range l.Fields {
			if !strings.Contains(got, f.Name) || !strings.Contains(got, f.Value) {
				t.Errorf("%s: no %s, %s in\n%s", l.Name, f.Name, f.Value, got)
			}
		}
	}
}

// What came from outside of a packet's bytes gives no orders to a terminal.
func TestPacketIsHarmless(t *testing.T) {
	e := packets()[0]
	e.Packet.Cause.Call = "write(3, \x1b[2J"
	e.Packet.Note = "\x1b]0;x\x07"
	if got := drawn(t, e); strings.ContainsAny(got, "\x1b\x07") {
		t.Errorf("%q", got)
	}
	if e.Packet.Cause.Call != "write(3, \x1b[2J" {
		t.Error("the packet itself is another one")
	}
}
