package sockets

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Socket wraps socket(2). typ may carry SOCK_CLOEXEC and SOCK_NONBLOCK.
func (t *Tracer) Socket(domain, typ, protocol int) (c Call) {
	t.call(&c, unix.SYS_SOCKET, uintptr(domain), uintptr(typ), uintptr(protocol), 0, 0, 0)
	return c
}

// Bind wraps bind(2).
func (t *Tracer) Bind(fd int, addr Sockaddr) (c Call) {
	t.call(&c, unix.SYS_BIND, uintptr(fd), uintptr(data(addr)), uintptr(len(addr)), 0, 0, 0)
	c.Addr = addr
	return c
}

// Connect wraps connect(2). On a blocking socket it returns when the handshake
// is done; on a non-blocking one at once, with EINPROGRESS.
func (t *Tracer) Connect(fd int, addr Sockaddr) (c Call) {
	t.call(&c, unix.SYS_CONNECT, uintptr(fd), uintptr(data(addr)), uintptr(len(addr)), 0, 0, 0)
	c.Addr = addr
	return c
}

// Listen wraps listen(2). The kernel cuts the backlog down to
// net.core.somaxconn without a word.
func (t *Tracer) Listen(fd, backlog int) (c Call) {
	t.call(&c, unix.SYS_LISTEN, uintptr(fd), uintptr(backlog), 0, 0, 0, 0)
	return c
}

// Accept4 wraps accept4(2). It blocks while the accept queue is empty. Call.Addr
// is the peer's address.
func (t *Tracer) Accept4(fd, flags int) (c Call) {
	return t.AcceptInto(fd, new(Peer), flags)
}

// AcceptInto is Accept4 with room for the peer's address, of which Call.Addr is a view
// then, good until the next call with that room. With nil nobody asks who it is.
func (t *Tracer) AcceptInto(fd int, peer *Peer, flags int) (c Call) {
	if peer == nil {
		t.call(&c, unix.SYS_ACCEPT4, uintptr(fd), 0, 0, uintptr(flags), 0, 0)
		return c
	}
	peer.size = sizeStorage
	t.call(&c, unix.SYS_ACCEPT4, uintptr(fd), uintptr(unsafe.Pointer(&peer.addr)), uintptr(unsafe.Pointer(&peer.size)), uintptr(flags), 0, 0)
	c.from(peer)
	return c
}

// Shutdown wraps shutdown(2): it ends one direction, or both, of a connection
// for every descriptor that refers to it, and keeps the descriptor.
func (t *Tracer) Shutdown(fd, how int) (c Call) {
	t.call(&c, unix.SYS_SHUTDOWN, uintptr(fd), uintptr(how), 0, 0, 0, 0)
	return c
}

// Close wraps close(2). The descriptor is gone whatever it returns, so it is
// never called again after an error (close(2), NOTES).
func (t *Tracer) Close(fd int) (c Call) {
	t.call(&c, unix.SYS_CLOSE, uintptr(fd), 0, 0, 0, 0, 0)
	return c
}

// Dup wraps dup(2): the lowest free number becomes another name of the open file
// that fd names. The file is closed with the last of its names.
func (t *Tracer) Dup(fd int) (c Call) {
	t.call(&c, unix.SYS_DUP, uintptr(fd), 0, 0, 0, 0, 0)
	return c
}

// Setsockopt wraps setsockopt(2) for an option whose value is an int: those of
// socket(7) at SOL_SOCKET, of tcp(7) at SOL_TCP and of ipv6(7) at SOL_IPV6.
func (t *Tracer) Setsockopt(fd, level, option, value int) (c Call) {
	s := takeScratch()
	defer s.giveBack()
	s.value = int32(value)
	t.call(&c, unix.SYS_SETSOCKOPT, uintptr(fd), uintptr(level), uintptr(option), uintptr(unsafe.Pointer(&s.value)), unsafe.Sizeof(s.value), 0)
	return c
}

// SetReuseAddr wraps setsockopt(2) with SO_REUSEADDR (socket(7)).
func (t *Tracer) SetReuseAddr(fd int, on bool) (c Call) {
	value := 0
	if on {
		value = 1
	}
	return t.Setsockopt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, value)
}

