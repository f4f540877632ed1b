package netlab

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets/stage"
	"fd3/sockets/wire"
)

// role is that of the keeper among the background processes of a stage's name.
const role stage.Role = "network"

// Become is the whole life of a keeper, or of its guard, where the arguments of this process
// say that it is one. Otherwise it does nothing. A program that makes networks calls it in
// main before stage.Become.
func Become() {
	if len(os.Args) != 5 || os.Args[1] != stage.Command {
		return
	}
	switch os.Args[2] {
	case guardRole:
		stand(os.Args[4])
		os.Exit(0)
	case string(role):
	default:
		return
	}
	idle, err := time.ParseDuration(os.Args[4])
	if err != nil {
		return
	}
	os.Exit(live(os.Args[3], idle))
}

// realTimers is the environment variable that says that a keeper is to leave the timers of
// TCP as they are.
const realTimers = "FD3_REAL_TIMERS"

// routerMTU is the one that says that there is to be a router, and the MTU of its routes.
const routerMTU = "FD3_ROUTER_MTU"

// A keeper owns a network.
type keeper struct {
	file     stage.SocketFile // the control socket
	listener int
	idle     time.Duration
	started  time.Time
	calm     bool
	hosts    []*host
	router   *host // or nil
	place    Host  // where the cable is
	cable    *wire.Cable
	shaping  sync.Mutex // one changes the interfaces at a time
	netem    bool       // it stands at the ends of the cable
	end      func()

	mu   sync.Mutex
	open int       // lines
	used time.Time // when one last began or ended
}

// live makes the network and keeps it until it is told to quit, gets SIGTERM, or has
// been idle for so long. Its exit code says whether there was one.
func live(path string, idle time.Duration) (code int) {
	signal.Ignore(unix.SIGHUP, unix.SIGINT)
	unix.Prctl(unix.PR_SET_PTRACER, ^uintptr(0), 0, 0, 0) // where Yama restricts ptrace(2)
	k := &keeper{file: stage.FileAt(path), listener: 3, idle: idle, started: time.Now(), used: time.Now(), calm: os.Getenv(realTimers) == ""}
	over := make(chan struct{})
	k.end = sync.OnceFunc(func() { close(over) })
	if err := k.build(); err != nil {
		complain(err)
		k.file.Remove()
		return 1
	}
	namespaces := []uint64{k.place.Inode, k.hosts[0].Inode, k.hosts[1].Inode}
	if k.router != nil {
		namespaces = append(namespaces, k.router.Inode)
	}
	guard, err := startGuard(path, namespaces...)
	if err != nil {
		complain(err)
		k.file.Remove()
		return 1
	}
	unguarded := make(chan struct{})
	go func() {
		guard.wait()
		k.end()
		close(unguarded)
	}()
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, unix.SIGTERM)
	go func() {
		<-terminate
		k.end()
	}()
	go func() {
		k.cable.Carry() // which returns when it cannot go on
		k.end()
	}()
	go k.serve()
	stage.SayAlive()
	<-over
	k.file.Remove()
	guard.clear()
	<-unguarded
	clearHosts(0, namespaces...) // where the guard was killed
	return 0
}

// complain tells the starter why there is no network, in one line.
func complain(err error) {
	if denied, ok := err.(*DeniedError); ok {
		text, _ := json.Marshal(denied)
		err = fmt.Errorf("%s", text)
	}
	fmt.Fprintln(os.Stderr, err)
}

// build makes the hosts and the cable between them.
func (k *keeper) build() error {
	quietIPv6()
	runtime.LockOSThread() // no host takes this thread
	var err error
	if k.place, err = here(AtCable); err != nil {
		return err
	}
	mtu, _ := strconv.Atoi(os.Getenv(routerMTU))
	if mtu > 0 {
		if k.router, err = newHost(Router, RouterAddr); err != nil {
			return err
		}
	}
	var ends [2]wire.End
	for i, h := range []Host{{Name: Client, Addr: ClientAddr}, {Name: Server, Addr: ServerAddr}} {
		made, err := newHost(h.Name, h.Addr)
		if err != nil {
			return err
		}
		k.hosts = append(k.hosts, made)
		ends[i].Name, ends[i].State = h.Name, made.tcpState
		plugged := made
		if h.Name == Server && k.router != nil {
			plugged = k.router
			if err := k.router.joined(made); err != nil {
				return err
			}
		}
		if ends[i].Socket, err = plugged.plug(h.Name); err != nil {
			return err
		}
	}
	for _, h := range k.hosts {
		if err := h.do(func() error { return h.up(k.calm) }); err != nil {
			return err
		}
	}
	if k.router != nil {
		if err := k.router.do(func() error { return k.router.forwards(mtu) }); err != nil {
			return err
		}
	}
	k.cable = wire.NewCable(ends, k.calm)
	return nil
}

// serve answers who connects to the control socket, until nobody has for too long.
func (k *keeper) serve() {
	for {
		left := time.Until(k.endsIdle())
		if left <= 0 {
			k.end()
			return
		}
		ready, err := unix.Poll([]unix.PollFd{{Fd: int32(k.listener), Events: unix.POLLIN}}, int(left.Milliseconds())+1)
		if err != nil && err != unix.EINTR {
			k.end()
			return
		}
		if ready <= 0 {
			continue
		}
		fd, _, err := unix.Accept4(k.listener, unix.SOCK_CLOEXEC)
		if err != nil {
			unix.Poll(nil, 20) // no descriptor is free, as in a stage: somebody has to close one
			continue
		}
		if !stage.SameUser(fd) {
			unix.Close(fd)
			continue
		}
		k.connected(+1)
		go func() {
			l := &stage.Line{FD: fd}
			k.answer(l)
			k.connected(-1)
			l.Close()
		}()
	}
}

