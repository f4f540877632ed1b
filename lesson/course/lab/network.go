package lab

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/cable"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/netlab"
	"fd3/sockets/stage"
	"fd3/sockets/wire"
)

// A Network is two hosts of the experiment's own, on which the Client and the Server
// stand, and the cable between them, which holds each IPv4 packet until it is told what
// becomes of it. A nil Network is none: the parties stand on this machine's own.
type Network struct {
	Name string // by which fd3 wire and fd3 on reach it

	lab   *Lab
	up    *netlab.Network
	line  sync.Mutex // the keeper takes one order at a time
	sight cable.Sight

	mu     sync.Mutex   // for what follows
	calls  []cable.Call // of the parties
	guests map[stage.Role]stage.Role

	told  int       // the number of the last packet that no ladder shows (FromHere)
	since time.Time // and no earlier call

	// Of the last Connection:
	timeouts int64  // how often a retransmission timer of the client's host had fired
	port     uint16 // its port; 0: there was none
	end      func() // ends it
}

// unwatched is how long a network is there when its experiment has ended without a word,
// as by SIGKILL.
const unwatched = 5 * time.Second

// Network makes the network of the experiment. The parties are born after that, and all
// of it is gone at the end of the experiment. The timers of TCP are calm there: what a
// learner lets lie on the cable is not sent again for a minute.
func (l *Lab) Network() *Network { return l.upNetwork(netlab.Options{Idle: unwatched}) }

// NetworkInRealTime makes one whose timers are as everywhere. What is sent and lies on the
// cable is sent again while the learner thinks.
func (l *Lab) NetworkInRealTime() *Network {
	return l.upNetwork(netlab.Options{Idle: unwatched, RealTimers: true})
}

// NetworkWithRouter makes one with a router between the cable and the server, which forwards
// no packet of more bytes.
func (l *Lab) NetworkWithRouter(mtu int) *Network {
	return l.upNetwork(netlab.Options{Idle: unwatched, Router: mtu})
}

// NetworkWithRouterInRealTime is both.
func (l *Lab) NetworkWithRouterInRealTime(mtu int) *Network {
	return l.upNetwork(netlab.Options{Idle: unwatched, Router: mtu, RealTimers: true})
}

func (l *Lab) upNetwork(o netlab.Options) *Network {
	n := &Network{Name: l.part.Lesson, lab: l}
	for again := 2; ; again++ {
		made, _, err := netlab.Up(n.Name, o)
		if err != nil {
			stage.Tidy()
			l.Fatalf("%w", err)
		}
		if made {
			break
		}
		n.Name = fmt.Sprintf("%s-%d", l.part.Lesson, again) // somebody else takes the lesson
	}
	var err error
	if n.up, err = netlab.Open(n.Name); err != nil {
		l.Fatalf("%w", err)
	}
	n.sight.Network = n.up
	l.Cleanup(n.down)
	l.mu.Lock()
	l.network = n
	l.mu.Unlock()
	l.Note("network", n.Name)
	return n
}

// down takes the network away, and what is left of it.
func (n *Network) down() {
	n.lab.looking.Lock() // nobody reads its hosts
	n.up.Close()
	n.lab.looking.Unlock()
	netlab.Down(context.Background(), n.Name)
	stage.Tidy()
}

// Guest has a party stand on the host of another, from its birth on.
func (n *Network) Guest(role, host stage.Role) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.guests == nil {
		n.guests = make(map[stage.Role]stage.Role)
	}
	n.guests[role] = host
}

// host is the role of the host that a party stands on.
func (n *Network) host(role stage.Role) stage.Role {
	n.mu.Lock()
	defer n.mu.Unlock()
	return cmp.Or(n.guests[role], role)
}

// place returns the place of a party: a host, or nil where it has none.
func (n *Network) place(role stage.Role) stage.Place {
	if n == nil || n.up.Host(n.host(role)) == nil {
		return nil
	}
	return placed{n, n.up.On(n.host(role))}
}

