package drawing

import (
	"fmt"
	"net/netip"
	"time"

	"fd3/sockets/kernel"
	"fd3/sockets/wire"
)

// Snapshots of one moment each, as the kernel gives them.

const (
	serverPID = 24380
	clientPID = 24399
	curlPID   = 24420
)

func at(port int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port))
}

var nowhere = netip.AddrPortFrom(netip.IPv4Unspecified(), 0)

func process(name string, pid int, sockets ...int) kernel.Process {
	p := kernel.Process{Name: name, PID: pid, Party: true, State: "sleeping"}
	for fd := range 3 {
		p.Descriptors = append(p.Descriptors, kernel.Descriptor{Number: fd, Target: "/dev/null"})
	}
	for _, fd := range sockets {
		p.Descriptors = append(p.Descriptors, kernel.Descriptor{Number: fd, Target: fmt.Sprintf("socket:[%d]", pid+fd)})
	}
	return p
}

func held(pid, fd int, s kernel.Socket) kernel.Socket {
	s.Holders, s.Inode = []kernel.Holder{{PID: pid, FD: fd}}, uint64(pid+fd)
	return s
}

func listening(backlog, waiting int) kernel.Socket {
	return kernel.Socket{Protocol: "TCP", Cookie: 1, State: kernel.Listen, Local: at(46429), Remote: nowhere, Backlog: backlog, Waiting: waiting, RecvBuf: 131072}
}

// ends are both ends of a connection from a port; cookies are 10 times the port's and
// that plus 1.
func ends(port int, client, server kernel.State) (c, s kernel.Socket) {
	c = kernel.Socket{Protocol: "TCP", Cookie: uint64(10 * port), Peer: uint64(10*port + 1), State: client, Local: at(port), Remote: at(46429), RecvBuf: 131072}
	s = kernel.Socket{Protocol: "TCP", Cookie: uint64(10*port + 1), Peer: uint64(10 * port), State: server, Local: at(46429), Remote: at(port), RecvBuf: 131072}
	return c, s
}

func snapshot(processes []kernel.Process, sockets ...kernel.Socket) kernel.Snapshot {
	return kernel.Snapshot{Hosts: []kernel.Host{{Processes: processes, Sockets: sockets}}}
}

// full is a listener with a backlog of 1 and four clients.
func full() kernel.Snapshot {
	c3, w3 := ends(58966, kernel.Established, kernel.Established)
	c4, w4 := ends(58974, kernel.Established, kernel.Established)
	w3.Listener, w4.Listener, w3.Unread.Bytes = 1, 1, 18
	c5, _ := ends(58980, kernel.SynSent, 0)
	c6, _ := ends(58988, kernel.SynSent, 0)
	for _, c := range []*kernel.Socket{&c5, &c6} {
		c.Peer, c.Timer, c.Expires, c.Unsent.SYN = 0, kernel.TimerOn, 900*time.Millisecond, true
	}
	return snapshot([]kernel.Process{process("server", serverPID, 3), process("client", clientPID, 3, 4, 5, 6)},
		held(serverPID, 3, listening(1, 2)), held(clientPID, 3, c3), held(clientPID, 4, c4), held(clientPID, 5, c5), held(clientPID, 6, c6), w3, w4)
}

// queued is a listener at which one client waits; accepted is what accept4(2) makes of it.
func queued() kernel.Snapshot {
	c, w := ends(58966, kernel.Established, kernel.Established)
	w.Listener = 1
	return snapshot([]kernel.Process{process("server", serverPID, 3), process("client", clientPID, 3)},
		held(serverPID, 3, listening(128, 1)), held(clientPID, 3, c), w)
}

func accepted() kernel.Snapshot {
	c, s := ends(58966, kernel.Established, kernel.Established)
	server := process("server", serverPID, 3, 4)
	server.Call, server.CallFD, server.Wchan = "recvfrom", 4, "wait_woken"
	return snapshot([]kernel.Process{server, process("client", clientPID, 3)},
		held(serverPID, 3, listening(128, 0)), held(serverPID, 4, s), held(clientPID, 3, c))
}

// inTurn is a full queue from which one was accepted, so that the last client has got in:
// its port is a lower one than that of the client before it.
func inTurn() kernel.Snapshot {
	s := full()
	h := &s.Hosts[0]
	c7, w7 := ends(40640, kernel.Established, kernel.Established)
	w7.Listener = 1
	w3 := held(serverPID, 4, h.Sockets[5])
	w3.Listener = 0
	h.Processes = []kernel.Process{process("server", serverPID, 3, 4), process("client", clientPID, 3, 4, 5, 6, 7)}
	h.Sockets = append(append([]kernel.Socket{h.Sockets[0], w3}, h.Sockets[1:5]...), held(clientPID, 7, c7), w7, h.Sockets[6])
	return s
}

