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

// A Party is a process that takes part.
type Party struct {
	Name  stage.Role // server, client, …
	Stage Stage
	Net   kernel.Net // the network namespace that it lives in
}

// sight is what the kernel says at one moment: each process as it sees itself, and
// every socket of their network namespaces.
type sight struct {
	parties []Party
	ends    map[stage.Role]stage.State // a process that does not run is missing
	nets    map[kernel.Net]network
}

// A network is what the kernel has in one network namespace.
type network struct {
	tcp, udp kernel.InetTable
	unix     []kernel.UnixSocket
	counters kernel.Counters
	settings map[string]string // sysctls by name: those that were asked for
}

// look reads all of it. Only the stages' own state is needed: anything else that
// cannot be read, in a container say, is missing in the evidence.
func look(ctx context.Context, parties []Party) (sight, error) {
	s := sight{parties: parties, ends: make(map[stage.Role]stage.State), nets: make(map[kernel.Net]network)}
	for _, p := range parties {
		state, err := p.Stage.State(ctx)
		if errors.Is(err, stage.ErrNone) {
			continue
		} else if err != nil {
			return s, err
		}
		s.ends[p.Name] = state
	}
	udp := s.any(func(x stage.Socket) bool { return x.Protocol == unix.IPPROTO_UDP })
	local := s.any(func(x stage.Socket) bool { return x.Domain == unix.AF_UNIX })
	for _, p := range parties {
		if _, read := s.nets[p.Net]; !read {
			s.nets[p.Net] = readNetwork(p.Net, udp, local)
		}
	}
	return s, nil
}

// readNetwork reads a namespace, UDP and Unix sockets only where there are any.
func readNetwork(n kernel.Net, udp, local bool) network {
	found := network{settings: make(map[string]string)}
	found.tcp, _ = n.TCP()
	if udp {
		found.udp, _ = n.UDP()
	}
	if local {
		found.unix, _ = n.Unix()
	}
	found.counters, _ = n.Counters()
	return found
}

func (s sight) any(is kind) bool {
	for _, p := range s.parties {
		if _, ok := s.last(p.Name, is); ok {
			return true
		}
	}
	return false
}

// party returns the party of a name; the zero Party if there is none.
func (s sight) party(role stage.Role) Party {
	return partyOf(s.parties, role)
}

func partyOf(parties []Party, role stage.Role) Party {
	if i := slices.IndexFunc(parties, func(p Party) bool { return p.Name == role }); i >= 0 {
		return parties[i]
	}
	return Party{}
}

// net is what the kernel has in the network namespace of a party.
func (s sight) net(role stage.Role) network { return s.nets[s.party(role).Net] }

// socket is an open socket of a process by its number.
func (s sight) socket(role stage.Role, fd int) (stage.Socket, bool) {
	open := s.ends[role].Sockets
	i := slices.IndexFunc(open, func(x stage.Socket) bool { return x.FD == fd })
	if i < 0 {
		return stage.Socket{}, false
	}
	return open[i], true
}

// last is the newest socket of a kind in a process.
func (s sight) last(role stage.Role, is kind) (stage.Socket, bool) {
	var last stage.Socket
	found := false
	for _, x := range s.ends[role].Sockets {
		if is(x) && (!found || x.Since.After(last.Since)) {
			last, found = x, true
		}
	}
	return last, found
}

// listener is the socket of the server that connections come in by: the last
// that listens, or a datagram socket that messages come in by.
func (s sight) listener() (stage.Socket, bool) {
	return s.last(server, func(x stage.Socket) bool { return x.Listening || receiver(x) })
}

// queue is the accept queue of a party's listener.
func (s sight) queue(role stage.Role, x stage.Socket) (q kernel.Queue, ok bool) {
	if !x.Listening {
		return q, false
	}
	if x.Domain == unix.AF_UNIX {
		for _, row := range s.net(role).unix {
			if row.State == kernel.Listen && row.Path == x.Local.Path() {
				return kernel.Queue{Waiting: int(row.RQueue), Backlog: int(row.WQueue)}, true
			}
		}
		return q, false
	}
	row := s.net(role).tcp.Listener(x.Local.AddrPort())
	if row == nil {
		return q, false
	}
	return kernel.Queue{Waiting: int(row.RQueue), Backlog: int(row.WQueue)}, true
}

// queues are what waits to be read and to be acknowledged at a party's end of a
// stream, with the FIN and the SYN that the kernel counts as well.
func (s sight) queues(role stage.Role, x stage.Socket) (received, sent kernel.Queued) {
	own, _ := s.rows(role, x)
	if own == nil || x.TCP == nil {
		return kernel.Queued{Bytes: x.Unread}, kernel.Queued{Bytes: x.Unsent}
	}
	return own.Unread(), own.Unsent()
}

// unixByInode is the kernel's row of a Unix socket of a party, or nil.
func (s sight) unixByInode(role stage.Role, inode uint64) *kernel.UnixSocket {
	rows := s.net(role).unix
	i := slices.IndexFunc(rows, func(row kernel.UnixSocket) bool { return row.Inode == inode && inode != 0 })
	if i < 0 {
		return nil
	}
	return &rows[i]
}

// inode is the inode number of a party's socket, from the link in /proc/PID/fd.
func (s sight) inode(role stage.Role, fd int) (uint64, bool) {
	fds, err := kernel.FDs(s.ends[role].PID)
	i := slices.IndexFunc(fds, func(f kernel.FD) bool { return f.Number == fd && f.Inode != 0 })
	if err != nil || i < 0 {
		return 0, false
	}
	return fds[i].Inode, true
}

// rows are the kernel's row of the conversation that this socket of a party is one
// end of, and that of the other end where it is on this machine too; nil where
// there is none. The rows outlive the descriptor: a closed connection may be in
// TIME_WAIT.
func (s sight) rows(role stage.Role, x stage.Socket) (own, peer *kernel.InetSocket) {
	local, remote := x.Local.AddrPort(), x.With.AddrPort()
	own = s.net(role).table(x).Find(local, remote)
	for _, p := range s.parties {
		if peer = s.net(p.Name).table(x).Find(remote, local); peer != nil {
			break
		}
	}
	return own, peer
}

// table is where a socket of this type has its rows.
func (n network) table(x stage.Socket) kernel.InetTable {
	if x.Stream() {
		return n.tcp
	}
	return n.udp
}
