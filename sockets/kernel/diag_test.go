package kernel

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Whole answers of Linux 6.18 on a little-endian machine, sequence number 1.
var (
	//go:embed testdata/sock_diag_inet
	inetDump []byte
	//go:embed testdata/sock_diag_inet6
	inet6Dump []byte
	//go:embed testdata/sock_diag_unix
	unixDump []byte
)

func parseInetDump(b []byte) (rows InetTable, done bool, err error) {
	done, err = parseNetlink(b, 1, func(payload []byte) error {
		row, err := parseInetSocket(payload)
		rows = append(rows, row)
		return err
	})
	return rows, done, err
}

func parseUnixDump(b []byte) (rows []UnixSocket, done bool, err error) {
	done, err = parseNetlink(b, 1, func(payload []byte) error {
		row, err := parseUnixSocket(payload)
		rows = append(rows, row)
		return err
	})
	return rows, done, err
}

// The dumps were taken together with the tables of /proc/net, and say the same.
func TestParseInetDump(t *testing.T) {
	littleEndian(t)
	for _, test := range []struct {
		dump []byte
		text string
	}{{inetDump, tcpText}, {inet6Dump, tcp6Text}} {
		sockets, done, err := parseInetDump(test.dump)
		if err != nil || !done {
			t.Fatal(done, err)
		}
		rows, err := parseTable(test.text)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			column := strings.Fields(row.Raw)
			remote, err := parseAddrPort(column[2])
			if err != nil {
				t.Fatal(err)
			}
			socket, ok := found(sockets.Find(row.Local, remote))
			if !ok {
				t.Errorf("sock_diag has no %s", row.Raw)
				continue
			}
			if socket.State != row.State || socket.RQueue != row.RxQueue || socket.Inode != row.Inode || fmt.Sprint(socket.UID) != column[7] {
				t.Errorf("%s: %+v", row.Raw, socket)
			}
			if tx := fmt.Sprintf("%08X:", socket.WQueue); row.State != Listen && !strings.HasPrefix(column[4], tx) {
				t.Errorf("%s: %+v", row.Raw, socket)
			}
			var timer Timer
			var ticks int64 // of 10 ms: USER_HZ is 100
			if _, err := fmt.Sscanf(column[5], "%X:%X", &timer, &ticks); err != nil {
				t.Fatal(err)
			}
			if expires := time.Duration(ticks) * 10 * time.Millisecond; socket.Timer != timer || (socket.Expires-expires).Abs() > time.Second {
				t.Errorf("%s: %+v", row.Raw, socket)
			}
		}
		if len(sockets) != len(rows) {
			t.Errorf("%d sockets, %d rows", len(sockets), len(rows))
		}
	}
}

func TestParseUnixDump(t *testing.T) {
	littleEndian(t)
	sockets, done, err := parseUnixDump(unixDump)
	if err != nil || !done {
		t.Fatal(done, err)
	}
	got := map[uint64]UnixSocket{}
	for _, socket := range sockets {
		got[socket.Inode] = socket
	}
	if s := got[7590]; s.Peer != 7591 || s.State != Established {
		t.Errorf("%+v", s)
	}
	if s := got[7592]; s.State != Listen || s.RQueue != 1 || s.WQueue != 3 || s.Path != "/tmp/tmp8dzagd1j/a b" {
		t.Errorf("%+v", s)
	}
	if s := got[7593]; s.Path != "@fd3 two@x" || s.State != Close {
		t.Errorf("%+v", s)
	}
	if s := got[7595]; s.Path != "@\nline\n" {
		t.Errorf("%+v", s)
	}
	if s := got[7594]; s.Peer != 0 {
		t.Errorf("its peer is not accepted yet: %+v", s)
	}
}

// message puts a header of any length before a payload.
func message(length uint32, kind uint16, seq uint32, payload ...byte) []byte {
	b := binary.NativeEndian.AppendUint32(nil, length)
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, 0)
	b = binary.NativeEndian.AppendUint32(b, seq)
	b = binary.NativeEndian.AppendUint32(b, 0)
	return append(b, payload...)
}

