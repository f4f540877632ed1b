package lab

import (
	"fmt"

	"fd3/lesson"
	"fd3/sockets/wire"
)

// ShowFrame draws a packet layer by layer.
func (n *Network) ShowFrame(p wire.Packet) {
	n.lab.Tell(lesson.Event{Kind: lesson.KindFrame, Packet: &p})
}

// ShowSize shows how many bytes each layer of a packet has.
func (n *Network) ShowSize(fact string, p wire.Packet) {
	n.lab.Show(lesson.Evidence{Fact: fact, Value: p.Size(), Source: fmt.Sprintf("packet %d", p.Number)})
}

// Corrupt turns the lowest bit of a byte of a packet that lies on the cable, the first
// being 0, lets it pass, and tells what became of it.
func (n *Network) Corrupt(p wire.Packet, at int) {
	n.become(wire.Order{Do: "corrupt", Number: p.Number, Byte: &at})
}
