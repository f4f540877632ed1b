package wire

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// An Offload is what a host has left to its device to do with a frame. It is in none of the
// frame's bytes: the kernel says it in front of them (PACKET_VNET_HDR, packet(7)), and has
// to be told it with the frame when that goes on.
type Offload struct {
	Cut      string `json:"cut,omitempty"`      // what the data are to be cut into: "TCP segments"; none: nothing is cut
	Size     int    `json:"size,omitempty"`     // bytes of data in each of them, but for the last
	Headers  int    `json:"headers,omitempty"`  // bytes in front of the data, which each of them gets
	Checksum bool   `json:"checksum,omitempty"` // the checksum is to be filled in
	From     int    `json:"from,omitempty"`     // with Checksum: it is over the bytes from this one on
	At       int    `json:"at,omitempty"`       // with Checksum: it belongs to this byte of the frame
}

// A vnetHeader is what the kernel says in front of a frame, in the order of this machine's
// bytes.
//
//	struct virtio_net_hdr {
//		__u8	flags;
//		__u8	gso_type;
//		__u16	hdr_len;	// Ethernet, IP and what is in it
//		__u16	gso_size;
//		__u16	csum_start;
//		__u16	csum_offset;	// from csum_start
//	};
type vnetHeader [10]byte

const (
	needsChecksum = 1    // VIRTIO_NET_HDR_F_NEEDS_CSUM
	congested     = 0x80 // VIRTIO_NET_HDR_GSO_ECN, beside the type
)

// cuts are what a frame is to be cut into, by gso_type: VIRTIO_NET_HDR_GSO_TCPV4 and so on.
var cuts = map[byte]string{1: "TCP segments", 4: "TCP segments", 5: "datagrams"}

// offload is what a header says, or nil where nothing is left to the device.
func (h *vnetHeader) offload() *Offload {
	var o Offload
	order := binary.NativeEndian
	if kind := h[1] &^ congested; kind != 0 {
		o.Cut = cuts[kind]
		if o.Cut == "" {
			o.Cut = fmt.Sprintf("pieces of type %d", kind)
		}
		o.Headers, o.Size = int(order.Uint16(h[2:])), int(order.Uint16(h[4:]))
	}
	if h[0]&needsChecksum != 0 {
		o.Checksum, o.From = true, int(order.Uint16(h[6:]))
		o.At = o.From + int(order.Uint16(h[8:]))
	}
	if o == (Offload{}) {
		return nil
	}
	return &o
}

// String says it as what the device is to do.
func (o *Offload) String() string {
	if o == nil {
		return ""
	}
	var all []string
	if o.Cut != "" {
		all = append(all, fmt.Sprintf("cut it into %s of %s of data", o.Cut, counted(o.Size, "byte")))
	}
	if o.Checksum {
		all = append(all, fmt.Sprintf("fill in the checksum at byte %d", o.At))
	}
	return strings.Join(all, ", and ")
}