func TestParseNetlink(t *testing.T) {
	minus := func(errno unix.Errno) []byte { return binary.NativeEndian.AppendUint32(nil, uint32(-int32(errno))) }
	none := func([]byte) error { return errors.New("called") }
	for _, test := range []struct {
		name string
		in   []byte
		done bool
		err  error
	}{
		{"nothing", nil, false, nil},
		{"half a header", make([]byte, 15), false, errShort},
		{"length 0", message(0, unix.NLMSG_DONE, 1), false, errShort},
		{"length 15", message(15, unix.NLMSG_DONE, 1), false, errShort},
		{"too long", message(17, unix.NLMSG_DONE, 1), false, errShort},
		{"far too long", message(1<<32-1, unix.NLMSG_DONE, 1), false, errShort},
		{"done", message(16, unix.NLMSG_DONE, 1), true, nil},
		{"done, unpadded", message(17, unix.NLMSG_DONE, 1, 0), true, nil},
		{"done, well", message(20, unix.NLMSG_DONE, 1, 0, 0, 0, 0), true, nil},
		{"done, badly", message(20, unix.NLMSG_DONE, 1, minus(unix.ENOENT)...), true, unix.ENOENT},
		{"error", message(20, unix.NLMSG_ERROR, 1, minus(unix.EPERM)...), false, unix.EPERM},
		{"error, short", message(18, unix.NLMSG_ERROR, 1, 1, 2), false, errShort},
		{"acknowledgement", message(20, unix.NLMSG_ERROR, 1, 0, 0, 0, 0), true, nil},
		{"another's", message(16, unix.SOCK_DIAG_BY_FAMILY, 2), false, nil},
		{"another kind", message(16, unix.NLMSG_NOOP, 1), false, nil},
	} {
		done, err := parseNetlink(test.in, 1, none)
		if done != test.done || err != test.err {
			t.Errorf("%s: %v, %v", test.name, done, err)
		}
	}
	if _, _, err := parseInetDump(message(18, unix.SOCK_DIAG_BY_FAMILY, 1, 2, 1)); err != errShort {
		t.Errorf("cut socket: %v", err)
	}
	if _, _, err := parseUnixDump(message(18, unix.SOCK_DIAG_BY_FAMILY, 1, 1, 1)); err != errShort {
		t.Errorf("cut socket: %v", err)
	}
	if _, err := parseInetSocket(make([]byte, 72)); err == nil {
		t.Error("family 0 was taken")
	}
	for _, attrs := range [][]byte{{1}, {0, 0, 0, 0}, {3, 0, 8, 0}, {200, 0, 8, 0, 1}} {
		littleEndian(t)
		if err := parseAttrs(attrs, func(uint16, []byte) {}); err != errShort {
			t.Errorf("attributes %v: %v", attrs, err)
		}
	}
}

func TestParseDumpPrefixes(t *testing.T) {
	for i := range inet6Dump {
		parseInetDump(inet6Dump[:i])
	}
	for i := range unixDump {
		parseUnixDump(unixDump[:i])
	}
}

func FuzzNetlink(f *testing.F) {
	f.Add(inetDump)
	f.Add(inet6Dump)
	f.Add(unixDump)
	f.Add(message(0, unix.NLMSG_DONE, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		rows, _, err := parseInetDump(b)
		for _, row := range rows {
			if err == nil && (!row.Local.IsValid() || !row.Remote.IsValid()) {
				t.Errorf("%+v", row)
			}
		}
		parseUnixDump(b)
		parseNetlink(b, 1, func(payload []byte) error {
			parseLink(payload)
			parseLinkAddr(payload)
			parseFlow(payload)
			return nil
		})
	})
}

