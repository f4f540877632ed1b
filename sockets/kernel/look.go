package kernel

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// A Party is a process that a Snapshot is about.
type Party struct {
	Name   string // server, client, …
	PID    int
	Net    Net                 // the network namespace that it lives in
	Own    int                 // descriptors from this number up are left out, as fd3's own; 0: none are
	Left   [][2]netip.AddrPort // both ends of connections that it has closed, which tell nobody whose they were
	TID    int                 // the thread that makes its calls; 0: the main one
	Traced bool                // by this process, whose stops are no state of its own
	At     netip.AddrPort      // where it is valid, the process does other things besides: only descriptors of TCP sockets at this address concern it
}

// descriptors returns those that concern a party, and the number of others. One that is
// gone, or a zombie, has none.
func (p Party) descriptors() (ours []FD, others int) {
	all, err := FDs(p.PID)
	if err != nil {
		return nil, 0
	}
	var rows InetTable
	if p.At.IsValid() {
		rows, _ = p.Net.TCP() // where it cannot be read, Look says so
	}
	for _, fd := range all {
		switch row := rows.Inode(fd.Inode); {
		case p.Own > 0 && fd.Number >= p.Own:
		case p.At.IsValid() && (fd.Inode == 0 || row == nil || row.Local != p.At):
		default:
			ours = append(ours, fd)
		}
	}
	return ours, len(all) - len(ours)
}

// The names of the protocols of AF_UNIX, as in /proc/net/protocols. The first is
// called UNIX-STREAM since Linux 5.16, and UNIX before, as the others are to this day.
const (
	unixStream    = "UNIX-STREAM"
	unixDgram     = "UNIX"
	unixSeqPacket = "UNIX-SEQPACKET" // a name of our own
)

var unixProtocols = map[int]string{unix.SOCK_STREAM: unixStream, unix.SOCK_DGRAM: unixDgram, unix.SOCK_SEQPACKET: unixSeqPacket}

// Look takes a Snapshot of what concerns some processes. It reads /proc and sock_diag(7)
// and asks the processes nothing, so it is complete while one is stopped, busy or dead, or
// accepts nobody.
//
// A socket concerns a party that holds it; or is the other end of such a one; or waits
// in the queue of a listening one, or for an answer of it; or has been closed and has the address of one, or of a
// connection that is known to have been a party's. Sockets of an earlier Snapshot, and the
// other ends of these, are followed until the kernel has dropped them.
//
// The tables are read one after the other. If a process opens or closes a descriptor
// meanwhile, they are read again.
//
// In the other network namespaces no party needs to live: what concerns one is looked for
// there too.
func Look(parties []Party, earlier Snapshot, others ...Net) (Snapshot, error) {
	const tries = 3
	var s Snapshot
	for range tries {
		s.Hosts = nil
		for _, p := range parties {
			s.host(p.Net)
		}
		for _, net := range others {
			s.host(net)
		}
		still := true
		for i := range s.Hosts {
			l := looker{Host: &s.Hosts[i]}
			known := Snapshot{Hosts: append(s.Hosts[:i:i], earlier.Hosts...)}
			if err := l.look(parties, known); err != nil {
				return s, err
			}
			still = still && l.still()
		}
		if still {
			break
		}
	}
	s.Hosts = slices.DeleteFunc(s.Hosts, func(h Host) bool { return len(h.Processes)+len(h.Sockets) == 0 })
	s.pair()
	return s, nil
}

// host makes sure that there is a host for a Net.
func (s *Snapshot) host(net Net) {
	if !slices.ContainsFunc(s.Hosts, func(h Host) bool { return h.Net == net }) {
		s.Hosts = append(s.Hosts, Host{Net: net, Sockets: []Socket{}})
	}
}

// pair ties the two ends of each connection between hosts. What is on a loopback address
// leads to no other host.
func (s Snapshot) pair() {
	if len(s.Hosts) < 2 {
		return
	}
	byEnds := make(map[ends]*Socket)
	all := s.sockets()
	for _, x := range all {
		if !x.Local.Addr().IsLoopback() && x.Remote.Port() != 0 {
			byEnds[endsOf(x.Protocol, x.Local, x.Remote)] = x
		}
	}
	for e, x := range byEnds {
		if other := byEnds[e.turned()]; x.Peer == 0 && other != nil {
			x.Peer = other.Cookie
		}
	}
}

// A looker fills a Host.
type looker struct {
	*Host
	parties []Party             // those of the host; its first Processes are theirs
	held    map[uint64][]Holder // descriptors by the inode of their socket
	left    [][2]netip.AddrPort // of all parties
	tcp     InetTable
	udp     InetTable
	unix    []UnixSocket

	listeners InetTable // the rows of tcp in LISTEN: on a busy machine it has many others
}

