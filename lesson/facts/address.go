package facts

import (
	"fmt"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// LocalAddress is a socket's own name.
func LocalAddress(name sockets.Sockaddr, command string) lesson.Evidence {
	return lesson.Evidence{Fact: "local address", Value: name.String(), Source: "getsockname(2)", Command: command}
}

// PeerAddress is the name of its peer.
func PeerAddress(name sockets.Sockaddr, command string) lesson.Evidence {
	return lesson.Evidence{Fact: "peer address", Value: name.String(), Source: "getpeername(2)", Command: command}
}

// WildcardTaken is the address that the kernel takes where a call goes to the wildcard.
func WildcardTaken(wildcard, taken sockets.Sockaddr) lesson.Evidence {
	return lesson.Evidence{Fact: "wildcard", Value: fmt.Sprintf("%s stands for %s here", wildcard, taken), Source: "getpeername(2)",
		Note: "No packet can go to the wildcard, so the kernel takes an address of this machine for it."}
}

// NoPeer is the answer for a socket that has none.
func NoPeer() lesson.Evidence {
	return lesson.Evidence{Fact: "peer address", Value: "none: ENOTCONN", Source: "getpeername(2)"}
}

// FourTuple is what tells a connection from all others.
func FourTuple(local, peer sockets.Sockaddr, command string) lesson.Evidence {
	return lesson.Evidence{Fact: "four-tuple", Value: fmt.Sprintf("%s %d, %s %d", local.AddrPort().Addr(), local.Port(), peer.AddrPort().Addr(), peer.Port()),
		Source: "getsockname(2), getpeername(2)", Command: command, Note: "Same local port as the listener. The four numbers together are what tells connections apart."}
}

// Broadcast is what connect(2) said when it was tried with and without SO_BROADCAST.
func Broadcast(addr sockets.Sockaddr) lesson.Evidence {
	ip := addr.AddrPort().Addr()
	return lesson.Evidence{Fact: "broadcast", Value: fmt.Sprintf("%s: a datagram socket may have it as its peer with SO_BROADCAST, and not without", ip),
		Source: "connect(2)", Command: fmt.Sprintf("ip route get %s", ip)}
}

// File is what lies at a path, by its st_mode (inode(7)).
func File(path string, mode uint32) lesson.Evidence {
	command := "ls -l "
	if mode&unix.S_IFMT == unix.S_IFDIR {
		command = "ls -ld "
	}
	return lesson.Evidence{Fact: "file", Value: Mode(mode) + " " + path, Source: "lstat(2)", Command: command + path}
}

// Mode returns a mode as ls -l writes it (strmode(3)): srwxr-xr-x, drwxrwxrwt.
func Mode(mode uint32) string {
	text := []byte(string("?pc?d?b?-?l?s???"[mode&unix.S_IFMT>>12]) + "rwxrwxrwx")
	for i := range 9 {
		if mode&(1<<(8-i)) == 0 {
			text[1+i] = '-'
		}
	}
	for _, special := range []struct {
		bit  uint32
		at   int
		with byte // where the class may execute too; else its capital
	}{{unix.S_ISUID, 3, 's'}, {unix.S_ISGID, 6, 's'}, {unix.S_ISVTX, 9, 't'}} {
		switch {
		case mode&special.bit == 0:
		case text[special.at] == 'x':
			text[special.at] = special.with
		default:
			text[special.at] = special.with - 'a' + 'A'
		}
	}
	return string(text)
}

// Holder is who has an address that is in use, for sockets of a kind.
func Holder(addr sockets.Sockaddr, stream bool, holder string) lesson.Evidence {
	e := lesson.Evidence{Fact: "held by", Value: holder, Source: "sock_diag(7), /proc/PID/fd", Command: SS("-tanp", From(addr.Port()))}
	switch {
	case addr.Family() == unix.AF_UNIX:
		e.Command = SS("-xap", "")
	case !stream:
		e.Command = SS("-uanp", From(addr.Port()))
	}
	return e
}

// AddressOf is the name of a socket whose owner matters.
func AddressOf(owner stage.Role, name sockets.Sockaddr, command string) lesson.Evidence {
	e := LocalAddress(name, command)
	e.Fact = string(owner) + "'s address"
	return e
}

// Names are the names of both ends of a connection.
func Names(server, client sockets.Sockaddr) lesson.Evidence {
	return lesson.Evidence{Fact: "names", Value: fmt.Sprintf("server %s, client %s", server, client), Source: "getsockname(2)"}
}

// Socket is one of several sockets: its state and its names.
func Socket(x stage.Socket) lesson.Evidence {
	e := lesson.Evidence{Fact: fmt.Sprintf("socket %d", x.FD), Value: fmt.Sprintf("%s, %s", x.State(), x.Local), Source: "getsockname(2), getpeername(2)", Command: SS("-tanp", From(x.Local.Port()))}
	if x.Connected() {
		e.Value += ", peer " + x.Peer.String()
	}
	return e
}

// ProtocolAddress is one of several sockets that share a port: its protocol and its
// name.
func ProtocolAddress(x stage.Socket) lesson.Evidence {
	return lesson.Evidence{Fact: fmt.Sprintf("socket %d", x.FD), Value: fmt.Sprintf("%s %s", sockets.ProtocolName(x.Domain, x.Protocol), x.Local), Source: "getsockname(2)"}
}

// Connection is one of several connections of a port, by its number in a list.
func Connection(number int, row kernel.InetSocket) lesson.Evidence {
	return lesson.Evidence{Fact: fmt.Sprintf("connection %d", number), Value: fmt.Sprintf("%s, peer %s", row.Local, row.Remote), Source: "sock_diag(7)", Command: SS("-tan", From(row.Local.Port()))}
}
