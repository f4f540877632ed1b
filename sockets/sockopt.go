package sockets

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// level and option are those of getsockopt(2) and setsockopt(2).
func level(d *decoder, i int) string {
	d.call.Level = int(int32(d.registers[i]))
	return d.named(i, levelName(d.call.Level))
}

func option(d *decoder, i int) string {
	d.call.Option = int(int32(d.registers[i]))
	name := optionName(int(int32(d.registers[1])), d.call.Option)
	source := strings.TrimSuffix(name, "_OLD") // as the C library calls it
	d.written(i, cNames(source), goNames(source))
	return name
}

// ints are the options at SOL_SOCKET of which strace(1) knows that they are an int,
// also where their length is another one.
var ints = []int{1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 18, 19, 27, 29, 30, 32, 33, 34, 35, 36, 37, 40, 41, 42, 43,
	44, 45, 46, 49, 53, 56, 60, 63, 64, 65, 68, 69, 70, 73, 75}

func isInt(option int) bool { return slices.Contains(ints, option) }

// An optionValue is the value of an option in the memory.
type optionValue struct {
	*decoder
	level, option int
	address       uint64
	length        int32
}

func (d *decoder) optionValue(i int, length int32) optionValue {
	return optionValue{d, int(int32(d.registers[1])), int(int32(d.registers[2])), d.registers[i], length}
}

// optionIn is the value of setsockopt(2).
func optionIn(d *decoder, i int) string {
	v := d.optionValue(i, int32(d.registers[4]))
	if v.address == 0 {
		return v.plain()
	}
	switch {
	case v.level == unix.SOL_SOCKET:
		switch {
		case v.option == unix.SO_LINGER && v.length < unix.SizeofLinger,
			v.option == unix.SO_TXREHASH && v.length < 4, isInt(v.option) && v.length < 4:
			return address(v.address)
		case v.option == unix.SO_LINGER:
			return v.linger(unix.SizeofLinger)
		case v.option == unix.SO_TXREHASH:
			return v.rehash()
		case v.option == unix.SO_ATTACH_FILTER, v.option == unix.SO_ATTACH_REUSEPORT_CBPF:
			return v.program()
		case isInt(v.option):
			return d.integer(v.address)
		case (v.option == unix.SO_RCVTIMEO || v.option == unix.SO_SNDTIMEO) && v.length >= sizeTimeval:
			if b, ok := d.fetch(v.address, sizeTimeval); ok {
				sec, usec := binary.NativeEndian.Uint64(b), binary.NativeEndian.Uint64(b[8:])
				d.call.Timeout = time.Duration(sec)*time.Second + time.Duration(usec)*time.Microsecond
			}
		}
	case v.level == unix.SOL_IP && (v.option == unix.IP_ADD_MEMBERSHIP || v.option == unix.IP_DROP_MEMBERSHIP):
		return v.membership()
	case v.level == unix.SOL_NETLINK:
		if v.length < 4 {
			return address(v.address)
		}
		return d.integer(v.address)
	}
	return v.plain()
}

// optionOut is the value of getsockopt(2).
func optionOut(d *decoder, i int) string {
	before, ok := d.peekInt(d.registers[4])
	if !d.returned {
		if !ok {
			return d.address(i)
		}
		d.saved[4] = int64(before)
		return d.changes("")
	}
	after := before
	before = int32(d.saved[4])
	v := d.optionValue(i, after)
	switch {
	case d.failed() || !ok || before <= 0 || after <= 0:
		return address(v.address)
	case v.address == 0:
	case v.level == unix.SOL_SOCKET:
		switch {
		case v.option == unix.SO_LINGER:
			return v.linger(min(int(after), unix.SizeofLinger))
		case v.option == unix.SO_PEERCRED:
			return v.credentials(min(int(after), unix.SizeofUcred))
		case v.option == unix.SO_ERROR && after >= 4:
			return v.pending()
		case v.option == unix.SO_TXREHASH && after >= 4:
			return v.rehash()
		case isInt(v.option) && after >= 4:
			return d.integer(v.address)
		case isInt(v.option), v.option == unix.SO_ERROR, v.option == unix.SO_TXREHASH:
			return v.hexBytes()
		}
	case v.level == unix.SOL_NETLINK:
		return d.integer(v.address)
	}
	return v.plain()
}

// plain shows an int, or the bytes.
func (v optionValue) plain() string {
	if v.length == 4 {
		return v.integer(v.address)
	}
	return v.quoted(v.address, uint64(int64(v.length)))
}

// hexBytes shows the bytes of a value that is shorter than it should be.
func (v optionValue) hexBytes() string {
	b, ok := v.peek(v.address, int(v.length))
	if !ok {
		return address(v.address)
	}
	return hexQuoted(b)
}

// linger shows n bytes of a struct linger. The kernel may have written fewer than it
// has; of a member that is cut strace(1) shows the bytes.
func (v optionValue) linger(n int) string {
	return v.members(n, "l_onoff", "l_linger")
}

// credentials shows n bytes of a struct ucred.
func (v optionValue) credentials(n int) string {
	return v.members(n, "pid", "uid", "gid")
}

// members shows n bytes of a struct of ints.
func (v optionValue) members(n int, names ...string) string {
	b, ok := v.fetch(v.address, n)
	if !ok {
		return address(v.address)
	}
	var parts []string
	for _, name := range names {
		switch {
		case len(b) >= 4:
			parts = append(parts, fmt.Sprintf("%s=%d", name, int32(binary.NativeEndian.Uint32(b))))
			b = b[4:]
		case len(b) > 0:
			parts = append(parts, name+"="+optionValue{v.decoder, 0, 0, v.address + uint64(n-len(b)), int32(len(b))}.hexBytes())
			b = nil
		}
	}
	return joined(parts...)
}

