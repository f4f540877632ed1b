package kernel

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// UnixSocket is one Unix socket in the words of sock_diag(7).
type UnixSocket struct {
	Inode  uint64 // as in /proc/PID/fd; 0 when no descriptor holds it
	Type   int    // SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET
	State  State  // LISTEN, ESTABLISHED, else CLOSE: TCP's numbers, unlike in /proc/net/unix
	Path   string // "" without a name; an abstract name (unix(7)) with each NUL as "@"
	Peer   uint64 // inode of the other end; 0 without one, or while it waits for accept(2)
	Cookie uint64 // the same number as SO_COOKIE: an identity also where the inode is 0

	// Dev and FileInode are the file that bind(2) made, as in st_dev and st_ino of
	// lstat(2), the inode cut to 32 bits; 0 without one. A path alone does not tell:
	// the file may have been removed, and another may lie there now.
	Dev       uint64
	FileInode uint32

	// Waiting are, of a LISTEN row, the inodes of the clients whose connections wait for
	// accept(2), the first of them first; 0 for a client that is gone. The other ends,
	// which wait, have no row of their own.
	Waiting []uint64

	// RQueue and WQueue are bytes to be read here (SOCK_DGRAM: of the first
	// datagram) and kernel memory held by what was written and not read, more
	// than the bytes written. Of a LISTEN row they are the connections that wait
	// for accept(2) and the backlog. Of them, too, the queue holds one more.
	RQueue uint32
	WQueue uint32
	Shut   Shut
}

//	struct unix_diag_req {
//		__u8	sdiag_family;
//		__u8	sdiag_protocol;
//		__u16	pad;
//		__u32	udiag_states;
//		__u32	udiag_ino;
//		__u32	udiag_show;
//		__u32	udiag_cookie[2];
//	};
type unixDiagReq struct {
	Family   uint8
	Protocol uint8
	Pad      uint16
	States   uint32
	Inode    uint32
	Show     uint32
	Cookie   [2]uint32
}

//	struct unix_diag_msg {
//		__u8	udiag_family;
//		__u8	udiag_type;
//		__u8	udiag_state;
//		__u8	pad;
//		__u32	udiag_ino;
//		__u32	udiag_cookie[2];
//	};
type unixDiagMsg struct {
	Family uint8
	Type   uint8
	State  uint8
	Pad    uint8
	Inode  uint32
	Cookie [2]uint32
}

// Of include/uapi/linux/unix_diag.h: what to ask for, and what comes.
const (
	udiagShowName  = 0x01 // UDIAG_SHOW_NAME
	udiagShowVFS   = 0x02 // UDIAG_SHOW_VFS
	udiagShowPeer  = 0x04 // UDIAG_SHOW_PEER
	udiagShowIcons = 0x08 // UDIAG_SHOW_ICONS
	udiagShowRQLen = 0x10 // UDIAG_SHOW_RQLEN

	unixDiagName  = 0 // UNIX_DIAG_NAME, sun_path
	unixDiagShut  = 6 // UNIX_DIAG_SHUTDOWN, __u8; comes without being asked for
	unixDiagVFS   = 1 // UNIX_DIAG_VFS, struct unix_diag_vfs { __u32 udiag_vfs_ino; __u32 udiag_vfs_dev; }
	unixDiagPeer  = 2 // UNIX_DIAG_PEER, __u32
	unixDiagIcons = 3 // UNIX_DIAG_ICONS, __u32 of each connection that comes in (sk_diag_dump_icons in net/unix/diag.c)
	unixDiagRQLen = 4 // UNIX_DIAG_RQLEN, struct unix_diag_rqlen { __u32 udiag_rqueue; __u32 udiag_wqueue; }
)

// Made reports whether the file of st, as lstat(2) tells it, is the one that bind(2)
// made for the socket.
func (u UnixSocket) Made(st *unix.Stat_t) bool {
	return u.FileInode != 0 && u.Dev == st.Dev && u.FileInode == uint32(st.Ino)
}

// Unix asks sock_diag(7) for all Unix sockets. The error is ENOENT if the kernel has
// no sock_diag for them.
func (n Net) Unix() ([]UnixSocket, error) {
	request, err := binary.Append(nil, binary.NativeEndian, unixDiagReq{
		Family: unix.AF_UNIX,
		States: allStates,
		Show:   udiagShowName | udiagShowVFS | udiagShowPeer | udiagShowIcons | udiagShowRQLen,
	})
	if err != nil {
		return nil, err
	}
	var sockets []UnixSocket
	err = n.dump(sockDiag, unix.SOCK_DIAG_BY_FAMILY, request, func(payload []byte) error {
		socket, err := parseUnixSocket(payload)
		sockets = append(sockets, socket)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sock_diag AF_UNIX: %w", err)
	}
	return sockets, nil
}

func parseUnixSocket(payload []byte) (UnixSocket, error) {
	order := binary.NativeEndian
	var msg unixDiagMsg
	n, err := binary.Decode(payload, order, &msg)
	if err != nil {
		return UnixSocket{}, errShort
	}
	socket := UnixSocket{
		Inode:  uint64(msg.Inode),
		Type:   int(msg.Type),
		State:  State(msg.State),
		Cookie: uint64(msg.Cookie[1])<<32 | uint64(msg.Cookie[0]),
	}
	err = parseAttrs(payload[n:], func(kind uint16, value []byte) {
		switch {
		case kind == unixDiagName:
			socket.Path = unixName(value)
		case kind == unixDiagVFS && len(value) == 8:
			socket.FileInode = order.Uint32(value)
			dev := order.Uint32(value[4:]) // a dev_t of the kernel's own: MKDEV of include/linux/kdev_t.h
			socket.Dev = unix.Mkdev(dev>>20, dev&(1<<20-1))
		case kind == unixDiagPeer && len(value) == 4:
			socket.Peer = uint64(order.Uint32(value))
		case kind == unixDiagShut && len(value) == 1:
			socket.Shut = shutBits(value[0])
		case kind == unixDiagIcons:
			for ; len(value) >= 4; value = value[4:] {
				socket.Waiting = append(socket.Waiting, uint64(order.Uint32(value)))
			}
		case kind == unixDiagRQLen && len(value) == 8:
			socket.RQueue, socket.WQueue = order.Uint32(value), order.Uint32(value[4:])
		}
	})
	return socket, err
}

// unixName reads a sun_path (unix(7)). A path ends at its NUL; an abstract name
// begins with one, has none at its end, and every byte of it counts.
func unixName(sunPath []byte) string {
	if len(sunPath) > 0 && sunPath[0] == 0 {
		return string(bytes.ReplaceAll(sunPath, []byte{0}, []byte{'@'}))
	}
	name, _, _ := bytes.Cut(sunPath, []byte{0})
	return string(name)
}
