package netlab

import (
	"runtime"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// At one end of the cable so many bytes may wait for the keeper, and so many for their turn
// to go on to the host, as the kernel counts them: several hundred more for each frame.
const (
	receiveBuffer = 8 << 20
	sendBuffer    = 8 << 20
)

// plug gives a host its interface, one end of a veth(4) pair. The other end stays in the
// keeper's namespace, under the name of the host that it leads to, and a packet socket on
// it (packet(7)) is where the cable takes what comes from there, and puts what goes there.
func (h *host) plug(to string) (socket int, err error) {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = to
	if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: device, PeerNamespace: netlink.NsFd(h.ns)}); err != nil {
		return -1, step("RTM_NEWLINK, a veth pair", err)
	}
	end, err := netlink.LinkByName(to)
	if err != nil {
		return -1, step("RTM_GETLINK "+to, err)
	}
	if err := h.do(func() error { return offload(device, false) }); err != nil {
		return -1, err
	}
	if err := netlink.LinkSetUp(end); err != nil {
		return -1, step("RTM_NEWLINK, "+to+" up", err)
	}
	return packetSocket(end.Attrs().Index)
}

// packetSocket opens a packet socket that takes what arrives at an interface, and not
// what is sent from it. It is bound last: until then nothing comes in.
func packetSocket(index int) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, step("socket(AF_PACKET)", err)
	}
	// The second of each is refused to a user namespace by older kernels, and then the first
	// counts.
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer)
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, sendBuffer)
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, sendBuffer)
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1); err != nil {
		return -1, step("setsockopt PACKET_IGNORE_OUTGOING", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return -1, step("setsockopt SO_TIMESTAMPNS", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1); err != nil {
		return -1, step("setsockopt PACKET_VNET_HDR", err)
	}
	const all = unix.ETH_P_ALL<<8 | unix.ETH_P_ALL>>8 // htons
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: index}); err != nil {
		return -1, step("bind(AF_PACKET)", err)
	}
	return fd, nil
}

// ifreq is struct ifreq of netdevice(7) as SIOCETHTOOL takes it.
type ifreq struct {
	name [unix.IFNAMSIZ]byte
	data unsafe.Pointer
	_    [16]byte
}

// offloads are what the kernel can leave to an interface, by the names of ethtool(8), each
// with the commands that read it and set it.
var offloads = []struct {
	name     string
	get, set uint32
	received bool // what is received, and not what is sent
}{
	{"tx-checksumming", unix.ETHTOOL_GTXCSUM, unix.ETHTOOL_STXCSUM, false},
	{"tcp-segmentation-offload", unix.ETHTOOL_GTSO, unix.ETHTOOL_STSO, false},
	{"generic-segmentation-offload", unix.ETHTOOL_GGSO, unix.ETHTOOL_SGSO, false},
	{"generic-receive-offload", unix.ETHTOOL_GGRO, unix.ETHTOOL_SGRO, true},
}

// offload has the kernel leave to an interface what is sent, or nothing: then frames are as
// a cable has them, each with its checksum, none larger than the MTU.
func offload(device string, sent bool) error {
	for _, o := range offloads {
		value := uint32(0)
		if sent && !o.received {
			value = 1
		}
		if _, err := ethtool(device, o.set, value); err != nil {
			return step("ioctl SIOCETHTOOL, "+o.name, err)
		}
	}
	return nil
}

// offloaded reads what is left to an interface.
func offloaded(device string) (names []string, err error) {
	for _, o := range offloads {
		on, err := ethtool(device, o.get, 0)
		if err != nil {
			return nil, step("ioctl SIOCETHTOOL, "+o.name, err)
		}
		if on != 0 {
			names = append(names, o.name)
		}
	}
	return names, nil
}

// ethtool sets one of the switches of an interface, or reads it: struct ethtool_value of
// linux/ethtool.h.
func ethtool(device string, command, value uint32) (uint32, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	asked := [2]uint32{command, value}
	r := ifreq{data: unsafe.Pointer(&asked)}
	copy(r.name[:], device)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&r)))
	runtime.KeepAlive(&asked)
	if errno != 0 {
		return 0, errno
	}
	return asked[1], nil
}