func (l *looker) look(parties []Party, earlier Snapshot) error {
	l.held, l.left = make(map[uint64][]Holder), nil
	for _, p := range parties {
		if p.Net == l.Net {
			l.party(p)
		}
	}
	if err := l.tables(earlier); err != nil {
		return err
	}
	l.ours()
	l.follow(earlier)
	l.queued()
	l.attach()
	l.strangers()
	l.sort()
	return nil
}

// party reads a process: its state and its descriptors.
func (l *looker) party(p Party) {
	l.left = append(l.left, p.Left...)
	process := Process{Name: p.Name, PID: p.PID, Party: true, State: Gone, Descriptors: []Descriptor{}}
	task, err := Thread(p.PID, cmp.Or(p.TID, p.PID))
	if err == nil {
		process.State = task.StateName
		if p.Traced && task.State == 't' {
			process.State = ""
		}
	}
	var fds []FD
	fds, process.Others = p.descriptors()
	for _, fd := range fds {
		process.Descriptors = append(process.Descriptors, Descriptor{fd.Number, fd.Target})
		if fd.Inode != 0 {
			l.held[fd.Inode] = append(l.held[fd.Inode], Holder{p.PID, fd.Number})
		}
	}
	process.sleeps(task)
	l.parties = append(l.parties, p)
	l.Processes = append(l.Processes, process)
}

// calls are the system calls on a socket that may wait, with the descriptor as the
// first argument.
var calls = map[int]string{
	unix.SYS_ACCEPT: "accept", unix.SYS_ACCEPT4: "accept4", unix.SYS_CONNECT: "connect",
	unix.SYS_READ: "read", unix.SYS_READV: "readv", unix.SYS_RECVFROM: "recvfrom", unix.SYS_RECVMSG: "recvmsg",
	unix.SYS_WRITE: "write", unix.SYS_WRITEV: "writev", unix.SYS_SENDTO: "sendto", unix.SYS_SENDMSG: "sendmsg",
}

// sleeps notes the call that the main thread sleeps in, if it is one on a socket.
func (p *Process) sleeps(t Task) {
	call, ok := calls[t.Syscall.Number]
	if !ok || t.Syscall.Form != SyscallBlocked || t.State != 'S' {
		return
	}
	fd := int(int32(t.Syscall.Args[0]))
	i := slices.IndexFunc(p.Descriptors, func(d Descriptor) bool { return d.Number == fd })
	if i >= 0 && socketInode(p.Descriptors[i].Target) != 0 {
		p.Call, p.CallFD, p.Wchan = call, fd, t.Wchan
	}
}

// tables reads TCP's table, and those of UDP and of AF_UNIX where a descriptor may be in
// them, or a socket was.
func (l *looker) tables(earlier Snapshot) error {
	var err error
	if l.tcp, err = l.Net.TCP(); err != nil {
		return err
	}
	for _, row := range l.tcp {
		if row.State == Listen {
			l.listeners = append(l.listeners, row)
		}
	}
	elsewhere := false
	for inode := range l.held {
		elsewhere = elsewhere || l.tcp.Inode(inode) == nil
	}
	for _, h := range earlier.Hosts {
		elsewhere = elsewhere || slices.ContainsFunc(h.Sockets, func(s Socket) bool { return !s.TCP() })
	}
	if !elsewhere {
		return nil
	}
	if l.udp, err = l.Net.UDP(); err != nil && !errors.Is(err, unix.ENOENT) {
		return err
	}
	if l.unix, err = l.Net.Unix(); err != nil && !errors.Is(err, unix.ENOENT) {
		return err
	}
	return nil
}

// ours adds the sockets that the parties hold, then what waits in the queues of those
// that listen.
func (l *looker) ours() {
	for _, row := range l.tcp {
		if l.held[row.Inode] != nil {
			l.inet("TCP", row)
		}
	}
	for _, row := range l.udp {
		if l.held[row.Inode] != nil {
			l.inet("UDP", row)
		}
	}
	for _, row := range l.unix {
		if l.held[row.Inode] != nil {
			l.local(row)
		}
	}
	l.addressless()
	for _, row := range l.tcp {
		if at := l.listenerOf(row); at != nil {
			l.inet("TCP", row)
		}
	}
}

// addressless adds the sockets that no table has: those without an address. The kernel
// tells their protocol by the extended attribute of the descriptor
// (sockfs_xattr_get in net/socket.c).
func (l *looker) addressless() {
	for inode, holders := range l.held {
		if slices.ContainsFunc(l.Sockets, func(s Socket) bool { return s.Inode == inode }) {
			continue
		}
		name := make([]byte, 64)
		n, err := unix.Getxattr(fmt.Sprintf("/proc/%d/fd/%d", holders[0].PID, holders[0].FD), "system.sockprotoname", name)
		if err != nil {
			n = 0
		}
		l.Sockets = append(l.Sockets, Socket{Protocol: strings.TrimRight(string(name[:n]), "\x00"), Inode: inode, Holders: holders, State: Close})
	}
}