// SetTimeout wraps setsockopt(2) with SO_RCVTIMEO or SO_SNDTIMEO (socket(7)):
// how long accept4 and recvfrom, or connect and sendto, may block on fd. Zero
// is for ever.
func (t *Tracer) SetTimeout(fd, option int, d time.Duration) (c Call) {
	s := takeScratch()
	defer s.giveBack()
	s.timeval = unix.NsecToTimeval(d.Nanoseconds())
	t.call(&c, unix.SYS_SETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, uintptr(option), uintptr(unsafe.Pointer(&s.timeval)), unsafe.Sizeof(s.timeval), 0)
	return c
}

// SetLinger wraps setsockopt(2) with SO_LINGER (socket(7)): close(2) waits so many
// seconds for what is still unsent. With 0 it waits for nothing, throws the unsent
// bytes away and resets the connection.
func (t *Tracer) SetLinger(fd, seconds int) (c Call) {
	s := takeScratch()
	defer s.giveBack()
	s.linger = unix.Linger{Onoff: 1, Linger: int32(seconds)}
	t.call(&c, unix.SYS_SETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_LINGER, uintptr(unsafe.Pointer(&s.linger)), unsafe.Sizeof(s.linger), 0)
	return c
}

// SetCongestion wraps setsockopt(2) with TCP_CONGESTION (tcp(7)): which congestion control a
// connection has, such as reno. A name of four bytes comes with the NUL that ends it, which
// the kernel takes as well: strace(1) shows four bytes as an int.
func (t *Tracer) SetCongestion(fd int, name string) (c Call) {
	s := takeScratch()
	defer s.giveBack()
	value, length := s.cPath(name), len(name)
	if length == 4 {
		length++
	}
	t.call(&c, unix.SYS_SETSOCKOPT, uintptr(fd), unix.SOL_TCP, unix.TCP_CONGESTION, uintptr(value), uintptr(length), 0)
	return c
}

// Send makes sendto(2) without an address, as send(2) in the C library does. The
// kernel may take fewer bytes than it is given (Call.Ret): a partial write is
// the caller's to go on with. Call.Data is what was taken.
func (t *Tracer) Send(fd int, b []byte, flags int) (c Call) {
	return t.SendTo(fd, b, flags, nil)
}

// SendTo wraps sendto(2): one datagram to an address.
func (t *Tracer) SendTo(fd int, b []byte, flags int, to Sockaddr) (c Call) {
	t.call(&c, unix.SYS_SENDTO, uintptr(fd), uintptr(data(b)), uintptr(len(b)), uintptr(flags), uintptr(data(to)), uintptr(len(to)))
	c.bytes(b)
	c.Addr = to
	return c
}

// Sendmsg wraps sendmsg(2) in its simplest form, which does what send(2) does: one
// iovec, no address and no control data. The kernel may take fewer bytes than it
// is given (Call.Ret). Call.Data is what was taken.
func (t *Tracer) Sendmsg(fd int, b []byte, flags int) (c Call) {
	s := takeScratch()
	defer s.giveBack()
	s.iov = unix.Iovec{Base: unsafe.SliceData(b)}
	s.iov.SetLen(len(b))
	s.msg = unix.Msghdr{Iov: &s.iov}
	s.msg.SetIovlen(1)
	t.call(&c, unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&s.msg)), uintptr(flags), 0, 0, 0)
	c.bytes(b)
	return c
}

// Write wraps write(2). On a socket it is send(2) without flags: where nobody can
// receive any more, SIGPIPE comes with EPIPE (write(2), ERRORS). The kernel may
// take fewer bytes than it is given (Call.Ret): a partial write is the caller's to
// go on with. Call.Data is what was taken.
func (t *Tracer) Write(fd int, b []byte) (c Call) {
	t.call(&c, unix.SYS_WRITE, uintptr(fd), uintptr(data(b)), uintptr(len(b)), 0, 0, 0)
	c.bytes(b)
	return c
}

