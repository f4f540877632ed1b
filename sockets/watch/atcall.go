package watch

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// A pending call is one that a thread has entered and that has not returned.
type pending struct {
	number    int
	registers sockets.Registers
	call      sockets.Call
	socket    uint64
	fd        int
	sort      Sort     // of the socket, where the kernel's programs have said
	dropped   []uint64 // sockets that the process has a descriptor less of
	pieces    []byte   // of the memory, when it was entered: of a process that does not stop
}

// atCall is told that a thread enters a call, or returns from one.
func (w *Watch) atCall(t *thread) {
	var info callInfo
	if !info.read(t.tid) || !w.live || info.arch != auditArch {
		t.call = nil
		return
	}
	w.standing.at(t.tid)
	filtered := !w.attached && !w.All
	switch {
	case info.op == opExit:
		w.returned(t, int64(info.data[0]), info.data[1] != 0)
	case info.op == opEntry && filtered:
		if t.before != nil {
			t.before[int(info.data[0])]++
		}
	default:
		w.entered(t, int(info.data[0]), sockets.Registers(info.data[1:7]))
	}
}

// entered tells that a call is entered, if it is of interest.
func (w *Watch) entered(t *thread, number int, r sockets.Registers) {
	if number == unix.SYS_RESTART_SYSCALL {
		if t.call, t.last = t.last, nil; t.call != nil {
			t.call.call.Start = w.now()
		}
		return
	}
	t.call, t.last = nil, nil
	fd, socket, ok := w.concerns(t, number, r)
	if !ok {
		return
	}
	if w.Skip != nil && interests[number].skippable && t.before == nil {
		if skip, until := w.Skip(number, socket); skip {
			w.rest(until)
			return
		}
	}
	t.room = pending{number: number, registers: r, fd: fd, socket: socket}
	p := &t.room
	if w.said != nil {
		p.sort = w.said.sort(fd)
	}
	p.call = w.describe(number, r, w.memory)
	switch number {
	case unix.SYS_CLOSE: // now: another thread may have the number again before this one returns
		w.drop(t, fd, p)
	case unix.SYS_CLOSE_RANGE:
		if r[2] == 0 {
			for fd := range t.fds.sockets {
				if within(fd, r) {
					w.drop(t, fd, p)
				}
			}
		}
	}
	t.call, p.call.Start = p, w.now()
	var before map[int]int
	if t.before != nil && (socket != 0 || number == unix.SYS_SOCKET || number == unix.SYS_SOCKETPAIR) {
		t.before[number]-- // this one
		before, t.before = t.before, nil
	}
	if !w.Short {
		e := &Event{Kind: Entered, Call: p.call, Number: number, Socket: socket, FD: fd, Before: before}
		if w.said != nil {
			e.Flags = w.said.flags(fd)
		}
		w.tell(t, e)
	}
}

// concerns reports whether a call is of interest, and which socket it acts on by which
// descriptor.
func (w *Watch) concerns(t *thread, number int, r sockets.Registers) (fd int, socket uint64, ok bool) {
	of, known := interests[number]
	for _, i := range of.fds {
		fd = int(int32(r[i]))
		if socket = w.socket(t, fd); socket != 0 {
			return fd, socket, true
		}
	}
	if of.waits {
		fd, socket = w.waitsFor(t, number, r)
		return fd, socket, socket != 0 || w.All
	}
	if number == unix.SYS_CLOSE_RANGE {
		for fd, socket := range t.fds.sockets {
			if within(fd, r) {
				return fd, socket, true
			}
		}
	}
	return -1, 0, known && of.always || w.All
}

// within reports whether a close_range(2) is about a descriptor.
func within(fd int, r sockets.Registers) bool {
	return uint32(fd) >= uint32(r[0]) && uint32(fd) <= uint32(r[1])
}

// socket returns the socket of a descriptor, or 0.
func (w *Watch) socket(t *thread, fd int) uint64 {
	if inode, there := t.fds.sockets[fd]; there || !t.uring {
		return inode
	}
	return w.leadsTo(t, fd)
}

// leadsTo asks which socket a descriptor leads to now.
func (w *Watch) leadsTo(t *thread, fd int) uint64 {
	if w.said != nil {
		if inode, there := w.said.inode(fd); there {
			return inode
		}
	}
	return socketOf(t.tid, fd)
}

// maxWaits is how many descriptors of a poll(2) are looked at for a socket.
const maxWaits = 4096

// waitsFor returns the first socket among the descriptors that a thread waits for.
func (w *Watch) waitsFor(t *thread, number int, r sockets.Registers) (fd int, socket uint64) {
	if number == oldSelect || number == unix.SYS_PSELECT6 {
		bits := make([]byte, (min(max(int(int32(r[0])), 0), maxWaits)+7)/8)
		for _, set := range r[1:4] {
			clear(bits)
			if set == 0 || w.memory.ReadMemory(set, bits) == 0 {
				continue
			}
			for i, b := range bits {
				for bit := range 8 {
					if socket = 0; b>>bit&1 != 0 {
						socket = w.socket(t, 8*i+bit)
					}
					if socket != 0 {
						return 8*i + bit, socket
					}
				}
			}
		}
		return -1, 0
	}
	const size = 8 // struct pollfd { int fd; short events, revents; }
	b := make([]byte, size*min(uint64(uint32(r[1])), maxWaits))
	b = b[:w.memory.ReadMemory(r[0], b)]
	for ; len(b) >= size; b = b[size:] {
		fd = int(int32(binary.NativeEndian.Uint32(b)))
		if socket = w.socket(t, fd); socket != 0 {
			return fd, socket
		}
	}
	return -1, 0
}

