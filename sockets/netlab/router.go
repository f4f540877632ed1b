package netlab

import (
	"fmt"
	"os"

	"github.com/vishvananda/netlink"

	"fd3/sockets/wire"
)

// A router may stand between the cable and the server. It is a third network namespace,
// whose kernel forwards what comes to either of its interfaces: net0 is at the cable, in
// the server's place, and behind leads to the server. The hosts need not know: it answers
// for each of them on the other's side (proxy_arp).
const (
	Router, RouterAddr = "router", "10.0.0.254"
	behind             = "net1"
)

// joined gives the router its second interface, whose other end is the server's one.
func (h *host) joined(server *host) error {
	err := h.do(func() error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = behind
		err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: device, PeerNamespace: netlink.NsFd(server.ns)})
		if err != nil {
			return step("RTM_NEWLINK, a veth pair", err)
		}
		return offload(behind, false)
	})
	if err != nil {
		return err
	}
	return server.do(func() error { return offload(device, false) })
}

// forwards makes a router of the host, whose routes to both of the others have an MTU: a
// packet that is larger, and may not be cut, it answers with ICMP (ip_forward in
// net/ipv4/ip_forward.c).
func (h *host) forwards(mtu int) error {
	for _, setting := range []string{
		"ip_forward", "conf/" + device + "/proxy_arp", "conf/" + behind + "/proxy_arp",
	} {
		if err := os.WriteFile("/proc/sys/net/ipv4/"+setting, []byte("1"), 0); err != nil {
			return fmt.Errorf("no router can be made here: %w", err)
		}
	}
	for _, name := range []string{device, behind} {
		sysctl("net.ipv4.neigh."+name+".proxy_delay", "0") // else it answers for others after up to 0.8 s
	}
	own, err := netlink.ParseAddr(RouterAddr + "/32")
	if err != nil {
		return err
	}
	front, err := netlink.LinkByName(device)
	if err != nil {
		return step("RTM_GETLINK "+device, err)
	}
	if err := netlink.AddrAdd(front, own); err != nil {
		return step("RTM_NEWADDR", err)
	}
	for _, to := range []struct {
		device, network string
		mtu             int
	}{{device, ClientAddr + "/32", mtu}, {behind, ServerAddr + "/32", mtu}, {device, wire.Invented.String(), 0}} {
		link, err := netlink.LinkByName(to.device)
		if err != nil {
			return step("RTM_GETLINK "+to.device, err)
		}
		if err := netlink.LinkSetUp(link); err != nil {
			return step(fmt.Sprintf("RTM_NEWLINK, %s up", to.device), err)
		}
		network, err := netlink.ParseIPNet(to.network)
		if err != nil {
			return err
		}
		err = netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Scope: netlink.SCOPE_LINK, Dst: network, Src: own.IP, MTU: to.mtu})
		if err != nil {
			return step("RTM_NEWROUTE, mtu", err)
		}
	}
	return nil
}

// routeMTU is the MTU of the router's route to the server, as its kernel has it; 0 where it
// does not say.
func (h *host) routeMTU() (mtu int) {
	h.do(func() error {
		to, err := netlink.ParseAddr(ServerAddr + "/32")
		if err != nil {
			return err
		}
		routes, err := netlink.RouteGet(to.IP)
		if err == nil && len(routes) > 0 {
			mtu = routes[0].MTU
		}
		return err
	})
	return mtu
}

// narrow gives both interfaces of the router an MTU.
func (h *host) narrow(mtu int) error {
	return h.do(func() error {
		for _, name := range []string{device, behind} {
			link, err := netlink.LinkByName(name)
			if err != nil {
				return step("RTM_GETLINK "+name, err)
			}
			if err := (Shape{MTU: mtu}).apply(link); err != nil {
				return err
			}
		}
		return nil
	})
}
