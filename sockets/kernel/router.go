package kernel

import (
	"slices"
	"strings"
)

// A Router is a kernel that forwards, between a cable and the host at its right end.
type Router struct {
	Name  string       `json:"name"`
	Addr  string       `json:"addr"`  // by which it answers
	Links []RouterLink `json:"links"` // by name: net0 is at the cable
	Route int          `json:"route"` // the MTU of its route to the host, in bytes: it forwards no larger packet there; 0: that of the interface counts

	Forwarded   int64 `json:"forwarded"`   // packets that it has passed on: IpForwDatagrams, as nstat(8) has it
	TooLarge    int64 `json:"too_large"`   // packets that it has thrown away since they may not be cut: IpFragFails
	Unreachable int64 `json:"unreachable"` // ICMP messages in which it has said that it passed something on to nobody: IcmpOutDestUnreachs
}

// A RouterLink is one of its interfaces.
type RouterLink struct {
	Name string `json:"name"`
	MTU  int    `json:"mtu"` // in bytes
}

// Read asks the router's kernel, in its network namespace, for its interfaces and for what
// it has counted.
func (r *Router) Read(in Net) error {
	links, err := in.Links()
	if err != nil {
		return err
	}
	counters, err := in.Counters()
	if err != nil {
		return err
	}
	r.Links = nil
	for _, l := range links {
		if !l.Loopback() {
			r.Links = append(r.Links, RouterLink{l.Name, l.MTU})
		}
	}
	slices.SortFunc(r.Links, func(a, b RouterLink) int { return strings.Compare(a.Name, b.Name) })
	r.Forwarded, r.TooLarge, r.Unreachable = counters["Ip.ForwDatagrams"], counters["Ip.FragFails"], counters["Icmp.OutDestUnreachs"]
	return nil
}
