package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Row is one socket of /proc/net/tcp, tcp6, udp or udp6 (proc_pid_net(5),
// get_tcp4_sock in net/ipv4/tcp_ipv4.c).
type Row struct {
	Local   netip.AddrPort // as getsockname(2) says
	State   State          // a connection request is SYN_RECV here
	RxQueue uint32         // bytes received and not read, a FIN counting one; UDP: memory; of a LISTEN row the accept queue's length
	Inode   uint64         // as in /proc/PID/fd; 0 when no descriptor holds it: TIME_WAIT, or not accepted yet
	Drops   uint64         // datagrams dropped, mostly because the receive buffer was full; UDP only
	Raw     string         // the line without the padding at its end
}

// Table reads /proc/net/NAME, NAME being tcp, tcp6, udp or udp6. A kernel without
// IPv6 has no tcp6: ENOENT.
//
// A socket that is bound but neither listens nor connects is in no TCP table.
// The kernel hands a long table out page by page: a row may be missing or come
// twice when sockets come and go meanwhile.
func (n Net) Table(name string) ([]Row, error) {
	switch name {
	case "tcp", "tcp6", "udp", "udp6":
	default:
		return nil, fmt.Errorf("no table %q: tcp, tcp6, udp or udp6", name)
	}
	data, err := n.file(name)
	if err != nil {
		return nil, err
	}
	rows, err := parseTable(string(data))
	if err != nil {
		return nil, fmt.Errorf("%s%s: %w", procNet, name, err)
	}
	return rows, nil
}

// parseTable reads a header and rows. The header tells UDP from TCP: the 13th
// column counts drops in one and is the retransmission timeout in the other.
func parseTable(text string) ([]Row, error) {
	header, body, _ := strings.Cut(text, "\n")
	columns := strings.Fields(header)
	if len(columns) == 0 || columns[0] != "sl" {
		return nil, fmt.Errorf("no header line: %q", header)
	}
	udp := columns[len(columns)-1] == "drops"

	var rows []Row
	for line := range strings.Lines(body) {
		row, err := parseRow(strings.TrimRight(line, " \n"), udp)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", len(rows)+2, err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// parseRow reads one line:
//
//	sl: local remote st tx:rx timer:when retransmits uid probes inode ref pointer ...
func parseRow(line string, udp bool) (Row, error) {
	row := Row{Raw: line}
	field := strings.Fields(line)
	if len(field) < 12 || udp && len(field) < 13 {
		return Row{}, fmt.Errorf("%d columns: %q", len(field), line)
	}

	var errs [5]error
	var state uint64
	row.Local, errs[0] = parseAddrPort(field[1])
	state, errs[1] = strconv.ParseUint(field[3], 16, 8)
	row.State = State(state)
	row.RxQueue, errs[2] = parseRxQueue(field[4])
	row.Inode, errs[3] = strconv.ParseUint(field[9], 10, 64)
	if udp {
		row.Drops, errs[4] = strconv.ParseUint(field[12], 10, 64)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return Row{}, fmt.Errorf("%q: %w", line, err)
	}
	return row, nil
}

// parseAddrPort reads "0100007F:1F90". The port is printed as a number. The
// address is printed in words of 32 bits, each the kernel's big-endian bytes
// read as an integer of this machine: 127.0.0.1 is 0100007F on a little-endian
// one, and ::1 ends in 01000000.
func parseAddrPort(text string) (netip.AddrPort, error) {
	hex, port, ok := strings.Cut(text, ":")
	if !ok || len(hex) != 8 && len(hex) != 32 {
		return netip.AddrPort{}, fmt.Errorf("no address and port: %q", text)
	}
	var bytes []byte
	for i := 0; i < len(hex); i += 8 {
		word, err := strconv.ParseUint(hex[i:i+8], 16, 32)
		if err != nil {
			return netip.AddrPort{}, fmt.Errorf("address: %w", err)
		}
		bytes = binary.NativeEndian.AppendUint32(bytes, uint32(word))
	}
	number, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("port: %w", err)
	}
	addr, _ := netip.AddrFromSlice(bytes)
	return netip.AddrPortFrom(addr, uint16(number)), nil
}

// parseRxQueue reads the second of "tx:rx", in hexadecimal.
func parseRxQueue(text string) (uint32, error) {
	_, rx, ok := strings.Cut(text, ":")
	if !ok {
		return 0, fmt.Errorf("no two queues: %q", text)
	}
	n, err := strconv.ParseUint(rx, 16, 32)
	return uint32(n), err
}
