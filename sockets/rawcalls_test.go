package sockets

import (
	"encoding/binary"
	"os"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A maker makes calls that no Tracer has a method for, or would make so, and describes
// each from its registers and this process's memory, as it would another's.
type maker struct {
	tell func(Call)
	mem  []byte // what the pointers lead to: behind it nothing is mapped
	used int
}

const makerRoom = 1 << 20

func newMaker(tell func(Call)) *maker {
	mem, err := unix.Mmap(-1, 0, makerRoom+pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err == nil {
		err = unix.Mprotect(mem[makerRoom:], unix.PROT_NONE)
	}
	if err != nil {
		panic(err)
	}
	return &maker{tell: tell, mem: mem[:makerRoom]}
}

// call makes a call. What it does to the memory, and what is in it, is the caller's.
func (m *maker) call(number int, args ...uint64) Call {
	var r Registers
	copy(r[:], args)
	memory := ProcessMemory(os.Getpid())
	c := Describe(number, r, memory)
	ret, _, errno := unix.Syscall6(uintptr(number), uintptr(r[0]), uintptr(r[1]), uintptr(r[2]), uintptr(r[3]), uintptr(r[4]), uintptr(r[5]))
	c = c.Return(int64(ret), errno, memory)
	m.tell(c)
	return c
}

// each makes the same call with each of these as argument i.
func (m *maker) each(i int, values []uint64, number int, args ...uint64) {
	for _, v := range values {
		args[i] = v
		m.call(number, args...)
	}
}

// address returns that of a place in the memory.
func (m *maker) address(i int) uint64 {
	return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(m.mem)))) + uint64(i)
}

// put lays bytes into the memory and returns where they are.
func (m *maker) put(b ...byte) uint64 {
	p := m.address(m.used)
	m.used += (copy(m.mem[m.used:], b) + 15) &^ 15
	return p
}

func (m *maker) string(s string) uint64 { return m.put(append([]byte(s), 0)...) }

func (m *maker) words(w ...uint64) uint64 {
	var b []byte
	for _, x := range w {
		b = binary.NativeEndian.AppendUint64(b, x)
	}
	return m.put(b...)
}

func (m *maker) ints(n ...int32) uint64 {
	var b []byte
	for _, x := range n {
		b = binary.NativeEndian.AppendUint32(b, uint32(x))
	}
	return m.put(b...)
}

// last returns where the last n bytes of the memory are: behind them it ends.
func (m *maker) last(n int) uint64 { return m.address(makerRoom - n) }

const (
	at1   = 1                // no address
	minus = ^uint64(0)       // -1, or the largest number
	huge  = uint64(1) << 63  // a length that nothing has
	wild  = 0x7ffe_dead_0000 // an address where nothing is
)

func num(n int) uint64 { return uint64(int64(n)) }

// rawCalls are calls with arguments that a program may make by mistake, or by malice.
func rawCalls(m *maker) {
	fds := m.put(make([]byte, 8)...)
	for _, p := range []uint64{fds, 0, at1, m.last(4)} {
		if c := m.call(unix.SYS_SOCKETPAIR, unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0, p); c.Errno == 0 {
			unix.Close(m.int(fds))
			unix.Close(m.int(fds + 4))
		}
	}
	m.call(unix.SYS_SOCKETPAIR, unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_TCP, fds)
	m.call(unix.SYS_SOCKETPAIR, 77, 0x80f, minus, fds)
	for domain := range 48 {
		switch domain {
		case unix.AF_AX25, unix.AF_IRDA, unix.AF_CAN, unix.AF_BLUETOOTH, unix.AF_RXRPC, unix.AF_ISDN, unix.AF_PHONET, unix.AF_CAIF, unix.AF_NFC, unix.AF_KCM, unix.AF_SMC:
			continue // their protocols have names, too
		}
		m.call(unix.SYS_SOCKET, uint64(domain), 77, 3)
	}
	m.call(unix.SYS_SOCKET, unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|0x100, unix.NETLINK_NETFILTER)
	m.call(unix.SYS_SOCKET, unix.AF_PACKET, 99, 0x0300)
	m.call(unix.SYS_SOCKET, minus, minus, minus)
	rawAddresses(m)
	rawOptions(m)
	rawBytes(m)
	rawMessages(m)
	rawManyMessages(m)
	rawDescriptors(m)
	rawWaits(m)
	rawFiles(m)
	rawProcesses(m)
}

func (m *maker) int(p uint64) int {
	return int(int32(binary.NativeEndian.Uint32(m.mem[p-m.address(0):])))
}

