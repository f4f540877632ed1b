package step

import (
	"golang.org/x/sys/unix"

	"fd3/sockets/stage"
)

// A choice gives the kinds of socket that a step of a party may act on, the most
// fitting first.
type choice func(sight, stage.Role) []kind

// A kind of socket.
type kind func(stage.Socket) bool

// these is a choice that is always the same.
func these(kinds ...kind) choice {
	return func(sight, stage.Role) []kind { return kinds }
}

func listening(x stage.Socket) bool    { return x.Listening }
func conversation(x stage.Socket) bool { return x.Conversation() }
func quiet(x stage.Socket) bool        { return !x.Conversation() }
func fresh(x stage.Socket) bool        { return !x.Conversation() && !x.Bound() }
func open(x stage.Socket) bool         { return x.Conversation() && x.Connected() }
func every(stage.Socket) bool          { return true }

// receiver reports whether it is a bound datagram socket: that takes messages without
// accept.
func receiver(x stage.Socket) bool { return !x.Stream() && x.Bound() && !x.Conversation() }

// talking is a choice of sockets that carry bytes.
func talking(s sight, role stage.Role) []kind {
	return []kind{s.accepted(role), open, conversation, receiver}
}

// accepted is the kind of a client's socket whose other end is the server's newest
// connection: of several clients that is the one that is served.
func (s sight) accepted(role stage.Role) kind {
	theirs, ok := s.last(server, conversation)
	if !ok || role != client {
		return func(stage.Socket) bool { return false }
	}
	if theirs.Domain == unix.AF_UNIX {
		var peer uint64
		if inode, known := s.inode(server, theirs.FD); known {
			if row := s.unixByInode(server, inode); row != nil {
				peer = row.Peer
			}
		}
		return func(x stage.Socket) bool {
			inode, known := s.inode(client, x.FD)
			return known && x.Conversation() && inode == peer
		}
	}
	return func(x stage.Socket) bool {
		return x.Conversation() && theirs.With.AddrPort().IsValid() && x.Local.AddrPort() == theirs.With.AddrPort()
	}
}

// pick returns the descriptor that a step acts on: the newest socket of the first kind
// that there is any of. Without a socket it is 3, which is closed: so the kernel can say
// what it thinks of the call.
func (t todo) pick(s sight) int {
	var kinds []kind
	if t.step.On != nil {
		kinds = t.step.On(s, t.role)
	}
	for _, is := range append(kinds, every) {
		if x, ok := s.last(t.role, is); ok {
			return x.FD
		}
	}
	return 3
}
