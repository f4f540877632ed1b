package sockets

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Sockaddr is a socket address as the kernel reads it: the bytes of a struct
// sockaddr_in (ip(7)), sockaddr_in6 (ipv6(7)) or sockaddr_un (unix(7)). The
// first two bytes are the family, in the byte order of this machine; a port is
// in network byte order, most significant byte first.
type Sockaddr []byte

// Sizes of the structs: sizeof(struct sockaddr_in), sizeof(struct sockaddr_in6)
// and the most that a kernel ever writes, sizeof(struct sockaddr_storage).
const (
	sizeInet    = unix.SizeofSockaddrInet4
	sizeInet6   = unix.SizeofSockaddrInet6
	sizeStorage = 128
)

// MaxUnixPath is the longest path that fits into sun_path with its final NUL (unix(7)).
const MaxUnixPath = 107

// InetSockaddr returns the struct sockaddr_in or sockaddr_in6 of an address and port.
// An IPv4 address that is written as an IPv6 one (::ffff:1.2.3.4) stays one.
func InetSockaddr(ap netip.AddrPort) Sockaddr {
	if a := ap.Addr(); a.Is4() {
		s := make(Sockaddr, sizeInet)
		binary.NativeEndian.PutUint16(s, unix.AF_INET)
		binary.BigEndian.PutUint16(s[2:], ap.Port())
		ip := a.As4()
		copy(s[4:], ip[:])
		return s
	}
	s := make(Sockaddr, sizeInet6)
	binary.NativeEndian.PutUint16(s, unix.AF_INET6)
	binary.BigEndian.PutUint16(s[2:], ap.Port())
	ip := ap.Addr().As16()
	copy(s[8:], ip[:])
	if zone, err := strconv.ParseUint(ap.Addr().Zone(), 10, 32); err == nil {
		binary.NativeEndian.PutUint32(s[24:], uint32(zone))
	}
	return s
}

// UnixSockaddr returns the struct sockaddr_un of a path, with its final NUL. A name that
// begins with @ is an abstract one (unix(7)): it has a NUL in place of the @ and none at
// its end, and no file.
func UnixSockaddr(path string) Sockaddr {
	s := make(Sockaddr, 2, 2+len(path)+1)
	binary.NativeEndian.PutUint16(s, unix.AF_UNIX)
	if name, abstract := strings.CutPrefix(path, "@"); abstract {
		return append(append(s, 0), name...)
	}
	return append(append(s, path...), 0)
}

// ParseSockaddr reads an address as a person writes it: 127.0.0.1:8080,
// [::1]:8080, [fe80::1%eth0]:8080, :8080 or 8080 for loopback, localhost:8080,
// *:8080 for every IPv4 interface, unix:/path, unix:@name for an abstract name.
func ParseSockaddr(text string) (Sockaddr, error) {
	if path, ok := strings.CutPrefix(text, "unix:"); ok {
		switch {
		case path == "":
			return nil, fmt.Errorf("%q has no path: write unix:/some/path", text)
		case path == "@":
			return nil, fmt.Errorf("%q has no name: write unix:@name for an abstract one", text)
		case strings.ContainsRune(path, 0):
			return nil, fmt.Errorf("a path in the file system holds no NUL byte")
		case len(path) > MaxUnixPath:
			return nil, fmt.Errorf("the path has %d bytes, but sun_path holds %d and a NUL: unix(7)", len(path), MaxUnixPath)
		}
		return UnixSockaddr(path), nil
	}
	bare := text
	if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
		bare = text[1 : len(text)-1]
	}
	if ip, err := netip.ParseAddr(bare); err == nil {
		brackets := ""
		if ip.Is6() && bare == text {
			brackets = "; an IPv6 address stands in brackets"
		}
		return nil, fmt.Errorf("%q has no port: write %s, or %s for one of the kernel's choice"+brackets, text, netip.AddrPortFrom(ip, 8080), netip.AddrPortFrom(ip, 0))
	}
	if text == "localhost" {
		return nil, fmt.Errorf("%q has no port: write %[1]s:8080, or %[1]s:0 for one of the kernel's choice", text)
	}
	host, port := "", text
	if i := strings.LastIndexByte(text, ':'); i >= 0 {
		host, port = text[:i], text[i+1:]
	}
	p, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("%q is not an address: write 127.0.0.1:8080, [::1]:8080, :0 or unix:/path; a port is a number from 0 to 65535", text)
	}
	switch host {
	case "", "localhost":
		host = "127.0.0.1"
	case "*":
		host = "0.0.0.0"
	}
	if strings.HasPrefix(host, "[") != strings.HasSuffix(host, "]") || strings.Contains(host, ":") && host[0] != '[' {
		return nil, fmt.Errorf("%q is not an address: an IPv6 address stands in brackets, as in [::1]:8080", text)
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	if err != nil {
		return nil, fmt.Errorf("%q is not an IP address: a socket address holds numbers, and a name is resolved before, by getaddrinfo(3)", host)
	}
	if ip.Zone() != "" {
		index, err := zoneIndex(ip.Zone())
		if err != nil {
			return nil, fmt.Errorf("%q is no zone: it is the name or the number of an interface, see ip link (%w)", ip.Zone(), err)
		}
		ip = ip.WithZone(fmt.Sprint(index))
	}
	return InetSockaddr(netip.AddrPortFrom(ip, uint16(p))), nil
}

