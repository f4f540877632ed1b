package path

import "golang.org/x/sys/unix"

// Numbers are the numbers of the calls of a socket's life, by their names.
var Numbers = map[string]int{
	"socket":     unix.SYS_SOCKET,
	"setsockopt": unix.SYS_SETSOCKOPT,
	"bind":       unix.SYS_BIND,
	"listen":     unix.SYS_LISTEN,
	"connect":    unix.SYS_CONNECT,
	"accept4":    unix.SYS_ACCEPT4,
	"recvfrom":   unix.SYS_RECVFROM,
	"sendto":     unix.SYS_SENDTO,
	"shutdown":   unix.SYS_SHUTDOWN,
	"close":      unix.SYS_CLOSE,
}