func (m *maker) setInt(p uint64, n int) {
	binary.NativeEndian.PutUint32(m.mem[p-m.address(0):], uint32(n))
}

// sockaddrs are addresses of many kinds, whole and not.
func (m *maker) sockaddrs() (all []Sockaddr) {
	for _, text := range []string{"127.0.0.1:80", "[::1]:80", "[fe80::1%77]:80", "[2001:db8::]:1", "unix:/tmp/nothing"} {
		addr, err := ParseSockaddr(text)
		if err != nil {
			panic(err)
		}
		all = append(all, addr)
	}
	family := func(n uint16, rest string) Sockaddr {
		return append(binary.NativeEndian.AppendUint16(nil, n), rest...)
	}
	long := strings.Repeat("x", 126)
	return append(all,
		family(unix.AF_UNIX, ""), family(unix.AF_UNIX, "\x00"), family(unix.AF_UNIX, "\x00name"), family(unix.AF_UNIX, "\x00\x00\x01\xff"),
		family(unix.AF_UNIX, "no end"), family(unix.AF_UNIX, long), family(unix.AF_UNSPEC, ""), family(unix.AF_UNSPEC, long),
		family(unix.AF_NETLINK, "\x00\x00\x01\x00\x00\x00\x12\x34\x00\x00"), family(unix.AF_NETLINK, "\x01\x00\xff\xff\xff\xff\x00\x00\x00\x00"),
		family(unix.AF_NETLINK, "\x01"), family(unix.AF_INET, long), family(999, "abc"))
}

func rawAddresses(m *maker) {
	for _, addr := range m.sockaddrs() {
		p := m.put(addr...)
		m.call(unix.SYS_BIND, 99, p, uint64(len(addr)))
		m.call(unix.SYS_CONNECT, 99, p, uint64(max(len(addr)-1, 0)))
		m.call(unix.SYS_SENDTO, 99, p, 2, 0, p, uint64(min(len(addr), 24)))
	}
	inet := m.put(m.sockaddrs()[0]...)
	lengths := []uint64{0, 1, 2, 3, 8, 15, 16, 17, 28, 110, 128, 129, 4096, minus, huge, 1 << 31}
	m.each(2, lengths, unix.SYS_BIND, 99, inet, 0)
	m.each(1, []uint64{0, at1, wild, m.last(16), m.last(15), m.last(1)}, unix.SYS_CONNECT, minus, 0, 16)

	// Addresses that come out.
	unixFD, _ := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	inetFD, _ := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	inet6FD, _ := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	netlinkFD, _ := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	room, size := m.put(make([]byte, 256)...), m.ints(0)
	for _, fd := range []int{unixFD, inetFD, inet6FD, netlinkFD, 99} {
		for _, n := range []int{0, 1, 2, 4, 16, 24, 27, 28, 110, 128, 200, -1, -1 << 31} {
			m.setInt(size, n)
			m.call(unix.SYS_GETSOCKNAME, num(fd), room, size)
			m.setInt(size, n)
			m.call(unix.SYS_GETPEERNAME, num(fd), room, size)
			m.setInt(size, n)
			m.call(unix.SYS_ACCEPT, num(fd), room, size)
			m.setInt(size, n)
			m.call(unix.SYS_RECVFROM, num(fd), room, 16, unix.MSG_DONTWAIT, room+64, size)
		}
		m.setInt(size, 128)
		for _, pair := range [][2]uint64{{0, 0}, {room, 0}, {0, size}, {room, at1}, {at1, size}, {m.last(8), size}, {room, m.last(4)}, {room, m.last(3)}} {
			m.call(unix.SYS_GETSOCKNAME, num(fd), pair[0], pair[1])
			m.call(unix.SYS_ACCEPT4, num(fd), pair[0], pair[1], unix.SOCK_CLOEXEC)
		}
	}
	for _, name := range []string{"\x00abstract fd3 test", "\x00"} {
		fd, _ := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		addr := append(binary.NativeEndian.AppendUint16(nil, unix.AF_UNIX), name...)
		m.call(unix.SYS_BIND, num(fd), m.put(addr...), uint64(len(addr)))
		m.setInt(size, 128)
		m.call(unix.SYS_GETSOCKNAME, num(fd), room, size)
		unix.Close(fd)
	}
	for _, fd := range []int{unixFD, inetFD, inet6FD, netlinkFD} {
		unix.Close(fd)
	}
}

