package hooks

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/netlab"
	"fd3/sockets/path"
	"fd3/sockets/stage"
	"fd3/sockets/wire"
)

// An Order says what is done to the packet, and where. Everywhere else it is watched.
type Order struct {
	Verb      Verb
	At        string // a Place; empty with Watch: everywhere
	Unchecked bool   // an eBPF program that reads without looking how long the packet is
	Generic   bool   // at xdp: not in the driver, though that can
}

// Check returns an UnableError where it is known without the kernel that no means do it at
// the place. What an eBPF program may do there the kernel says, by running or refusing it.
func (o Order) Check() error {
	p := At(o.At)
	if p == nil {
		return nil
	}
	var why []Failure
	for _, m := range p.means() {
		text := p.unable(m, o.Verb, o.Unchecked)
		if text == "" {
			return nil
		}
		why = append(why, Failure{Means: m, Error: text})
	}
	return &UnableError{*p, o.Verb, o.Unchecked, why}
}

// A Trial is what became of one packet.
type Trial struct {
	Order
	Data     []byte
	Port     uint16
	Stops    []Stop         // of all Places, in their order
	Sent     sockets.Call   // the sender's
	Received sockets.Call   // the receiver's, which waits for some time
	Service  int            // the type of service with which the receiver got it
	Cable    *wire.Packet   // the frame on the cable; nil: none came there
	Aside    []int          // lengths of the frames that went out of the other interface
	Dropped  *path.Drop     // why the kernel has thrown it away; nil: it has not, or does not tell this user
	PID      map[string]int // of the agent on each host
	Moved    map[string]kernel.Counters
}

// A Stop is a place, what was put there, and what it saw of the packet.
type Stop struct {
	Place
	Put
	Seen
}

// A Put is what was put at a place.
type Put struct {
	Place   string     `json:"place"`
	Means   Means      `json:"means,omitempty"` // empty: nothing could be put there
	How     string     `json:"how,omitempty"`   // where exactly, and by what
	XDP     string     `json:"xdp,omitempty"`   // at xdp: native or generic, as the kernel says afterwards
	Blind   bool       `json:"blind,omitempty"` // it cannot tell what it sees
	Program []Line     `json:"program,omitempty"`
	Refused unix.Errno `json:"refused,omitempty"` // the verifier did not take the program
	Log     []string   `json:"log,omitempty"`     // and said why
	Failed  []Failure  `json:"failed,omitempty"`  // what was tried before
}

// A Failure is a means by which nothing could be put at a place.
type Failure struct {
	Means Means      `json:"means"`
	Error string     `json:"error"`
	Errno unix.Errno `json:"errno,omitempty"`
}

// Seen is what was seen at a place.
type Seen struct {
	Packets int   `json:"packets"`
	Length  int   `json:"length"`  // bytes, as the packet was there; 0: not known
	Counted int   `json:"counted"` // bytes, as a counter has them that leaves the frame's header out; 0: there is Length
	Time    int64 `json:"time_ns"` // by CLOCK_MONOTONIC; 0: not known

	Moments []Moment `json:"moments,omitempty"` // at sockops, which sees no packet: since it was read last
}

// A DeniedError says that this user may put nothing at a place.
type DeniedError struct {
	Place Place
	Verb  Verb
	Errno unix.Errno
}

func (e *DeniedError) Error() string {
	text := fmt.Sprintf("%s takes an eBPF program, and the kernel lets this user load none: bpf(2) says %s (%s)", e.Place.Name, unix.ErrnoName(e.Errno), sockets.Meaning(e.Errno))
	if e.Place.refuses(e.Verb) {
		text += fmt.Sprintf(". As root the verifier refuses this program, and says why: sudo fd3 hooks %s --at %s", e.Verb, e.Place.Name)
	} else {
		text += fmt.Sprintf(". As root: sudo fd3 hooks %s --at %s", e.Verb, e.Place.Name)
	}
	if near := e.Place.near(func(other Place) bool { return other.plain(e.Verb) }); near != "" {
		text += fmt.Sprintf(". Without it, near there: fd3 hooks %s --at %s", e.Verb, near)
	}
	return text
}

// plain reports whether a place needs no privilege for a verb.
func (p Place) plain(v Verb) bool {
	return slices.ContainsFunc(p.means(), func(m Means) bool { return m != EBPF && p.can(m, v) })
}

// near is the nearest place on the same host that is fit.
func (p Place) near(fit func(Place) bool) (near string) {
	at := slices.Index(Places, p)
	least := len(Places)
	for i, other := range Places {
		if away := max(i-at, at-i); other.Host == p.Host && away < least && fit(other) {
			near, least = other.Name, away
		}
	}
	return near
}

