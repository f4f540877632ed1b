package sockets

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Statements that depend on the arguments: what the C library or x/sys has another
// function for.

func sendStatement(d *decoder) (c, golang string) {
	if d.registers[4] == 0 {
		return "ssize_t n = send({sockfd}, buf, {len}, {flags});", "err := unix.Send({sockfd}, buf, {flags})"
	}
	return "ssize_t n = sendto({sockfd}, buf, {len}, {flags}, (struct sockaddr *)&addr, sizeof addr);",
		"err := unix.Sendto({sockfd}, buf, {flags}, {dest_addr})"
}

func recvStatement(d *decoder) (c, golang string) {
	golang = "n, from, err := unix.Recvfrom({sockfd}, buf[:{len}], {flags})"
	if d.registers[4] == 0 {
		return "ssize_t n = recv({sockfd}, buf, {len}, {flags});", golang
	}
	return "ssize_t n = recvfrom({sockfd}, buf, {len}, {flags}, (struct sockaddr *)&from, &len);", golang
}

func sendmsgStatement(d *decoder) (c, golang string) {
	if len(d.spans) != 1 {
		return "ssize_t n = sendmsg({sockfd}, &msg, {flags});", "n, err := unix.SendmsgBuffers({sockfd}, bufs, oob, to, {flags})"
	}
	n := d.spans[0].length
	return fmt.Sprintf("struct iovec iov = {buf, %d}; struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1}; ssize_t n = sendmsg({sockfd}, &msg, {flags});", n),
		fmt.Sprintf("n, err := unix.SendmsgN({sockfd}, buf[:%d], nil, nil, {flags})", n)
}

func sendfileStatement(d *decoder) (c, golang string) {
	c, golang = "ssize_t n = sendfile({out_fd}, {in_fd}, {offset}, {count});", "n, err := unix.Sendfile({out_fd}, {in_fd}, {offset}, {count})"
	if d.registers[2] != 0 {
		d.written(2, "&offset", "&offset")
		c = fmt.Sprintf("off_t offset = %d; ", d.saved[2]) + c
		golang = fmt.Sprintf("offset := int64(%d); ", d.saved[2]) + golang
	}
	return c, golang
}

func fcntlStatement(d *decoder) (c, golang string) {
	switch int32(d.registers[1]) {
	case unix.F_GETFD, unix.F_GETFL, unix.F_GETOWN, unix.F_GETPIPE_SZ, unix.F_GETLEASE, unix.F_GET_SEALS, unix.F_GETSIG:
		return "int n = fcntl({fd}, {cmd});", "n, err := unix.FcntlInt({fd}, {cmd}, 0)"
	case unix.F_GETLK, unix.F_SETLK, unix.F_SETLKW, unix.F_OFD_GETLK, unix.F_OFD_SETLK, unix.F_OFD_SETLKW:
		return "fcntl({fd}, {cmd}, &lock);", "err := unix.FcntlFlock({fd}, {cmd}, &lock)"
	}
	return "int n = fcntl({fd}, {cmd}, {arg});", "n, err := unix.FcntlInt({fd}, {cmd}, {arg})"
}
