package lab

import (
	"fmt"
	"net/netip"

	"fd3/lesson"
	"fd3/lesson/cable"
	"fd3/sockets/kernel"
	"fd3/sockets/netlab"
)

// Offload has both hosts leave to their interfaces what is to be done with each packet that
// they send, and shows what that is of the client, and so of both.
func (n *Network) Offload() {
	on := true
	n.line.Lock()
	links, err := n.up.Shape(netlab.Shape{Offload: &on})
	n.line.Unlock()
	if err != nil {
		n.lab.Fatalf("the offloads: %w", err)
	}
	n.lab.Show(cable.Offload(Client, links[0], n.On(Client, "ethtool -k "+links[0].Device)))
}

// ShowRouter shows the largest packet that the router forwards to the server.
func (n *Network) ShowRouter() (mtu int) {
	n.lab.Show(lesson.Evidence{Fact: "router's route", Value: fmt.Sprintf("to %s, MTU %d", netlab.ServerAddr, n.up.RouterMTU), Source: "rtnetlink(7) RTM_GETROUTE",
		Command: n.On(netlab.Router, "ip route get "+netlab.ServerAddr)})
	return n.up.RouterMTU
}

// PathMTU returns what the client's kernel has learned of the way to the server.
func (n *Network) PathMTU() kernel.PathMTU {
	p, err := n.up.Net(Client).PathMTU(netip.MustParseAddr(netlab.ServerAddr))
	if err != nil {
		n.lab.Fatalf("the route of the client: %w", err)
	}
	return p
}

// ShowPathMTU shows it, and returns it.
func (n *Network) ShowPathMTU() kernel.PathMTU {
	p := n.PathMTU()
	n.lab.Show(cable.PathMTU(Client, netlab.ServerAddr, p, n.On(Client, "ip route get "+netlab.ServerAddr)))
	return p
}
