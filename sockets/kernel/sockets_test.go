package kernel

import (
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Real sockets on loopback, made by plain system calls. Waiting is done in
// poll(2): time.Sleep opens an epoll and an eventfd, and descriptors are counted here.

func socket(t testing.TB, family, kind int) int {
	t.Helper()
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, 0)
	if err == unix.EAFNOSUPPORT {
		t.Skip("this kernel has no such family")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// bind binds to loopback and a port of the kernel's choice.
func bind(t testing.TB, fd, family int) netip.AddrPort {
	t.Helper()
	addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)
	if family == unix.AF_INET6 {
		addr = netip.AddrPortFrom(netip.IPv6Loopback(), 0)
	}
	if err := unix.Bind(fd, sockaddr(addr)); err == unix.EADDRNOTAVAIL {
		t.Skip("no ::1 on this machine")
	} else if err != nil {
		t.Fatal(err)
	}
	return sockname(t, fd)
}

func sockname(t testing.TB, fd int) netip.AddrPort {
	t.Helper()
	sa, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port))
	}
	t.Fatalf("unexpected %T", sa)
	return netip.AddrPort{}
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
	}
	return &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port())}
}

func listener(t testing.TB, family, backlog int) (int, netip.AddrPort) {
	t.Helper()
	fd := socket(t, family, unix.SOCK_STREAM)
	addr := bind(t, fd, family)
	if err := unix.Listen(fd, backlog); err != nil {
		t.Fatal(err)
	}
	return fd, addr
}

func connect(t testing.TB, family int, to netip.AddrPort) int {
	t.Helper()
	fd := socket(t, family, unix.SOCK_STREAM)
	if err := unix.Connect(fd, sockaddr(to)); err != nil {
		t.Fatal(err)
	}
	return fd
}

// inode is what fstat(2) says, the number in /proc/PID/fd.
func inode(t testing.TB, fd int) uint64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		t.Fatal(err)
	}
	return st.Ino
}

// until asks again and again until it is so.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("still not: %s", what)
		}
		unix.Poll(nil, 1)
	}
}

func tcpSockets(t testing.TB) InetTable {
	t.Helper()
	rows, err := Own().TCP()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func udpSockets(t testing.TB) InetTable {
	t.Helper()
	rows, err := Own().UDP()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func table(t testing.TB, name string) []Row {
	t.Helper()
	rows, err := Own().Table(name)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// found returns a row and whether there is one.
func found(row *InetSocket) (InetSocket, bool) {
	if row == nil {
		return InetSocket{}, false
	}
	return *row, true
}

// rowByInode finds a row of /proc/net/*.
func rowByInode(rows []Row, inode uint64) (Row, bool) {
	for _, row := range rows {
		if row.Inode == inode {
			return row, true
		}
	}
	return Row{}, false
}
