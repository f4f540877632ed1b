package cable

import (
	"fmt"

	"fd3/lesson"
	"fd3/sockets/kernel"
	"fd3/sockets/netlab"
)

// router asks the kernel of a network's router for what it has counted; nil where there is
// none.
func router(network *netlab.Network) (*kernel.Router, error) {
	if network.Router == nil {
		return nil, nil
	}
	r := &kernel.Router{Name: network.Router.Name, Addr: network.Router.Addr, Route: network.RouterMTU}
	return r, r.Read(network.Net(netlab.Router))
}

// forwarded shows what the router's kernel has counted, if there is one.
func (n *Narrator) forwarded(network *netlab.Network) {
	r, err := router(network)
	if r == nil {
		return
	}
	value := fmt.Sprintf("forwarded %d, too large %d, ICMP sent %d", r.Forwarded, r.TooLarge, r.Unreachable)
	if err != nil {
		value = fmt.Sprintf("does not tell: %s", err)
	}
	n.show(lesson.Evidence{Fact: r.Name + "'s kernel", Value: value, Source: "/proc/net/snmp",
		Command: "fd3 on " + r.Name + " -- nstat -asz IpForwDatagrams IpFragFails IcmpOutDestUnreachs"}.Event())
}
