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

var domains = []flag{
	{unix.AF_UNIX, "AF_UNIX"},
	{unix.AF_INET, "AF_INET"},
	{unix.AF_INET6, "AF_INET6"},
	{unix.AF_NETLINK, "AF_NETLINK"},
	{unix.AF_PACKET, "AF_PACKET"},
}

var types = []flag{
	{unix.SOCK_STREAM, "SOCK_STREAM"},
	{unix.SOCK_DGRAM, "SOCK_DGRAM"},
	{unix.SOCK_RAW, "SOCK_RAW"},
	{unix.SOCK_SEQPACKET, "SOCK_SEQPACKET"},
}

// typeMask are the bits of socket(2)'s second argument that hold the type; the
// bits above are flags (SOCK_TYPE_MASK in include/linux/net.h).
const typeMask = 0xf

var typeFlags = []flag{
	{unix.SOCK_CLOEXEC, "SOCK_CLOEXEC"},
	{unix.SOCK_NONBLOCK, "SOCK_NONBLOCK"},
}

var protocols = []flag{
	{unix.IPPROTO_IP, "IPPROTO_IP"},
	{unix.IPPROTO_ICMP, "IPPROTO_ICMP"},
	{unix.IPPROTO_IGMP, "IPPROTO_IGMP"},
	{unix.IPPROTO_IPIP, "IPPROTO_IPIP"},
	{unix.IPPROTO_TCP, "IPPROTO_TCP"},
	{unix.IPPROTO_EGP, "IPPROTO_EGP"},
	{unix.IPPROTO_PUP, "IPPROTO_PUP"},
	{unix.IPPROTO_UDP, "IPPROTO_UDP"},
	{unix.IPPROTO_IDP, "IPPROTO_IDP"},
	{unix.IPPROTO_TP, "IPPROTO_TP"},
	{unix.IPPROTO_DCCP, "IPPROTO_DCCP"},
	{unix.IPPROTO_IPV6, "IPPROTO_IPV6"},
	{unix.IPPROTO_ROUTING, "IPPROTO_ROUTING"},
	{unix.IPPROTO_FRAGMENT, "IPPROTO_FRAGMENT"},
	{unix.IPPROTO_RSVP, "IPPROTO_RSVP"},
	{unix.IPPROTO_GRE, "IPPROTO_GRE"},
	{unix.IPPROTO_ESP, "IPPROTO_ESP"},
	{unix.IPPROTO_AH, "IPPROTO_AH"},
	{unix.IPPROTO_ICMPV6, "IPPROTO_ICMPV6"},
	{unix.IPPROTO_NONE, "IPPROTO_NONE"},
	{unix.IPPROTO_DSTOPTS, "IPPROTO_DSTOPTS"},
	{unix.IPPROTO_MTP, "IPPROTO_MTP"},
	{unix.IPPROTO_BEETPH, "IPPROTO_BEETPH"},
	{unix.IPPROTO_ENCAP, "IPPROTO_ENCAP"},
	{unix.IPPROTO_PIM, "IPPROTO_PIM"},
	{unix.IPPROTO_COMP, "IPPROTO_COMP"},
	{unix.IPPROTO_L2TP, "IPPROTO_L2TP"},
	{unix.IPPROTO_SCTP, "IPPROTO_SCTP"},
	{unix.IPPROTO_MH, "IPPROTO_MH"},
	{unix.IPPROTO_UDPLITE, "IPPROTO_UDPLITE"},
	{unix.IPPROTO_MPLS, "IPPROTO_MPLS"},
	{unix.IPPROTO_ETHERNET, "IPPROTO_ETHERNET"},
	{unix.IPPROTO_RAW, "IPPROTO_RAW"},
	{unix.IPPROTO_MPTCP, "IPPROTO_MPTCP"},
}

var messageFlags = []flag{
	{unix.MSG_PEEK, "MSG_PEEK"},
	{unix.MSG_DONTWAIT, "MSG_DONTWAIT"},
	{unix.MSG_WAITALL, "MSG_WAITALL"},
	{unix.MSG_NOSIGNAL, "MSG_NOSIGNAL"},
	{unix.MSG_MORE, "MSG_MORE"},
}

var hows = []flag{
	{unix.SHUT_RD, "SHUT_RD"},
	{unix.SHUT_WR, "SHUT_WR"},
	{unix.SHUT_RDWR, "SHUT_RDWR"},
}

var socketOptions = []flag{
	{unix.SO_REUSEADDR, "SO_REUSEADDR"},
	{unix.SO_REUSEPORT, "SO_REUSEPORT"},
	{unix.SO_RCVTIMEO, "SO_RCVTIMEO_OLD"},
	{unix.SO_SNDTIMEO, "SO_SNDTIMEO_OLD"},
	{unix.SO_RCVBUF, "SO_RCVBUF"},
	{unix.SO_SNDBUF, "SO_SNDBUF"},
}

// DomainName is the name of an address family, as in address_families(7).
func DomainName(domain int) string { return one(domains, domain, "AF_") }

// TypeName is the name of a socket type with its flags, as in socket(2).
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

// ProtocolName is the name of an IP protocol number, as strace(1) prints it: 0
// is IPPROTO_IP. Other families have no names for theirs.
func ProtocolName(domain, protocol int) string {
	if domain != unix.AF_INET && domain != unix.AF_INET6 {
		return fmt.Sprint(protocol)
	}
	return one(protocols, protocol, "IPPROTO_")
}

func one(names []flag, value int, prefix string) string {
	for _, f := range names {
		if f.bits == value {
			return f.name
		}
	}
	return fmt.Sprintf("%#x /* %s??? */", value, prefix)
}

// several names each bit that it knows; what is left over follows as hex.
func several(names []flag, value int, prefix string) string {
	if value == 0 {
		return "0"
	}
	var parts []string
	for _, f := range names {
		if value&f.bits == f.bits {
			parts = append(parts, f.name)
			value &^= f.bits
		}
	}
	switch {
	case value != 0 && parts == nil:
		return fmt.Sprintf("%#x /* %s??? */", value, prefix)
	case value != 0:
		parts = append(parts, fmt.Sprintf("%#x", value))
	}
	return strings.Join(parts, "|")
}

// goNames writes "A|B" as Go source with the package in front of each name.
func goNames(s string) string {
	if strings.HasPrefix(s, "0") {
		return s
	}
	return "unix." + strings.ReplaceAll(s, "|", "|unix.")
}

// cNames writes "A|B" as it stands in C source.
func cNames(s string) string { return strings.ReplaceAll(s, "|", " | ") }
