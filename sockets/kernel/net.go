package kernel

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// A Net is a network namespace (network_namespaces(7)) as the addressee of readings:
// each namespace has its own sockets, tables, counters, settings and interfaces.
//
// The zero Net is the namespace of the thread that reads. It holds nothing: a
// reading opens what it needs and closes it again. Any other Net holds
// descriptors that were opened inside its namespace. They keep showing it to
// whoever reads them, and keep it alive, so Close ends such a Net.
//
// Several goroutines may use a Net at once; those that read one other than the
// zero Net wait for each other.
type Net struct {
	held *held // nil for the zero Net
}

// held is a namespace by descriptors. Each of them stays with one namespace:
//   - a netlink socket with that of its maker (sock_net(skb->sk) in the kernel);
//   - an open file of /proc/net with the one it was opened in (seq_open_net). The
//     directory /proc/PID/net would be empty after the process's end
//     (proc_tgid_net_lookup);
//   - a directory below /proc/sys/net with the one it was opened in, as an entry of
//     that namespace's own tree. /proc/sys/net itself belongs to no tree: a name in
//     it is looked up in the reader's namespace (sysctl_follow_link).
type held struct {
	mu     sync.Mutex     // one dump on a netlink socket at a time
	fds    map[string]int // by one of the names below
	seq    uint32         // of the last netlink request
	denied error          // why not all could be opened; nil if the kernel has no more
}

// Names of what a Net holds. The files and directories bear their own.
const (
	sockDiag  = "sock_diag(7)"
	rtnetlink = "rtnetlink(7)"
	procNet   = "/proc/net/"
	procSys   = "/proc/sys/net/"
)

// netlinkFamilies are the numbers of the netlink sockets for socket(2).
var netlinkFamilies = map[string]int{
	sockDiag:  unix.NETLINK_SOCK_DIAG,
	rtnetlink: unix.NETLINK_ROUTE,
}

// netFiles are the files of /proc/net that are read here.
var netFiles = []string{"tcp", "tcp6", "udp", "udp6", "unix", "snmp", "netstat"}

// Own returns the namespace of this process, the zero Net.
func Own() Net { return Net{} }

// Of returns the namespace of a process: Own if it is the same, else one that has
// to be closed. To enter another one takes CAP_SYS_ADMIN (setns(2)); without it
// that Net shows the tables and counters alone, and its other readings return EPERM.
// A namespace below another user namespace cannot be entered by a process with
// several threads, so a process inside sends it instead (Send, Receive). The caller
// needs the right to ptrace the process (ptrace(2), PTRACE_MODE_READ).
func Of(pid int) (Net, error) {
	path := fmt.Sprintf("/proc/%d/ns/net", pid)
	theirs, err := readLink(path)
	if err != nil {
		return Net{}, err
	}
	ours, err := readLink("/proc/thread-self/ns/net")
	if err != nil {
		return Net{}, err
	}
	if theirs == ours {
		return Own(), nil
	}
	ns, err := openFile(path, 0)
	if err != nil {
		return Net{}, err
	}
	defer unix.Close(ns)
	var n Net
	onItsOwnThread(func() {
		if err = unix.Setns(ns, unix.CLONE_NEWNET); err != nil {
			err = fmt.Errorf("setns %s: %w", path, err)
			return
		}
		n, err = OpenNet()
	})
	if errors.Is(err, unix.EPERM) {
		return hold(func(h *held) error {
			h.denied = err
			return h.openFiles(fmt.Sprintf("/proc/%d/net/", pid))
		})
	}
	return n, err
}

// onItsOwnThread runs f on a thread that ends with it, since a change of namespace
// stays with a thread. It is never the main one, which would not end, and which
// /proc/PID stands for.
func onItsOwnThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			defer runtime.UnlockOSThread()
			onItsOwnThread(f) // held here, the main thread cannot be taken again
			return
		}
		f()
	}()
	<-done
}

// OpenNet opens the namespace of the calling thread, to be read from elsewhere:
// by another thread or, after Send, by a process of another namespace. Tables and
// settings that this kernel does not have are left out.
func OpenNet() (Net, error) {
	return hold(func(h *held) error {
		return errors.Join(h.openNetlink(), h.openFiles("/proc/thread-self/net/"), h.openSysctls())
	})
}

// hold returns a Net of what open opens, or nothing of it after an error.
func hold(open func(*held) error) (Net, error) {
	h := &held{fds: make(map[string]int)}
	if err := open(h); err != nil {
		h.close()
		return Net{}, err
	}
	return Net{held: h}, nil
}

