package cable

import (
	"context"
	"fmt"
	"io"
	"strings"

	"fd3/lesson"
	"fd3/sockets/netlab"
	"fd3/sockets/wire"
)

// Save writes what the cable remembers as a pcapng file, with what is known of each packet
// besides its bytes as its comment.
func (n *Narrator) Save(ctx context.Context, network *netlab.Network, w io.Writer) (count int, err error) {
	packets, _, err := n.record(ctx, network)
	if err != nil {
		return 0, err
	}
	var interfaces []wire.Interface
	at := make(map[string]int)
	for i, h := range network.Hosts {
		at[h.Name] = i
		interfaces = append(interfaces, wire.Interface{Name: h.Name, Description: h.Addr})
	}
	capture, err := wire.NewCapture(w, "fd3 wire", interfaces...)
	if err != nil {
		return 0, err
	}
	for _, p := range packets {
		if err := capture.Write(at[p.From], p.Time, p.Data, comment(p)); err != nil {
			return 0, err
		}
	}
	return len(packets), nil
}

// comment is what is known of a packet besides its bytes.
func comment(p wire.Packet) string {
	lines := []string{fmt.Sprintf("packet %d, %s to %s, %s", p.Number, p.From, p.To, p.Fate)}
	add := func(format string, words ...any) { lines = append(lines, fmt.Sprintf(format, words...)) }
	if p.Note != "" {
		add("%s", p.Note)
	}
	if o := p.Offload.String(); o != "" {
		add("the device is to %s", o)
	}
	if c := p.Cause; c != nil {
		add("sent by %s %d: %s", c.Process, c.PID, c.Call)
	}
	for _, end := range []struct{ name, before, after string }{{p.From, p.Before.From, p.After.From}, {p.To, p.Before.To, p.After.To}} {
		switch {
		case end.after != "" && end.after != end.before && end.before != "":
			add("%s: %s, then %s", end.name, end.before, end.after)
		case end.before != "":
			add("%s: %s", end.name, end.before)
		}
	}
	return strings.Join(lines, "\n")
}

// Saved tells of the file.
func (n *Narrator) Saved(path string, count int) {
	n.say("saved", map[string]string{"path": path, "count": lesson.Counted(count, "packet")})
}
