package drawing

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"fd3/lesson"
	"fd3/lesson/golden"
	"fd3/sockets/wire"
)

// A story is a Ladder that a test tells, one rung after the other.
type story struct {
	lesson.Ladder
	flows wire.Flows
	now   time.Time
	isn   [2]uint32
}

func newStory() *story {
	return &story{Ladder: lesson.Ladder{Left: lesson.Side{Name: "client", Address: "10.0.0.1"}, Right: lesson.Side{Name: "server", Address: "10.0.0.2"}},
		now: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), isn: [2]uint32{2874466580, 77}}
}

func (s *story) call(host, call, returned string) {
	s.Rungs = append(s.Rungs, lesson.Rung{At: s.now, Host: host, PID: 4711, Call: call, Returned: returned})
}

// segment is a packet of a side: numbers are counted from its SYN.
func (s *story) segment(from int, f wire.Flags, seq, ack, bytes int, fate wire.Fate, before, after wire.States) *wire.Packet {
	hosts := [2]string{"client", "server"}
	ends := [2]netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:43210"), netip.MustParseAddrPort("10.0.0.2:8080")}
	d := wire.Draft{Src: ends[from], Dst: ends[1-from], Seq: s.isn[from] + uint32(seq), Flags: f, Window: 64240, Data: make([]byte, bytes)}
	if f&wire.ACK != 0 {
		d.Ack = s.isn[1-from] + uint32(ack)
	}
	if f&wire.SYN != 0 {
		d.MSS = 1460
	}
	p := wire.Parse(d.Frame())
	s.now = s.now.Add(40 * time.Microsecond)
	p.Number, p.Time, p.From, p.To, p.Fate, p.Before, p.After = len(s.Rungs)+1, s.now, hosts[from], hosts[1-from], fate, before, after
	s.flows.Follow(&p)
	s.Rungs = append(s.Rungs, lesson.Rung{Packet: &p})
	return &p
}

func states(from, to string) wire.States { return wire.States{From: from, To: to} }

func (s *story) handshake() {
	s.call("client", `connect(3, {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr("10.0.0.2")}, 16)`, "")
	s.segment(0, wire.SYN, 0, 0, 0, wire.Passed, states("SYN_SENT", "LISTEN"), states("SYN_SENT", "SYN_RECV"))
	s.segment(1, wire.SYN|wire.ACK, 0, 1, 0, wire.Passed, states("SYN_RECV", "SYN_SENT"), states("SYN_RECV", "ESTABLISHED"))
	s.call("client", "", "0")
}

