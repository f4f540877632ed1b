package sockets

import (
	"fmt"
	"runtime"
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
	{unix.SO_KEEPALIVE, "SO_KEEPALIVE"},
	{unix.SO_LINGER, "SO_LINGER"},
	{unix.SO_RCVLOWAT, "SO_RCVLOWAT"},
	{unix.SO_BROADCAST, "SO_BROADCAST"},
	{unix.SO_DONTROUTE, "SO_DONTROUTE"},
	{unix.SO_OOBINLINE, "SO_OOBINLINE"},
	{unix.SO_PRIORITY, "SO_PRIORITY"},
	{unix.SO_MARK, "SO_MARK"},
	{unix.SO_BUSY_POLL, "SO_BUSY_POLL"},
	{unix.SO_ZEROCOPY, "SO_ZEROCOPY"},
	{unix.SO_INCOMING_CPU, "SO_INCOMING_CPU"},
	{unix.SO_BINDTOIFINDEX, "SO_BINDTOIFINDEX"},
}

var levels = []flag{
	{unix.SOL_SOCKET, "SOL_SOCKET"},
	{unix.SOL_TCP, "SOL_TCP"},
	{unix.SOL_IPV6, "SOL_IPV6"},
}

// ipv6Options are those of ipv6(7) that a server has a use for.
var ipv6Options = []flag{
	{unix.IPV6_V6ONLY, "IPV6_V6ONLY"},
}

// tcpOptions are the options of tcp(7) that a server has a use for.
var tcpOptions = []flag{
	{unix.TCP_NODELAY, "TCP_NODELAY"},
	{unix.TCP_MAXSEG, "TCP_MAXSEG"},
	{unix.TCP_CORK, "TCP_CORK"},
	{unix.TCP_KEEPIDLE, "TCP_KEEPIDLE"},
	{unix.TCP_KEEPINTVL, "TCP_KEEPINTVL"},
	{unix.TCP_KEEPCNT, "TCP_KEEPCNT"},
	{unix.TCP_LINGER2, "TCP_LINGER2"},
	{unix.TCP_DEFER_ACCEPT, "TCP_DEFER_ACCEPT"},
	{unix.TCP_QUICKACK, "TCP_QUICKACK"},
	{unix.TCP_USER_TIMEOUT, "TCP_USER_TIMEOUT"},
	{unix.TCP_FASTOPEN, "TCP_FASTOPEN"},
	{unix.TCP_NOTSENT_LOWAT, "TCP_NOTSENT_LOWAT"},
}

// openFlags are the flags of open(2), without the access mode. O_SYNC and
// O_TMPFILE contain the bits of others and stand before them. strace(1) calls
// O_ASYNC by its old name, FASYNC.
var openFlags = []flag{
	{unix.O_CREAT, "O_CREAT"},
	{unix.O_EXCL, "O_EXCL"},
	{unix.O_NOCTTY, "O_NOCTTY"},
	{unix.O_TRUNC, "O_TRUNC"},
	{unix.O_APPEND, "O_APPEND"},
	{unix.O_NONBLOCK, "O_NONBLOCK"},
	{unix.O_SYNC, "O_SYNC"},
	{unix.O_DSYNC, "O_DSYNC"},
	{unix.O_DIRECT, "O_DIRECT"},
	{largeFile(), "O_LARGEFILE"},
	{unix.O_NOFOLLOW, "O_NOFOLLOW"},
	{unix.O_NOATIME, "O_NOATIME"},
	{unix.O_CLOEXEC, "O_CLOEXEC"},
	{unix.O_PATH, "O_PATH"},
	{unix.O_TMPFILE, "O_TMPFILE"},
	{unix.O_DIRECTORY, "O_DIRECTORY"},
	{unix.O_ASYNC, "O_ASYNC"},
}

// largeFile is O_LARGEFILE as the kernel has it. In the C library and in
// x/sys/unix it is 0 on 64-bit machines, where nobody has to ask for it; the
// kernel sets its own bit all the same.
func largeFile() int {
	switch runtime.GOARCH {
	case "arm", "arm64":
		return 0o400000
	case "ppc64", "ppc64le":
		return 0o200000
	case "mips", "mipsle", "mips64", "mips64le":
		return 0o20000
	default:
		return 0o100000
	}
}