// An UnableError says that nothing can do it at a place.
type UnableError struct {
	Place     Place
	Verb      Verb
	Unchecked bool
	Why       []Failure
}

func (e *UnableError) Error() string {
	text := ""
	for _, f := range e.Why {
		if text != "" {
			text += ". "
		}
		text += f.Error
	}
	fit, flag := func(other Place) bool { return other.plain(e.Verb) }, ""
	if e.Unchecked {
		fit, flag = func(other Place) bool {
			return other.unable(EBPF, e.Verb, true) == "" && slices.Contains(other.means(), EBPF)
		}, " --unchecked"
	}
	if near := e.Place.near(fit); near != "" {
		text += fmt.Sprintf(". What can: fd3 hooks %s --at %s%s", e.Verb, near, flag)
	}
	return text
}

// Try sends one packet from the client's host of a network to the server's, and tells what
// became of it. Nobody else may send to the agents' port meanwhile.
func Try(ctx context.Context, network *netlab.Network, o Order) (*Trial, error) {
	t := &Trial{Order: o, Data: []byte("hello"), PID: map[string]int{}, Moved: map[string]kernel.Counters{}}
	err := between(ctx, network, func(client, server *remote) error { return t.run(network, client, server) })
	return t, err
}

// between has something done with an agent on each host.
func between(ctx context.Context, network *netlab.Network, do func(client, server *remote) error) error {
	sweep()
	var agents [2]*remote
	for i, h := range network.Hosts {
		r, err := begin(network.On(stage.Role(h.Name)))
		if err != nil {
			return fmt.Errorf("start an agent on the %s's host: %w", h.Name, err)
		}
		agents[i] = r
		defer r.end()
		stop := context.AfterFunc(ctx, r.hangUp)
		defer stop()
	}
	err := do(agents[0], agents[1])
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// run is Try with both agents.
func (t *Trial) run(network *netlab.Network, client, server *remote) error {
	from, to := netip.MustParseAddr(netlab.ClientAddr), netip.MustParseAddr(netlab.ServerAddr)
	opened, err := server.ask(order{Do: open, Address: netip.AddrPortFrom(to, 0), Peer: from})
	if err != nil {
		return err
	}
	t.Port, t.PID[netlab.Server] = opened.Port, opened.PID
	if opened, err = client.ask(order{Do: open, Peer: to}); err != nil {
		return err
	}
	t.PID[netlab.Client] = opened.PID
	agents := map[string]*remote{netlab.Client: client, netlab.Server: server}
	if err := t.put(agents); err != nil {
		return err
	}
	drops, err := path.OpenDrops(t.Port)
	if denied := new(path.DeniedError); err != nil && !errors.As(err, &denied) {
		return err
	}
	defer drops.Close()
	before := map[string]kernel.Counters{}
	for host := range agents {
		if before[host], err = network.Net(stage.Role(host)).Counters(); err != nil {
			return err
		}
	}
	if err := t.send(network, client, server, netip.AddrPortFrom(to, t.Port)); err != nil {
		return err
	}
	for host, a := range agents {
		now, err := network.Net(stage.Role(host)).Counters()
		if err != nil {
			return err
		}
		t.Moved[host] = now.Sub(before[host])
		r, err := a.ask(order{Do: read})
		if err != nil {
			return err
		}
		t.Aside = append(t.Aside, r.Aside...)
		for place, s := range r.Seen {
			t.Stop(place).Seen = s
		}
	}
	t.Dropped, err = dropped(drops)
	return err
}

// otherHost is why the kernel throws away a frame that is for the interface of another
// host. Where a packet socket looks on, as that of the cable does, the stack behind it gets
// the frame as well, and throws that away.
const otherHost = "OTHERHOST"

// dropped is the first drop of the packet, or nil.
func dropped(drops *path.Drops) (*path.Drop, error) {
	if drops == nil { // the kernel does not tell this user
		return nil, nil
	}
	all, err := drops.End()
	for _, d := range all {
		if d.Reason != otherHost {
			return &d, err
		}
	}
	return nil, err
}

// Stop returns the Stop at a place.
func (t *Trial) Stop(place string) *Stop {
	return &t.Stops[slices.IndexFunc(t.Stops, func(s Stop) bool { return s.Place.Name == place })]
}

// put puts something at each place, or at one alone.
func (t *Trial) put(agents map[string]*remote) error {
	asked := map[string][]put{}
	for _, p := range Places {
		t.Stops = append(t.Stops, Stop{Place: p})
		o := put{Place: p.Name, Verb: Watch, Port: t.Port}
		if p.Name == t.At {
			o.Verb, o.Unchecked, o.Generic, o.Show = t.Verb, t.Unchecked, t.Generic, true
		}
		asked[p.Host] = append(asked[p.Host], o)
	}
	for host, a := range agents {
		r, err := a.ask(order{Do: puts, Puts: asked[host]})
		if err != nil {
			return err
		}
		for _, p := range r.Puts {
			t.Stop(p.Place).Put = p
		}
	}
	if t.At == "" {
		return nil
	}
	at := t.Stop(t.At)
	if at.Means != "" {
		return nil
	}
	return unput(at.Place, t.Order, at.Failed)
}

// unput is the error of a place at which nothing could be put.
func unput(at Place, o Order, failed []Failure) error {
	for _, f := range failed {
		if f.Errno == unix.EPERM || f.Errno == unix.EACCES {
			return &DeniedError{at, o.Verb, f.Errno}
		}
	}
	return &UnableError{at, o.Verb, o.Unchecked, failed}
}

// send has the packet sent and received, and passed on where it lies on the cable.
func (t *Trial) send(network *netlab.Network, client, server *remote, to netip.AddrPort) error {
	look, err := network.Cable(wire.Order{Do: "look"})
	if err != nil {
		return err
	}
	r, err := client.ask(order{Do: send, Address: to, Data: t.Data})
	if err != nil {
		return err
	}
	t.Sent = *r.Call
	if t.Cable, err = t.onCable(network, look.Newest); err != nil {
		return err
	}
	if t.Cable != nil && t.Cable.Fate == wire.Held {
		if _, err := network.Cable(wire.Order{Do: "next", Number: t.Cable.Number}); err != nil {
			return err
		}
		if t.Cable, err = t.onCable(network, look.Newest); err != nil {
			return err
		}
	}
	if r, err = server.ask(order{Do: receive}); err != nil {
		return err
	}
	t.Received, t.Service = *r.Call, r.Service
	return nil
}

// onCable returns the packet as the cable has it, or nil.
func (t *Trial) onCable(network *netlab.Network, after int) (*wire.Packet, error) {
	r, err := network.Cable(wire.Order{Do: "record", After: after})
	if err != nil {
		return nil, err
	}
	for _, p := range r.Packets {
		p.Dissect()
		f := p.Layer("UDP").Field("destination port")
		if f == nil || p.From != netlab.Client || f.Value != fmt.Sprint(t.Port) {
			continue
		}
		return &p, nil
	}
	return nil, nil
}

// A remote is an agent as its starter has it.
type remote struct {
	line stage.Line
	pid  int

	mu    sync.Mutex
	ended bool // the descriptor of the line may be another's now
}

// begin starts an agent on a host.
func begin(on stage.Place) (*remote, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	theirs := os.NewFile(uintptr(pair[1]), "agent")
	defer theirs.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		unix.Close(pair[0])
		return nil, err
	}
	defer null.Close()
	cmd := exec.Command("/proc/self/exe", stage.Command, string(role))
	cmd.Args[0], cmd.Dir, cmd.Env = os.Args[0], "/", os.Environ()
	cmd.Stderr, cmd.ExtraFiles = null, []*os.File{theirs}
	if err := on.Start(cmd); err != nil {
		unix.Close(pair[0])
		return nil, err
	}
	return &remote{line: stage.Line{FD: pair[0]}, pid: cmd.Process.Pid}, nil
}

func (r *remote) ask(o order) (report, error) {
	var said report
	err := r.line.Write(o)
	if err == nil {
		err = r.line.Read(&said)
	}
	if err != nil {
		return said, fmt.Errorf("process %d, which sends or receives the packet, has ended", r.pid)
	}
	if said.Error != "" {
		return said, errors.New(said.Error)
	}
	return said, nil
}

// hangUp tells the agent to end. It may be called at any moment.
func (r *remote) hangUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended {
		unix.Shutdown(r.line.FD, unix.SHUT_RDWR)
	}
}

// end waits until the agent has ended, with all that it had put somewhere.
func (r *remote) end() {
	unix.Shutdown(r.line.FD, unix.SHUT_WR)
	var said report
	for r.line.Read(&said) == nil { // until it hangs up, last of all
	}
	r.mu.Lock()
	r.ended = true
	r.line.Close()
	r.mu.Unlock()
	removeCgroup(r.pid)
}