// zoneIndex returns the number of the interface that a zone names: for sin6_scope_id,
// by SIOCGIFINDEX (netdevice(7)).
func zoneIndex(zone string) (uint32, error) {
	if index, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(index), nil
	}
	request, err := unix.NewIfreq(zone)
	if err != nil {
		return 0, err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, request); err != nil {
		return 0, err
	}
	return request.Uint32(), nil
}

// Family returns the address family, or AF_UNSPEC (0) for an empty address.
func (s Sockaddr) Family() int {
	if len(s) < 2 {
		return unix.AF_UNSPEC
	}
	return int(binary.NativeEndian.Uint16(s))
}

// Port returns the port in host byte order; 0 where the family has none.
func (s Sockaddr) Port() uint16 { return s.AddrPort().Port() }

// AddrPort returns the address and port of an inet address; the zero value for others.
func (s Sockaddr) AddrPort() netip.AddrPort {
	switch {
	case s.Family() == unix.AF_INET && len(s) >= sizeInet:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(s[4:8])), binary.BigEndian.Uint16(s[2:]))
	case s.Family() == unix.AF_INET6 && len(s) >= sizeInet6:
		ip := netip.AddrFrom16([16]byte(s[8:24]))
		if scope := binary.NativeEndian.Uint32(s[24:]); scope != 0 {
			ip = ip.WithZone(fmt.Sprint(scope))
		}
		return netip.AddrPortFrom(ip, binary.BigEndian.Uint16(s[2:]))
	}
	return netip.AddrPort{}
}

// Path returns the path of a unix address: empty when the socket has no name, and
// with a leading @ when the name is abstract (unix(7)).
func (s Sockaddr) Path() string {
	if s.Family() != unix.AF_UNIX || len(s) <= 2 {
		return ""
	}
	if s[2] == 0 {
		return "@" + string(s[3:])
	}
	path, _, _ := bytes.Cut(s[2:], []byte{0})
	return string(path)
}

// String returns the address as a person writes it, so that ParseSockaddr reads it back.
func (s Sockaddr) String() string {
	switch s.Family() {
	case unix.AF_INET, unix.AF_INET6:
		return s.AddrPort().String()
	case unix.AF_UNIX:
		if s.Path() == "" {
			return "unix:(no name)"
		}
		return "unix:" + s.Path()
	}
	return "(none)"
}