func TestInetSocketsListener(t *testing.T) {
	for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
		t.Run(fmt.Sprint(family), func(t *testing.T) {
			fd, addr := listener(t, family, 5)
			row, ok := found(tcpSockets(t).Listener(addr))
			if !ok || row.Local != addr || row.State != Listen || row.RQueue != 0 || row.WQueue != 5 ||
				row.Inode != inode(t, fd) || row.UID != uint32(unix.Getuid()) || row.Remote.Port() != 0 {
				t.Errorf("%v: %+v", addr, row)
			}
			if cookie, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_COOKIE); err != nil || cookie != row.Cookie {
				t.Errorf("SO_COOKIE %d, sock_diag %d, %v", cookie, row.Cookie, err)
			}

			// One connection that nobody accepted: established, received its
			// bytes, but no descriptor holds it.
			client := connect(t, family, addr)
			if _, err := unix.Write(client, []byte("hello")); err != nil {
				t.Fatal(err)
			}
			peer := sockname(t, client)
			var rows InetTable
			until(t, "queued with its bytes", func() bool {
				rows = tcpSockets(t)
				row, _ := found(rows.Find(addr, peer))
				return row.RQueue == 5
			})
			queued, _ := found(rows.Find(addr, peer))
			if queued.State != Established || queued.Inode != 0 {
				t.Errorf("in the queue: %+v", queued)
			}
			if row, _ := found(rows.Listener(addr)); row.RQueue != 1 || row.WQueue != 5 {
				t.Errorf("the listener: %+v", row)
			}
			mine, ok := found(rows.Find(peer, addr))
			if !ok || mine.Inode != inode(t, client) || mine.State != Established {
				t.Errorf("the client: %+v", mine)
			}
			t.Logf("queued %+v", queued)

			// accept(2) gives it an inode, and leaves the queue empty.
			conn, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(conn)
			rows = tcpSockets(t)
			accepted, _ := found(rows.Find(addr, peer))
			if accepted.Inode != inode(t, conn) || accepted.Cookie != queued.Cookie {
				t.Errorf("accepted: %+v", accepted)
			}
			if row, _ := found(rows.Listener(addr)); row.RQueue != 0 {
				t.Errorf("the listener: %+v", row)
			}

			// The FIN of the client is one more in the count.
			if err := unix.Shutdown(client, unix.SHUT_WR); err != nil {
				t.Fatal(err)
			}
			until(t, "CLOSE_WAIT and FIN_WAIT2", func() bool {
				rows = tcpSockets(t)
				a, _ := found(rows.Find(addr, peer))
				b, _ := found(rows.Find(peer, addr))
				return a.State == CloseWait && b.State == FinWait2
			})
			row, _ = found(rows.Find(addr, peer))
			if row.RQueue != 6 {
				t.Errorf("after a FIN: %+v", row)
			}
		})
	}
}

// A socket that is only bound is in no /proc/net/tcp; since Linux 6.8 sock_diag
// has it for who asks.
func TestInetSocketsBound(t *testing.T) {
	fd := socket(t, unix.AF_INET, unix.SOCK_STREAM)
	addr := bind(t, fd, unix.AF_INET)
	if row, ok := rowByInode(table(t, "tcp"), inode(t, fd)); ok {
		t.Errorf("/proc/net/tcp has %+v", row)
	}
	if rows, err := Own().TCP(Close); err != nil {
		t.Error(err)
	} else if row, ok := found(rows.Inode(inode(t, fd))); ok {
		t.Errorf("not asked for: %+v", row)
	}
	row, ok := found(tcpSockets(t).Inode(inode(t, fd)))
	if !ok {
		t.Skip("this kernel does not tell about bound sockets")
	}
	// Asked for as BOUND_INACTIVE, it is told as CLOSE.
	if row.Local != addr || row.State != Close {
		t.Errorf("%+v", row)
	}
}

func TestInetSocketsMask(t *testing.T) {
	_, addr := listener(t, unix.AF_INET, 1)
	connect(t, unix.AF_INET, addr)
	rows, err := Own().TCP(Listen)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row.State != Listen {
			t.Errorf("%+v", row)
		}
	}
	if _, ok := found(rows.Listener(addr)); !ok {
		t.Error("no listener")
	}
}

func TestInetSocketsOfBothFamilies(t *testing.T) {
	_, four := listener(t, unix.AF_INET, 1)
	_, six := listener(t, unix.AF_INET6, 1)
	rows := tcpSockets(t)
	for _, addr := range []netip.AddrPort{four, six} {
		if row, ok := found(rows.Listener(addr)); !ok || row.Local != addr {
			t.Errorf("%s: %+v, %t", addr, row, ok)
		}
	}
}

func TestInetSocketsUnknown(t *testing.T) {
	if rows, err := Own().udp(250); err == nil {
		t.Errorf("%+v", rows)
	} else {
		t.Log(err)
	}
}

// More sockets than fit one datagram.
func TestInetSocketsMultipart(t *testing.T) {
	want := map[uint64]bool{}
	for range 600 {
		fd := socket(t, unix.AF_INET, unix.SOCK_DGRAM)
		bind(t, fd, unix.AF_INET)
		want[inode(t, fd)] = true
	}
	for _, row := range udpSockets(t) {
		delete(want, row.Inode)
	}
	for _, row := range table(t, "udp") {
		if want[row.Inode] {
			t.Errorf("only in /proc/net/udp: %s", row.Raw)
		}
	}
	if len(want) != 0 {
		t.Errorf("%d of 600 are missing", len(want))
	}
}

