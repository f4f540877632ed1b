package cable

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"fd3/lesson"
	"fd3/sockets/kernel"
	"fd3/sockets/netlab"
	"fd3/sockets/stage"
	"fd3/sockets/wire"
)

// Look tells what lies on the cable, and where the kernels of both hosts stand.
func (n *Narrator) Look(ctx context.Context, network *netlab.Network) error {
	packets, report, err := n.record(ctx, network)
	if err != nil {
		return err
	}
	n.show(lesson.Event{Kind: lesson.KindStep, Title: page().Title})
	n.onCable(wire.Lying(packets), report)
	n.losing(network, report)
	n.ends(network)
	n.commands("next", next(packets, report), nil)
	return nil
}

// Did tells what became of packets by an order, and what came of that: what else has
// gone over the cable, what lies on it now, where the kernels stand. woken tells of the
// calls that have returned by it.
func (n *Narrator) Did(ctx context.Context, network *netlab.Network, did wire.Report, woken func() error) error {
	packets, report, err := n.record(ctx, network)
	if err != nil {
		return err
	}
	n.show(lesson.Event{Kind: lesson.KindStep, Title: page().Title})
	n.packets(touched(packets, did))
	switch {
	case did.NoNetem != "":
		n.say("no netem", map[string]string{"why": did.NoNetem})
	case did.Netem:
		n.say("netem", nil)
	}
	if err := woken(); err != nil {
		return err
	}
	n.onCable(wire.Lying(packets), report)
	n.losing(network, report)
	n.ends(network)
	n.commands("next", next(packets, report), nil)
	return nil
}

// touched returns the packets that something was done to, in the order in which it was
// done, and then those that have gone over the cable by that.
func touched(packets []wire.Packet, did wire.Report) (all []wire.Packet) {
	at := make(map[int]int)
	for i, p := range packets {
		at[p.Number] = i
	}
	for _, number := range did.Touched {
		if i, remembered := at[number]; remembered {
			all = append(all, packets[i])
			delete(at, number)
		}
	}
	for i, p := range packets {
		if _, other := at[p.Number]; other && p.Number > did.Before && p.Fate != wire.Held && p.Fate != wire.TakenOff {
			all = append(all, packets[i])
		}
	}
	return all
}

// most is how many packets are told one by one. A host that sends without end brings
// thousands onto the cable.
const most = 100

// packets tells of packets, the first ones each for itself.
func (n *Narrator) packets(packets []wire.Packet) {
	for i := range packets[:min(len(packets), most)] {
		n.tell(&packets[i])
	}
	if more := len(packets) - most; more > 0 {
		n.say("more", map[string]string{"count": lesson.Counted(more, "packet")})
	}
}

// tell shows a packet, in a line or byte by byte.
func (n *Narrator) tell(p *wire.Packet) {
	Contain(p)
	n.show(lesson.Event{Kind: lesson.KindPacket, Packet: p, Recap: !n.Bytes})
}

// onCable tells what lies on the cable, or that nothing does.
func (n *Narrator) onCable(held []wire.Packet, report wire.Report) {
	switch {
	case len(held) > 0:
		n.say("lies", map[string]string{"count": lesson.Counted(len(held), "packet")})
	case report.Holds == "" && way(report.Way) != "":
		n.say("flows", map[string]string{"way": way(report.Way)}, "so")
	case report.Holds == "":
		n.say("flows", nil)
	default:
		n.say("empty", map[string]string{"holds": holding(report.Holds)})
	}
	n.packets(held)
}

// losing tells when what is lost comes again, where the timers are calm.
func (n *Narrator) losing(network *netlab.Network, report wire.Report) {
	if !network.Calm || report.Holds != "" {
		return
	}
	links, err := network.Links() // netem loses there
	if report.Way.Of > 0 || err == nil && slices.ContainsFunc(links, func(l netlab.Link) bool { return l.Loss > 0 }) {
		n.say("losing", nil)
	}
}