// Sendfile wraps sendfile(2): at most count bytes of the file inFD go into the
// socket outFD, and no byte comes up into the program on its way. With an offset
// they are read from there, and the kernel moves *offset behind the last one;
// with nil it is the file's own position that moves. Call.Ret may be less than
// count: a partial write is the caller's to go on with.
func (t *Tracer) Sendfile(outFD, inFD int, offset *int64, count int) (c Call) {
	t.call(&c, unix.SYS_SENDFILE, uintptr(outFD), uintptr(inFD), uintptr(unsafe.Pointer(offset)), uintptr(count), 0, 0)
	return c
}

// Recv makes recvfrom(2) without asking for the sender's address, as recv(2) in
// the C library does: at most size bytes. Zero bytes mean that a stream's peer
// has finished sending. Call.Data is what arrived.
func (t *Tracer) Recv(fd, size, flags int) (c Call) {
	return t.RecvInto(fd, make([]byte, max(size, 1))[:size], flags)
}

// RecvInto is Recv into the caller's buffer. Call.Data is a view of buf, good
// until the caller writes to buf again: an observer that keeps it takes a copy.
func (t *Tracer) RecvInto(fd int, buf []byte, flags int) (c Call) {
	t.call(&c, unix.SYS_RECVFROM, uintptr(fd), uintptr(data(buf)), uintptr(len(buf)), uintptr(flags), 0, 0)
	c.bytes(buf)
	return c
}

// RecvFrom wraps recvfrom(2): one datagram, and who sent it in Call.Addr. Bytes
// of the datagram that do not fit into size are lost.
func (t *Tracer) RecvFrom(fd, size, flags int) (c Call) {
	buf, peer := make([]byte, max(size, 1))[:size], &Peer{size: sizeStorage}
	t.call(&c, unix.SYS_RECVFROM, uintptr(fd), uintptr(data(buf)), uintptr(size), uintptr(flags),
		uintptr(unsafe.Pointer(&peer.addr)), uintptr(unsafe.Pointer(&peer.size)))
	c.bytes(buf)
	c.from(peer)
	return c
}

// Read wraps read(2): at most len(buf) bytes of a socket, as recv(2) without
// flags, or of a file, from its own position on. Zero bytes mean the end of
// either. Call.Data is what was read: a view of buf, good until the caller writes
// to buf again.
func (t *Tracer) Read(fd int, buf []byte) (c Call) {
	t.call(&c, unix.SYS_READ, uintptr(fd), uintptr(data(buf)), uintptr(len(buf)), 0, 0, 0)
	c.bytes(buf)
	return c
}

// Pread64 wraps pread(2), whose system call bears this name: at most len(buf)
// bytes of a file, from offset on. The file's own position stays where it is.
// Zero bytes mean its end. Call.Data is what was read: a view of buf, good until
// the caller writes to buf again.
func (t *Tracer) Pread64(fd int, buf []byte, offset int64) (c Call) {
	t.call(&c, unix.SYS_PREAD64, uintptr(fd), uintptr(data(buf)), uintptr(len(buf)), uintptr(offset), 0, 0)
	c.bytes(buf)
	return c
}

// Getdents64 wraps getdents64(2): the next names of a directory, as many as fit
// into buf, each in a struct linux_dirent64. Zero bytes mean that there are no
// more. Call.Data is what was written: a view of buf, good until the caller
// writes to buf again.
func (t *Tracer) Getdents64(fd int, buf []byte) (c Call) {
	t.call(&c, unix.SYS_GETDENTS64, uintptr(fd), uintptr(data(buf)), uintptr(len(buf)), 0, 0, 0)
	c.bytes(buf)
	return c
}

// Openat wraps openat(2): path from the directory dirfd on, or from the working
// directory with AT_FDCWD. The mode counts only where the flags make a file. A
// path goes to the kernel as far as its first NUL byte: a caller refuses such
// paths before.
func (t *Tracer) Openat(dirfd int, path string, flags int, mode uint32) (c Call) {
	s := takeScratch()
	defer s.giveBack()
	t.call(&c, unix.SYS_OPENAT, uintptr(dirfd), uintptr(s.cPath(path)), uintptr(flags), uintptr(mode), 0, 0)
	return c
}

