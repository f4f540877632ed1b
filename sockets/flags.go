package sockets

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// A flag is one name for the bits of an argument.
type flag struct {
	bits int
	name string
}

// typeMask are the bits of socket(2)'s second argument that hold the type; the
// bits above are flags (SOCK_TYPE_MASK in include/linux/net.h).
const typeMask = 0xf

// DomainName returns the name of an address family, as in address_families(7).
func DomainName(domain int) string { return one(domains, domain, "AF_") }

// TypeName returns the name of a socket type with its flags, as in socket(2).
func TypeName(typ int) string {
	for _, f := range types {
		if f.bits != typ&typeMask {
			continue
		}
		if rest := typ &^ typeMask; rest != 0 {
			return f.name + "|" + several(typeFlags, rest, "SOCK_")
		}
		return f.name
	}
	return several(typeFlags, typ, "SOCK_")
}

// ProtocolName returns the name of a protocol number, as strace(1) prints it: 0 is
// IPPROTO_IP. Of other families than these the number is shown.
func ProtocolName(domain, protocol int) string {
	switch domain {
	case unix.AF_INET, unix.AF_INET6:
		return one(protocols, protocol, "IPPROTO_")
	case unix.AF_NETLINK:
		return one(netlinkProtocols, protocol, "NETLINK_")
	case unix.AF_PACKET:
		host := protocol&0xff<<8 | protocol>>8&0xff
		return "htons(" + one(etherTypes, host, "ETH_P_") + ")"
	}
	return fmt.Sprint(uint64(protocol))
}

func levelName(level int) string { return oneOf(levels, level, "SOL_??") }

func optionName(level, option int) string {
	switch level {
	case unix.SOL_SOCKET:
		return one(socketOptions, option, "SO_")
	case unix.SOL_IP:
		return one(ipOptions, option, "IP_")
	case unix.SOL_TCP:
		return one(tcpOptions, option, "TCP_")
	case unix.SOL_UDP:
		return one(udpOptions, option, "UDP_")
	case unix.SOL_IPV6:
		return one(ipv6Options, option, "IPV6_")
	case unix.SOL_NETLINK:
		return one(netlinkOptions, option, "NETLINK_")
	}
	return fmt.Sprint(uint32(option))
}

// lookup returns the name of a value, or "".
func lookup(names []flag, value int) string {
	for _, f := range names {
		if f.bits == value {
			return f.name
		}
	}
	return ""
}

// one names a value; one without a name is hex, with prefix to say of what kind.
func one(names []flag, value int, prefix string) string { return oneOf(names, value, prefix+"???") }

func oneOf(names []flag, value int, unknown string) string {
	if name := lookup(names, value); name != "" {
		return name
	}
	return fmt.Sprintf("%s /* %s */", hex(uint64(uint32(value))), unknown)
}

// several names each bit that it knows; what is left over follows as hex.
func several(names []flag, value int, prefix string) string {
	if value == 0 {
		return "0"
	}
	parts, rest := split(names, value)
	switch {
	case rest != 0 && parts == nil:
		return fmt.Sprintf("%#x /* %s??? */", uint(rest), prefix)
	case rest != 0:
		parts = append(parts, fmt.Sprintf("%#x", uint(rest)))
	}
	return strings.Join(parts, "|")
}

// split returns the names of the bits that have one, and the other bits.
func split(names []flag, value int) (parts []string, rest int) {
	for _, f := range names {
		if f.bits != 0 && value&f.bits == f.bits {
			parts = append(parts, f.name)
			value &^= f.bits
		}
	}
	return parts, value
}

// hex writes a number as C does with %#x, where 0 stays 0.
func hex(n uint64) string {
	if n == 0 {
		return "0"
	}
	return fmt.Sprintf("%#x", n)
}

// goNames writes "A|B" as Go source with the package in front of each name.
func goNames(s string) string {
	parts := strings.Split(s, "|")
	for i, part := range parts {
		if part[0] >= 'A' && part[0] <= 'Z' {
			parts[i] = "unix." + part
		}
	}
	return strings.Join(parts, "|")
}

// cNames writes "A|B" as it stands in C source.
func cNames(s string) string { return strings.ReplaceAll(s, "|", " | ") }