func rawOptions(m *maker) {
	tcp, _ := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	local, _ := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	defer func() {
		for _, fd := range []int{tcp, local[0], local[1]} {
			unix.Close(fd)
		}
	}()
	value, size := m.put(make([]byte, 512)...), m.ints(0)
	for _, l := range []struct {
		level   uint64
		options []flag
	}{{unix.SOL_SOCKET, append(socketOptions[:len(socketOptions):len(socketOptions)], flag{999, ""})}, {unix.SOL_TCP, tcpOptions}, {unix.SOL_IP, ipOptions},
		{unix.SOL_IPV6, ipv6Options}, {unix.SOL_UDP, udpOptions}, {unix.SOL_NETLINK, tcpOptions[:3]}, {77, tcpOptions[:2]}} {
		for _, o := range l.options {
			if o.name == "SO_PEERSEC" || o.name == "MCAST_JOIN_GROUP" || o.name == "MCAST_LEAVE_GROUP" {
				continue // of SELinux; of a struct with an interface in it
			}
			for _, n := range []int{0, 1, 3, 4, 5, 8, 16, 200} {
				clear(m.mem[value-m.address(0):][:512])
				m.setInt(size, n)
				m.call(unix.SYS_GETSOCKOPT, num(tcp), l.level, uint64(o.bits), value, size)
			}
			m.call(unix.SYS_GETSOCKOPT, 99, l.level, uint64(o.bits), value, size)
			if o.name == "IPV6_ADD_MEMBERSHIP" || o.name == "IPV6_DROP_MEMBERSHIP" || o.name == "IPV6_JOIN_ANYCAST" || o.name == "IPV6_LEAVE_ANYCAST" {
				continue // an interface, too
			}
			m.each(4, []uint64{0, 1, 3, 4, 5, 8, 16, 40, minus, 1 << 31}, unix.SYS_SETSOCKOPT, 99, l.level, uint64(o.bits), value, 0)
			m.each(3, []uint64{0, at1, m.last(4), m.last(2)}, unix.SYS_SETSOCKOPT, 99, l.level, uint64(o.bits), 0, 4)
		}
	}
	for _, o := range []uint64{unix.SO_PEERCRED, unix.SO_LINGER, unix.SO_ERROR, unix.SO_TYPE, unix.SO_PASSCRED} {
		for _, n := range []int{0, 1, 4, 6, 8, 9, 11, 12, 13, -1} {
			m.setInt(size, n)
			m.call(unix.SYS_GETSOCKOPT, num(local[0]), unix.SOL_SOCKET, o, value, size)
		}
		for _, p := range [][2]uint64{{0, size}, {value, 0}, {value, at1}, {at1, size}, {0, 0}} {
			m.setInt(size, 64)
			m.call(unix.SYS_GETSOCKOPT, num(local[0]), unix.SOL_SOCKET, o, p[0], p[1])
		}
	}
	refused, _ := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	unix.Connect(refused, &unix.SockaddrInet4{Port: 1, Addr: [4]byte{127, 0, 0, 1}})
	m.setInt(size, 4)
	m.call(unix.SYS_GETSOCKOPT, num(refused), unix.SOL_SOCKET, unix.SO_ERROR, value, size)
	unix.Close(refused)
	m.setInt(value, 9)
	m.call(unix.SYS_SETSOCKOPT, 99, unix.SOL_SOCKET, unix.SO_TXREHASH, value, 4)
	m.setInt(value, 255)
	m.call(unix.SYS_SETSOCKOPT, 99, unix.SOL_SOCKET, unix.SO_TXREHASH, value, 4)
}

