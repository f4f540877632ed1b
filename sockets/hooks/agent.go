package hooks

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"fd3/sockets"
	"fd3/sockets/stage"
)

// role is the agents' among the background processes of fd3.
const role stage.Role = "hooks"

// device is the one interface of a host.
const device = "net0"

// Become is the whole life of an agent, where the arguments of this process say that it is
// one. Otherwise it does nothing. A program that calls Try calls it in main.
func Become() {
	if len(os.Args) == 3 && os.Args[1] == stage.Command && os.Args[2] == string(role) {
		os.Exit(live())
	}
}

// An order is what is asked of an agent.
type order struct {
	Do      string         `json:"do"`
	Stream  bool           `json:"stream,omitempty"` // open: of TCP, and else of UDP
	Address netip.AddrPort `json:"address,omitzero"` // open: its own, port 0; the zero one: none. connect, send: where to
	Peer    netip.Addr     `json:"peer,omitzero"`    // open: whose interface is to be known
	Puts    []put          `json:"puts,omitempty"`   // put
	Data    []byte         `json:"data,omitempty"`   // send
	Host    string         `json:"host,omitempty"`   // sits: the one that the agent is on
}

// The orders.
const (
	open    = "open"    // a socket
	puts    = "put"     // something at places
	send    = "send"    // a datagram, or bytes of a connection
	receive = "receive" // one, or some, if they come
	listen  = "listen"
	connect = "connect"
	accept  = "accept" // from then on the connection is the agent's socket
	closes  = "close"
	read    = "read" // what was seen at the places
	sits    = "sits" // what sits at the places, whoever has put it there
)

// A put is what is to be put at a place.
type put struct {
	Place     string `json:"place"`
	Verb      Verb   `json:"verb"`
	Port      uint16 `json:"port"` // of the receiver
	Unchecked bool   `json:"unchecked,omitempty"`
	Generic   bool   `json:"generic,omitempty"`
	Show      bool   `json:"show,omitempty"` // its program is told

	aside int // with Redirect: the number of the other interface
}

// A report is what an agent answers.
type report struct {
	Error   string             `json:"error,omitempty"`
	PID     int                `json:"pid,omitempty"`     // open
	Port    uint16             `json:"port,omitempty"`    // open
	Puts    []Put              `json:"puts,omitempty"`    // put
	Call    *sockets.Call      `json:"call,omitempty"`    // of the orders that are calls
	Service int                `json:"service,omitempty"` // receive: that of a datagram; connect: that of the socket
	Seen    map[string]Seen    `json:"seen,omitempty"`    // read: by the place
	Sits    map[string]Sitting `json:"sits,omitempty"`    // sits: by the place
	Aside   []int              `json:"aside,omitempty"`   // read: the lengths of the packets that went out of the other interface
}

// An agent is a process on a host that sends or receives, and holds what is put there.
type agent struct {
	line   stage.Line
	calls  sockets.Tracer
	fd     int // of its socket; -1: it has none
	index  int // of the host's interface
	port   uint16
	group  *cgroup // nil: it has none of its own
	hooked []hooked
	beside *beside // nil: nothing is redirected
}

// live obeys until the line ends, and takes away what it has put somewhere.
func live() (code int) {
	const high = 100 // the socket gets a low number
	fd, err := unix.FcntlInt(3, unix.F_DUPFD_CLOEXEC, high)
	if err != nil {
		return 1
	}
	unix.Close(3)
	a := &agent{line: stage.Line{FD: fd}, fd: -1}
	a.calls.Observe = func(sockets.Call) {} // each call is told in full
	for {
		var o order
		if err := a.line.Read(&o); err != nil {
			break
		}
		r, err := a.obey(o)
		if err != nil {
			r.Error = err.Error()
		}
		if a.line.Write(r) != nil {
			break
		}
	}
	for _, h := range a.hooked {
		h.remove()
	}
	a.beside.remove()
	a.group.leave()
	return 0
}

func (a *agent) obey(o order) (r report, err error) {
	switch o.Do {
	case open:
		return a.open(o)
	case puts:
		return a.puts(o)
	case send:
		var to sockets.Sockaddr // none: it is connected
		if o.Address.IsValid() {
			to = sockets.InetSockaddr(o.Address)
		}
		return made(a.calls.SendTo(a.fd, o.Data, 0, to)), nil
	case listen:
		return made(a.calls.Listen(a.fd, 1)), nil
	case connect:
		r = made(a.calls.Connect(a.fd, sockets.InetSockaddr(o.Address)))
		r.Service, err = unix.GetsockoptInt(a.fd, unix.IPPROTO_IP, unix.IP_TOS)
		return r, err
	case accept:
		r = made(a.calls.Accept4(a.fd, unix.SOCK_CLOEXEC))
		if r.Call.Errno == 0 {
			a.fd = int(r.Call.Ret)
		}
		return r, nil
	case closes:
		return made(a.calls.Close(a.fd)), nil
	case receive:
		return a.receive(), nil
	case sits:
		r.Sits, err = a.sits(o.Host)
		return r, err
	case read:
		r.Seen = map[string]Seen{}
		for _, h := range a.hooked {
			r.Seen[h.put().Place] = h.read()
		}
		r.Aside = a.beside.came(a.port)
		return r, nil
	}
	return r, fmt.Errorf("%w: %q", stage.ErrUnknownOrder, o.Do)
}

// waits is how long the receiver waits for a packet until it calls recvfrom: one that nobody
// has stopped comes in microseconds. The call itself waits for patience more.
const waits, patience = 250 * time.Millisecond, 10 * time.Millisecond

// asks is how long an agent waits for the other host's address: the kernel asks three times,
// a second apart (mcast_solicit and retrans_time_ms, arp(7)).
const asks = 4 * time.Second

