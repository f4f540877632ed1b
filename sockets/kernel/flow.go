package kernel

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Flow is a TCP connection with what its kernel reckons with while it sends.
type Flow struct {
	InetSocket
	Congestion string       // the congestion control: cubic, reno, bbr; "" where the kernel does not tell
	Info       unix.TCPInfo // TCP_INFO (tcp(7)), as far as this kernel has it; else zeros
}

// INET_DIAG_INFO and INET_DIAG_CONG of include/uapi/linux/inet_diag.h: a struct tcp_info,
// and a name.
const (
	inetDiagInfo = 2
	inetDiagCong = 4
)

// Flows asks sock_diag(7) for the open TCP connections, as ss -ti does. Its errors are those
// of TCP.
func (n Net) Flows() (flows []Flow, err error) {
	request, err := binary.Append(nil, binary.NativeEndian, inetDiagReq{Ext: 1<<(inetDiagInfo-1) | 1<<(inetDiagCong-1), States: Established.mask()})
	if err == nil {
		err = n.dump(sockDiag, tcpDiagGetSock, request, func(payload []byte) error {
			f, err := parseFlow(payload)
			flows = append(flows, f)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("sock_diag TCP: %w", err)
	}
	return flows, nil
}

func parseFlow(payload []byte) (f Flow, err error) {
	if f.InetSocket, err = parseInetSocket(payload); err != nil {
		return f, err
	}
	err = parseAttrs(payload[unsafe.Sizeof(inetDiagMsg{}):], func(kind uint16, value []byte) {
		switch kind {
		case inetDiagCong:
			f.Congestion = unix.ByteSliceToString(value)
		case inetDiagInfo:
			copy(unsafe.Slice((*byte)(unsafe.Pointer(&f.Info)), unsafe.Sizeof(f.Info)), value)
		}
	})
	return f, err
}
