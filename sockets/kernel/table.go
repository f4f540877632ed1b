package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Row is one socket of /proc/net/tcp, tcp6, udp or udp6 (proc_pid_net(5),
// get_tcp4_sock in net/ipv4/tcp_ipv4.c).
type Row struct {
	Slot        int            // position in this reading, no identity
	Local       netip.AddrPort // as getsockname(2) says
	Remote      netip.AddrPort // as getpeername(2) says; 0.0.0.0:0 or [::]:0 without a peer
	State       State          // a connection request is SYN_RECV here
	TxQueue     uint32         // bytes written and not acknowledged, SYN and FIN counting one; UDP: memory of what is not sent
	RxQueue     uint32         // bytes received and not read, a FIN counting one; UDP: memory; of a LISTEN row the accept queue's length
	Timer       Timer          // TCP only
	Expires     time.Duration  // until the timer fires, in steps of 10 ms; with a Timer
	Retransmits uint32         // timeouts in a row without an answer; TCP only
	UID         uint32         // owner; 0 in TIME_WAIT
	Probes      int            // unanswered keepalive or window probes, the column "timeout"; TCP only
	Inode       uint64         // as in /proc/PID/fd; 0 when no descriptor holds it: TIME_WAIT, or not accepted yet
	RefCount    int            // the kernel's references to it
	Drops       uint64         // datagrams dropped, mostly because the receive buffer was full; UDP only
	Raw         string         // the line without the padding at its end; TCP has further columns there
}

// Table reads /proc/PID/net/NAME, NAME being tcp, tcp6, udp or udp6, and so the
// network namespace of that process. It may be given the id of a thread that has
// a namespace of its own. A kernel without IPv6 has no tcp6: ENOENT.
//
// A socket that is bound but neither listens nor connects is in no TCP table.
// The kernel hands a long table out page by page: a row may be missing or come
// twice when sockets come and go meanwhile.
func Table(pid int, name string) ([]Row, error) {
	switch name {
	case "tcp", "tcp6", "udp", "udp6":
	default:
		return nil, fmt.Errorf("no table %q: tcp, tcp6, udp or udp6", name)
	}
	path := fmt.Sprintf("/proc/%d/net/%s", pid, name)
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	rows, err := parseTable(string(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
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

	var errs [12]error
	var state, timer, ticks, value uint64
	row.Slot, errs[0] = strconv.Atoi(strings.TrimSuffix(field[0], ":"))
	row.Local, errs[1] = parseAddrPort(field[1])
	row.Remote, errs[2] = parseAddrPort(field[2])
	state, errs[3] = strconv.ParseUint(field[3], 16, 8)
	row.State = State(state)
	row.TxQueue, row.RxQueue, errs[4] = parseQueues(field[4])
	timer, ticks, errs[5] = parsePair(field[5], 8, 64)
	row.Timer, row.Expires = Timer(timer), clockTicks(ticks)
	value, errs[6] = strconv.ParseUint(field[6], 16, 32)
	row.Retransmits = uint32(value)
	value, errs[7] = strconv.ParseUint(field[7], 10, 32)
	row.UID = uint32(value)
	row.Probes, errs[8] = strconv.Atoi(field[8])
	row.Inode, errs[9] = strconv.ParseUint(field[9], 10, 64)
	row.RefCount, errs[10] = strconv.Atoi(field[10])
	if udp {
		row.Drops, errs[11] = strconv.ParseUint(field[12], 10, 64)
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

func parseQueues(text string) (tx, rx uint32, err error) {
	a, b, err := parsePair(text, 32, 32)
	return uint32(a), uint32(b), err
}

// parsePair reads two hexadecimal numbers with a colon between.
func parsePair(text string, bitsA, bitsB int) (a, b uint64, err error) {
	left, right, ok := strings.Cut(text, ":")
	if !ok {
		return 0, 0, fmt.Errorf("no pair: %q", text)
	}
	if a, err = strconv.ParseUint(left, 16, bitsA); err != nil {
		return 0, 0, err
	}
	b, err = strconv.ParseUint(right, 16, bitsB)
	return a, b, err
}

// clockTicks turns the kernel's jiffies_to_clock_t into a duration. There are
// 100 to the second (USER_HZ) whatever the kernel's own tick is; a number that
// no timer can hold is cut.
func clockTicks(ticks uint64) time.Duration {
	const tick = 10 * time.Millisecond
	return time.Duration(min(ticks, uint64(1<<63-1)/uint64(tick))) * tick
}