var ladders = sync.OnceValue(func() map[string]lesson.Ladder {
	opened := newStory()
	opened.handshake()
	opened.segment(0, wire.ACK, 1, 1, 0, wire.Held, states("ESTABLISHED", "SYN_RECV"), wire.States{})

	lost := newStory()
	lost.handshake()
	lost.segment(0, wire.ACK, 1, 1, 0, wire.Passed, states("ESTABLISHED", "SYN_RECV"), states("ESTABLISHED", "ESTABLISHED"))
	lost.call("server", "recvfrom(4, ", "")
	lost.call("client", `sendto(3, "GET / HTTP/1.1\r\nHost: 10.0.0.2\r\n"..., 83, 0, NULL, 0)`, "")
	up := states("ESTABLISHED", "ESTABLISHED")
	lost.segment(0, wire.PSH|wire.ACK, 1, 1, 83, wire.Dropped, up, up)
	lost.call("client", "", "83")
	lost.now = lost.now.Add(207 * time.Millisecond)
	lost.segment(0, wire.PSH|wire.ACK, 1, 1, 83, wire.Passed, up, up)
	lost.call("server", "", "83")
	lost.segment(1, wire.ACK, 1, 84, 0, wire.Passed, up, up)
	lost.call("client", "recvfrom(3, 0xc000, 4096, MSG_DONTWAIT, NULL, NULL)", "-1 EAGAIN (Resource temporarily unavailable)")
	lost.call("client", "shutdown(3, SHUT_WR)", "0")
	lost.segment(0, wire.FIN|wire.ACK, 84, 1, 0, wire.Passed, states("FIN_WAIT1", "ESTABLISHED"), states("FIN_WAIT1", "CLOSE_WAIT"))
	lost.segment(1, wire.ACK, 1, 85, 0, wire.Passed, states("CLOSE_WAIT", "FIN_WAIT1"), states("CLOSE_WAIT", "FIN_WAIT2"))

	fates := newStory()
	for i, fate := range []wire.Fate{wire.Passed, wire.Held, wire.Dropped, wire.Duplicated, wire.Delayed, wire.Swapped, wire.Corrupted, wire.Forged} {
		fates.segment(0, wire.ACK, 1+10*i, 1, 10, fate, wire.States{}, wire.States{})
		fates.segment(1, wire.ACK, 1+10*i, 1, 10, fate, wire.States{}, wire.States{})
	}

	transfer := newStory()
	transfer.handshake()
	transfer.segment(0, wire.ACK, 1, 1, 0, wire.Passed, states("ESTABLISHED", "SYN_RECV"), up)
	for i := range 4000 {
		if i%10 == 0 {
			transfer.call("server", `write(4, "xxxx"..., 14480)`, "14480")
		}
		transfer.segment(1, wire.ACK, 1+1448*i, 1, 1448, wire.Passed, up, up)
		if i%2 == 1 {
			transfer.segment(0, wire.ACK, 1, 1+1448*(i+1), 0, wire.Passed, up, up)
		}
		if i == 2000 {
			transfer.segment(1, wire.ACK, 1+1448*i, 1, 1448, wire.Dropped, up, up)
			transfer.segment(1, wire.ACK, 1+1448*i, 1, 1448, wire.Passed, up, up)
		}
	}

	refused := newStory() // the listener went away while the SYN lay on the cable
	refused.segment(0, wire.SYN, 0, 0, 0, wire.Passed, states("SYN_SENT", "LISTEN"), states("SYN_SENT", ""))
	refused.segment(1, wire.RST|wire.ACK, 0, 1, 0, wire.Passed, states("", "SYN_SENT"), wire.States{})

	crossed := newStory() // two FINs lie on the cable at once: what was so then is not so when they arrive
	crossed.call("client", "close(3)", "0")
	first := crossed.segment(0, wire.FIN|wire.ACK, 1, 1, 0, wire.Passed, states("FIN_WAIT1", "ESTABLISHED"), states("FIN_WAIT1", "CLOSING"))
	crossed.now = crossed.now.Add(time.Second)
	crossed.call("server", "close(4)", "0")
	second := crossed.segment(1, wire.FIN|wire.ACK, 1, 1, 0, wire.Passed, states("FIN_WAIT1", "FIN_WAIT1"), states("CLOSING", "CLOSING"))
	crossed.Rungs[1], crossed.Rungs[2] = crossed.Rungs[2], crossed.Rungs[1]
	first.Arrived = crossed.now.Add(time.Second)
	crossed.now = first.Arrived
	crossed.segment(1, wire.ACK, 2, 2, 0, wire.Passed, states("CLOSING", "FIN_WAIT1"), states("TIME_WAIT", "TIME_WAIT")).Arrived = crossed.now.Add(3 * time.Second)
	second.Arrived = crossed.now.Add(time.Second)
	crossed.now = second.Arrived
	crossed.segment(0, wire.ACK, 2, 2, 0, wire.Passed, states("CLOSING", "CLOSING"), states("CLOSING", "TIME_WAIT")).Arrived = crossed.now.Add(time.Second)
	crossed.Rungs[4], crossed.Rungs[5] = crossed.Rungs[5], crossed.Rungs[4]

	reset := newStory() // the server closes while its bytes lie on the cable: close has not sent them
	reset.segment(0, wire.PSH|wire.ACK, 1, 1, 14, wire.Passed, up, up)
	reset.call("server", `sendto(4, "an answer", 9, 0, NULL, 0)`, "9")
	bytes := reset.segment(1, wire.PSH|wire.ACK, 1, 15, 9, wire.Passed, up, states("LISTEN", "ESTABLISHED"))
	reset.now = reset.now.Add(time.Second)
	reset.call("server", "close(4)", "0")
	reset.segment(1, wire.RST|wire.ACK, 10, 15, 0, wire.Passed, states("LISTEN", "ESTABLISHED"), states("LISTEN", "")).Arrived = reset.now.Add(2 * time.Second)
	bytes.Arrived = reset.now.Add(time.Second)
	reset.Rungs[2], reset.Rungs[3] = reset.Rungs[3], reset.Rungs[2]

	flood := newStory()
	flood.segment(0, wire.SYN, 0, 0, 0, wire.Passed, states("SYN_SENT", "LISTEN"), states("SYN_SENT", "SYN_RECV"))
	for i := range 1200 {
		flood.isn[0]++
		d := wire.Draft{Src: netip.AddrPortFrom(netip.MustParseAddr("10.0.0.99"), uint16(1000+i)), Dst: netip.MustParseAddrPort("10.0.0.2:8080"), Flags: wire.SYN, Seq: flood.isn[0], Window: 1000}
		p := wire.Parse(d.Frame())
		p.From, p.To, p.Fate = "client", "server", wire.Forged
		flood.flows.Follow(&p)
		flood.Rungs = append(flood.Rungs, lesson.Rung{Packet: &p})
	}
	flood.segment(1, wire.RST, 0, 1, 0, wire.Passed, wire.States{}, wire.States{})

	other := newStory()
	for i, b := range [][]byte{
		{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2},
		{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 6, 0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 2, 10, 0, 0, 2, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1},
	} {
		p := wire.Parse(b)
		p.From, p.To, p.Fate = []string{"client", "server"}[i], []string{"server", "client"}[i], wire.Passed
		other.Rungs = append(other.Rungs, lesson.Rung{Packet: &p})
	}
	routed := newStory()
	routed.Router = &lesson.Side{Name: "router", Address: "10.0.0.254"}
	routed.segment(0, wire.ACK, 1, 1, 1400, wire.Passed, states("ESTABLISHED", "ESTABLISHED"), wire.States{})
	return map[string]lesson.Ladder{"routed": routed.Ladder, "opened": opened.Ladder, "lost": lost.Ladder, "fates": fates.Ladder, "transfer": transfer.Ladder, "arp": other.Ladder, "empty": newStory().Ladder, "flood": flood.Ladder, "refused": refused.Ladder, "crossed": crossed.Ladder, "reset": reset.Ladder}
})

