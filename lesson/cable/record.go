package cable

import (
	"cmp"
	"context"

	"fd3/sockets/netlab"
	"fd3/sockets/wire"
)

// record returns what the cable remembers.
func (n *Narrator) record(ctx context.Context, network *netlab.Network) ([]wire.Packet, wire.Report, error) {
	n.keeper = network.PID
	return Record(network, func() ([]Call, error) { return n.Calls(ctx) })
}

// Record returns what a cable remembers, each packet with the names of its bytes, what it
// is to its connection, and the call that made the kernel send it: calls returns those that
// were made on the hosts, and is called when the packets are known.
func Record(network *netlab.Network, calls func() ([]Call, error)) ([]wire.Packet, wire.Report, error) {
	packets, report, err := remembered(network)
	if err != nil {
		return nil, report, err
	}
	made, err := calls()
	if err != nil {
		return nil, report, err
	}
	cause(packets, made)
	return packets, report, nil
}

// remembered is Record without the calls. What comes while it is read is left out: a host
// can send faster than this reads.
func remembered(network *netlab.Network) ([]wire.Packet, wire.Report, error) {
	var all []wire.Packet
	var flows wire.Flows
	newest := 0
	for after := 0; ; {
		r, err := network.Cable(wire.Order{Do: "record", After: after})
		if err != nil {
			return nil, r, err
		}
		newest = cmp.Or(newest, r.Newest)
		for _, p := range r.Packets {
			p.Dissect()
			flows.Follow(&p)
			all = append(all, p)
			after = p.Number
		}
		if len(r.Packets) == 0 || after >= newest {
			return all, r, nil
		}
	}
}
