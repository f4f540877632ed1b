// Package drawing draws what the kernel has: a Snapshot becomes a Picture once, and the
// Picture is drawn in the cells of a terminal, as SVG, or told in sentences. So is a
// Ladder, which is what happened between two hosts, and a Frame, which is one packet.
//
//	picture := drawing.New(now, before)
//	lines := picture.Cells(drawing.Room{Columns: 80})
//
// Each process is a box with its descriptors. A line runs from end to end of each
// connection. A listener has its accept queue, slot by slot, and the refused stand
// before it. What no process holds is in a box of its own.
//
// A Ladder has calls at its outer sides, packets as arrows between them, and time goes
// down. Runs of packets that say nothing new are folded.
//
// A Frame has a box for each layer of a packet, each inside the one that carries it, with
// its bytes.
//
// What is not as it was before has a mark, and is bold. Nothing is told by a colour.
package drawing