// swapped are four connections of which the server has accepted the first last, and the last
// first: their lines cross two that are straight, and each begins where the other ends.
func swapped() kernel.Snapshot {
	sockets := []kernel.Socket{held(serverPID, 3, listening(128, 0))}
	for i, fd := range []int{7, 5, 6, 4} {
		c, s := ends(40000+i, kernel.Established, kernel.Established)
		sockets = append(sockets, held(serverPID, fd, s), held(clientPID, 3+i, c))
	}
	return snapshot([]kernel.Process{process("server", serverPID, 3, 4, 5, 6, 7), process("client", clientPID, 3, 4, 5, 6)}, sockets...)
}

// bytes is a connection with a receive queue that is rather full, a FIN behind it, and
// another in the handshake.
func bytes() kernel.Snapshot {
	c, s := ends(58966, kernel.FinWait2, kernel.CloseWait)
	s.Unread = kernel.Queued{Bytes: 65536, FIN: true}
	c4, s4 := ends(58974, kernel.Established, kernel.Established)
	c4.Unsent.Bytes, c4.Timer, c4.Expires = 300, kernel.TimerOn, 1800*time.Millisecond
	c5, s5 := ends(58980, kernel.Established, kernel.SynRecv)
	s5.Listener, s5.Timer, s5.Expires, s5.RecvBuf = 1, kernel.TimerOn, 2*time.Second, 0
	server := process("server", serverPID, 3, 4, 5)
	server.State = "stopped"
	return snapshot([]kernel.Process{server, process("client", clientPID, 3, 4, 5)},
		held(serverPID, 3, listening(5, 0)), held(serverPID, 4, s), held(serverPID, 5, s4),
		held(clientPID, 3, c), held(clientPID, 4, c4), held(clientPID, 5, c5), s5)
}

// leftover is a server whose client is curl, and what older connections have left.
func leftover() kernel.Snapshot {
	c, s := ends(58966, kernel.Established, kernel.Established)
	c2, s2 := ends(58974, kernel.FinWait2, kernel.CloseWait)
	c2.Timer, c2.Expires = kernel.TimerTimeWait, 42*time.Second
	_, s3 := ends(58980, 0, kernel.TimeWait)
	s3.Peer, s3.Timer, s3.Expires, s3.RecvBuf = 0, kernel.TimerTimeWait, 58*time.Second, 0
	curl := kernel.Process{Name: "curl", PID: curlPID, State: "sleeping", Others: 7, Descriptors: []kernel.Descriptor{{Number: 5, Target: "socket:[24425]"}}}
	return snapshot([]kernel.Process{process("server", serverPID, 3, 4, 5), curl},
		held(serverPID, 3, listening(128, 0)), held(serverPID, 4, s), held(serverPID, 5, s2), held(curlPID, 5, c), c2, s3)
}

// over are two processes that have closed all, and what is left of it.
func over() kernel.Snapshot {
	_, s := ends(58966, 0, kernel.TimeWait)
	s.Peer, s.Timer, s.Expires, s.RecvBuf = 0, kernel.TimerTimeWait, 60*time.Second, 0
	return snapshot([]kernel.Process{process("server", serverPID), process("client", clientPID)}, s)
}

// knocking is a listener with a backlog of 1, at which four programs of one name connect.
func knocking() kernel.Snapshot {
	s := full()
	h := &s.Hosts[0]
	h.Processes = h.Processes[:1]
	for i := range 4 {
		pid := curlPID + i
		x := &h.Sockets[1+i]
		x.Holders, x.Inode = []kernel.Holder{{PID: pid, FD: 3}}, uint64(pid+3)
		h.Processes = append(h.Processes, kernel.Process{Name: "nc", PID: pid, State: "sleeping", Others: 5, Descriptors: []kernel.Descriptor{{Number: 3, Target: fmt.Sprintf("socket:[%d]", pid+3)}}})
	}
	return s
}

