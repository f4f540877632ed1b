package server

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"fd3/httpmini"
	"fd3/sockets"
)

// The calls on a connection go through w.calls, which knows whether they are told of.

func (w *worker) recv(c *conn, buf []byte) (int, unix.Errno) {
	flags := 0
	switch {
	case w.hurry:
		flags = unix.MSG_DONTWAIT
	case w.blocking && !w.patience(c, unix.SO_RCVTIMEO, &c.receive, c.deadline-w.now):
		flags = unix.MSG_DONTWAIT // it may have come while this process was stopped
	}
	call := w.calls.RecvInto(c.fd, buf, flags)
	if w.blocking || w.telling {
		w.clock()
	}
	return int(call.Ret), call.Errno
}

// send sends bytes. Before a file it does not say MSG_MORE: a segment that begins
// with copied bytes and goes on with the file's own pages makes sendfile(2) slower
// by a third, and the head alone is one small segment.
func (w *worker) send(c *conn, b []byte) (int, unix.Errno) {
	const flags = unix.MSG_NOSIGNAL // an error is enough: no SIGPIPE
	if w.blocking && !w.roomPatience(c) {
		return 0, unix.EAGAIN
	}
	call := w.calls.Send(c.fd, b, flags)
	w.sent(c, int(call.Ret))
	return int(call.Ret), call.Errno
}

// sendfile moves a range of a file into the send buffer without a copy in this
// process. It may read the disk, so the scheduler is told.
func (w *worker) sendfile(c *conn, m *rare) (int, unix.Errno) {
	if w.blocking && !w.roomPatience(c) {
		return 0, unix.EAGAIN
	}
	count := int(min(m.end-m.off, maxMoved))
	call := w.calls.Sendfile(c.fd, m.file.FD, &m.off, count)
	w.sent(c, int(call.Ret))
	return int(call.Ret), call.Errno
}

// sent is behind each call that sends.
func (w *worker) sent(c *conn, n int) {
	if w.blocking {
		w.clock()
	}
	if n <= 0 {
		return
	}
	w.count.sent.Add(int64(n))
	if w.config.Loop == Iterative {
		w.server.blocking.reads(c)
	}
}

// shutdown ends the server's direction: the client reads to the end of it.
func (w *worker) shutdown(c *conn) { w.calls.Shutdown(c.fd, unix.SHUT_WR) }

// unsent is how many bytes of the send buffer wait for room at the client. tcp(7),
// SIOCOUTQNSD. A Unix socket has none: what was sent is with the client.
func unsent(fd int) int { return waiting(fd, unix.SIOCOUTQNSD) }

// unread is how many bytes have come and were not read. tcp(7), unix(7), SIOCINQ.
func unread(fd int) int { return waiting(fd, unix.SIOCINQ) }

func waiting(fd int, request uintptr) int {
	var n int32
	if _, _, errno := unix.RawSyscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(unsafe.Pointer(&n))); errno != 0 {
		return 0
	}
	return int(n)
}

// reset has close(2) send an RST and forget what is in the send buffer: a client
// that does not read would keep that memory for minutes. socket(7), SO_LINGER.
func (w *worker) reset(c *conn) { w.calls.SetLinger(c.fd, 0) }

// close gives the descriptor back.
func (w *worker) close(c *conn) { w.calls.Close(c.fd) }

// roomPatience is patience for a call that sends.
func (w *worker) roomPatience(c *conn) bool {
	end := c.answer.deadline(w.now, w.config.Timeouts.Write)
	return w.patience(c, unix.SO_SNDTIMEO, &c.transmit, min(end-w.now, lookAgain))
}

// patience sets how long a call may block, SO_RCVTIMEO or SO_SNDTIMEO, unless it is
// that already. It is false when nothing is left. socket(7).
func (w *worker) patience(c *conn, option int, now *time.Duration, left time.Duration) bool {
	if left <= 0 {
		return false
	}
	const step = 100 * time.Millisecond // so that it is mostly what it was
	if left = (left + step - 1).Truncate(step); left == *now {
		return true
	}
	*now = left
	w.calls.SetTimeout(c.fd, option, left)
	return true
}

// accept takes a connection from the queue, with the peer's address if anybody
// asks for it.
func (w *worker) accept(listener int) (fd int, call sockets.Call, errno unix.Errno) {
	flags := unix.SOCK_CLOEXEC
	if !w.blocking {
		flags |= unix.SOCK_NONBLOCK
	}
	var peer *sockets.Peer
	if w.namesPeers() {
		peer = &w.peer
	}
	call = w.calls.AcceptInto(listener, peer, flags)
	return int(call.Ret), call, call.Errno
}

// acceptAloud is accept, where a call that fails for want of a descriptor or memory
// is made again so that it can be told of.
func (w *worker) acceptAloud(listener int) (fd int, call sockets.Call, errno unix.Errno) {
	fd, call, errno = w.accept(listener)
	switch errno {
	case unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM:
		if !w.telling && !w.starved && !w.config.Quiet {
			w.narrate(true)
			return w.accept(listener)
		}
	}
	return fd, call, errno
}

// namesPeers reports whether anybody is told who the clients are.
func (w *worker) namesPeers() bool { return w.telling || !w.config.Quiet || w.config.Log != nil }

// clock reads the time once for all that follows.
func (w *worker) clock() {
	t := time.Now()
	w.now = t.Sub(w.server.start)
	if second := t.Unix(); second != w.second {
		w.second = second
		w.wall = t
		w.date = httpmini.AppendDate(w.date[:0], t)
	}
}