// placed is a host of a network, whose line is shared.
type placed struct {
	on *Network
	stage.Place
}

// keep keeps a call of a party for the ladder.
func (n *Network) keep(role stage.Role, pid int, c sockets.Call) {
	if n.place(role) == nil {
		return
	}
	host := n.host(role)
	n.mu.Lock()
	defer n.mu.Unlock()
	if c.Returned {
		n.calls = slices.DeleteFunc(n.calls, func(m cable.Call) bool { return m.PID == pid && !m.Returned })
	}
	n.calls = append(n.calls, cable.Call{Call: c, Host: string(host), Process: string(role), PID: pid})
}

// netOf returns the network namespace of a party.
func (l *Lab) netOf(role stage.Role) kernel.Net {
	l.mu.Lock()
	n := l.network
	l.mu.Unlock()
	if n.place(role) == nil {
		return l.Net()
	}
	return n.up.Net(n.host(role))
}

// nets returns the network namespaces of the experiment.
func (l *Lab) nets() []kernel.Net {
	l.mu.Lock()
	n := l.network
	l.mu.Unlock()
	if n == nil {
		return []kernel.Net{l.Net()}
	}
	return []kernel.Net{n.up.Net(Client), n.up.Net(Server)}
}

// ServerAt is the address of the server's host on every Network, with a port.
func ServerAt(port uint16) sockets.Sockaddr {
	return sockets.InetSockaddr(netip.AddrPortFrom(netip.MustParseAddr(netlab.ServerAddr), port))
}

// Listener returns a listening socket of the server, at that port of its host. Its calls
// are told in short.
func (n *Network) Listener(port uint16) (fd int, addr sockets.Sockaddr) {
	l := n.lab
	addr = ServerAt(port)
	l.Setup(func() {
		fd = l.Stream(Server)
		l.Must(l.Bind(Server, fd, addr))
		l.Must(l.Listen(Server, fd, 8))
	})
	l.Note("addr", addr)
	l.Note("port", port)
	return fd, addr
}

// A Connection is one of the client with the server.
type Connection struct {
	Conn, FD int            // the descriptors: the server's and the client's
	At, From netip.AddrPort // the addresses: the server's and the client's
}

// Connection opens a connection at a port of the server, over a cable that lets everything
// flow meanwhile; after that it holds again. Its calls are told in short. options are set
// before it is opened; nil: none are. A ladder begins after it. The next one takes its
// place, at another port.
func (n *Network) Connection(port uint16, options func(listener, fd int)) (c Connection) {
	l := n.lab
	l.Setup(func() {
		n.Flow()
		if n.end != nil {
			n.end()
		}
		n.port = max(n.port+1, port)
		listener, addr := n.Listener(n.port)
		c.FD = l.Stream(Client)
		if options != nil {
			options(listener, c.FD)
		}
		l.Must(l.ConnectFD(c.FD, addr))
		c.Conn = l.Accept(listener)
		c.At, c.From = addr.AddrPort(), l.Ask(Client, c.FD).Local.AddrPort()
		n.end = func() {
			l.Close(Client, c.FD)
			l.Close(Server, c.Conn)
		}
		n.Hold()
		n.FromHere()
		n.timeouts = n.Counter(Client, timeouts)
	})
	return c
}

// timeouts counts how often TCP has sent again what nobody acknowledged in time.
const timeouts = "TcpExt.TCPTimeouts"

// TimedOut reports whether a retransmission timer of the client's host has fired since the
// last Connection.
func (n *Network) TimedOut() bool { return n.Counter(Client, timeouts) > n.timeouts }

// Flow lets everything pass, and Hold lets nothing pass any more but ARP.
func (n *Network) Flow() wire.Report { return n.Order(wire.Order{Do: "flow"}) }
func (n *Network) Hold() wire.Report { return n.Order(wire.Order{Do: "hold", When: wire.Usual}) }