// pending shows the errno that SO_ERROR has taken.
func (v optionValue) pending() string {
	b, ok := v.fetch(v.address, 4)
	if !ok {
		return address(v.address)
	}
	e := binary.NativeEndian.Uint32(b)
	if e == 0 || unix.ErrnoName(unix.Errno(e)) == "" {
		return fmt.Sprintf("[%d]", e)
	}
	v.call.Taken = unix.Errno(e)
	return "[" + Call{Errno: v.call.Taken}.ErrnoName() + "]"
}

func (v optionValue) rehash() string {
	b, ok := v.fetch(v.address, 4)
	if !ok {
		return address(v.address)
	}
	n := binary.NativeEndian.Uint32(b)
	if name := lookup(rehashes, int(n)); name != "" {
		return "[" + name + "]"
	}
	return fmt.Sprintf("[%d /* SOCK_TXREHASH_??? */]", int32(n))
}

// program shows a struct sock_fprog: a length, and a pointer to that many
// instructions.
func (v optionValue) program() string {
	b, ok := v.fetch(v.address, unix.SizeofSockFprog)
	if !ok || v.length != unix.SizeofSockFprog {
		return address(v.address)
	}
	return fmt.Sprintf("{len=%d, filter=%s}", binary.NativeEndian.Uint16(b), address(binary.NativeEndian.Uint64(b[8:])))
}

// membership shows a struct ip_mreq.
func (v optionValue) membership() string {
	b, ok := v.fetch(v.address, 8)
	if !ok || v.length < 8 {
		return address(v.address)
	}
	return fmt.Sprintf("{imr_multiaddr=inet_addr(%q), imr_interface=inet_addr(%q)}", netip.AddrFrom4([4]byte(b)), netip.AddrFrom4([4]byte(b[4:])))
}

// setStatement is setsockopt(2) as source: with a variable for what is known.
func setStatement(d *decoder) (c, golang string) {
	const call = "setsockopt({sockfd}, {level}, {optname}, "
	p, length := d.registers[3], int32(d.registers[4])
	b, _ := d.peek(p, int(max(length, 0)))
	at := func(i int) int64 { return int64(int32(binary.NativeEndian.Uint32(b[i:]))) }
	socket := d.call.Level == unix.SOL_SOCKET
	switch {
	case socket && d.call.Option == unix.SO_LINGER && len(b) >= unix.SizeofLinger:
		return fmt.Sprintf("struct linger l = {%d, %d}; "+call+"&l, sizeof l);", at(0), at(4)),
			fmt.Sprintf("err := unix.SetsockoptLinger({sockfd}, {level}, {optname}, &unix.Linger{Onoff: %d, Linger: %d})", at(0), at(4))
	case socket && (d.call.Option == unix.SO_RCVTIMEO || d.call.Option == unix.SO_SNDTIMEO) && len(b) >= sizeTimeval:
		sec, usec := int64(binary.NativeEndian.Uint64(b)), int64(binary.NativeEndian.Uint64(b[8:]))
		return fmt.Sprintf("struct timeval tv = {%d, %d}; "+call+"&tv, sizeof tv);", sec, usec),
			fmt.Sprintf("err := unix.SetsockoptTimeval({sockfd}, {level}, {optname}, &unix.Timeval{Sec: %d, Usec: %d})", sec, usec)
	case d.call.Level == unix.SOL_TCP && d.call.Option == unix.TCP_CONGESTION && len(b) > 0:
		name := strconv.Quote(unix.ByteSliceToString(b))
		return fmt.Sprintf(call+"%s, %d);", name, length), fmt.Sprintf("err := unix.SetsockoptString({sockfd}, {level}, {optname}, %s)", name)
	case length == 4 && len(b) == 4:
		variable := "value"
		if socket && d.call.Option == unix.SO_REUSEADDR {
			variable = "on"
		}
		return fmt.Sprintf("int %s = %d; "+call+"&%s, sizeof %s);", variable, at(0), variable, variable),
			fmt.Sprintf("err := unix.SetsockoptInt({sockfd}, {level}, {optname}, %d)", at(0))
	}
	return call + "value, {optlen});", "err := unix.SetsockoptString({sockfd}, {level}, {optname}, value)"
}

// getStatement is getsockopt(2) as source.
func getStatement(d *decoder) (c, golang string) {
	variable, function := "int value", "GetsockoptInt"
	switch {
	case d.call.Level == unix.SOL_SOCKET && d.call.Option == unix.SO_LINGER:
		variable, function = "struct linger value", "GetsockoptLinger"
	case d.call.Level == unix.SOL_SOCKET && d.call.Option == unix.SO_PEERCRED:
		variable, function = "struct ucred value", "GetsockoptUcred"
	case d.call.Level == unix.SOL_SOCKET && (d.call.Option == unix.SO_RCVTIMEO || d.call.Option == unix.SO_SNDTIMEO):
		variable, function = "struct timeval value", "GetsockoptTimeval"
	case d.call.Level == unix.SOL_TCP && d.call.Option == unix.TCP_INFO:
		variable, function = "struct tcp_info value", "GetsockoptTCPInfo"
	case d.call.Level == unix.SOL_TCP && d.call.Option == unix.TCP_CONGESTION:
		variable, function = "char value[16]", "GetsockoptString"
	}
	return variable + "; socklen_t len = sizeof value; getsockopt({sockfd}, {level}, {optname}, &value, &len);",
		"value, err := unix." + function + "({sockfd}, {level}, {optname})"
}