func (h *held) openNetlink() error {
	for name := range netlinkFamilies {
		fd, err := netlinkSocket(name)
		if err != nil {
			return err
		}
		h.fds[name] = fd
	}
	return nil
}

// openFiles opens netFiles in a directory, which is one process's or thread's.
func (h *held) openFiles(dir string) error {
	for _, name := range netFiles {
		if err := h.add(procNet+name, dir+name, 0); err != nil {
			return err
		}
	}
	return nil
}

func (h *held) openSysctls() error {
	dirs, err := readNames(procSys)
	if err != nil {
		return err
	}
	for _, name := range dirs {
		if err := h.add(procSys+name, procSys+name, unix.O_DIRECTORY); err != nil {
			return err
		}
	}
	return nil
}

// add opens a path under a name, unless it is not there or not a directory.
func (h *held) add(name, path string, flags int) error {
	fd, err := openFile(path, flags)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	if err == nil {
		h.fds[name] = fd
	}
	return err
}

// fd returns the descriptor of a name, or the error that kept it from being opened.
func (h *held) fd(name string) (int, error) {
	if fd, ok := h.fds[name]; ok {
		return fd, nil
	}
	if h.denied != nil {
		return -1, fmt.Errorf("%s: %w", name, h.denied)
	}
	return -1, fmt.Errorf("open %s: %w", name, unix.ENOENT)
}

func (h *held) close() {
	for _, fd := range h.fds {
		unix.Close(fd)
	}
	clear(h.fds)
}

// Close closes what the Net holds; the zero Net holds nothing.
func (n Net) Close() {
	if n.held == nil {
		return
	}
	n.held.mu.Lock()
	defer n.held.mu.Unlock()
	n.held.close()
}

// Send gives another process the descriptors of a Net from OpenNet, over a
// connected Unix socket on which nothing else is under way (SCM_RIGHTS, unix(7)). They
// are the same open sockets and files: only one of the two may read by them from then
// on, so the sender closes its own.
func (n Net) Send(socket int) error {
	if n.held == nil {
		return fmt.Errorf("the reader's own network namespace is not sent: %w", unix.EINVAL)
	}
	n.held.mu.Lock()
	defer n.held.mu.Unlock()
	names := slices.Sorted(maps.Keys(n.held.fds))
	fds := make([]int, len(names))
	for i, name := range names {
		fds[i] = n.held.fds[name]
	}
	for {
		err := unix.Sendmsg(socket, []byte(strings.Join(names, "\n")), unix.UnixRights(fds...), nil, unix.MSG_NOSIGNAL)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("sendmsg: %w", err)
		}
		return nil
	}
}

// Receive takes the Net that another process sends with Send.
func Receive(socket int) (Net, error) {
	const most = 64 // descriptors; a Net has about 15
	names, rights := make([]byte, 4096), make([]byte, unix.CmsgSpace(4*most))
	for {
		n, m, flags, _, err := unix.Recvmsg(socket, names, rights, unix.MSG_CMSG_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return Net{}, fmt.Errorf("recvmsg: %w", err)
		}
		fds, err := parseRights(rights[:m])
		h := &held{fds: make(map[string]int)}
		all := strings.Split(string(names[:n]), "\n")
		if err != nil || flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 || len(fds) != len(all) {
			for _, fd := range fds {
				unix.Close(fd)
			}
			return Net{}, errors.Join(fmt.Errorf("no network namespace was sent: %d names, %d descriptors", len(all), len(fds)), err)
		}
		for i, fd := range fds {
			h.fds[all[i]] = fd
		}
		return Net{held: h}, nil
	}
}

// parseRights returns the descriptors of a control message; there are none where
// the other end has closed.
func parseRights(b []byte) ([]int, error) {
	messages, err := unix.ParseSocketControlMessage(b)
	if err != nil {
		return nil, err
	}
	var all []int
	for _, message := range messages {
		fds, err := unix.ParseUnixRights(&message)
		if err != nil {
			return all, err
		}
		all = append(all, fds...)
	}
	return all, nil
}

// file reads one of netFiles.
func (n Net) file(name string) ([]byte, error) {
	if n.held == nil {
		return readFile("/proc/thread-self/net/" + name)
	}
	n.held.mu.Lock()
	defer n.held.mu.Unlock()
	fd, err := n.held.fd(procNet + name)
	if err != nil {
		return nil, err
	}
	return readAll(fd, procNet+name)
}