// Openat2 wraps openat2(2), which can also say where a path must not lead:
// with RESOLVE_BENEATH it never leaves dirfd, and EXDEV says that it would have.
// A path goes to the kernel as far as its first NUL byte: a caller refuses such
// paths before.
func (t *Tracer) Openat2(dirfd int, path string, how unix.OpenHow) (c Call) {
	s := takeScratch()
	defer s.giveBack()
	s.how = how
	t.call(&c, unix.SYS_OPENAT2, uintptr(dirfd), uintptr(s.cPath(path)), uintptr(unsafe.Pointer(&s.how)), unix.SizeofOpenHow, 0, 0)
	return c
}

// Fstat wraps fstat(2): what fd is, written to *st.
func (t *Tracer) Fstat(fd int, st *unix.Stat_t) (c Call) {
	t.call(&c, unix.SYS_FSTAT, uintptr(fd), uintptr(unsafe.Pointer(st)), 0, 0, 0, 0)
	return c
}

// Newfstatat wraps fstatat(2), whose system call bears this name: what path is,
// from the directory dirfd on, written to *st. With AT_SYMLINK_NOFOLLOW a
// symbolic link is told of itself.
func (t *Tracer) Newfstatat(dirfd int, path string, st *unix.Stat_t, flags int) (c Call) {
	s := takeScratch()
	defer s.giveBack()
	t.call(&c, unix.SYS_NEWFSTATAT, uintptr(dirfd), uintptr(s.cPath(path)), uintptr(unsafe.Pointer(st)), uintptr(flags), 0, 0)
	return c
}

// EpollCreate1 wraps epoll_create1(2): a descriptor that waits for others.
func (t *Tracer) EpollCreate1(flags int) (c Call) {
	t.call(&c, unix.SYS_EPOLL_CREATE1, uintptr(flags), 0, 0, 0, 0, 0)
	return c
}

// EpollCtl wraps epoll_ctl(2): epfd begins to watch fd, watches it for something
// else, or no more. The event may be nil for EPOLL_CTL_DEL. The kernel gives
// event's Fd and Pad back as they are; they need not be a descriptor.
func (t *Tracer) EpollCtl(epfd, op, fd int, event *unix.EpollEvent) (c Call) {
	t.call(&c, unix.SYS_EPOLL_CTL, uintptr(epfd), uintptr(op), uintptr(fd), uintptr(unsafe.Pointer(event)), 0, 0)
	return c
}

// EpollWait waits until a descriptor that epfd watches is ready, or for timeout
// milliseconds; -1 is for ever. Call.Ret of the events are filled. It makes
// epoll_pwait(2) without a signal mask, which does the same as epoll_wait(2) and
// is there on every machine; epoll_wait is not on arm64. After a signal it waits
// anew, for the whole timeout.
func (t *Tracer) EpollWait(epfd int, events []unix.EpollEvent, timeout int) (c Call) {
	t.call(&c, unix.SYS_EPOLL_PWAIT, uintptr(epfd), uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), uintptr(timeout), 0, sigsetSize)
	return c
}

// A Disposition is what the kernel does with a signal that no handler takes.
type Disposition uintptr

// The two of signal(7), from include/uapi/asm-generic/signal-defs.h.
const (
	SIG_DFL Disposition = 0 // the signal's own action: SIGPIPE ends the process
	SIG_IGN Disposition = 1 // none
)

func (d Disposition) String() string { return handlerText(uint64(d)) }

// RtSigaction wraps rt_sigaction(2), which is sigaction(2) of the C library. It is
// made raw, behind the back of the Go runtime, which has a handler for every
// signal and lets SIGPIPE end a program only when it writes to 1 or 2 (os/signal).
func (t *Tracer) RtSigaction(signal unix.Signal, d Disposition) (c Call) {
	act := [sizeSigaction / 8]uint64{uint64(d)} // without a handler the others are 0
	t.call(&c, unix.SYS_RT_SIGACTION, uintptr(signal), uintptr(unsafe.Pointer(&act)), 0, sigsetSize, 0, 0)
	return c
}
