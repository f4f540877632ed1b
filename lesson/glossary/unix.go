package glossary

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
)

// autobound makes a Unix socket to which the kernel gives an abstract address, asks
// about it and closes it.
func autobound(ask func(name sockets.Sockaddr) lesson.Evidence) question {
	return func() []lesson.Evidence {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return nil
		}
		defer unix.Close(fd)
		if err := unix.Bind(fd, &unix.SockaddrUnix{}); err != nil {
			return nil
		}
		return []lesson.Evidence{ask(sockets.Sockname(fd))}
	}
}

func abstractName(name sockets.Sockaddr) lesson.Evidence {
	return lesson.Evidence{Fact: "the kernel's", Value: fmt.Sprintf("%s, in bytes % x", name, []byte(name)), Source: "bind(2), getsockname(2)", Command: "ss -xa src '@*'",
		Note: "A new socket, bound to no name: the kernel chooses an abstract address that is free. The first two bytes are the family."}
}

func unixAddressSize() []lesson.Evidence {
	var a unix.RawSockaddrUnix
	return []lesson.Evidence{{Fact: "its size", Value: fmt.Sprintf("%d bytes, %d of them for sun_path", unsafe.Sizeof(a), len(a.Path)), Source: "the struct, as this program was built"}}
}

// handedOver sends a descriptor to this process itself.
func handedOver(fd int) []lesson.Evidence {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(ends[0])
	defer unix.Close(ends[1])
	if unix.Sendmsg(ends[0], []byte{0}, unix.UnixRights(fd), nil, 0) != nil {
		return nil
	}
	control := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(ends[1], make([]byte, 1), control, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return nil
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil || len(messages) != 1 {
		return nil
	}
	rights, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(rights) != 1 {
		return nil
	}
	defer unix.Close(rights[0])
	value := fmt.Sprintf("fd %d was sent, fd %d came out", fd, rights[0])
	if same, err := kernel.SameFile(os.Getpid(), fd, os.Getpid(), rights[0]); err == nil && same {
		value += ": one open file description"
	}
	return []lesson.Evidence{{Fact: "a descriptor", Value: value, Source: "sendmsg(2), recvmsg(2), kcmp(2)", Command: "strace -f -e trace=sendmsg,recvmsg,kcmp fd3 explain SCM_RIGHTS"}}
}