// others are sockets of all kinds but TCP's connections.
func others() kernel.Snapshot {
	sockets := []kernel.Socket{
		held(serverPID, 3, kernel.Socket{Protocol: "UNIX-STREAM", Cookie: 1, State: kernel.Listen, Path: "/run/user/1000/fd3-学習.sock", Backlog: 1, Waiting: 1}),
		held(serverPID, 4, kernel.Socket{Protocol: "UNIX-STREAM", Cookie: 2, Peer: 3, State: kernel.Established, Path: "/run/user/1000/fd3-学習.sock", Unread: kernel.Queued{Bytes: 5}}),
		held(serverPID, 5, kernel.Socket{Protocol: "UDP", Cookie: 4, State: kernel.Close, Local: at(5353), Remote: nowhere, Memory: 768, RecvBuf: 212992}),
		held(serverPID, 6, kernel.Socket{Protocol: "TCP", State: kernel.Close}),
		held(clientPID, 3, kernel.Socket{Protocol: "UNIX-STREAM", Cookie: 3, Peer: 2, State: kernel.Established}),
		held(clientPID, 4, kernel.Socket{Protocol: "UNIX-STREAM", Cookie: 5, State: kernel.Established}),
		held(clientPID, 5, kernel.Socket{Protocol: "UDP", Cookie: 6, Peer: 4, State: kernel.Established, Local: at(40001), Remote: at(5353), RecvBuf: 212992}),
		held(clientPID, 6, kernel.Socket{Protocol: "TCP", Cookie: 7, State: kernel.SynSent, Local: at(40002), Remote: netip.MustParseAddrPort("192.0.2.1:80"), Timer: kernel.TimerOn, Expires: 4 * time.Second, Retrans: 2}),
		{Protocol: "UNIX-STREAM", Peer: 5, State: kernel.Established, Path: "/run/user/1000/fd3-学習.sock", Listener: 1, Memory: 768},
	}
	return snapshot([]kernel.Process{process("server", serverPID, 3, 4, 5, 6), process("client", clientPID, 3, 4, 5, 6)}, sockets...)
}

// many are more connections than there is room for, and some that are over.
func many() kernel.Snapshot {
	var servers, clients, orphans []kernel.Socket
	var serverFDs, clientFDs []int
	for i := range 30 {
		c, s := ends(40000+i, kernel.Established, kernel.Established)
		servers, clients = append(servers, held(serverPID, 4+i, s)), append(clients, held(clientPID, 3+i, c))
		serverFDs, clientFDs = append(serverFDs, 4+i), append(clientFDs, 3+i)
	}
	for i := range 5 {
		_, s := ends(41000+i, 0, kernel.TimeWait)
		s.Peer, s.Timer, s.Expires = 0, kernel.TimerTimeWait, time.Duration(10+i)*time.Second
		orphans = append(orphans, s)
	}
	sockets := append([]kernel.Socket{held(serverPID, 3, listening(128, 0))}, servers...)
	sockets = append(append(sockets, clients...), orphans...)
	return snapshot([]kernel.Process{process("server", serverPID, append([]int{3}, serverFDs...)...), process("client", clientPID, clientFDs...)}, sockets...)
}

// crowd is more clients than an accept queue has places, and than a terminal has lines.
func crowd() kernel.Snapshot {
	var sockets, waiting []kernel.Socket
	var fds []int
	for i := range 40 {
		c, w := ends(40000+i, kernel.Established, kernel.Established)
		w.Listener = 1
		if i < 31 {
			waiting = append(waiting, w)
		} else {
			c.State, c.Peer, c.Timer, c.Expires = kernel.SynSent, 0, kernel.TimerOn, time.Second
		}
		fds, sockets = append(fds, 3+i), append(sockets, held(clientPID, 3+i, c))
	}
	sockets = append([]kernel.Socket{held(serverPID, 3, listening(30, 31))}, sockets...)
	return snapshot([]kernel.Process{process("server", serverPID, 3), process("client", clientPID, fds...)}, append(sockets, waiting...)...)
}

// apart is a server and a client on hosts of their own, with packets on the cable between
// them. The server's end of their connection has a state; 0: there is none.
func apart(server kernel.State, packets ...*wire.Packet) kernel.Snapshot {
	remote := func(host byte, port int) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, host}), uint16(port))
	}
	c, s := ends(43210, kernel.SynSent, server)
	l := listening(5, 0)
	c.Local, c.Remote = remote(1, 43210), remote(2, 8080)
	s.Local, s.Remote, l.Local = c.Remote, c.Local, c.Remote
	s.Listener, s.Timer, s.Expires, s.RecvBuf = 1, kernel.TimerOn, 900*time.Millisecond, 0
	client := process("client", clientPID, 3)
	client.Call, client.CallFD, client.Wchan = "connect", 3, "wait_woken"
	all := kernel.Snapshot{
		Hosts: []kernel.Host{
			{Name: "server", Processes: []kernel.Process{process("server", serverPID, 3)}, Sockets: []kernel.Socket{held(serverPID, 3, l), s}},
			{Name: "client", Processes: []kernel.Process{client}, Sockets: []kernel.Socket{held(clientPID, 3, c)}},
		},
		Cable: &kernel.Cable{Ends: [2]kernel.End{{Name: "client", Addr: "10.0.0.1"}, {Name: "server", Addr: "10.0.0.2"}}, Holds: wire.Usual},
	}
	if server == 0 {
		all.Hosts[0].Sockets, all.Hosts[1].Sockets[0].Peer = all.Hosts[0].Sockets[:1], 0
	}
	for _, p := range packets {
		all.Cable.Packets = append(all.Cable.Packets, *p)
	}
	return all
}