// listens reports whether a connection to an address comes to a party.
func (l *looker) listens(local netip.AddrPort) bool {
	at := l.listeners.Listener(local)
	return at != nil && l.held[at.Inode] != nil
}

// listenerOf returns the listening socket of a party in whose queue a row waits, or nil.
// A connection that was accepted has an inode, and one that was closed is in none of
// these states.
func (l *looker) listenerOf(row InetSocket) *Socket {
	if row.Inode != 0 || row.State != SynRecv && row.State != Established && row.State != CloseWait {
		return nil
	}
	if !l.listens(row.Local) {
		return nil
	}
	return l.Socket(l.listeners.Listener(row.Local).Cookie)
}

// ends are what the kernel knows a socket of TCP or UDP by.
type ends struct {
	protocol      string
	local, remote netip.AddrPort
}

func endsOf(protocol string, local, remote netip.AddrPort) ends {
	return ends{protocol, plain(local), plain(remote)}
}

// boundTo returns the ends of a socket that has no peer.
func boundTo(protocol string, local netip.AddrPort) ends {
	return ends{protocol: protocol, local: plain(local)}
}

// turned returns the ends as the other side has them.
func (e ends) turned() ends { return ends{e.protocol, e.remote, e.local} }

// follow adds the other ends, and what is left of sockets that were closed.
func (l *looker) follow(earlier Snapshot) {
	known := slices.Clone(l.Sockets)
	for _, h := range earlier.Hosts {
		known = append(known, h.Sockets...)
	}
	connected := make(map[ends]bool)
	bound := make(map[ends]bool)   // sockets without a peer
	peers := make(map[uint64]bool) // inodes of AF_UNIX
	cookies := make(map[uint64]bool)
	connect := func(e ends) { connected[e], connected[e.turned()] = true, true }
	for _, x := range l.left {
		connect(endsOf("TCP", x[0], x[1]))
	}
	for _, s := range known {
		if cookies[s.Cookie] = true; s.Remote.Port() != 0 {
			connect(endsOf(s.Protocol, s.Local, s.Remote))
		} else if s.Local.Port() != 0 {
			bound[boundTo(s.Protocol, s.Local)] = true
		}
		peers[s.Inode] = s.Unix()
	}
	for _, row := range l.tcp {
		orphan := row.Inode == 0 && (l.listens(row.Local) || bound[boundTo("TCP", row.Remote)])
		knocks := row.State == SynSent && (l.listens(row.Remote) || bound[boundTo("TCP", row.Remote)])
		if connected[endsOf("TCP", row.Local, row.Remote)] || orphan || knocks || cookies[row.Cookie] {
			l.inet("TCP", row)
		}
	}
	for _, row := range l.udp {
		if connected[endsOf("UDP", row.Local, row.Remote)] || bound[boundTo("UDP", row.Local)] || bound[boundTo("UDP", row.Remote)] {
			l.inet("UDP", row)
		}
	}
	for _, row := range l.unix {
		if row.Peer != 0 && peers[row.Peer] || cookies[row.Cookie] {
			l.local(row)
		}
	}
}

// queued adds the connections that wait at an AF_UNIX listener, which no table has. Their
// clients tell how much they have sent.
func (l *looker) queued() {
	clients := make(map[uint64]UnixSocket)
	for _, row := range l.unix {
		clients[row.Inode] = row
	}
	for _, row := range l.unix {
		if row.State != Listen || l.held[row.Inode] == nil {
			continue
		}
		for _, inode := range row.Waiting {
			waiting := Socket{Protocol: unixProtocols[row.Type], State: Established, Path: row.Path, Listener: row.Cookie}
			if client, there := clients[inode]; there && inode != 0 {
				l.local(client)
				waiting.Peer, waiting.Memory = client.Cookie, client.WQueue
			}
			l.Sockets = append(l.Sockets, waiting)
		}
	}
}

// inet adds a row of TCP or UDP, once.
func (l *looker) inet(protocol string, row InetSocket) {
	if l.Socket(row.Cookie) != nil {
		return
	}
	s := Socket{
		Protocol: protocol, Cookie: row.Cookie, Inode: row.Inode, Holders: l.held[row.Inode], State: row.State,
		Local: row.Local, Remote: row.Remote, RecvBuf: row.RecvBuf, Shut: row.Shut, Timer: row.Timer, Expires: row.Expires, Retrans: row.Retrans,
	}
	switch {
	case protocol == "UDP":
		s.Memory = row.RQueue
	case row.State == Listen:
		s.Waiting, s.Backlog = int(row.RQueue), int(row.WQueue)
	default:
		s.Unread, s.Unsent = row.Unread(), row.Unsent()
	}
	if row.Inode == 0 {
		s.Holders = nil
	}
	l.Sockets = append(l.Sockets, s)
}