func TestUnixSockets(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	if _, err := unix.Write(pair[0], []byte("hello")); err != nil {
		t.Fatal(err)
	}
	listening := socket(t, unix.AF_UNIX, unix.SOCK_STREAM)
	name := fmt.Sprintf("@fd3-test-%d-%d", unix.Getpid(), listening)
	if err := unix.Bind(listening, &unix.SockaddrUnix{Name: name}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(listening, 3); err != nil {
		t.Fatal(err)
	}
	client := socket(t, unix.AF_UNIX, unix.SOCK_STREAM)
	if err := unix.Connect(client, &unix.SockaddrUnix{Name: name}); err != nil {
		t.Fatal(err)
	}

	sockets, err := Own().Unix()
	if err != nil {
		t.Fatal(err)
	}
	got := map[uint64]UnixSocket{}
	for _, socket := range sockets {
		got[socket.Inode] = socket
	}
	a, b := got[inode(t, pair[0])], got[inode(t, pair[1])]
	if a.Peer != b.Inode || b.Peer != a.Inode || a.State != Established {
		t.Errorf("the pair: %+v %+v", a, b)
	}
	if b.RQueue != 5 || a.WQueue < 5 {
		t.Errorf("5 bytes on the way: %+v %+v", a, b)
	}
	t.Logf("5 bytes written and not read: %d here, %d there", a.WQueue, b.RQueue)
	l := got[inode(t, listening)]
	if l.State != Listen || l.RQueue != 1 || l.WQueue != 3 || l.Path != name {
		t.Errorf("the listener: %+v", l)
	}
	if c := got[inode(t, client)]; c.Peer != 0 || c.State != Established {
		t.Errorf("the client: %+v", c)
	}
}

func TestFind(t *testing.T) {
	at := netip.MustParseAddrPort
	none4, none6 := at("0.0.0.0:0"), at("[::]:0")
	rows := InetTable{
		{Local: at("[::]:80"), Remote: none6, State: Listen, Inode: 1},
		{Local: at("0.0.0.0:80"), Remote: none4, State: Listen, Inode: 2},
		{Local: at("127.0.0.1:80"), Remote: none4, State: Listen, Inode: 3},
		{Local: at("[::ffff:127.0.0.1]:80"), Remote: at("[::ffff:127.0.0.1]:5000"), State: Established, Inode: 4},
		{Local: at("[::]:81"), Remote: none6, State: Listen, Inode: 5, V6Only: true},
		{Local: at("[::]:82"), Remote: none6, State: Listen, Inode: 6},
		{Local: at("[fe80::1]:83"), Remote: none6, State: Listen, Inode: 7},
		{Local: at("10.0.0.1:84"), Remote: none4, State: Close, Inode: 8},
		{Local: at("10.0.0.1:84"), Remote: at("10.0.0.2:9"), State: TimeWait},
		{Local: at("10.0.0.1:85"), Remote: none4, State: Listen, Inode: 9},
	}
	for _, test := range []struct {
		addr string
		want uint64
	}{
		{"127.0.0.1:80", 3}, {"127.0.0.2:80", 2}, {"[::1]:80", 1}, {"0.0.0.0:80", 2}, {"[::]:80", 1},
		{"127.0.0.1:81", 0}, {"[::1]:81", 5}, {"127.0.0.1:82", 6}, {"[::ffff:127.0.0.1]:80", 3},
		{"[fe80::1%lo]:83", 7}, {"10.0.0.1:84", 0}, {"10.0.0.2:85", 0}, {"10.0.0.1:86", 0},
	} {
		row, ok := found(rows.Listener(at(test.addr)))
		if ok != (test.want != 0) || row.Inode != test.want {
			t.Errorf("a listener for %s: %+v, %v", test.addr, row, ok)
		}
	}
	if row, ok := found(rows.Find(at("127.0.0.1:80"), at("127.0.0.1:5000"))); !ok || row.Inode != 4 {
		t.Errorf("%+v", row)
	}
	if row, ok := found(rows.Find(at("10.0.0.1:84"), netip.AddrPort{})); !ok || row.Inode != 8 {
		t.Errorf("%+v", row)
	}
	if row, ok := found(rows.Find(at("127.0.0.1:5000"), at("127.0.0.1:80"))); ok {
		t.Errorf("%+v", row)
	}
	if row, ok := found(rows.Inode(5)); !ok || row.Local != at("[::]:81") {
		t.Errorf("%+v", row)
	}
	if row, ok := found(rows.Inode(0)); ok {
		t.Errorf("%+v", row)
	}
}

// The order of preference is the kernel's own: a real connection says by its
// queue which of three listeners on one port it reached.
func TestFindListenerAsKernel(t *testing.T) {
	port := uint16(0)
	for _, at := range []string{"127.0.0.1", "0.0.0.0", "::"} {
		addr := netip.MustParseAddr(at)
		family := unix.AF_INET
		if addr.Is6() {
			family = unix.AF_INET6
		}
		fd := socket(t, family, unix.SOCK_STREAM)
		if family == unix.AF_INET6 {
			if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0); err != nil {
				t.Fatal(err)
			}
		}
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
			t.Fatal(err)
		}
		if err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(addr, port))); err != nil {
			t.Skipf("%s port %d: %v", at, port, err)
		}
		if err := unix.Listen(fd, 4); err != nil {
			t.Fatal(err)
		}
		port = sockname(t, fd).Port()
	}
	for _, test := range []struct{ to, bound string }{
		{"127.0.0.1", "127.0.0.1"},
		{"127.0.0.2", "0.0.0.0"},
		{"::1", "::"},
	} {
		to := netip.AddrPortFrom(netip.MustParseAddr(test.to), port)
		family := unix.AF_INET
		if to.Addr().Is6() {
			family = unix.AF_INET6
		}
		connect(t, family, to)
		row, ok := found(tcpSockets(t).Listener(to))
		if !ok || row.Local.Addr() != netip.MustParseAddr(test.bound) || row.RQueue != 1 {
			t.Errorf("a connection to %v: %+v", to, row)
		}
	}
}