func rawBytes(m *maker) {
	pipe := [2]int{}
	unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK)
	defer unix.Close(pipe[0])
	defer unix.Close(pipe[1])
	text := m.string("some bytes, and a few more than strace shows of them\x01\x7f")
	pointers := []uint64{text, 0, at1, wild, m.last(32), m.last(33), m.last(3)}
	sizes := []uint64{0, 1, 3, 31, 32, 33, 34, 53, 1 << 31, huge, minus}
	for _, p := range pointers {
		m.each(2, sizes, unix.SYS_WRITE, 99, p, 0)
		m.each(2, sizes[:8], unix.SYS_READ, num(pipe[0]), p, 0)
		m.each(2, sizes[:8], unix.SYS_SENDTO, 99, p, 0, 0x7fffffff)
		m.each(2, sizes, unix.SYS_PREAD64, 99, p, 0, minus)
		m.each(2, sizes, unix.SYS_PWRITE64, 99, p, 0, 7)
	}
	m.call(unix.SYS_WRITE, num(pipe[1]), text, 53)
	m.call(unix.SYS_READ, num(pipe[0]), text, 40)
	m.call(unix.SYS_READ, num(pipe[0]), text, 40)

	many := make([]uint64, 0, 100)
	for i := range uint64(50) {
		many = append(many, text+i, i)
	}
	iovs := []struct{ p, n uint64 }{
		{m.words(many...), 50}, {m.words(many...), 32}, {m.words(many...), 33}, {m.words(text, 5, 0, 7, text, 0, at1, 3, text, huge), 5},
		{0, 0}, {0, 3}, {text, 0}, {at1, 2}, {m.last(16), 1}, {m.last(16), 2}, {m.last(24), 2}, {text, minus}, {text, huge}, {text, 1 << 60}, {wild, 1},
	}
	binary.NativeEndian.PutUint64(m.mem[makerRoom-16:], text)
	binary.NativeEndian.PutUint64(m.mem[makerRoom-8:], 4)
	for _, v := range iovs {
		m.call(unix.SYS_WRITEV, 99, v.p, v.n)
		m.call(unix.SYS_READV, 99, v.p, v.n)
		m.call(unix.SYS_PWRITEV, 99, v.p, v.n, 5)
		m.call(unix.SYS_PREADV, 99, v.p, v.n, minus)
		m.call(unix.SYS_PWRITEV2, 99, v.p, v.n, huge, 0, 0x1f)
		m.call(unix.SYS_PREADV2, 99, v.p, v.n, 5, 0, minus)
		m.call(unix.SYS_WRITEV, num(pipe[1]), v.p, v.n)
		m.call(unix.SYS_READV, num(pipe[0]), v.p, v.n)
	}
	m.call(unix.SYS_WRITE, num(pipe[1]), text, 20)
	m.call(unix.SYS_READV, num(pipe[0]), m.words(text+100, 3, text+200, 0, text+300, 100, text+400, 9), 4)

	off := m.words(5)
	for _, p := range []uint64{0, off, at1, m.last(4)} {
		m.call(unix.SYS_SENDFILE, 99, 98, p, huge)
		m.call(unix.SYS_SPLICE, 99, p, 98, off, minus, unix.SPLICE_F_MOVE|unix.SPLICE_F_MORE)
		m.call(unix.SYS_SPLICE, num(pipe[0]), 0, 98, p, 1, 0x1f)
		m.call(unix.SYS_TEE, num(pipe[0]), 98, p, unix.SPLICE_F_NONBLOCK)
	}
}

