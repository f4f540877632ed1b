package hooks

import (
	"encoding/binary"
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// The other interface of a host, where packets are redirected to, and the end at which
// they come out.
const aside, asideEnd = "aside", "aside-end"

// beside is that interface, with a packet socket at its end (packet(7)).
type beside struct {
	index  int
	socket int
}

// remove takes the interface away, with its end.
func (b *beside) remove() {
	if b == nil {
		return
	}
	unix.Close(b.socket)
	netlink.LinkDel(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Index: b.index}})
}

func newBeside() (*beside, error) {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = aside
	if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: asideEnd}); err != nil {
		return nil, fmt.Errorf("RTM_NEWLINK, a veth pair: %w", err)
	}
	b := &beside{}
	var end int
	// The second one finds a carrier, and can send at once. The first has to wait for a worker
	// of the kernel (linkwatch_event()); what is sent before that is lost.
	for _, name := range []string{asideEnd, aside} {
		link, err := netlink.LinkByName(name)
		if err == nil {
			err = netlink.LinkSetUp(link)
		}
		if err != nil {
			return nil, fmt.Errorf("RTM_NEWLINK, %s up: %w", name, err)
		}
		end, b.index = b.index, link.Attrs().Index
	}
	var err error
	if b.socket, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0); err != nil {
		return nil, fmt.Errorf("socket(AF_PACKET): %w", err)
	}
	const all = unix.ETH_P_ALL<<8 | unix.ETH_P_ALL>>8 // htons
	return b, unix.Bind(b.socket, &unix.SockaddrLinklayer{Protocol: all, Ifindex: end})
}

// came returns the lengths of the frames for a port of UDP that have come out.
func (b *beside) came(port uint16) (lengths []int) {
	if b == nil {
		return nil
	}
	frame := make([]byte, 2048)
	for {
		n, _, err := unix.Recvfrom(b.socket, frame, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return lengths
		}
		const ip, udp = 14, 14 + 20
		if n >= udp+4 && frame[ip+9] == unix.IPPROTO_UDP && binary.BigEndian.Uint16(frame[udp+2:]) == port {
			lengths = append(lengths, n)
		}
	}
}