// Alone on its port, the IPv6 wildcard takes IPv4 too, unless it is IPV6_V6ONLY.
func TestFindListenerDualStack(t *testing.T) {
	for only := range 2 {
		fd := socket(t, unix.AF_INET6, unix.SOCK_STREAM)
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only); err != nil {
			t.Fatal(err)
		}
		if err := unix.Bind(fd, &unix.SockaddrInet6{}); err != nil {
			t.Skip(err)
		}
		if err := unix.Listen(fd, 4); err != nil {
			t.Fatal(err)
		}
		to := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), sockname(t, fd).Port())
		client := socket(t, unix.AF_INET, unix.SOCK_STREAM)
		err := unix.Connect(client, sockaddr(to))
		row, ok := found(tcpSockets(t).Listener(to))
		if ok != (err == nil) || ok != (only == 0) {
			t.Errorf("IPV6_V6ONLY %d: connect says %v, we %+v", only, err, row)
		}
		if ok && (row.Inode != inode(t, fd) || row.RQueue != 1) {
			t.Errorf("%+v", row)
		}
	}
}

func BenchmarkInetSockets(b *testing.B) {
	_, addr := listener(b, unix.AF_INET, 4)
	connect(b, unix.AF_INET, addr)
	for b.Loop() {
		if _, err := Own().TCP(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFDs(b *testing.B) {
	listener(b, unix.AF_INET, 4)
	pid := unix.Getpid()
	for b.Loop() {
		if _, err := FDs(pid); err != nil {
			b.Fatal(err)
		}
	}
}

// The file that bind made is known by device and inode, whatever its name is now.
func TestUnixSocketFile(t *testing.T) {
	dir := t.TempDir()
	fd := socket(t, unix.AF_UNIX, unix.SOCK_STREAM)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: dir + "/bound"}); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir+"/bound", dir+"/moved"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/bound", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var moved, other unix.Stat_t
	if err := errors.Join(unix.Lstat(dir+"/moved", &moved), unix.Lstat(dir+"/bound", &other)); err != nil {
		t.Fatal(err)
	}
	all, err := Own().Unix()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if mine := s.Inode == inode(t, fd); s.Made(&moved) != mine || s.Made(&other) {
			t.Errorf("%+v: made the file %t, another %t", s, s.Made(&moved), s.Made(&other))
		}
	}
}
