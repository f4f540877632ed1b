package labtest

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"fd3/lesson/course/lab"
	"fd3/lesson/drawing"
	"fd3/lesson/golden"
	"fd3/sockets/kernel"
	"fd3/sockets/wire"
)

// recorded keeps what an experiment ends with, with its numbers masked, in a file of that
// name. There it stays until the experiment ends with other descriptors, or another cable:
// what the kernel does meanwhile, such as to end a connection, is not the same each time.
func (s *Learner) recorded(p lab.Part) {
	s.t.Helper()
	b := s.Board(s.t.Context())
	if b.Err != nil {
		s.t.Error(b.Err)
		return
	}
	now := masked(b.Now)
	path := filepath.Join("testdata", p.Name+".json")
	was, err := snapshotIn(path)
	switch {
	case err == nil && slices.Equal(partsOf(was), partsOf(now)):
		return
	case !*golden.Update:
		s.t.Errorf("%s ends with %q, and %s has %q (%v); if that is meant: go test -run TestLesson -update", p.Name, partsOf(now), path, partsOf(was), err)
		return
	}
	text, err := json.MarshalIndent(now, "", "\t")
	if err == nil {
		err = os.MkdirAll("testdata", 0o755)
	}
	if err == nil {
		err = os.WriteFile(path, append(text, '\n'), 0o644)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func snapshotIn(path string) (s kernel.Snapshot, err error) {
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	return s, err
}

// partsOf are the parties with the numbers of their descriptors, and what is between their
// hosts. The descriptors of a server of fd3's own come and go, and another program is not
// the same on each machine.
func partsOf(s kernel.Snapshot) (all []string) {
	for _, h := range s.Hosts {
		for _, p := range h.Processes {
			if !p.Party || strings.Contains(p.Name, "thread") || strings.Contains(p.Name, "watched") {
				continue
			}
			text := p.Name
			for _, d := range p.Descriptors {
				text += fmt.Sprint(" ", d.Number)
			}
			all = append(all, text)
		}
	}
	if c := s.Cable; c != nil {
		all = append(all, "a cable from "+c.Ends[0].Name+" to "+c.Ends[1].Name)
		if c.Router != nil {
			all = append(all, "a "+c.Router.Name)
		}
	}
	return all
}

// drawings draws what is recorded of the experiments, in all widths, and compares that with
// the files beside them: a change of a drawing is seen in review.
func drawings(t *testing.T, l lab.Lesson) {
	for _, p := range l.Parts {
		if p.Kind != lab.Experiment {
			continue
		}
		s, err := snapshotIn(filepath.Join("testdata", p.Name+".json"))
		if err != nil {
			t.Error(err)
			continue
		}
		var all strings.Builder
		picture := drawing.New(s, nil)
		for _, ascii := range []bool{false, true} {
			for _, columns := range []int{drawing.Narrowest, 60, 80, 120} {
				fmt.Fprintf(&all, "== %d columns%s\n", columns, map[bool]string{true: ", ASCII"}[ascii])
				for _, line := range picture.Cells(drawing.Room{Columns: columns}, ascii) {
					for _, span := range line {
						all.WriteString(span.Text)
					}
					all.WriteByte('\n')
				}
			}
		}
		golden.Compare(t, p.Name+".txt", all.String())
	}
}

// A mask has numbers that are the same each time for those that are not.
type mask struct {
	pids  map[int]int
	ports map[uint16]uint16
}

var digits = regexp.MustCompile(`\d+`)

// masked is a Snapshot with the same numbers each time.
func masked(s kernel.Snapshot) kernel.Snapshot {
	m := mask{make(map[int]int), make(map[uint16]uint16)}
	var copied kernel.Snapshot
	for _, h := range s.Hosts {
		other := kernel.Host{Name: h.Name}
		for _, p := range h.Processes {
			other.Processes = append(other.Processes, m.process(p))
		}
		for _, x := range h.Sockets {
			other.Sockets = append(other.Sockets, m.socket(x))
		}
		copied.Hosts = append(copied.Hosts, other)
	}
	copied.Cable = maskedCable(s.Cable)
	return copied
}

// maskedCable is what lies on a cable, with what a drawing has of it.
func maskedCable(c *kernel.Cable) *kernel.Cable {
	if c == nil {
		return nil
	}
	copied := kernel.Cable{Ends: c.Ends, Holds: c.Holds, Way: c.Way, Router: c.Router, Packets: []wire.Packet{}}
	for i, p := range c.Lying() {
		copied.Packets = append(copied.Packets, wire.Packet{Number: i + 1, From: p.From, To: p.To, Fate: p.Fate, Summary: p.Summary, Labels: p.Labels})
	}
	return &copied
}

func (m mask) process(p kernel.Process) kernel.Process {
	p.Name = digits.ReplaceAllString(p.Name, "1000")
	p.PID = m.pid(p.PID)
	if p.Wchan != "" {
		p.Wchan = "a_function" // kernels differ in its name
	}
	p.Descriptors = slices.Clone(p.Descriptors)
	for i := range p.Descriptors {
		p.Descriptors[i].Target = name(p.Descriptors[i].Target)
	}
	return p
}

// name is a name with a number in it.
func name(s string) string {
	return digits.ReplaceAllString(strings.Replace(s, os.TempDir(), "/tmp", 1), "1000")
}

func (m mask) socket(x kernel.Socket) kernel.Socket {
	x.Holders = slices.Clone(x.Holders)
	for i := range x.Holders {
		x.Holders[i].PID = m.pid(x.Holders[i].PID)
	}
	x.Local, x.Remote, x.Path = m.addr(x.Local), m.addr(x.Remote), name(x.Path)
	const many = 2000 // bytes: more are as many as there is room for
	for _, n := range []*int{&x.Unread.Bytes, &x.Unsent.Bytes} {
		if *n > many {
			*n = 99999
		}
	}
	if x.Memory > many {
		x.Memory = 9999
	}
	if x.RecvBuf > many {
		x.RecvBuf = 131072
	}
	switch x.Timer {
	case kernel.TimerTimeWait:
		x.Expires = 42 * time.Second
	case kernel.TimerOn, kernel.TimerPersist, kernel.TimerKeepalive:
		x.Expires = time.Second
	}
	return x
}

func (m mask) pid(pid int) int {
	if m.pids[pid] == 0 {
		m.pids[pid] = 1001 + len(m.pids)
	}
	return m.pids[pid]
}

// addr is an address with another port, if the kernel has chosen that.
func (m mask) addr(a netip.AddrPort) netip.AddrPort {
	const chosen = 1024 // or more
	port := a.Port()
	if port < chosen {
		return a
	}
	if m.ports[port] == 0 {
		m.ports[port] = 50001 + uint16(len(m.ports))
	}
	return netip.AddrPortFrom(a.Addr(), m.ports[port])
}