func (k *keeper) connected(by int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.open += by
	k.used = time.Now()
}

// endsIdle is when the network ends if nothing is asked of it from now on. Who is on a
// host, or looks at it, asks for something.
func (k *keeper) endsIdle() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.open > 0 {
		return time.Now().Add(k.idle)
	}
	return k.used.Add(k.idle)
}

// answer reads orders from one line and answers each.
func (k *keeper) answer(l *stage.Line) {
	for {
		var o order
		if err := l.Read(&o); err != nil {
			return
		}
		r := report{Version: stage.Version(), PID: os.Getpid()}
		switch {
		case o.Do == quit:
			k.file.Remove() // before the answer, so that a new one can start at once
			r.Bye = true
			l.Write(r)
			k.end()
			return
		case o.Version != stage.Version():
			r.Error = "version"
			l.Write(r)
			return
		}
		if err := k.obey(l, o, &r); err != nil {
			r.Error = err.Error()
		}
		if err := l.Write(r); err != nil {
			return
		}
	}
}

// obey does what an order says.
func (k *keeper) obey(l *stage.Line, o order, r *report) error {
	switch {
	case o.Do == state:
		r.State = k.state()
	case o.Do == nets:
		for _, h := range k.all() {
			if err := h.give(l); err != nil {
				return err
			}
		}
	case o.Do == start && o.Command != nil:
		pid, err := k.launch(l, o)
		r.Started = pid
		return err
	case o.Do == cable && o.Cable != nil:
		todo, without := *o.Cable, ""
		if todo.Do == "flow" {
			k.shaping.Lock()
			defer k.shaping.Unlock()
			var err error
			if todo, without, err = k.flow(todo); err != nil {
				return err
			}
		}
		did, err := k.cable.Do(todo)
		did.Netem, did.NoNetem = todo.Netem, without
		r.Cable = &did
		return err
	case o.Do == shape && o.Shape != nil:
		if err := k.shape(*o.Shape); err != nil {
			return err
		}
		return k.links(r)
	case o.Do == links:
		return k.links(r)
	default:
		return fmt.Errorf("%w: %q", stage.ErrUnknownOrder, o.Do)
	}
	return nil
}

// all are the hosts, and then the router, if there is one.
func (k *keeper) all() []*host {
	if k.router == nil {
		return k.hosts
	}
	return append(slices.Clone(k.hosts), k.router)
}

// shape changes the interfaces of all hosts, or of none.
func (k *keeper) shape(s Shape) error {
	k.shaping.Lock()
	defer k.shaping.Unlock()
	if err := s.Check(); err != nil {
		return err
	}
	if s.Rate != nil && *s.Rate > 0 && s.At == AtCable && k.netem {
		return errors.New("netem stands at the cable, where the rate would be kept: fd3 wire flow takes it away")
	}
	if s.Qdisc != "" {
		if err := try(s.Qdisc); err != nil {
			return err
		}
	}
	for _, h := range k.hosts {
		if err := h.shape(s); err != nil {
			return err
		}
	}
	if k.router != nil && s.MTU != 0 {
		return k.router.narrow(s.MTU)
	}
	return nil
}

// links reads the interfaces of the hosts, and then the ends of the cable that have a queue.
func (k *keeper) links(r *report) error {
	var ends []Link
	for _, h := range k.hosts {
		all, err := h.links()
		if err != nil {
			return err
		}
		r.Links = append(r.Links, all[0])
		ends = append(ends, all[1:]...)
	}
	r.Links = append(r.Links, ends...)
	return nil
}

func (k *keeper) state() *State {
	s := &State{PID: os.Getpid(), Started: k.started, EndsIdle: time.Now().Add(k.idle), Calm: k.calm, Own: ownUser(), Cable: k.place}
	for _, h := range k.hosts {
		s.Hosts = append(s.Hosts, h.Host)
	}
	if k.router != nil {
		s.Router, s.RouterMTU = &k.router.Host, k.router.routeMTU()
	}
	return s
}

// launch starts a command on a host. Its files follow the order.
func (k *keeper) launch(l *stage.Line, o order) (pid int, err error) {
	var on *host
	for _, h := range k.hosts {
		if h.Name == o.Host {
			on = h
		}
	}
	if err := l.Write(report{Version: stage.Version(), PID: os.Getpid()}); err != nil { // the files, now
		return 0, err
	}
	files, err := receiveFiles(l)
	if err != nil {
		return 0, err
	}
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	if on == nil || len(o.Command.Args) == 0 {
		return 0, fmt.Errorf("no command for the host %q", o.Host)
	}
	cmd := exec.Command("/proc/self/exe", o.Command.Args[1:]...)
	cmd.Args[0], cmd.Env, cmd.Dir = o.Command.Args[0], o.Command.Env, o.Command.Dir
	cmd.Stderr, cmd.ExtraFiles = files[0], files[1:]
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: unix.SIGKILL}
	if err := on.start(cmd); err != nil {
		return 0, err
	}
	go cmd.Wait()
	return cmd.Process.Pid, nil
}

// ownUser reports whether this process is in a user namespace of its own: uid 0 there is
// another one outside (user_namespaces(7)).
func ownUser() bool {
	text, err := os.ReadFile("/proc/self/uid_map")
	var inside, outside, count uint64
	if err == nil {
		fmt.Sscan(string(text), &inside, &outside, &count)
	}
	return count != 1<<32-1
}
