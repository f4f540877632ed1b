package step

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sys/unix"

	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// A Stage is a process that takes one system call at a time: stage.Remote, or
// stage.Local for the process that runs.
type Stage interface {
	Do(context.Context, stage.Order, func(sockets.Call)) (sockets.Call, error)
	State(context.Context) (stage.State, error)
	Collect(context.Context) (stage.State, error)
	Wait(context.Context) (stage.State, error)
}

// sight is what the kernel says at one moment: the two processes as they see
// themselves, and every socket of the network namespace.
type sight struct {
	ends     map[stage.Role]stage.State // a process that does not run is missing
	tcp      []kernel.InetSocket
	udp      []kernel.InetSocket
	unix     []kernel.UnixSocket
	counters kernel.Counters
}

// look reads all of it. Only the stages' own state is needed; what else cannot be
// read, in a container say, is missing in the evidence.
func look(ctx context.Context, stages map[stage.Role]Stage) (sight, error) {
	s := sight{ends: make(map[stage.Role]stage.State)}
	for role, st := range stages {
		state, err := st.State(ctx)
		if errors.Is(err, stage.ErrNone) {
			continue
		} else if err != nil {
			return s, err
		}
		s.ends[role] = state
	}
	s.tcp, _ = kernel.InetSockets(unix.AF_UNSPEC, unix.IPPROTO_TCP, kernel.AllStates)
	if s.any(func(x stage.Socket) bool { return x.Protocol == unix.IPPROTO_UDP }) {
		s.udp, _ = kernel.InetSockets(unix.AF_UNSPEC, unix.IPPROTO_UDP, kernel.AllStates)
	}
	if s.any(func(x stage.Socket) bool { return x.Domain == unix.AF_UNIX }) {
		s.unix, _ = kernel.UnixSockets()
	}
	for _, state := range s.ends {
		if s.counters, _ = kernel.ReadCounters(state.PID); s.counters != nil {
			break
		}
	}
	return s, nil
}

func (s sight) any(is func(stage.Socket) bool) bool {
	_, server := s.last(stage.Server, is)
	_, client := s.last(stage.Client, is)
	return server || client
}

// socket is an open socket of a process by its number.
func (s sight) socket(role stage.Role, fd int) (stage.Socket, bool) {
	sockets := s.ends[role].Sockets
	i := slices.IndexFunc(sockets, func(x stage.Socket) bool { return x.FD == fd })
	if i < 0 {
		return stage.Socket{}, false
	}
	return sockets[i], true
}

// last is the newest socket of a process of which is says yes.
func (s sight) last(role stage.Role, is func(stage.Socket) bool) (stage.Socket, bool) {
	var last stage.Socket
	found := false
	for _, x := range s.ends[role].Sockets {
		if is(x) && (!found || x.Since.After(last.Since)) {
			last, found = x, true
		}
	}
	return last, found
}

func listening(x stage.Socket) bool    { return x.Listening }
func conversation(x stage.Socket) bool { return x.Conversation() }
func quiet(x stage.Socket) bool        { return !x.Conversation() }
func fresh(x stage.Socket) bool        { return !x.Conversation() && !x.Bound() }

// receiver is a bound datagram socket: it takes messages without accept.
func receiver(x stage.Socket) bool { return !x.Stream() && x.Bound() && !x.Conversation() }

// listener is the socket of the server that connections come in by: the last
// that listens, or a datagram socket that messages come in by.
func (s sight) listener() (stage.Socket, bool) {
	return s.last(stage.Server, func(x stage.Socket) bool { return x.Listening || receiver(x) })
}

// queue is the accept queue of a listener: its length, and the backlog that the
// kernel made of the number given to listen(2).
func (s sight) queue(x stage.Socket) (length, backlog int, ok bool) {
	if !x.Listening {
		return 0, 0, false
	}
	if x.Domain == unix.AF_UNIX {
		for _, row := range s.unix {
			if row.State == kernel.Listen && row.Path == x.Local.Path() {
				return int(row.RQueue), int(row.WQueue), true
			}
		}
		return 0, 0, false
	}
	row, ok := kernel.FindListener(s.tcp, x.Local.AddrPort())
	return int(row.RQueue), int(row.WQueue), ok
}

func (s sight) unixByInode(inode uint64) (kernel.UnixSocket, bool) {
	i := slices.IndexFunc(s.unix, func(row kernel.UnixSocket) bool { return row.Inode == inode && inode != 0 })
	if i < 0 {
		return kernel.UnixSocket{}, false
	}
	return s.unix[i], true
}

// rows are the kernel's row of the conversation that this socket is one end of,
// and that of the other end where it is on this machine too. The rows outlive the
// descriptor: a closed connection may be in TIME_WAIT.
func (s sight) rows(x stage.Socket) (own, peer kernel.InetSocket, ownThere, peerThere bool) {
	local, remote := x.Local.AddrPort(), x.With.AddrPort()
	table := s.tcp
	if !x.Stream() {
		table = s.udp
	}
	own, ownThere = kernel.Find(table, local, remote)
	peer, peerThere = kernel.Find(table, remote, local)
	return own, peer, ownThere, peerThere
}
