package netlab

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"fd3/sockets/kernel"
	"fd3/sockets/stage"
	"fd3/sockets/wire"
)

// A Host is one of the two of a network, or where the cable is.
type Host struct {
	Name  string `json:"name"`  // client or server: also the role of the stage that stands on it; AtCable
	Addr  string `json:"addr"`  // its IPv4 address; the cable has none
	TID   int    `json:"tid"`   // of the keeper's thread that is in its network namespace
	Inode uint64 `json:"inode"` // of that namespace, as in /proc/PID/ns/net
}

// The hosts, with the addresses that they have in every network.
const (
	Client, ClientAddr = "client", "10.0.0.1"
	Server, ServerAddr = "server", "10.0.0.2"
)

// device is the name of a host's one interface besides lo.
const device = "net0"

// A host is what the keeper has of a Host.
type host struct {
	Host
	jobs chan func() // done by the thread that is in its namespace
	ns   int         // the namespace, by descriptor
	net  kernel.Net  // for the cable, to be read on any thread
}

// newHost makes a network namespace, and a thread that stays in it: the parent of what
// is started on the host, which ends with it.
func newHost(name, addr string) (*host, error) {
	h := &host{Host: Host{Name: name, Addr: addr}, jobs: make(chan func()), ns: -1}
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // for ever
		err := h.enter()
		made <- err
		if err != nil {
			return
		}
		for job := range h.jobs {
			job()
		}
	}()
	return h, <-made
}

// here is a Host in the namespace of the calling thread.
func here(name string) (Host, error) {
	var st unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &st); err != nil {
		return Host{}, step("stat(2) of a namespace", err)
	}
	return Host{Name: name, TID: unix.Gettid(), Inode: st.Ino}, nil
}

// enter makes the namespace that the calling thread is in from then on.
func (h *host) enter() (err error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return step("unshare(CLONE_NEWNET)", err)
	}
	if h.ns, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
		return step("open /proc/thread-self/ns/net", err)
	}
	addr := h.Addr
	if h.Host, err = here(h.Name); err != nil {
		return err
	}
	h.Addr = addr
	if h.net, err = kernel.OpenNet(); err != nil {
		return step("sock_diag(7) of a host", err)
	}
	quietIPv6()
	sysctl("net.ipv4.ping_group_range", "0 0") // ping(8) without a capability
	return nil
}

// do has the host's thread run f, and waits.
func (h *host) do(f func() error) error {
	done := make(chan error)
	h.jobs <- func() { done <- f() }
	return <-done
}

// give sends a Net of the host over a line. It is a fresh one: two processes that read the
// same netlink socket would take each other's answers.
func (h *host) give(l *stage.Line) error {
	var net kernel.Net
	err := h.do(func() (err error) {
		net, err = kernel.OpenNet()
		return err
	})
	if err != nil {
		return err
	}
	defer net.Close()
	return net.Send(l.FD)
}

// start starts a command on the host. The kernel kills it when the keeper ends.
func (h *host) start(cmd *exec.Cmd) error { return h.do(cmd.Start) }

// quietIPv6 keeps the kernel from sending of its own accord, in the namespace of the
// calling thread, for interfaces that are made later: router solicitations, group
// reports.
func quietIPv6() {
	sysctl("net.ipv6.conf.all.disable_ipv6", "1")
	sysctl("net.ipv6.conf.default.disable_ipv6", "1")
}

// sysctl sets a value where there is one and it may be set; in a container /proc/sys may
// be read-only. The network works without each of them.
func sysctl(name, value string) {
	os.WriteFile("/proc/sys/"+strings.ReplaceAll(name, ".", "/"), []byte(value), 0)
}

// up gives the host its address and its routes.
func (h *host) up(calm bool) error {
	for _, name := range []string{"lo", device} {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return step("RTM_GETLINK "+name, err)
		}
		if name == device {
			addr, err := netlink.ParseAddr(h.Addr + "/24")
			if err != nil {
				return err
			}
			if err := netlink.AddrAdd(link, addr); err != nil {
				return step("RTM_NEWADDR", err)
			}
		}
		if err := netlink.LinkSetUp(link); err != nil {
			return step(fmt.Sprintf("RTM_NEWLINK, %s up", name), err)
		}
	}
	return h.routes(calm)
}

// network is that of the hosts. Besides to it the cable leads to wire.Invented, and there is
// no default route: a program that looks a name up would wait for an answer.
const network = "10.0.0.0/24"

// routes adds a route to what is invented. With calm the timers of TCP wait for a
// person: data are sent again after a minute at the earliest (rto_min), no probe is sent
// after the last segment, and a handshake is not given up.
func (h *host) routes(calm bool) error {
	link, err := netlink.LinkByName(device)
	if err != nil {
		return step("RTM_GETLINK "+device, err)
	}
	to, err := netlink.ParseIPNet(wire.Invented.String())
	if err != nil {
		return err
	}
	if err := netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Scope: netlink.SCOPE_LINK, Dst: to}); err != nil {
		return step("RTM_NEWROUTE", err)
	}
	if !calm {
		return nil
	}
	sysctl("net.ipv4.tcp_early_retrans", "0")
	sysctl("net.ipv4.tcp_syn_retries", "127") // the most that there may be: no handshake is given up
	sysctl("net.ipv4.tcp_synack_retries", "255")
	own, err := netlink.ParseAddr(h.Addr + "/24")
	if err != nil {
		return err
	}
	if to, err = netlink.ParseIPNet(network); err != nil {
		return err
	}
	const calmly = 60_000 // milliseconds
	err = netlink.RouteReplace(&netlink.Route{LinkIndex: link.Attrs().Index, Scope: netlink.SCOPE_LINK, Dst: to, Src: own.IP,
		Protocol: unix.RTPROT_KERNEL, RtoMin: calmly, RtoMinLock: true})
	return step("RTM_NEWROUTE, rto_min", err)
}

// tcpState is the state of a host's end of a connection, by its addresses; empty where
// the kernel has no such socket.
func (h *host) tcpState(local, remote netip.AddrPort) string {
	table, err := h.net.TCP()
	if err != nil {
		return ""
	}
	if row := table.Find(local, remote); row != nil {
		return row.State.String()
	}
	if row := table.Listener(local); row != nil {
		return row.State.String()
	}
	return ""
}