// holding says what a filter holds.
func holding(filter string) string {
	var all []string
	for word := range strings.SplitSeq(filter, ",") {
		for _, f := range wire.Filters {
			if f.Word == word {
				all = append(all, f.Holds)
			}
		}
	}
	return strings.Join(all, "; ")
}

// next is the section of commands that fits what lies on the cable.
func next(packets []wire.Packet, report wire.Report) string {
	switch held := wire.Lying(packets); {
	case len(held) > 1:
		return "several next"
	case len(held) == 1:
		return "one next"
	case report.Holds == "":
		return "flows next"
	}
	return "empty next"
}

// ends shows what each host's kernel has of connections, and of its queue.
func (n *Narrator) ends(network *netlab.Network) {
	if links, err := network.Links(); err == nil {
		defer n.links(links, false)
		defer n.offloads(links, false)
	}
	defer n.forwarded(network)
	for _, h := range network.Hosts {
		tells := func(value, ss, note string) {
			n.show(lesson.Evidence{Fact: h.Name + "'s kernel", Value: value, Source: "sock_diag(7)", Command: "fd3 on " + h.Name + " -- ss " + ss, Note: note}.Event())
		}
		net := network.Net(stage.Role(h.Name))
		n.path(network, h.Name)
		connections, err := net.TCP()
		for _, row := range connections {
			tells(socket(row), "-tanoi", room(row))
		}
		if err != nil {
			tells(fmt.Sprintf("does not tell of TCP: %s", err), "-tan", "")
		}
		datagrams, err := net.UDP()
		for _, row := range datagrams {
			tells(datagramSocket(row), "-uan", "")
		}
		if err != nil {
			tells(fmt.Sprintf("does not tell of UDP: %s", err), "-uan", "")
		}
	}
}

// path shows what a host's kernel has learned of the way to the other one, if it has.
func (n *Narrator) path(network *netlab.Network, from string) {
	to := network.Host(other(from)).Addr
	p, err := network.Net(stage.Role(from)).PathMTU(netip.MustParseAddr(to))
	if err == nil && p.MTU > 0 {
		n.show(PathMTU(stage.Role(from), to, p, "fd3 on "+from+" -- ip route get "+to).Event())
	}
}

// datagramSocket is a row of UDP in a line. What waits there is counted in memory, which
// is more than the bytes that were sent.
func datagramSocket(row kernel.InetSocket) string {
	text := fmt.Sprintf("UDP %s, from anybody", row.Local)
	if row.State == kernel.Established {
		text = fmt.Sprintf("UDP %s, from %s alone", row.Local, row.Remote)
	}
	if row.RQueue > 0 {
		text += fmt.Sprintf(", unread datagrams in %s of memory", lesson.Counted(row.RQueue, "byte"))
	}
	return text
}

// socket is a row in a line.
func socket(row kernel.InetSocket) string {
	if row.State == kernel.Listen {
		return fmt.Sprintf("%s %s, accept queue %d of %d", row.State, row.Local, row.RQueue, row.WQueue+1)
	}
	parts := []string{fmt.Sprintf("%s %s to %s", row.State, row.Local, row.Remote)}
	if q := row.Unread(); q.Bytes > 0 || q.FIN {
		parts = append(parts, queued(q)+" unread")
	}
	if q := row.Unsent(); q.Bytes > 0 || q.FIN {
		parts = append(parts, queued(q)+" not acknowledged")
	}
	if row.Retrans > 0 {
		parts = append(parts, fmt.Sprintf("sent again %s", times(int(row.Retrans))))
	}
	return strings.Join(parts, ", ")
}

// room says why a listener has room for one more than ss(8) tells, or "".
func room(row kernel.InetSocket) string {
	if row.State != kernel.Listen {
		return ""
	}
	return fmt.Sprintf("The backlog is %d, Send-Q of ss(8). The queue is full when it holds more: sk_acceptq_is_full().", row.WQueue)
}

func queued(q kernel.Queued) string {
	switch {
	case q.FIN && q.Bytes > 0:
		return lesson.Counted(q.Bytes, "byte") + " and a FIN"
	case q.FIN:
		return "a FIN"
	}
	return lesson.Counted(q.Bytes, "byte")
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