// answered is a network on whose cable a SYN lay, and now lies what answers it.
func answered() (now, before kernel.Snapshot) {
	s := newStory()
	syn := s.segment(0, wire.SYN, 0, 0, 0, wire.Held, wire.States{}, wire.States{})
	before = apart(0, syn)
	passed := *syn
	passed.Fate, passed.Arrived = wire.Passed, syn.Time.Add(4200*time.Millisecond)
	return apart(kernel.SynRecv, &passed, s.segment(1, wire.SYN|wire.ACK, 0, 1, 0, wire.Held, wire.States{}, wire.States{})), before
}

// loaded is a network on whose cable many packets lie, of which one was lost; flowing is
// one that lets everything pass.
func loaded() (now, before kernel.Snapshot) {
	s := newStory()
	var was, is []*wire.Packet
	for i := range 12 {
		p := s.segment(0, wire.ACK, 1+1448*i, 1, 1448, wire.Held, wire.States{}, wire.States{})
		q := *p
		if was = append(was, p); i == 2 {
			q.Fate, q.Lost = wire.Dropped, p.Time.Add(150*time.Millisecond)
		}
		is = append(is, &q)
	}
	for i := range 2 {
		is = append(is, s.segment(1, wire.ACK, 1, 1+1448*i, 0, wire.Held, wire.States{}, wire.States{}))
	}
	return apart(kernel.SynRecv, is...), apart(kernel.SynRecv, was...)
}

// behindRouter is a network with a router, which has refused a packet: what it says of that
// lies on the cable.
func behindRouter() (now, before kernel.Snapshot) {
	s := newStory()
	large := s.segment(0, wire.ACK, 1, 1, 1400, wire.Held, wire.States{}, wire.States{})
	before = apart(0, large)
	router := kernel.Router{Name: "router", Addr: "10.0.0.254", Links: []kernel.RouterLink{{Name: "net0", MTU: 1500}, {Name: "net1", MTU: 1500}}, Route: 600, Forwarded: 3}
	was := router
	before.Cable.Router = &was
	refused := *large
	refused.Fate, refused.Arrived = wire.Passed, large.Time.Add(2*time.Second)
	now = apart(0, &refused)
	router.TooLarge, router.Unreachable = 1, 1
	now.Cable.Router = &router
	return now, before
}

func flowing() kernel.Snapshot {
	s := apart(0)
	s.Hosts, s.Cable.Holds = s.Hosts[:1], ""
	return s
}

// A scene is a Snapshot, and one before it where what changed is to be seen.
type scene struct {
	now    kernel.Snapshot
	before *kernel.Snapshot
	rows   int
}

func scenes() map[string]scene {
	before, open := queued(), accepted()
	cabled, syn := answered()
	load, unlost := loaded()
	routed, unrefused := behindRouter()
	return map[string]scene{
		"full":     {now: full()},
		"queued":   {now: queued()},
		"in-turn":  {now: inTurn()},
		"accepted": {now: accepted(), before: &before},
		"closed":   {now: queued(), before: &open},
		"bytes":    {now: bytes()},
		"leftover": {now: leftover()},
		"over":     {now: over()},
		"others":   {now: others()},
		"swapped":  {now: swapped()},
		"many":     {now: many(), rows: 24},
		"born":     {now: queued(), before: &kernel.Snapshot{}},
		"crowd":    {now: crowd(), rows: 22},
		"knocking": {now: knocking(), rows: 18},
		"cable":    {now: cabled, before: &syn},
		"router":   {now: routed, before: &unrefused},
		"routed":   {now: routed, rows: 14},
		"loaded":   {now: load, before: &unlost},
		"load":     {now: load, before: &unlost, rows: 16},
		"flowing":  {now: flowing()},
		"nothing":  {now: snapshot([]kernel.Process{process("server", serverPID)})},
	}
}