// local adds a row of AF_UNIX, once.
func (l *looker) local(row UnixSocket) {
	if l.Socket(row.Cookie) != nil {
		return
	}
	s := Socket{Protocol: unixProtocols[row.Type], Cookie: row.Cookie, Inode: row.Inode, State: row.State, Path: row.Path, Shut: row.Shut}
	if row.Inode != 0 {
		s.Holders = l.held[row.Inode]
	}
	if row.State == Listen {
		s.Waiting, s.Backlog = int(row.RQueue), int(row.WQueue)
	} else {
		s.Unread.Bytes = int(row.RQueue)
	}
	l.Sockets = append(l.Sockets, s)
}

// attach says of each socket which is its other end, and in whose queue it waits.
func (l *looker) attach() {
	byEnds := make(map[ends]*Socket)
	peers := make(map[uint64]uint64) // the inodes of the other ends, by cookies
	for _, row := range l.unix {
		peers[row.Cookie] = row.Peer
	}
	for i := range l.Sockets {
		s := &l.Sockets[i]
		byEnds[endsOf(s.Protocol, s.Local, s.Remote)] = s
	}
	for i := range l.Sockets {
		s := &l.Sockets[i]
		switch {
		case s.Unix() && peers[s.Cookie] != 0:
			if j := slices.IndexFunc(l.Sockets, func(o Socket) bool { return o.Inode == peers[s.Cookie] }); j >= 0 {
				s.Peer = l.Sockets[j].Cookie
			}
		case s.Remote.Port() != 0:
			if other := byEnds[endsOf(s.Protocol, s.Remote, s.Local)]; other != nil {
				s.Peer = other.Cookie
			} else if s.Protocol == "UDP" {
				s.Peer = l.receiver(s.Remote)
			}
		}
		if s.TCP() && s.Inode == 0 {
			if at := l.listenerOf(InetSocket{Local: s.Local, State: s.State}); at != nil {
				s.Listener = at.Cookie
			}
		}
	}
}

// receiver returns the UDP socket without a peer that datagrams to an address go to.
func (l *looker) receiver(to netip.AddrPort) uint64 {
	for _, s := range l.Sockets {
		if s.Protocol == "UDP" && s.Remote.Port() == 0 && plain(s.Local) == plain(to) {
			return s.Cookie
		}
	}
	return 0
}

// strangers adds the processes that are no party and hold an end.
func (l *looker) strangers() {
	wanted := make(map[uint64]*Socket)
	for i := range l.Sockets {
		if s := &l.Sockets[i]; s.Inode != 0 && len(s.Holders) == 0 {
			wanted[s.Inode] = s
		}
	}
	if len(wanted) == 0 {
		return
	}
	processes(func(pid int, fds []FD, _ bool) { // one that may not be looked into is left out
		var p *Process
		for _, fd := range fds {
			s := wanted[fd.Inode]
			if s == nil {
				continue
			}
			if p == nil {
				l.Processes = append(l.Processes, stranger(pid))
				p = &l.Processes[len(l.Processes)-1]
			}
			p.Descriptors = append(p.Descriptors, Descriptor{fd.Number, fd.Target})
			s.Holders = append(s.Holders, Holder{pid, fd.Number})
		}
		if p != nil {
			p.Others = len(fds) - len(p.Descriptors)
		}
	})
}

func stranger(pid int) Process {
	p := Process{PID: pid, State: Gone}
	p.Name, _ = Comm(pid)
	if task, err := Thread(pid, pid); err == nil {
		p.State = task.StateName
	}
	return p
}

// sort puts the sockets in the order of the processes and of their descriptors, and
// those without a holder behind, by their addresses.
func (l *looker) sort() {
	place := make(map[Holder]int)
	for _, p := range l.Processes {
		for _, d := range p.Descriptors {
			place[Holder{p.PID, d.Number}] = len(place) + 1
		}
	}
	at := func(s Socket) int {
		if len(s.Holders) == 0 {
			return len(place) + 1
		}
		return place[s.Holders[0]]
	}
	slices.SortStableFunc(l.Sockets, func(a, b Socket) int {
		return cmp.Or(cmp.Compare(at(a), at(b)), a.Local.Compare(b.Local), a.Remote.Compare(b.Remote), cmp.Compare(a.Cookie, b.Cookie))
	})
}

// still reports whether the parties have the descriptors that they had.
func (l *looker) still() bool {
	for i, p := range l.parties {
		fds, _ := p.descriptors()
		same := slices.EqualFunc(fds, l.Processes[i].Descriptors, func(fd FD, d Descriptor) bool {
			return fd.Number == d.Number && fd.Target == d.Target
		})
		if !same {
			return false
		}
	}
	return true
}