// resolveFlags are those of openat2(2).
var resolveFlags = []flag{
	{unix.RESOLVE_NO_XDEV, "RESOLVE_NO_XDEV"},
	{unix.RESOLVE_NO_MAGICLINKS, "RESOLVE_NO_MAGICLINKS"},
	{unix.RESOLVE_NO_SYMLINKS, "RESOLVE_NO_SYMLINKS"},
	{unix.RESOLVE_BENEATH, "RESOLVE_BENEATH"},
	{unix.RESOLVE_IN_ROOT, "RESOLVE_IN_ROOT"},
	{resolveCached, "RESOLVE_CACHED"},
}

// resolveCached is RESOLVE_CACHED of openat2(2), which x/sys does not have.
const resolveCached = 0x20

// atFlags are those of fstatat(2).
var atFlags = []flag{
	{unix.AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW"},
	{unix.AT_NO_AUTOMOUNT, "AT_NO_AUTOMOUNT"},
	{unix.AT_EMPTY_PATH, "AT_EMPTY_PATH"},
}

// fileTypes and modeBits are the parts of st_mode above the permissions: inode(7).
var fileTypes = []flag{
	{unix.S_IFREG, "S_IFREG"},
	{unix.S_IFDIR, "S_IFDIR"},
	{unix.S_IFLNK, "S_IFLNK"},
	{unix.S_IFSOCK, "S_IFSOCK"},
	{unix.S_IFIFO, "S_IFIFO"},
	{unix.S_IFCHR, "S_IFCHR"},
	{unix.S_IFBLK, "S_IFBLK"},
}

var modeBits = []flag{
	{unix.S_ISUID, "S_ISUID"},
	{unix.S_ISGID, "S_ISGID"},
	{unix.S_ISVTX, "S_ISVTX"},
}

var epollFlags = []flag{
	{unix.EPOLL_CLOEXEC, "EPOLL_CLOEXEC"},
}

var epollOps = []flag{
	{unix.EPOLL_CTL_ADD, "EPOLL_CTL_ADD"},
	{unix.EPOLL_CTL_DEL, "EPOLL_CTL_DEL"},
	{unix.EPOLL_CTL_MOD, "EPOLL_CTL_MOD"},
}

// epollEvents are those of epoll_ctl(2).
var epollEvents = []flag{
	{unix.EPOLLIN, "EPOLLIN"},
	{unix.EPOLLPRI, "EPOLLPRI"},
	{unix.EPOLLOUT, "EPOLLOUT"},
	{unix.EPOLLERR, "EPOLLERR"},
	{unix.EPOLLHUP, "EPOLLHUP"},
	{unix.POLLNVAL, "EPOLLNVAL"},
	{unix.EPOLLRDNORM, "EPOLLRDNORM"},
	{unix.EPOLLRDBAND, "EPOLLRDBAND"},
	{unix.EPOLLWRNORM, "EPOLLWRNORM"},
	{unix.EPOLLWRBAND, "EPOLLWRBAND"},
	{unix.EPOLLMSG, "EPOLLMSG"},
	{unix.EPOLLRDHUP, "EPOLLRDHUP"},
	{unix.EPOLLEXCLUSIVE, "EPOLLEXCLUSIVE"},
	{unix.EPOLLWAKEUP, "EPOLLWAKEUP"},
	{unix.EPOLLONESHOT, "EPOLLONESHOT"},
	{unix.EPOLLET, "EPOLLET"},
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
	parts := strings.Split(s, "|")
	for i, part := range parts {
		if part[0] < '0' || part[0] > '9' {
			parts[i] = "unix." + part
		}
	}
	return strings.Join(parts, "|")
}

// cNames writes "A|B" as it stands in C source.
func cNames(s string) string { return strings.ReplaceAll(s, "|", " | ") }
