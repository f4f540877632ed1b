package kernel

import "net/netip"

// Find returns the row with these two addresses. A zero remote stands for a
// socket without a peer. An IPv4 address also finds the IPv4-mapped one
// (::ffff:127.0.0.1) that the IPv6 table holds, and a zone is not looked at,
// since the kernel's rows have none.
func Find(rows []InetSocket, local, remote netip.AddrPort) (InetSocket, bool) {
	for _, row := range rows {
		if plain(row.Local) == plain(local) && samePeer(row.Remote, remote) {
			return row, true
		}
	}
	return InetSocket{}, false
}

func samePeer(row, remote netip.AddrPort) bool {
	if !remote.Addr().IsValid() {
		return row.Addr().IsUnspecified() && row.Port() == 0
	}
	return plain(row) == plain(remote)
}

// FindListener returns the LISTEN row that a connection to this address would
// reach: one bound to the address itself before one bound to the wildcard of
// its family, and for IPv4 last the IPv6 wildcard, unless it is IPV6_V6ONLY
// (inet_lhash2_lookup). Of several that share it by SO_REUSEPORT it returns the
// first, where the kernel picks one by a hash. Bound interfaces are not looked at.
func FindListener(rows []InetSocket, local netip.AddrPort) (InetSocket, bool) {
	var best InetSocket
	var bestScore int
	for _, row := range rows {
		if row.State != Listen {
			continue
		}
		if score := listenerScore(row, plain(local)); score > bestScore {
			best, bestScore = row, score
		}
	}
	return best, bestScore > 0
}

// listenerScore says how well a listener fits an address: 3 exactly, 2 by the
// wildcard of the same family, 1 by that of IPv6 for IPv4, 0 not at all.
func listenerScore(row InetSocket, local netip.AddrPort) int {
	bound := row.Local.Addr()
	switch {
	case row.Local.Port() != local.Port():
		return 0
	case bound.Unmap() == local.Addr():
		return 3
	case !bound.IsUnspecified():
		return 0
	case bound.Is4() == local.Addr().Is4():
		return 2
	case bound.Is6() && !row.V6Only:
		return 1
	}
	return 0
}

// FindInode returns the row of a socket that a descriptor holds; see FD.Inode.
// 0 is no inode: many rows have it.
func FindInode(rows []InetSocket, inode uint64) (InetSocket, bool) {
	for _, row := range rows {
		if inode != 0 && row.Inode == inode {
			return row, true
		}
	}
	return InetSocket{}, false
}

// plain is an address without a zone, and an IPv4-mapped one as IPv4.
func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}