// trusts is how long the server of a connection waits for a client that will come.
const trusts = 5 * time.Second

// open makes the socket of the agent, in a cgroup of its own where that may be. What a
// host has to ask before it can send, it asks now.
func (a *agent) open(o order) (r report, err error) {
	// For kernels before 5.11; without the right to, no program can be loaded either. The
	// package rlimit of cilium/ebpf would look at files in every process of fd3, before main:
	// the Go runtime then keeps an epoll and an eventfd, where the next socket is to be.
	unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY})
	if err := a.known(o.Peer); err != nil {
		return r, err
	}
	a.group, _ = joinCgroup()
	r.PID = os.Getpid()
	kind, timeout := unix.SOCK_DGRAM, patience
	if o.Stream {
		kind, timeout = unix.SOCK_STREAM, trusts
	}
	c := a.calls.Socket(unix.AF_INET, kind|unix.SOCK_CLOEXEC, 0)
	if c.Errno != 0 {
		return r, errors.New(c.Strace())
	}
	a.fd = int(c.Ret)
	if !o.Address.IsValid() {
		return r, nil
	}
	for _, c := range []sockets.Call{
		a.calls.Bind(a.fd, sockets.InetSockaddr(o.Address)),
		a.calls.SetTimeout(a.fd, unix.SO_RCVTIMEO, timeout),
		a.calls.Setsockopt(a.fd, unix.IPPROTO_IP, unix.IP_RECVTOS, 1),
	} {
		if c.Errno != 0 {
			return r, errors.New(c.Strace())
		}
	}
	at, err := unix.Getsockname(a.fd)
	if in, ok := at.(*unix.SockaddrInet4); ok {
		r.Port = uint16(in.Port)
	}
	return r, err
}

// known waits until the host's kernel knows the interface of the other (arp(7)): packets
// wait for that, and what becomes of one then its sender is not told. From then on it asks
// no more, so that no other packet comes by the places.
func (a *agent) known(peer netip.Addr) error {
	link, err := netlink.LinkByName(device)
	if err != nil {
		return fmt.Errorf("RTM_GETLINK %s: %w", device, err)
	}
	a.index = link.Attrs().Index
	for deadline := time.Now().Add(asks); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		all, err := netlink.NeighList(a.index, netlink.FAMILY_V4)
		if err != nil {
			return fmt.Errorf("RTM_GETNEIGH: %w", err)
		}
		for _, n := range all {
			if !n.IP.Equal(peer.AsSlice()) || n.State&(netlink.NUD_REACHABLE|netlink.NUD_DELAY|netlink.NUD_STALE|netlink.NUD_PROBE|netlink.NUD_PERMANENT) == 0 {
				continue
			}
			n.State, n.Flags = netlink.NUD_PERMANENT, 0
			if err := netlink.NeighSet(&n); err != nil {
				return fmt.Errorf("RTM_NEWNEIGH, permanent: %w", err)
			}
			return nil
		}
		ask := &netlink.Neigh{LinkIndex: a.index, IP: peer.AsSlice(), State: netlink.NUD_NONE, Flags: netlink.NTF_USE}
		if err := netlink.NeighSet(ask); err != nil {
			return fmt.Errorf("RTM_NEWNEIGH: %w", err)
		}
	}
	return fmt.Errorf("nobody answers ARP for %s", peer)
}

// puts puts something at places. That a place takes nothing from this user is in its Put.
func (a *agent) puts(o order) (r report, err error) {
	for _, p := range o.Puts {
		a.port = p.Port
		if p.Verb == Redirect && a.beside == nil {
			if a.beside, err = newBeside(); err != nil {
				return r, err
			}
		}
		if a.beside != nil {
			p.aside = a.beside.index
		}
		h, failed := a.at(*At(p.Place), p)
		if h == nil {
			r.Puts = append(r.Puts, Put{Place: p.Place, Failed: failed})
			continue
		}
		a.hooked = append(a.hooked, h)
		done := h.put()
		done.Failed = failed
		r.Puts = append(r.Puts, done)
	}
	return r, nil
}

// at puts something at a place by the first means that work, and tells what did not.
func (a *agent) at(p Place, o put) (h hooked, failed []Failure) {
	for _, m := range p.means() {
		if why := p.unable(m, o.Verb, o.Unchecked); why != "" {
			failed = append(failed, Failure{Means: m, Error: why})
			continue
		}
		var err error
		switch m {
		case EBPF:
			h, err = a.putBPF(p, o)
		case NFTables:
			h, err = a.putRule(p, o)
		case Classic:
			h, err = a.putClassic(p, o)
		}
		if err == nil {
			return h, failed
		}
		failed = append(failed, Failure{Means: m, Error: err.Error(), Errno: errno(err)})
	}
	return nil, failed
}

// receive waits for a datagram, and reads with which type of service it came (IP_RECVTOS,
// ip(7)).
func (a *agent) receive() (r report) {
	unix.Poll([]unix.PollFd{{Fd: int32(a.fd), Events: unix.POLLIN}}, int(waits.Milliseconds()))
	control := make([]byte, 64)
	if _, n, _, _, err := unix.Recvmsg(a.fd, nil, control, unix.MSG_PEEK|unix.MSG_DONTWAIT); err == nil {
		messages, _ := unix.ParseSocketControlMessage(control[:n])
		for _, m := range messages {
			if m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_TOS && len(m.Data) > 0 {
				r.Service = int(m.Data[0])
			}
		}
	}
	call := a.calls.RecvFrom(a.fd, 64, 0)
	r.Call = &call
	return r
}

func made(c sockets.Call) report { return report{Call: &c} }
