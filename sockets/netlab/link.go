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
// keeper's namespace under the host's name, and a packet socket on it (packet(7)) is
// where the cable takes what the host sends, and puts what it is to receive.
func (h *host) plug() (socket int, err error) {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = h.Name
	if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: device, PeerNamespace: netlink.NsFd(h.ns)}); err != nil {
		return -1, step("RTM_NEWLINK, a veth pair", err)
	}
	end, err := netlink.LinkByName(h.Name)
	if err != nil {
		return -1, step("RTM_GETLINK "+h.Name, err)
	}
	// Frames as a cable has them: each with its checksum, none larger than the MTU.
	err = h.do(func() error {
		for _, off := range []uint32{unix.ETHTOOL_STXCSUM, unix.ETHTOOL_STSO, unix.ETHTOOL_SGSO, unix.ETHTOOL_SGRO} {
			if err := setEthtool(device, off, 0); err != nil {
				return step("ioctl SIOCETHTOOL", err)
			}
		}
		return nil
	})
	if err != nil {
		return -1, err
	}
	if err := netlink.LinkSetUp(end); err != nil {
		return -1, step("RTM_NEWLINK, "+h.Name+" up", err)
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

// setEthtool sets one of the switches of an interface: struct ethtool_value of
// linux/ethtool.h.
func setEthtool(device string, command, value uint32) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	set := [2]uint32{command, value}
	r := ifreq{data: unsafe.Pointer(&set)}
	copy(r.name[:], device)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&r)))
	runtime.KeepAlive(&set)
	if errno != 0 {
		return errno
	}
	return nil
}