// Each ladder is a file to be looked at in review.
func TestLadder(t *testing.T) {
	for name, of := range ladders() {
		l := NewLadder(of)
		var all strings.Builder
		for _, columns := range []int{60, 80, 120} {
			fmt.Fprintf(&all, "== %d columns\n%s", columns, marked(l.Cells(Room{Columns: columns}, false)))
		}
		fmt.Fprintf(&all, "== 80 columns, ASCII\n%s", marked(l.Cells(Room{Columns: 80}, true)))
		fmt.Fprintf(&all, "== in words\n%s\n", strings.Join(l.Sentences(), "\n"))
		golden.Compare(t, "ladder-"+name+".txt", all.String())
		golden.Compare(t, "ladder-"+name+".svg", l.SVG(Room{Columns: 96}))
	}
}

// A ladder fits into every room, whatever happened last is in it, and what is left out is
// counted.
func TestLadderFits(t *testing.T) {
	for name, of := range ladders() {
		l := NewLadder(of)
		for columns := Narrowest; columns <= 130; columns += 7 {
			for _, room := range []Room{{columns, 0}, {columns, 12}, {columns, 30}} {
				for _, ascii := range []bool{false, true} {
					lines := l.Cells(room, ascii)
					if room.Rows > 0 && len(lines) > room.Rows {
						t.Fatalf("%s: %d of %d rows", name, len(lines), room.Rows)
					}
					for line := range strings.Lines(plainText(lines)) {
						if w := ansi.StringWidth(strings.TrimSuffix(line, "\n")); w > columns {
							t.Fatalf("%s: %d of %d columns: %q", name, w, columns, line)
						}
						if ascii && strings.IndexFunc(line, func(r rune) bool { return r > '~' }) >= 0 {
							t.Fatalf("%s: not ASCII: %q", name, line)
						}
					}
				}
			}
		}
	}
	short := plainText(NewLadder(ladders()["lost"]).Cells(Room{80, 12}, false))
	if !strings.Contains(short, "FIN_WAIT2") || !strings.Contains(short, "steps more") {
		t.Errorf("%s", short)
	}
}

// Ten thousand packets are a ladder of a few rows, in which what is out of the ordinary
// stands.
func TestLadderFolds(t *testing.T) {
	of := ladders()["transfer"]
	lines := NewLadder(of).Cells(Room{Columns: 80}, false)
	drawn := plainText(lines)
	for _, want := range []string{"segments, ", "lost ✕", "again + 40 µs"} {
		if !strings.Contains(drawn, want) {
			t.Errorf("no %q in\n%s", want, drawn)
		}
	}
	if len(lines) > 60 {
		t.Errorf("%d lines for %d rungs", len(lines), len(of.Rungs))
	}
}

// A ladder that is not folded has a row for each packet.
func TestLadderWhole(t *testing.T) {
	of := ladders()["transfer"]
	packets := 0
	for _, r := range of.Rungs {
		if r.Packet != nil {
			packets++
		}
	}
	drawn := plainText(WholeLadder(of).Cells(Room{Columns: 80}, false))
	if rows := strings.Count(drawn, "seq ") + strings.Count(drawn, " ACK ack "); rows < packets || strings.Contains(drawn, "segments, ") {
		t.Errorf("%d rows for %d packets:\n%s", rows, packets, drawn)
	}
}

// An SVG of a ladder is well-formed, and has all its words.
func TestLadderSVG(t *testing.T) {
	for name, of := range ladders() {
		decoder := xml.NewDecoder(strings.NewReader(NewLadder(of).SVG(Room{Columns: 96})))
		for {
			if _, err := decoder.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}

func BenchmarkLadder(b *testing.B) {
	of := ladders()["transfer"]
	for b.Loop() {
		NewLadder(of).Cells(Room{Columns: 80}, false)
	}
}

// A call that does not fit beside a lane is told in fewer words: no word of it is broken.
func TestLadderCallsInFewerWords(t *testing.T) {
	s := newStory()
	s.call("client", "socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, 0)", "3")
	s.call("client", "shutdown(3, SHUT_WR)", "0")
	for columns, words := range map[int][]string{80: {"socket(AF_INET, …)", "shutdown(3, …) = 0"}, 56: {"socket(…)", "shutdown(3,…)"}, 40: {"socket(…)"}} {
		drawn := plainText(NewLadder(s.Ladder).Cells(Room{Columns: columns}, false))
		for _, word := range words {
			if !strings.Contains(drawn, word) {
				t.Errorf("no %q in %d columns:\n%s", word, columns, drawn)
			}
		}
	}
}