// strace returns the address as strace(1) prints it. Of the families that it knows,
// these are here; the others are shown as bytes. The interface of a link-local
// address is its number: its name depends on whom one asks.
func (s Sockaddr) strace() string {
	ap := s.AddrPort()
	family := "{sa_family=" + DomainName(s.Family())
	switch {
	case len(s) <= 2:
		return family + "}"
	case s.Family() == unix.AF_INET && len(s) >= sizeInet:
		return fmt.Sprintf("%s, sin_port=htons(%d), sin_addr=inet_addr(%q)}", family, ap.Port(), ap.Addr())
	case s.Family() == unix.AF_INET6 && len(s) >= sizeInet6-4:
		ip := netip.AddrFrom16([16]byte(s[8:24]))
		text := fmt.Sprintf("%s, sin6_port=htons(%d), sin6_flowinfo=htonl(%d), inet_pton(AF_INET6, %q, &sin6_addr)",
			family, binary.BigEndian.Uint16(s[2:]), binary.BigEndian.Uint32(s[4:]), ip)
		if len(s) > sizeInet6-4 {
			var scope [4]byte
			copy(scope[:], s[24:])
			text += fmt.Sprintf(", sin6_scope_id=%d", binary.NativeEndian.Uint32(scope[:]))
		}
		return text + "}"
	case s.Family() == unix.AF_UNIX:
		name := s[2:min(len(s), unix.SizeofSockaddrUnix)]
		if name[0] == 0 {
			return family + ", sun_path=@" + cString(name[1:]) + "}"
		}
		name, _, _ = bytes.Cut(name, []byte{0})
		return family + ", sun_path=" + cString(name) + "}"
	case s.Family() == unix.AF_NETLINK && len(s) >= unix.SizeofSockaddrNetlink:
		pad := ""
		if n := binary.NativeEndian.Uint16(s[2:]); n != 0 {
			pad = fmt.Sprintf(", nl_pad=%#x", n)
		}
		return fmt.Sprintf("%s%s, nl_pid=%d, nl_groups=%s}", family, pad, int32(binary.NativeEndian.Uint32(s[4:])), wideHex(binary.NativeEndian.Uint32(s[8:])))
	}
	return family + ", sa_data=" + cString(s[2:]) + "}"
}

// wideHex writes a number as C does with %#08x.
func wideHex(n uint32) string {
	if n == 0 {
		return "00000000"
	}
	return fmt.Sprintf("0x%06x", n)
}

// goLiteral returns the address as a Go literal of package unix.
func (s Sockaddr) goLiteral() string {
	ap := s.AddrPort()
	switch {
	case ap.Addr().Is4():
		ip := ap.Addr().As4()
		return fmt.Sprintf("&unix.SockaddrInet4{Port: %d, Addr: [4]byte{%d, %d, %d, %d}}", ap.Port(), ip[0], ip[1], ip[2], ip[3])
	case ap.Addr().Is6():
		zone := ""
		if ap.Addr().Zone() != "" {
			zone = "ZoneId: " + ap.Addr().Zone() + ", "
		}
		return fmt.Sprintf("&unix.SockaddrInet6{Port: %d, %sAddr: netip.MustParseAddr(%q).As16()}", ap.Port(), zone, ap.Addr().WithZone(""))
	case s.Family() == unix.AF_UNIX:
		return fmt.Sprintf("&unix.SockaddrUnix{Name: %q}", s.Path())
	}
	return "nil"
}

// Field is one member of a struct, with its place in the bytes.
type Field struct {
	Name       string // as in the C header
	Start, End int    // byte offsets, End exclusive
	Value      string // the bytes, read as the field means them
}

// Fields returns the members of the struct, in order and without a gap.
func (s Sockaddr) Fields() []Field {
	ap := s.AddrPort()
	family := DomainName(s.Family())
	switch {
	case s.Family() == unix.AF_INET && len(s) >= sizeInet:
		return []Field{
			{"sin_family", 0, 2, family},
			{"sin_port", 2, 4, fmt.Sprint(ap.Port())},
			{"sin_addr", 4, 8, ap.Addr().String()},
			{"sin_zero", 8, 16, "padding"},
		}
	case s.Family() == unix.AF_INET6 && len(s) >= sizeInet6:
		return []Field{
			{"sin6_family", 0, 2, family},
			{"sin6_port", 2, 4, fmt.Sprint(ap.Port())},
			{"sin6_flowinfo", 4, 8, fmt.Sprint(binary.BigEndian.Uint32(s[4:]))},
			{"sin6_addr", 8, 24, ap.Addr().WithZone("").String()},
			{"sin6_scope_id", 24, 28, fmt.Sprint(binary.NativeEndian.Uint32(s[24:]))},
		}
	case s.Family() == unix.AF_UNIX:
		return []Field{
			{"sun_family", 0, 2, family},
			{"sun_path", 2, len(s), s.Path()},
		}
	}
	return nil
}

// CType returns the C struct of this family: struct sockaddr_in and its relatives.
func (s Sockaddr) CType() string {
	switch s.Family() {
	case unix.AF_INET6:
		return "struct sockaddr_in6"
	case unix.AF_UNIX:
		return "struct sockaddr_un"
	}
	return "struct sockaddr_in"
}

// Wildcard reports whether the address stands for every interface.
func (s Sockaddr) Wildcard() bool { return s.AddrPort().Addr().IsUnspecified() }