// Order has something done with the cable.
func (n *Network) Order(o wire.Order) wire.Report {
	n.line.Lock()
	defer n.line.Unlock()
	r, err := n.up.Cable(o)
	if err != nil {
		n.lab.Fatalf("the cable: %w", err)
	}
	return r
}

// Packets returns what the cable has seen, the first packet first.
func (n *Network) Packets() []wire.Packet {
	n.line.Lock()
	defer n.line.Unlock()
	packets, _, err := cable.Record(n.up, func() ([]cable.Call, error) { return n.made(), nil })
	if err != nil {
		n.lab.Fatalf("the cable: %w", err)
	}
	return packets
}

// between returns the cable, as the Board has it. A nil Network has none.
func (n *Network) between() (*kernel.Cable, error) {
	if n == nil {
		return nil, nil
	}
	n.line.Lock()
	defer n.line.Unlock()
	return n.sight.Look()
}

// made returns the calls of the parties so far.
func (n *Network) made() []cable.Call {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.calls)
}

// Held returns the packets that lie on the cable, the first one first.
func (n *Network) Held() []wire.Packet { return wire.Lying(n.Packets()) }

// Lies waits until a segment lies on the cable that is what there knows, and returns it.
func (n *Network) Lies(what string, there func(wire.Segment) bool) wire.Packet {
	return n.packet(what, func(p wire.Packet) bool { return p.Fate == wire.Held }, there)
}

// packet waits for the first packet that is both.
func (n *Network) packet(what string, is func(wire.Packet) bool, there func(wire.Segment) bool) (found wire.Packet) {
	n.lab.Until(what+" on the cable", func() bool {
		packets := n.Packets()
		i := slices.IndexFunc(packets, func(p wire.Packet) bool {
			s, ok := p.Segment()
			return ok && is(p) && there(s)
		})
		if i >= 0 {
			found = packets[i]
			cable.Contain(&found)
		}
		return i >= 0
	})
	return found
}

// Seen waits until the cable remembers a segment, with a number above behind, that is what
// there knows, and returns it.
func (n *Network) Seen(what string, behind int, there func(wire.Segment) bool) wire.Packet {
	return n.packet(what, func(p wire.Packet) bool { return p.Number > behind }, there)
}

// FromServer reports whether the server's host has sent a segment.
func FromServer(s wire.Segment) bool { return s.Src.Addr().String() == netlab.ServerAddr }

// Pass lets a packet pass that lies on the cable, and tells what became of it.
func (n *Network) Pass(p wire.Packet) { n.become(wire.Order{Do: "next", Number: p.Number}) }

// Let lets packets pass that lie on the cable, one after the other, and tells of none: there
// are many.
func (n *Network) Let(pass []wire.Packet) {
	for _, p := range pass {
		n.Order(wire.Order{Do: "next", Number: p.Number})
	}
}

// Drop loses a packet that lies on the cable, and tells what became of it.
func (n *Network) Drop(p wire.Packet) { n.become(wire.Order{Do: "drop", Number: p.Number}) }

func (n *Network) become(o wire.Order) {
	n.Order(o)
	for _, p := range n.Packets() {
		if p.Number == o.Number {
			n.Show(p)
		}
	}
}

// ShowHosts shows which namespaces the hosts are.
func (n *Network) ShowHosts() {
	for _, h := range n.up.Hosts {
		_, path := n.up.Paths(&h)
		link, err := os.Readlink(path)
		if err != nil {
			n.lab.Fatalf("%w", err)
		}
		n.lab.Show(lesson.Evidence{Fact: h.Name + "'s host", Value: h.Addr + " on net0, in " + link, Source: path, Command: "readlink " + path})
	}
}

// Show tells of a packet in a line.
func (n *Network) Show(p wire.Packet) {
	n.lab.Tell(lesson.Event{Kind: lesson.KindPacket, Packet: &p, Recap: true})
}