// returned tells that the call of a thread has returned.
func (w *Watch) returned(t *thread, result int64, failed bool) {
	p := t.call
	t.call = nil
	if p == nil {
		return
	}
	now := w.now()
	var errno unix.Errno
	if failed {
		errno = unix.Errno(-result)
	}
	start := p.call.Start
	call := p.call.Return(result, errno, w.memory)
	call.Start, call.Duration = start, now.Sub(start)
	e := &Event{Kind: Returned, Call: call, Number: p.number, Socket: p.socket, FD: p.fd, Sort: p.sort}
	if w.said != nil && p.number == unix.SYS_LISTEN {
		e.Queue = int(w.said.u32(atBacklog))
	}
	const restartBlock = 516 // ERESTART_RESTARTBLOCK
	switch {
	case errno == restartBlock:
		t.last = p
	case errno == 0:
		w.opened(t, p, e)
	}
	e.Left = w.holders[e.Socket]
	w.tell(t, e)
	for _, inode := range p.dropped {
		w.closed(t, inode)
	}
}

// opened keeps the descriptors of sockets that a call has made.
func (w *Watch) opened(t *thread, p *pending, e *Event) {
	fd := int(e.Call.Ret)
	switch p.number {
	case unix.SYS_SOCKET, unix.SYS_ACCEPT, unix.SYS_ACCEPT4, unix.SYS_DUP, unix.SYS_PIDFD_GETFD:
		w.take(t, fd, e)
	case unix.SYS_DUP3, oldDup2:
		if fd != int(int32(p.registers[0])) {
			w.drop(t, fd, p)
		}
		w.take(t, fd, e)
	case unix.SYS_FCNTL:
		if p.registers[1] == unix.F_DUPFD || p.registers[1] == unix.F_DUPFD_CLOEXEC {
			w.take(t, fd, e)
		}
	case unix.SYS_SOCKETPAIR:
		var b [8]byte
		if w.memory.ReadMemory(p.registers[3], b[:]) == len(b) {
			w.take(t, int(int32(binary.NativeEndian.Uint32(b[:]))), e)
			w.take(t, int(int32(binary.NativeEndian.Uint32(b[4:]))), e)
		}
	case unix.SYS_SENDMSG, unix.SYS_RECVMSG:
		w.message(t, p, p.registers[1], e)
	case unix.SYS_SENDMMSG, unix.SYS_RECVMMSG:
		const size, most = 64, 1024 // struct mmsghdr; UIO_MAXIOV
		for i := range uint64(min(e.Call.Ret, most)) {
			w.message(t, p, p.registers[1]+i*size, e)
		}
	case unix.SYS_IO_URING_SETUP:
		t.uring = true
	}
	if p.socket == 0 && len(e.Sockets) > 0 {
		e.FD, e.Socket = e.Sockets[0].FD, e.Sockets[0].Inode
	}
}

// take keeps a descriptor, if it is a socket's.
func (w *Watch) take(t *thread, fd int, e *Event) {
	inode := w.leadsTo(t, fd)
	if inode == 0 || t.fds.sockets[fd] == inode {
		return
	}
	d := Descriptor{FD: fd, Inode: inode, Shared: w.holders[inode] > 0}
	if w.said != nil {
		d.Sort = w.said.sort(fd)
	}
	e.Sockets = append(e.Sockets, d)
	t.fds.sockets[fd] = inode
	w.holders[inode]++
}

// drop forgets a descriptor that a call closes.
func (w *Watch) drop(t *thread, fd int, p *pending) {
	if inode, there := t.fds.sockets[fd]; there {
		delete(t.fds.sockets, fd)
		w.holders[inode]--
		p.dropped = append(p.dropped, inode)
	}
}

// message keeps the descriptors of sockets that a message has brought, or is bringing
// (SCM_RIGHTS, unix(7)).
func (w *Watch) message(t *thread, p *pending, at uint64, e *Event) {
	for _, fd := range rights(w.memory, at) {
		if p.number == unix.SYS_SENDMSG || p.number == unix.SYS_SENDMMSG {
			if inode := w.socket(t, fd); inode != 0 {
				w.holders[inode]++
				w.flying[inode]++
			}
			continue
		}
		w.take(t, fd, e)
		if inode := t.fds.sockets[fd]; w.flying[inode] > 0 {
			w.flying[inode]--
			w.holders[inode]--
		}
	}
}

// rights are the descriptors in the struct msghdr at an address.
func rights(memory sockets.Memory, at uint64) (fds []int) {
	const size, most = 56, 1 << 16 // struct msghdr
	var b [size]byte
	if memory.ReadMemory(at, b[:]) != size {
		return nil
	}
	place, n := binary.NativeEndian.Uint64(b[32:]), binary.NativeEndian.Uint64(b[40:])
	if place == 0 || n == 0 || n > most {
		return nil
	}
	control := make([]byte, n)
	all, err := unix.ParseSocketControlMessage(control[:memory.ReadMemory(place, control)])
	if err != nil {
		return nil
	}
	for _, m := range all {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_RIGHTS {
			some, _ := unix.ParseUnixRights(&m)
			fds = append(fds, some...)
		}
	}
	return fds
}
