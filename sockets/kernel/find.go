package kernel

import "net/netip"

// Find returns the row with these two addresses, or nil if there is none. A zero
// remote stands for a socket without a peer. An IPv4 address also finds the
// IPv4-mapped one (::ffff:127.0.0.1) that the IPv6 table holds, and a zone is not
// looked at, since the kernel's rows have none.
func (t InetTable) Find(local, remote netip.AddrPort) *InetSocket {
	for i, row := range t {
		if plain(row.Local) == plain(local) && samePeer(row.Remote, remote) {
			return &t[i]
		}
	}
	return nil
}

func samePeer(row, remote netip.AddrPort) bool {
	if !remote.Addr().IsValid() {
		return row.Addr().IsUnspecified() && row.Port() == 0
	}
	return plain(row) == plain(remote)
}

// Listener returns the LISTEN row that a connection to this address would reach, or
// nil if there is none: one bound to the address itself before one bound to the
// wildcard of its family, and for IPv4 last the IPv6 wildcard, unless it is
// IPV6_V6ONLY (inet_lhash2_lookup). Of several that share the address by SO_REUSEPORT
// it returns the first, where the kernel picks one by a hash. Bound interfaces are not
// looked at.
func (t InetTable) Listener(local netip.AddrPort) *InetSocket {
	var best *InetSocket
	var bestScore int
	for i, row := range t {
		if row.State != Listen {
			continue
		}
		if score := listenerScore(row, plain(local)); score > bestScore {
			best, bestScore = &t[i], score
		}
	}
	return best
}

// listenerScore rates how well a listener fits an address: 3 exactly, 2 by the
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

// Inode returns the row of a socket that a descriptor holds (FD.Inode), or nil if
// there is none. 0 is no inode: many rows have it.
func (t InetTable) Inode(inode uint64) *InetSocket {
	for i, row := range t {
		if inode != 0 && row.Inode == inode {
			return &t[i]
		}
	}
	return nil
}

// plain returns an address without its zone, and an IPv4-mapped one as IPv4.
func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}
