package cable

import (
	"fd3/sockets/netlab"
	"fd3/sockets/wire"
)

// record returns what the cable remembers, each packet with the names of its bytes and
// what it is to its connection.
func record(network *netlab.Network) ([]wire.Packet, wire.Report, error) {
	var all []wire.Packet
	var flows wire.Flows
	for after := 0; ; {
		r, err := network.Cable(wire.Order{Do: "record", After: after})
		if err != nil {
			return nil, r, err
		}
		for _, p := range r.Packets {
			parsed := wire.Parse(p.Data)
			p.Layers, p.Summary, p.Malformed = parsed.Layers, parsed.Summary, parsed.Malformed
			flows.Follow(&p)
			all = append(all, p)
			after = p.Number
		}
		if len(r.Packets) == 0 || after >= r.Newest {
			return all, r, nil
		}
	}
}

// lying returns those that lie on the cable.
func lying(packets []wire.Packet) []wire.Packet {
	var all []wire.Packet
	for _, p := range packets {
		if p.Fate == wire.Held {
			all = append(all, p)
		}
	}
	return all
}

// First returns what the first packet that lies on the cable says, and reports whether
// there is one.
func First(network *netlab.Network) (summary string, lies bool) {
	packets, _, err := record(network)
	if err != nil {
		return "", false
	}
	held := lying(packets)
	if len(held) == 0 {
		return "", false
	}
	return held[0].Summary, true
}
