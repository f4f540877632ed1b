package netlab

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets/kernel"
	"fd3/sockets/stage"
	"fd3/sockets/wire"
)

// ErrNone says that no network of that name is up.
var ErrNone = stage.ErrNone

// Options are how a network is made.
type Options struct {
	RealTimers bool          // TCP's timers stay as they are, and fire while a packet is held
	Router     int           // a router stands before the server, which forwards no packet of more bytes; 0: none does
	Idle       time.Duration // how long it stays when nobody has it open; 0: stage.IdleEnd
}

// Up makes sure that a network of the name is up, and reports whether it had to make it
// and whether an earlier one had crashed. What the machine denies is a *DeniedError.
func Up(name string, o Options) (started, crashed bool, err error) {
	started, crashed, err = keeperOf(name, apart{o}).Start(cmp.Or(o.Idle, stage.IdleEnd))
	var failed *stage.StartError
	if errors.As(err, &failed) {
		denied := new(DeniedError)
		if json.Unmarshal([]byte(failed.Said), denied) == nil {
			return started, crashed, denied
		}
	}
	var denied *DeniedError
	if errors.As(err, &denied) {
		return started, crashed, denied
	}
	return started, crashed, err
}

// Down ends a network and everything on its hosts. It fails with ErrNone where there is
// none.
func Down(ctx context.Context, name string) (stage.Farewell, error) {
	return keeperOf(name, nil).Quit(ctx)
}

// Crashed reports whether a network of the name has ended without a goodbye; once.
func Crashed(name string) bool { return keeperOf(name, nil).Crashed() }

func keeperOf(name string, in stage.Place) stage.Remote {
	return stage.Remote{Name: name, Role: role, In: in}
}

// apart is where a keeper is started: in namespaces of its own.
type apart struct{ Options }

// Start starts the keeper in a network namespace, and in a user namespace too where the
// user is not root, or where root may not make one without.
func (a apart) Start(cmd *exec.Cmd) error {
	if a.RealTimers {
		cmd.Env = append(cmd.Env, realTimers+"=1")
	}
	if a.Router > 0 {
		cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%d", routerMTU, a.Router))
	}
	if os.Geteuid() == 0 {
		if err := startIn(cmd, unix.CLONE_NEWNET); err == nil || !errors.Is(err, unix.EPERM) {
			return step("clone(CLONE_NEWNET)", err)
		}
	}
	return step("clone(CLONE_NEWUSER|CLONE_NEWNET)", startIn(cmd, unix.CLONE_NEWUSER|unix.CLONE_NEWNET))
}

// startIn starts a copy of a command in new namespaces: a command can be started once.
func startIn(cmd *exec.Cmd, flags uintptr) error {
	attr := *cmd.SysProcAttr
	attr.Cloneflags = flags
	if flags&unix.CLONE_NEWUSER != 0 { // its user is root there, and may do with these networks what root may
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	begun := exec.Command(cmd.Path, cmd.Args[1:]...)
	begun.Args, begun.Env, begun.Dir, begun.Stderr, begun.ExtraFiles, begun.SysProcAttr = cmd.Args, cmd.Env, cmd.Dir, cmd.Stderr, cmd.ExtraFiles, &attr
	err := begun.Start()
	cmd.Process = begun.Process
	return err
}

// A Network is one that is up, as a command sees it.
type Network struct {
	State
	name string
	line *stage.Line
	nets map[stage.Role]kernel.Net
}

// Open finds the network of a name. It fails with ErrNone where there is none.
func Open(name string) (*Network, error) {
	line, err := keeperOf(name, nil).Dial()
	if err != nil {
		return nil, err
	}
	n := &Network{name: name, line: line, nets: make(map[stage.Role]kernel.Net)}
	patience := unix.NsecToTimeval(stage.Patience.Nanoseconds())
	unix.SetsockoptTimeval(line.FD, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience)
	r, err := n.ask(order{Do: state})
	if err == nil {
		n.State = *r.State
		err = n.receive()
	}
	if err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

// receive takes the Net of each host, and that of the router.
func (n *Network) receive() error {
	if err := n.line.Write(order{Do: nets, Version: stage.Version()}); err != nil {
		return err
	}
	hosts := n.Hosts
	if n.Router != nil {
		hosts = append(slices.Clone(hosts), *n.Router)
	}
	for _, h := range hosts {
		net, err := kernel.Receive(n.line.FD)
		if err != nil {
			return err
		}
		n.nets[stage.Role(h.Name)] = net
	}
	_, err := n.answer()
	return err
}

// Close lets go of the network, which stays up.
func (n *Network) Close() {
	for _, net := range n.nets {
		net.Close()
	}
	n.line.Close()
}

// ask sends an order and returns the answer.
func (n *Network) ask(o order) (report, error) {
	o.Version = stage.Version()
	if err := n.line.Write(o); err != nil {
		return report{}, err
	}
	return n.answer()
}

func (n *Network) answer() (report, error) {
	var r report
	err := n.line.Read(&r)
	switch {
	case errors.Is(err, unix.EAGAIN):
		return r, keeperOf(n.name, nil).Silence(false)
	case err != nil:
		return r, &stage.EndedError{Role: role}
	case r.Version != stage.Version():
		return r, &stage.VersionError{Role: role, PID: r.PID, Version: r.Version}
	case r.Error != "":
		return r, errors.New(r.Error)
	}
	return r, nil
}

// Net returns the network namespace of a host. It is closed with the Network.
func (n *Network) Net(on stage.Role) kernel.Net { return n.nets[on] }

// Cable does something with the cable, and returns what came of it.
func (n *Network) Cable(o wire.Order) (wire.Report, error) {
	r, err := n.ask(order{Do: cable, Cable: &o})
	if r.Cable == nil {
		return wire.Report{}, err
	}
	return *r.Cable, err
}

// Links reads the interfaces of the hosts.
func (n *Network) Links() ([]Link, error) {
	r, err := n.ask(order{Do: links})
	return r.Links, err
}

// Shape changes the interfaces of the hosts, and reads them.
func (n *Network) Shape(s Shape) ([]Link, error) {
	r, err := n.ask(order{Do: shape, Shape: &s})
	return r.Links, err
}

// On returns the place of what is started on a host.
func (n *Network) On(on stage.Role) stage.Place { return place{n, on} }

// A place is a host, where the keeper starts processes: they are its children.
type place struct {
	*Network
	host stage.Role
}

// Start has the keeper start a command of this program.
func (p place) Start(cmd *exec.Cmd) error {
	stderr, ok := cmd.Stderr.(*os.File)
	if !ok {
		return fmt.Errorf("start %s on the %s's host: no file for its standard error", cmd.Path, p.host)
	}
	o := order{Do: start, Host: string(p.host), Command: &command{Args: cmd.Args, Env: cmd.Env, Dir: cmd.Dir}}
	if _, err := p.ask(o); err != nil {
		return err
	}
	if err := sendFiles(p.line, append([]*os.File{stderr}, cmd.ExtraFiles...)); err != nil {
		return err
	}
	r, err := p.answer()
	if err != nil {
		return err
	}
	cmd.Process, err = os.FindProcess(r.Started)
	return err
}

// Ended returns a channel that is closed when the network ends while the Network is
// open.
func (n *Network) Ended() <-chan struct{} {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for {
			hup := []unix.PollFd{{Fd: int32(n.line.FD), Events: unix.POLLRDHUP}}
			if ready, err := unix.Poll(hup, int(time.Hour.Milliseconds())); ready > 0 || err != nil && err != unix.EINTR {
				return
			}
		}
	}()
	return gone
}