// FromHere has a ladder begin here, and leave out the ARP that comes now and then.
func (n *Network) FromHere() {
	n.told, n.since = n.Order(wire.Order{Do: "look"}).Newest, time.Now()
}

// ShowLadder draws all that has happened on the network, from the beginning or FromHere.
func (n *Network) ShowLadder() {
	packets, calls := n.Packets(), n.made()
	if !n.since.IsZero() {
		packets = slices.DeleteFunc(packets, func(p wire.Packet) bool { return p.Number <= n.told || p.Layer("ARP") != nil })
		calls = slices.DeleteFunc(calls, func(c cable.Call) bool { return c.Start.Before(n.since) })
	}
	n.lab.Tell(cable.Ladder(n.up, packets, calls))
}

// On returns a command as it is typed for the host of a party.
func (n *Network) On(role stage.Role, command string) string {
	return fmt.Sprintf("fd3 on --stage %s %s -- %s", n.Name, role, command)
}

// ShowEnds shows both ends of a connection between a listener's address and a client's,
// each as the kernel has it on its host.
func (n *Network) ShowEnds(at, from netip.AddrPort) (ends map[stage.Role]kernel.InetSocket) {
	ends = n.lab.EndsOf(at, from)
	for _, role := range []stage.Role{Client, Server} {
		n.lab.Show(facts.EndState(role, ends[role].State, n.list(role, at.Port())))
	}
	return ends
}

// list is the command by which a learner sees the connections of a host with a port of the
// server.
func (n *Network) list(role stage.Role, port uint16) string {
	filter := facts.To(port)
	if role == Server {
		filter = facts.From(port)
	}
	return n.On(role, facts.SS("-tan", filter))
}

// ShowUnread shows one end of a connection with what its program has not read.
func (n *Network) ShowUnread(role stage.Role, fd int, c Connection) {
	x := n.lab.Ask(role, fd)
	e := facts.EndUnread(role, x, n.lab.EndsOf(c.At, c.From)[role].Unread())
	if e.Command = n.list(role, c.At.Port()); x.State() == kernel.Close { // no table has it
		e.Command = ""
	}
	n.lab.Show(e)
}

// ShowSending shows what the client's kernel reckons with while it sends, and returns it.
func (n *Network) ShowSending(c Connection) *unix.TCPInfo {
	info := n.lab.Ask(Client, c.FD).TCP
	n.lab.Show(facts.Sending(Client, info, n.On(Client, facts.SS("-ti", facts.To(c.At.Port())))))
	return info
}

// ShowOutOfOrder shows how many segments have come to the server before one that is missing.
func (n *Network) ShowOutOfOrder(c Connection) {
	segments := n.lab.Ask(Server, c.Conn).TCP.Rcv_ooopack
	n.lab.Show(facts.OutOfOrder(Server, segments, n.On(Server, facts.SS("-ti", facts.From(c.At.Port())))))
}

// Counter returns a counter of a host's kernel, which has counted since the host was made.
func (n *Network) Counter(role stage.Role, name string) int64 {
	counters, err := n.up.Net(role).Counters()
	if err != nil {
		n.lab.Fatalf("/proc/net/netstat of the %s's host: %w", role, err)
	}
	return counters[name]
}

// ShowCounter shows such a counter, and what it means, and returns it.
func (n *Network) ShowCounter(role stage.Role, name, meaning string) int64 {
	_, counter, _ := strings.Cut(name, ".")
	now := n.Counter(role, name)
	e := facts.CounterNow(string(role)+"'s "+counter, name, fmt.Sprint(now))
	e.Command, e.Note = n.On(role, e.Command), meaning
	n.lab.Show(e)
	return now
}

// Start starts a process on the host.
func (p placed) Start(cmd *exec.Cmd) error {
	p.on.line.Lock()
	defer p.on.line.Unlock()
	return p.Place.Start(cmd)
}
