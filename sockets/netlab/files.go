package netlab

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"fd3/sockets/stage"
)

// maxFiles bounds what one command may be given (SCM_MAX_FD is 253).
const maxFiles = 16

// sendFiles sends descriptors over a line (SCM_RIGHTS, unix(7)), when its peer expects
// them.
func sendFiles(l *stage.Line, files []*os.File) error {
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	return retry(func() error {
		return unix.Sendmsg(l.FD, []byte{0}, unix.UnixRights(fds...), nil, unix.MSG_NOSIGNAL)
	})
}

// receiveFiles takes what sendFiles sends: at least one.
func receiveFiles(l *stage.Line) ([]*os.File, error) {
	one, rights := make([]byte, 1), make([]byte, unix.CmsgSpace(4*maxFiles))
	var n int
	err := retry(func() (err error) {
		_, n, _, _, err = unix.Recvmsg(l.FD, one, rights, unix.MSG_CMSG_CLOEXEC)
		return err
	})
	if err != nil {
		return nil, err
	}
	messages, err := unix.ParseSocketControlMessage(rights[:n])
	if err != nil || len(messages) != 1 {
		return nil, fmt.Errorf("no files came with the command: %w", unix.EBADMSG)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return nil, err
	}
	var files []*os.File
	for _, fd := range fds {
		files = append(files, os.NewFile(uintptr(fd), "file"))
	}
	return files, nil
}

// retry makes a call again that a signal has interrupted.
func retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}
