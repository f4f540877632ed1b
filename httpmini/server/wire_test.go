package server

import (
	"errors"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// wire is a client's end of a connection, by blocking system calls: tens of
// thousands of them are made here, and through package net each one would wait
// for the poller of the runtime.
type wire struct {
	fd int
	in []byte // has come while something was sent
}

func connect(to net.Addr) (*wire, error) {
	family, name := unix.AF_UNIX, unix.Sockaddr(&unix.SockaddrUnix{Name: to.String()})
	if a, ok := to.(*net.TCPAddr); ok {
		family, name = unix.AF_INET, &unix.SockaddrInet4{Port: a.Port, Addr: [4]byte{127, 0, 0, 1}}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	limit := unix.NsecToTimeval(int64(patience))
	err = errors.Join(
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit),
		retry(func() error { return unix.Connect(fd, name) }))
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return &wire{fd: fd}, nil
}

func (w *wire) Read(b []byte) (n int, err error) {
	if len(w.in) > 0 {
		n = copy(b, w.in)
		w.in = w.in[n:]
		return n, nil
	}
	err = retry(func() error { n, err = unix.Read(w.fd, b); return err })
	switch {
	case err == unix.EAGAIN:
		return 0, os.ErrDeadlineExceeded
	case err != nil:
		return 0, err
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// Write sends, and takes what comes meanwhile.
func (w *wire) Write(b []byte) (n int, err error) {
	for n < len(b) {
		m, err := unix.SendmsgN(w.fd, b[n:], nil, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		switch err {
		case nil:
			n += m
		case unix.EINTR:
		case unix.EAGAIN:
			if err := w.wait(unix.POLLIN | unix.POLLOUT); err != nil {
				return n, err
			}
			w.take()
		default:
			return n, err
		}
	}
	return n, nil
}

// allRead waits until the server has read all that was sent to its Unix socket.
// SIOCOUTQ, unix(7).
func (w *wire) allRead() error {
	for end := time.Now().Add(patience); ; {
		for range 50 {
			waiting, err := unix.IoctlGetInt(w.fd, unix.SIOCOUTQ)
			if err != nil || waiting == 0 {
				return err
			}
			unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
		}
		w.take()
		if time.Now().After(end) {
			return errors.New("the server does not read what was sent")
		}
	}
}

// take takes what has come, without waiting.
func (w *wire) take() {
	if n, err := unix.IoctlGetInt(w.fd, unix.SIOCINQ); err != nil || n == 0 {
		return
	}
	b := make([]byte, 64<<10)
	if n, _, err := unix.Recvfrom(w.fd, b, unix.MSG_DONTWAIT); err == nil {
		w.in = append(w.in, b[:n]...)
	}
}

func (w *wire) wait(events int16) error {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(w.fd), Events: events}}, int(patience.Milliseconds()))
	if n == 0 && err == nil {
		return os.ErrDeadlineExceeded
	}
	if err == unix.EINTR {
		return nil
	}
	return err
}

func (w *wire) closeWrite() error { return unix.Shutdown(w.fd, unix.SHUT_WR) }

func (w *wire) Close() error { return unix.Close(w.fd) }

func retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}