func rawMessages(m *maker) {
	pair, _ := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	unix.SetsockoptInt(pair[1], unix.SOL_SOCKET, unix.SO_PASSCRED, 1)
	unix.SetsockoptInt(pair[1], unix.SOL_SOCKET, unix.SO_TIMESTAMP, 1)
	text := m.string("hello, message")
	iov := m.words(text, 5, text+5, 3)
	name := m.put(m.sockaddrs()[0]...)
	control := func(length uint64, level, kind int32, data ...byte) []byte {
		b := binary.NativeEndian.AppendUint64(nil, length)
		b = binary.NativeEndian.AppendUint32(b, uint32(level))
		b = binary.NativeEndian.AppendUint32(b, uint32(kind))
		return append(append(b, data...), make([]byte, -len(data)&7)...)
	}
	rights := control(20, unix.SOL_SOCKET, unix.SCM_RIGHTS, 0, 0, 0, 0)
	creds := control(28, unix.SOL_SOCKET, unix.SCM_CREDENTIALS, 1, 0, 0, 0, 2, 0, 0, 0, 0xff, 0xff, 0xff, 0xff)
	controls := [][]byte{nil, rights, creds, append(append([]byte(nil), rights...), creds...), rights[:15], rights[:16], append(rights[:len(rights):len(rights)], 1, 2, 3)}
	// Not the largest number: there strace 6.1 writes the same message without end.
	for _, n := range []uint64{0, 1, 15, 16, 17, 19, 24, 40, 1 << 32, huge} {
		controls = append(controls, append(control(n, unix.SOL_SOCKET, unix.SCM_RIGHTS, 1, 0, 0, 0, 2, 0, 0, 0), rights...))
	}
	for kind := range int32(70) {
		if kind == 8 {
			continue // IP_PKTINFO has an interface in it
		}
		data := make([]byte, 48)
		data[0], data[16] = byte(kind)+1, unix.AF_INET
		controls = append(controls, control(64, unix.SOL_SOCKET, kind, data...), control(64, unix.SOL_IP, kind, data...),
			control(17, unix.SOL_SOCKET, kind, data...), control(17, unix.SOL_IP, kind, data...))
	}
	controls = append(controls, control(20, unix.SOL_IPV6, 50, 1, 2, 3, 4), control(20, 77, -1, 1, 2, 3, 4))
	message := func(name, nameLen, iov, iovLen, control, controlLen, flags uint64) uint64 {
		return m.words(name, nameLen, iov, iovLen, control, controlLen, flags)
	}
	for _, b := range controls {
		mark := m.used
		m.call(unix.SYS_SENDMSG, 99, message(0, 0, iov, 1, m.put(b...), uint64(len(b)), 0), 0)
		m.used = mark
	}
	for _, msg := range []uint64{
		0, at1, wild, m.last(55), message(0, 0, 0, 0, 0, 0, 0), message(name, 16, iov, 2, 0, 0, unix.MSG_EOR), message(name, 200, iov, minus, 0, 0, 0xffffffff),
		message(at1, 16, iov, huge, at1, 16, 0), message(0, 16, at1, 1, 0, 16, 0), message(name, minus, iov, 1<<59, name, minus, 0), message(name, 1, iov, 0, name, 8, 0),
		message(0, 0, iov, 1, m.last(40), 200, 0), message(0, 0, iov, 1, m.address(0), 200<<10, 0),
	} {
		m.call(unix.SYS_SENDMSG, 99, msg, unix.MSG_DONTWAIT)
		m.call(unix.SYS_RECVMSG, 99, msg, unix.MSG_DONTWAIT)
	}
	m.call(unix.SYS_SENDMSG, num(pair[0]), message(0, 0, iov, 2, m.put(rights...), 20, 0), 0)
	into := m.words(text+64, 4, text+128, 100)
	room := m.put(make([]byte, 256)...)
	m.call(unix.SYS_RECVMSG, num(pair[1]), message(room, 100, into, 2, 0, 0, 0), unix.MSG_PEEK)
	m.call(unix.SYS_RECVMSG, num(pair[1]), message(room, 100, into, 2, room+100, 10, 0), unix.MSG_PEEK)
	m.call(unix.SYS_RECVMSG, num(pair[1]), message(room, 100, into, 1, room+128, 28, 0), unix.MSG_PEEK)
	m.call(unix.SYS_SENDMSG, num(pair[0]), message(0, 0, 0, 0, 0, 0, 0), 0)
	udp, _ := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	defer unix.Close(udp)
	unix.Bind(udp, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	for _, o := range []int{unix.IP_RECVTTL, unix.IP_RECVTOS, unix.IP_RECVORIGDSTADDR} {
		unix.SetsockoptInt(udp, unix.SOL_IP, o, 1)
	}
	unix.SetsockoptInt(udp, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	for _, n := range []uint64{0, 3, 16, 100} {
		unix.Sendto(udp, []byte("to myself"), 0, mustAddr(udp))
		m.call(unix.SYS_RECVMSG, num(udp), message(room, n, into, 2, room+100, 150, 0), 0)
	}
	m.call(unix.SYS_RECVMSG, num(udp), message(room, 16, into, 2, room+100, 150, 0), unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
}

func mustAddr(fd int) unix.Sockaddr {
	addr, err := unix.Getsockname(fd)
	if err != nil {
		panic(err)
	}
	return addr
}

func rawManyMessages(m *maker) {
	pair, _ := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	text := m.string("hello, messages")
	room := m.put(make([]byte, 256)...)
	var words []uint64
	for i := range uint64(40) {
		words = append(words, 0, 0, m.words(text+i%8, i%5), 1, 0, 0, 0, 0)
	}
	many := m.words(words...)
	m.call(unix.SYS_SENDMMSG, num(pair[0]), many, 3, 0)
	m.call(unix.SYS_SENDMMSG, num(pair[0]), many, 1, unix.MSG_NOSIGNAL)
	wait := m.words(1, 5)
	for i := range uint64(4) {
		words[i*8], words[i*8+1] = room+i*20, 20
	}
	into := m.words(words...)
	m.call(unix.SYS_RECVMMSG, num(pair[1]), into, 2, unix.MSG_DONTWAIT, 0)
	m.call(unix.SYS_RECVMMSG, num(pair[1]), into, 40, unix.MSG_DONTWAIT, wait)
	m.call(unix.SYS_RECVMMSG, num(pair[1]), into, 40, unix.MSG_DONTWAIT, wait)
	for _, p := range []uint64{many, 0, at1, m.last(64), m.last(100)} {
		m.each(2, []uint64{0, 1, 2, 33, 1 << 32, minus}, unix.SYS_SENDMMSG, 99, p, 0, unix.MSG_MORE)
		m.each(2, []uint64{0, 1, 2, 33, 1 << 32, minus}, unix.SYS_RECVMMSG, 99, p, 0, unix.MSG_WAITFORONE, 0)
		m.each(4, []uint64{wait, at1, m.last(8)}, unix.SYS_RECVMMSG, 99, p, 1, 0, 0)
	}
}

func rawDescriptors(m *maker) {
	file, _ := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC|unix.O_APPEND, 0)
	defer unix.Close(file)
	fds := m.ints(0, 0)
	for _, flags := range []uint64{unix.O_CLOEXEC, unix.O_NONBLOCK | unix.O_CLOEXEC, 1, minus} {
		if c := m.call(unix.SYS_PIPE2, fds, flags); c.Errno == 0 {
			unix.Close(m.int(fds))
			unix.Close(m.int(fds + 4))
		}
		if c := m.call(unix.SYS_EVENTFD2, flags&7, flags); c.Errno == 0 {
			unix.Close(int(c.Ret))
		}
		m.call(unix.SYS_DUP3, 99, 98, flags)
		m.call(unix.SYS_DUP3, num(file), num(file), flags)
	}
	m.call(unix.SYS_PIPE2, 0, 0)
	for _, flags := range []uint64{0, unix.CLOSE_RANGE_CLOEXEC, minus} {
		m.call(unix.SYS_CLOSE_RANGE, 200, minus, flags)
	}
	m.call(unix.SYS_PIDFD_GETFD, 99, minus, 0)
	m.call(unix.SYS_PIDFD_GETFD, 99, 5, 7)
	m.call(unix.SYS_PIPE2, at1, 0)
	m.call(unix.SYS_EVENTFD2, minus, minus)
	if c := m.call(unix.SYS_DUP3, num(file), 200, unix.O_CLOEXEC); c.Errno == 0 {
		unix.Close(200)
	}
	lock := m.words(0, 10, 20, 77)
	owner := m.ints(1, 5)
	for _, command := range fcntlCommands {
		switch command.name {
		case "F_NOTIFY", "F_GETLK64", "F_SETLK64", "F_SETLKW64":
			continue // for programs of 32 bits, or of directories
		}
		for _, fd := range []int{file, 99} {
			for _, arg := range []uint64{0, 1, unix.O_NONBLOCK | unix.O_APPEND, lock, owner, at1, minus} {
				if fd == file && (command.name == "F_DUPFD" || command.name == "F_DUPFD_CLOEXEC") {
					continue
				}
				m.call(unix.SYS_FCNTL, num(fd), uint64(command.bits), arg)
			}
		}
	}
	m.call(unix.SYS_FCNTL, 99, 9999, 5)
	if c := m.call(unix.SYS_FCNTL, num(file), unix.F_DUPFD_CLOEXEC, 150); c.Errno == 0 {
		unix.Close(int(c.Ret))
	}
	memfd, _ := unix.MemfdCreate("seals", unix.MFD_ALLOW_SEALING|unix.MFD_CLOEXEC)
	m.call(unix.SYS_FCNTL, num(memfd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW)
	m.call(unix.SYS_FCNTL, num(memfd), unix.F_GET_SEALS)
	unix.Close(memfd)
	for _, fd := range []int{file, 99} {
		for _, request := range []uint64{unix.TIOCINQ, unix.TIOCOUTQ, fionbio, fioasync, unix.SIOCOUTQNSD} {
			m.each(2, []uint64{owner, 0, at1}, unix.SYS_IOCTL, num(fd), request, 0)
		}
	}
	udp, _ := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	m.call(unix.SYS_IOCTL, num(udp), unix.TIOCINQ, owner)
	m.call(unix.SYS_IOCTL, num(udp), unix.TIOCOUTQ, owner)
	unix.Close(udp)
	m.each(1, []uint64{0xc0401234, 0x80041299, 0x40041299, 0x00001299, 0xdeadbeef}, unix.SYS_IOCTL, 99, 0, 7)
}

func rawWaits(m *maker) {
	pair, _ := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	unix.Write(pair[1], []byte("x"))
	var polled []uint64
	for i := range uint64(60) {
		polled = append(polled, uint64(uint32(pair[i%2]))|uint64(unix.POLLIN|unix.POLLOUT*(i%3))<<32|0xffff<<48)
	}
	polled[7] = uint64(uint32(0xffffffff)) | 5<<32 // fd -1
	polled[9] = 99 | 0x7fff<<32
	fds, zero, one := m.words(polled...), m.words(0, 0), m.words(0, 1000)
	some := m.words(0x4002)
	for _, mask := range []uint64{0, some, m.words(0), m.words(minus), m.words(minus &^ 6), m.words(1<<63 | 1<<40), at1} {
		for _, n := range []uint64{0, 1, 32, 60} {
			m.call(unix.SYS_PPOLL, fds, n, zero, mask, 8)
		}
		m.call(unix.SYS_PPOLL, fds, 1, one, mask, 7)
		m.call(unix.SYS_EPOLL_PWAIT, 99, fds, 3, minus, mask, 8)
		m.call(unix.SYS_EPOLL_PWAIT, 99, fds, minus, 5, mask, 16)
		m.call(unix.SYS_EPOLL_PWAIT2, 99, fds, 3, one, mask, 8)
		m.call(unix.SYS_PSELECT6, 0, 0, 0, 0, zero, m.words(mask, 8))
		m.call(unix.SYS_PSELECT6, 0, 0, 0, 0, zero, m.words(mask, 3))
	}
	for _, p := range []uint64{0, at1, m.last(8), m.last(12)} {
		m.each(1, []uint64{0, 1, 2, 1 << 31, minus}, unix.SYS_PPOLL, p, 0, zero, 0, 0)
	}
	m.each(2, []uint64{at1, m.last(8), m.words(minus, minus)}, unix.SYS_PPOLL, fds, 1, 0, 0, 0)
	in, out := m.put(make([]byte, 128)...), m.put(make([]byte, 128)...)
	fill := func() {
		set := m.mem[in-m.address(0):][:256]
		clear(set)
		for _, fd := range pair {
			set[fd/8] |= 1 << (fd % 8)
			set[128+fd/8] |= 1 << (fd % 8)
		}
	}
	for _, n := range []uint64{0, 1, uint64(max(pair[0], pair[1]) + 1), 64, 65} {
		for _, sets := range [][3]uint64{{in, out, 0}, {0, out, in}, {0, 0, 0}, {in, at1, 0}} {
			fill()
			m.call(unix.SYS_PSELECT6, n, sets[0], sets[1], sets[2], zero, 0)
			fill()
			m.call(unix.SYS_PSELECT6, n, sets[0], sets[1], sets[2], one, 0)
		}
	}
	m.each(0, []uint64{minus, 1 << 31, 1024, 1 << 40}, unix.SYS_PSELECT6, 0, in, m.last(100), 0, zero, at1)
	epfd, _ := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	defer unix.Close(epfd)
	event := m.put(make([]byte, 16)...)
	for _, op := range []uint64{1, 2, 3, 4, minus} {
		m.each(3, []uint64{event, 0, at1, m.last(8)}, unix.SYS_EPOLL_CTL, num(epfd), op, num(pair[0]), 0)
	}
	m.call(unix.SYS_EPOLL_PWAIT, num(epfd), fds, 3, 0, some, 8)
	m.call(unix.SYS_EPOLL_PWAIT, num(epfd), 0, 3, 0, 0, 0)
	rawOldWaits(m, fds, zero, in, out, fill)
}

func rawFiles(m *maker) {
	name := m.string("/nowhere/at all")
	endless := m.last(20)
	copy(m.mem[makerRoom-20:], "aaaaaaaaaaaaaaaaaaaaaaaa")
	for _, p := range []uint64{name, 0, at1, wild, endless, m.last(1)} {
		m.call(unix.SYS_OPENAT, num(unix.AT_FDCWD), p, unix.O_RDWR|unix.O_ASYNC, 0o7777)
		m.call(unix.SYS_NEWFSTATAT, 99, p, name, 0xffffffff)
		m.call(unix.SYS_EXECVE, p, 0, 0)
	}
	m.each(2, []uint64{0, unix.O_CREAT, anonymous, unix.O_TMPFILE, unix.O_SYNC &^ unix.O_DSYNC, 1 << 31, minus, 1 << 40}, unix.SYS_OPENAT, 98, name, 0, 0o1234567)
	for _, size := range []uint64{0, 8, 23, 24, 25, 32, 64, 5000, minus, huge} {
		m.call(unix.SYS_OPENAT2, 99, name, m.words(unix.O_CREAT|1<<50, 0o7654321, 0x1f, 0, 0, 0, 0, 0), size)
		m.call(unix.SYS_OPENAT2, 99, name, m.words(0, 0, 0, 1, 2, 0xff, 4, 5), size)
		m.call(unix.SYS_OPENAT2, 99, name, m.last(24), size)
		m.call(unix.SYS_OPENAT2, 99, name, 0, size)
	}
	m.each(1, []uint64{0, at1, wild}, unix.SYS_FSTAT, 0, 0)
	dir, _ := unix.Open("/proc/self", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	room := m.put(make([]byte, 4096)...)
	m.each(2, []uint64{0, 24, 100, 1<<32 + 4096}, unix.SYS_GETDENTS64, num(dir), room, 0)
	m.each(1, []uint64{0, at1}, unix.SYS_GETDENTS64, num(dir), 0, 100)
	unix.Close(dir)
}

func rawProcesses(m *maker) {
	text := m.string("argument")
	long := m.string("a very long argument of more than 32 bytes")
	full := make([]uint64, 0, 41)
	for range 40 {
		full = append(full, text)
	}
	lists := []uint64{0, at1, m.words(0), m.words(text, 0), m.words(text, long, 0, text), m.words(at1, 0), m.words(append(full, 0)...), m.words(append(full[:32:32], 0)...), m.last(8), m.last(4), m.last(24)}
	for i := range 3 {
		binary.NativeEndian.PutUint64(m.mem[makerRoom-24+8*i:], text)
	}
	nowhere := m.string("/nowhere/at/all")
	for _, list := range lists {
		m.call(unix.SYS_EXECVE, nowhere, list, 0)
		m.call(unix.SYS_EXECVE, nowhere, 0, list)
	}
	for sig := range uint64(67) {
		m.call(unix.SYS_KILL, num(-99999999), sig)
	}
	m.each(0, []uint64{99999999, 1 << 40}, unix.SYS_KILL, 0, 0)
	m.call(unix.SYS_KILL, num(os.Getpid()), 0)
	m.call(unix.SYS_KILL, num(os.Getpid()), minus)
	act, old := m.words(0x1234, saRestorer|0x90000007, 0x5678, 0x4002), m.words(0, 0, 0, 0)
	for _, sig := range []uint64{0, 65, minus} {
		m.each(1, []uint64{act, 0, at1, m.last(31), m.words(1, 0, 0, 0), m.words(minus, minus, 1, minus)}, unix.SYS_RT_SIGACTION, sig, 0, 0, 8)
	}
	m.each(2, []uint64{old, 0, at1}, unix.SYS_RT_SIGACTION, uint64(unix.SIGHUP), 0, 0, 8)
	m.call(unix.SYS_RT_SIGACTION, uint64(unix.SIGHUP), 0, old, 16)
	// Each with flags that the kernel refuses: nobody is born.
	const refused = unix.CLONE_THREAD
	m.each(0, []uint64{refused, refused | uint64(unix.SIGCHLD), refused | unix.CLONE_SETTLS | unix.CLONE_PARENT_SETTID, refused | unix.CLONE_CHILD_CLEARTID | 99,
		refused | unix.CLONE_CHILD_SETTID | unix.CLONE_NEWNET | 1<<40, refused | unix.CLONE_PIDFD}, unix.SYS_CLONE, 0, 0, old, old, old)
	for _, size := range []uint64{0, 63, 64, 80, 87, 88, 89, 96, 5000, minus} {
		for _, p := range []uint64{
			m.words(refused, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0, 0), m.words(refused|unix.CLONE_PIDFD|unix.CLONE_PARENT_SETTID|unix.CLONE_SETTLS|unix.CLONE_CHILD_SETTID, 1, 2, 3, 99, 5, 6, 7, old, 2, 9, 10),
			m.words(refused|unix.CLONE_INTO_CGROUP|unix.CLONE_CLEAR_SIGHAND|1<<60, 0, 0, 0, 1<<40, 0, 0, 0, at1, 77, 0, 0), m.words(refused, 0, 0, 0, 0, 0, 0, 0, at1, 3, 0, 0), at1, 0, m.last(64),
		} {
			m.call(unix.SYS_CLONE3, p, size)
		}
	}
}

// The memory of a process is read as far as it goes.
func TestProcessMemoryEnds(t *testing.T) {
	m := newMaker(nil)
	defer unix.Munmap(m.mem[: makerRoom : makerRoom+pageSize])
	b := make([]byte, 10)
	if n := ProcessMemory(os.Getpid()).ReadMemory(m.last(4), b); n != 4 && n != 0 {
		t.Errorf("%d bytes", n)
	}
	if n := ProcessMemory(os.Getpid()).ReadMemory(1, b); n != 0 {
		t.Errorf("%d bytes where nothing is", n)
	}
}
