package server

import (
	"bytes"
	"net/netip"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/httpmini"
)

// A page of somebody's may have its browser ask this server, by changing the address of
// its own name to 127.0.0.1 in the DNS (rebinding), and read what is served here. The
// Host then still is that name. So a server that only this machine reaches answers to
// names that are of this machine, or in no DNS.

// onLoopback reports whether all sockets listen on loopback addresses.
func onLoopback(listeners []int) bool {
	for _, fd := range listeners {
		name, _ := unix.Getsockname(fd)
		var ip netip.Addr
		switch name := name.(type) {
		case *unix.SockaddrInet4:
			ip = netip.AddrFrom4(name.Addr)
		case *unix.SockaddrInet6:
			ip = netip.AddrFrom16(name.Addr).Unmap()
		}
		if !ip.IsLoopback() {
			return false
		}
	}
	return true
}

// foreign reports whether a request is for a host that may be somebody else's.
func (w *worker) foreign(r *httpmini.Request) bool {
	if !w.server.loopback || len(r.Host) == 0 || bytes.Equal(r.Host, w.host) {
		return false
	}
	if foreignName(string(r.Host), w.server.hostname) {
		return true
	}
	w.host = append(w.host[:0], r.Host...) // the next request mostly says the same
	return false
}

// foreignName reports whether a host, perhaps with a port, is a name with a dot in it
// that is not this machine's. RFC 6761 section 6.3 keeps .localhost out of the DNS.
func foreignName(host, own string) bool {
	if strings.HasPrefix(host, "[") {
		return false
	}
	name, _, _ := strings.Cut(strings.ToLower(host), ":")
	name = strings.TrimSuffix(name, ".")
	if _, err := netip.ParseAddr(name); err == nil {
		return false
	}
	return strings.Contains(name, ".") && name != own && !strings.HasSuffix(name, ".localhost")
}

// ownName is what this machine is called, in lower case.
func ownName() string {
	name, _ := os.Hostname()
	return strings.ToLower(name)
}
