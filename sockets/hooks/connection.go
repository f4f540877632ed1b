package hooks

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"time"

	"fd3/sockets"
	"fd3/sockets/netlab"
	"fd3/sockets/wire"
)

// A Connection is what became of one while a program sat at Sockops on both hosts.
type Connection struct {
	Order
	Data    []byte
	Calls   []Made         // of both processes, in their order
	Puts    map[string]Put // by the host
	Moments []Moment       // of both hosts, in the order of time
	Service int            // the type of service that the client's socket has at the end (IP_TOS)
	Packets []wire.Packet  // its segments on the cable
	PID     map[string]int // of the agent on each host
}

// Made is a call that a host's agent has made.
type Made struct {
	Host string
	sockets.Call
}

// Connect has the client connect to the server, send, and close, while a program sits at
// Sockops on both hosts. It lets the cable pass what comes.
func Connect(ctx context.Context, network *netlab.Network, o Order) (*Connection, error) {
	c := &Connection{Order: o, Data: []byte("hello"), Puts: map[string]Put{}, PID: map[string]int{}}
	err := between(ctx, network, func(client, server *remote) error { return c.run(network, client, server) })
	return c, err
}

func (c *Connection) run(network *netlab.Network, client, server *remote) error {
	look, err := network.Cable(wire.Order{Do: "flow"})
	if err != nil {
		return err
	}
	from, to := netip.MustParseAddr(netlab.ClientAddr), netip.MustParseAddr(netlab.ServerAddr)
	opened, err := server.ask(order{Do: open, Stream: true, Address: netip.AddrPortFrom(to, 0), Peer: from})
	if err != nil {
		return err
	}
	at := netip.AddrPortFrom(to, opened.Port)
	c.PID[netlab.Server] = opened.PID
	if opened, err = client.ask(order{Do: open, Stream: true, Peer: to}); err != nil {
		return err
	}
	c.PID[netlab.Client] = opened.PID
	for host, a := range map[string]*remote{netlab.Client: client, netlab.Server: server} {
		r, err := a.ask(order{Do: puts, Puts: []put{{Place: Sockops.Name, Verb: c.Verb, Port: at.Port(), Unchecked: c.Unchecked, Show: true}}})
		if err != nil {
			return err
		}
		if c.Puts[host] = r.Puts[0]; r.Puts[0].Means == "" {
			return unput(Sockops, c.Order, r.Puts[0].Failed)
		}
	}
	for _, o := range []struct {
		host string
		a    *remote
		order
	}{
		{netlab.Server, server, order{Do: listen}},
		{netlab.Client, client, order{Do: connect, Address: at}},
		{netlab.Server, server, order{Do: accept}},
		{netlab.Client, client, order{Do: send, Data: c.Data}},
		{netlab.Server, server, order{Do: receive}},
		{netlab.Client, client, order{Do: closes}},
		{netlab.Server, server, order{Do: receive}},
		{netlab.Server, server, order{Do: closes}},
	} {
		r, err := o.a.ask(o.order)
		if err != nil {
			return err
		}
		c.Calls = append(c.Calls, Made{o.host, *r.Call})
		if o.Do == connect {
			c.Service = r.Service
		}
	}
	if err := c.take(client, server); err != nil {
		return err
	}
	c.Packets, err = segments(network, look.Newest, at.Port())
	return err
}

// take reads the moments on both hosts until both ends have come to CLOSE: the last segments
// go over the cable when the calls have returned. A program that was refused sees none.
func (c *Connection) take(client, server *remote) error {
	closed := func(at netip.Addr) bool {
		return slices.ContainsFunc(c.Moments, func(m Moment) bool {
			return m.Local.Addr() == at && m.To == "CLOSE"
		})
	}
	for deadline := time.Now().Add(2 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		for _, a := range []*remote{client, server} {
			r, err := a.ask(order{Do: read})
			if err != nil {
				return err
			}
			c.Moments = append(c.Moments, r.Seen[Sockops.Name].Moments...)
		}
		refused := c.Puts[netlab.Client].Refused != 0
		if refused || closed(netip.MustParseAddr(netlab.ClientAddr)) && closed(netip.MustParseAddr(netlab.ServerAddr)) || time.Now().After(deadline) {
			break
		}
	}
	slices.SortStableFunc(c.Moments, func(a, b Moment) int { return cmp.Compare(a.TimeNS, b.TimeNS) })
	return nil
}

// segments are those of a connection on the cable, by a port of it.
func segments(network *netlab.Network, after int, port uint16) (all []wire.Packet, err error) {
	r, err := network.Cable(wire.Order{Do: "record", After: after})
	if err != nil {
		return nil, err
	}
	for _, p := range r.Packets {
		p.Dissect()
		if s, ok := p.Segment(); ok && (s.Src.Port() == port || s.Dst.Port() == port) {
			all = append(all, p)
		}
	}
	return all, nil
}
