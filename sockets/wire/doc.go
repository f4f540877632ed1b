// Package wire names the bytes of a frame, follows the connections that frames belong
// to, makes frames, and writes them to a file that Wireshark opens.
//
//	p := wire.Parse(frame)  // layers and fields, each with its span
//	flows.Follow(&p)        // relative numbers, and what the packet is to its connection
//	reset, err := p.Reset() // what a network, or an enemy in it, can send instead
//
// The names of fields are those of the RFC that each layer cites. Nothing here trusts a
// length: a frame that is cut off, or that contradicts itself, is named as far as it can
// be, and Malformed says what is wrong.
package wire
