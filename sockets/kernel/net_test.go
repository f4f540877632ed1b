package kernel

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// away is what a child has in a network namespace of its own: a listener with one
// connection in its queue, a UDP socket, a Unix listener, and two settings.
type away struct {
	Denied string // why it could not be made: a system may allow a namespace, and nothing in it
	Addr   netip.AddrPort
	Client netip.AddrPort
	UDP    netip.AddrPort
	Name   string
}

const awayBacklog, awaySomaxconn = 5, 77

// goAway is the child. It sends its Net over descriptor 3, if there is one.
func goAway() (a away) {
	_, handed := unix.GetsockoptInt(3, unix.SOL_SOCKET, unix.SO_DOMAIN) // before a socket of its own is 3
	must := func(doing string, err error) {
		if err != nil && a.Denied == "" {
			a.Denied = fmt.Sprintf("%s: %v", doing, err)
		}
	}
	must("lo up", loopbackUp())
	for path, value := range map[string]int{"core/somaxconn": awaySomaxconn, "ipv4/conf/lo/rp_filter": 1} {
		must(path, setSysctl(path, value))
	}

	at := func(fd int) netip.AddrPort {
		sa, err := unix.Getsockname(fd)
		must("getsockname", err)
		in, _ := sa.(*unix.SockaddrInet4)
		return netip.AddrPortFrom(netip.AddrFrom4(in.Addr), uint16(in.Port))
	}
	made := func(family, kind int, sa unix.Sockaddr) int {
		fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, 0)
		must("socket", err)
		must("bind", unix.Bind(fd, sa))
		return fd
	}
	local := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	listening := made(unix.AF_INET, unix.SOCK_STREAM, local)
	must("listen", unix.Listen(listening, awayBacklog))
	a.Addr = at(listening)
	client := made(unix.AF_INET, unix.SOCK_STREAM, local)
	must("connect", unix.Connect(client, sockaddr(a.Addr)))
	a.Client = at(client)
	a.UDP = at(made(unix.AF_INET, unix.SOCK_DGRAM, local))
	a.Name = fmt.Sprintf("@fd3-away-%d", unix.Getpid())
	must("listen", unix.Listen(made(unix.AF_UNIX, unix.SOCK_STREAM, &unix.SockaddrUnix{Name: a.Name}), 1))

	if handed == nil {
		n, err := OpenNet()
		must("OpenNet", err)
		must("Send", n.Send(3))
		n.Close()
	}
	return a
}

// ownNet has a child live in namespaces of its own: in a user namespace as root, so that
// execve(2) does not take its capabilities.
func ownNet(flags uintptr) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: flags}
	if flags&unix.CLONE_NEWUSER != 0 {
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: unix.Getuid(), Size: 1}}
	}
	return attr
}

// startAway starts the child, which with a user namespace of its own sends its Net.
func startAway(t *testing.T, flags uintptr) (int, away, Net) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	var extra []uintptr
	if flags&unix.CLONE_NEWUSER != 0 {
		extra = []uintptr{uintptr(pair[1])}
	}
	pid, line := start(t, "away", ownNet(flags), extra...)
	unix.Close(pair[1])
	var a away
	if err := json.Unmarshal([]byte(line), &a); err != nil {
		t.Fatal(line, err)
	}
	if a.Denied != "" {
		t.Skipf("a network namespace of its own, but: %s", a.Denied)
	}
	if extra == nil {
		return pid, a, Net{}
	}
	n, err := Receive(pair[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return pid, a, n
}

// inside runs a command in the child's namespaces and returns its lines.
func inside(t *testing.T, pid int, command ...string) []string {
	t.Helper()
	args := []string{fmt.Sprintf("--net=/proc/%d/ns/net", pid)}
	if unix.Getuid() != 0 {
		args = append(args, fmt.Sprintf("--user=/proc/%d/ns/user", pid), "--preserve-credentials")
	}
	for _, program := range []string{"nsenter", command[0]} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	out, err := exec.Command("nsenter", append(args, command...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", command, err, out)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// ssPairs are the two addresses of each line of ss.
func ssPairs(t *testing.T, lines []string) (pairs []string) {
	t.Helper()
	for _, line := range lines {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			t.Fatalf("ss says %q", line)
		}
		pairs = append(pairs, fields[3]+" "+fields[4])
	}
	slices.Sort(pairs)
	return pairs
}

func tablePairs(rows InetTable) (pairs []string) {
	for _, row := range rows {
		remote := row.Remote.String()
		if row.Remote.Port() == 0 {
			remote = row.Remote.Addr().String() + ":*"
		}
		pairs = append(pairs, row.Local.String()+" "+remote)
	}
	slices.Sort(pairs)
	return pairs
}

// Each reading of a Net is about that namespace alone, as ss, nstat and ip see it
// from inside.
func TestNetsDoNotMix(t *testing.T) {
	t.Run("entered", func(t *testing.T) {
		if unix.Getuid() != 0 {
			t.Skip("entering a network namespace takes root")
		}
		pid, a, _ := startAway(t, unix.CLONE_NEWNET)
		there, err := Of(pid)
		if err != nil {
			t.Fatal(err)
		}
		defer there.Close()
		doNotMix(t, pid, a, there)
	})
	t.Run("sent from inside", func(t *testing.T) {
		pid, a, there := startAway(t, unix.CLONE_NEWUSER|unix.CLONE_NEWNET)
		doNotMix(t, pid, a, there)
	})
}

func doNotMix(t *testing.T, pid int, a away, there Net) {
	here := Own()
	_, addr := listener(t, unix.AF_INET, 9)
	name := fmt.Sprintf("@fd3-here-%d", unix.Getpid())
	local := socket(t, unix.AF_UNIX, unix.SOCK_STREAM)
	if err := unix.Bind(local, &unix.SockaddrUnix{Name: name}); err != nil {
		t.Fatal(err)
	}
	udp := bind(t, socket(t, unix.AF_INET, unix.SOCK_DGRAM), unix.AF_INET)

	for _, side := range []struct {
		Net
		name       string
		has, hasNo netip.AddrPort
		udp, noUDP netip.AddrPort
		unix       string
		noUnix     string
		backlog    uint32
	}{
		{here, "here", addr, a.Addr, udp, a.UDP, name, a.Name, 9},
		{there, "there", a.Addr, addr, a.UDP, udp, a.Name, name, awayBacklog},
	} {
		tcp, err := side.TCP()
		if err != nil {
			t.Fatal(side.name, err)
		}
		if row := tcp.Listener(side.has); row == nil || row.WQueue != side.backlog {
			t.Errorf("%s, a listener at %v: %+v", side.name, side.has, row)
		}
		if row := tcp.Listener(side.hasNo); row != nil {
			t.Errorf("%s, the other's listener at %v: %+v", side.name, side.hasNo, row)
		}
		if listeners, err := side.TCP(Listen); err != nil || listeners.Listener(side.has) == nil || len(listeners) > len(tcp) {
			t.Errorf("%s, in LISTEN: %+v, %v", side.name, listeners, err)
		}
		if datagrams, err := side.UDP(); err != nil || datagrams.Find(side.udp, netip.AddrPort{}) == nil || datagrams.Find(side.noUDP, netip.AddrPort{}) != nil {
			t.Errorf("%s, UDP: %+v, %v", side.name, datagrams, err)
		}
		locals, err := side.Unix()
		if err != nil || !slices.ContainsFunc(locals, func(s UnixSocket) bool { return s.Path == side.unix }) ||
			slices.ContainsFunc(locals, func(s UnixSocket) bool { return s.Path == side.noUnix }) {
			t.Errorf("%s, Unix: %+v, %v", side.name, locals, err)
		}
		rows, err := side.Table("tcp")
		if err != nil || !slices.ContainsFunc(rows, func(r Row) bool { return r.Local == side.has }) ||
			slices.ContainsFunc(rows, func(r Row) bool { return r.Local == side.hasNo && r.State == Listen }) {
			t.Errorf("%s, /proc/net/tcp: %+v, %v", side.name, rows, err)
		}
		names, err := side.UnixTable()
		if err != nil || !slices.ContainsFunc(names, func(r UnixRow) bool { return r.Path == side.unix }) ||
			slices.ContainsFunc(names, func(r UnixRow) bool { return r.Path == side.noUnix }) {
			t.Errorf("%s, /proc/net/unix: %+v, %v", side.name, names, err)
		}
	}

	asInside(t, pid, a, there)

	// Who counts, and who does not.
	before, err := there.Counters()
	if err != nil {
		t.Fatal(err)
	}
	ours, err := here.Counters()
	if err != nil {
		t.Fatal(err)
	}
	connect(t, unix.AF_INET, addr)
	if after, err := there.Counters(); err != nil || len(after.Sub(before)) != 0 {
		t.Errorf("a connection here, and there moved %v, %v", after.Sub(before), err)
	}
	if after, err := here.Counters(); err != nil || after.Sub(ours)["Tcp.PassiveOpens"] < 1 {
		t.Errorf("a connection here moved %v, %v", after.Sub(ours), err)
	}
}

// asInside compares the readings of a Net with what commands inside it print.
func asInside(t *testing.T, pid int, a away, there Net) {
	t.Helper()
	tcp, err := there.TCP()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tablePairs(tcp), ssPairs(t, inside(t, pid, "ss", "-Htan")); !slices.Equal(got, want) {
		t.Errorf("TCP there is %q, ss says %q", got, want)
	}
	if row := tcp.Listener(a.Addr); row == nil || row.RQueue != 1 {
		t.Errorf("its accept queue: %+v", row)
	}
	udp, err := there.UDP()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tablePairs(udp), ssPairs(t, inside(t, pid, "ss", "-Huan")); !slices.Equal(got, want) {
		t.Errorf("UDP there is %q, ss says %q", got, want)
	}

	counters, err := there.Counters()
	if err != nil {
		t.Fatal(err)
	}
	counted := map[string]int64{}
	for _, line := range inside(t, pid, "nstat", "-asz") {
		if fields := strings.Fields(line); len(fields) == 3 {
			counted[fields[0]], _ = strconv.ParseInt(fields[1], 10, 64)
		}
	}
	for _, name := range []string{"Tcp.ActiveOpens", "Tcp.PassiveOpens", "Tcp.InSegs", "TcpExt.TW", "IpExt.InOctets"} {
		if want, ok := counted[strings.Replace(name, ".", "", 1)]; !ok || counters[name] != want {
			t.Errorf("%s is %d, nstat says %d", name, counters[name], want)
		}
	}
	if counters["Tcp.PassiveOpens"] != 1 {
		t.Errorf("one connection, and PassiveOpens is %d", counters["Tcp.PassiveOpens"])
	}

	for name, want := range map[string]int{"net.core.somaxconn": awaySomaxconn, "net.ipv4.conf.lo.rp_filter": 1} {
		if n, err := there.SysctlInt(name); err != nil || n != want {
			t.Errorf("%s there is %d, not %d: %v", name, n, want, err)
		}
		if n, err := Own().SysctlInt(name); err != nil || name == "net.core.somaxconn" && n == want {
			t.Errorf("%s here is %d, %v", name, n, err)
		}
	}
	for _, name := range []string{"kernel.osrelease", "fs.file-max"} {
		theirs, err := there.Sysctl(name)
		if ours, _ := Own().Sysctl(name); err != nil || theirs != ours || ours == "" {
			t.Errorf("%s: %q there, %q here, %v", name, theirs, ours, err)
		}
	}
	for name, want := range map[string]error{"net.nothing.at.all": unix.ENOENT, "net.core.nothing": unix.ENOENT, "net.core": unix.EISDIR} {
		if text, err := there.Sysctl(name); !errors.Is(err, want) {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}

	links, err := there.Links()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, link := range links {
		for _, addr := range link.Addrs {
			got = append(got, fmt.Sprintf("%d: %s %v", link.Index, link.Name, addr))
		}
	}
	var want []string
	for _, line := range inside(t, pid, "ip", "-o", "address") {
		fields := strings.Fields(line)
		want = append(want, fmt.Sprintf("%s %s %s", fields[0], fields[1], fields[3]))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || len(got) == 0 {
		t.Errorf("its links are %q, ip says %q", got, want)
	}
}

// Without the right to enter a namespace, its tables and counters are shown, and
// the other readings say what is missing.
func TestNetNotEntered(t *testing.T) {
	if unix.Getuid() == 0 {
		t.Skip("root may enter every namespace")
	}
	pid, a, _ := startAway(t, unix.CLONE_NEWUSER|unix.CLONE_NEWNET)
	there, err := Of(pid)
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	rows, err := there.Table("tcp")
	if err != nil || len(rows) != 3 || rows[0].Local != a.Addr {
		t.Errorf("its table: %+v, %v", rows, err)
	}
	if counters, err := there.Counters(); err != nil || counters["Tcp.PassiveOpens"] != 1 {
		t.Errorf("PassiveOpens %d, %v", counters["Tcp.PassiveOpens"], err)
	}
	_, tcpErr := there.TCP()
	_, unixErr := there.Unix()
	_, linksErr := there.Links()
	_, sysctlErr := there.Sysctl("net.core.somaxconn")
	for _, err := range []error{tcpErr, unixErr, linksErr, sysctlErr} {
		if !errors.Is(err, unix.EPERM) {
			t.Errorf("not said to be denied: %v", err)
		}
	}
}

// A Net lives on when the last process of its namespace has ended.
func TestNetOutlivesProcess(t *testing.T) {
	pid, _, there := startAway(t, unix.CLONE_NEWUSER|unix.CLONE_NEWNET)
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	until(t, "its sockets are gone", func() bool {
		rows, err := there.TCP(Listen)
		if err != nil {
			t.Fatal(err)
		}
		return len(rows) == 0
	})
	if rows, err := there.Table("tcp"); err != nil {
		t.Errorf("%+v, %v", rows, err)
	}
	if n, err := there.SysctlInt("net.core.somaxconn"); err != nil || n != awaySomaxconn {
		t.Errorf("somaxconn %d, %v", n, err)
	}
	if links, err := there.Links(); err != nil || len(links) == 0 || links[0].Name != "lo" {
		t.Errorf("%+v, %v", links, err)
	}
}

func TestOfSameNamespace(t *testing.T) {
	pid, _ := start(t, "wait", nil)
	for _, pid := range []int{pid, unix.Getpid(), unix.Gettid()} {
		if n, err := Of(pid); err != nil || n != Own() {
			t.Errorf("%d: %+v, %v", pid, n, err)
		}
	}
	if _, err := Of(-1); err == nil {
		t.Error("no process has a namespace")
	}
}

// A Net that is held answers as Own does, to several at once, also after a reading
// that failed in the middle; Close leaves no descriptor.
func TestNetHeld(t *testing.T) {
	held, err := OpenNet()
	if err != nil {
		t.Fatal(err)
	}
	fd, addr := listener(t, unix.AF_INET, 3)
	for range 700 { // an answer of several pieces
		bind(t, socket(t, unix.AF_INET, unix.SOCK_DGRAM), unix.AF_INET)
	}
	broken := errors.New("broken")
	for range 3 {
		if rows, err := held.UDP(); err != nil || len(rows) < 700 {
			t.Fatal(len(rows), err)
		}
		if err := held.dump(rtnetlink, unix.RTM_GETLINK, make([]byte, unix.SizeofIfInfomsg), func([]byte) error { return broken }); err != broken {
			t.Errorf("a reading that fails: %v", err)
		}
		if links, err := held.Links(); err != nil || len(links) == 0 {
			t.Errorf("after it: %+v, %v", links, err)
		}
	}

	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 5 {
				rows, err := held.TCP()
				if row := rows.Listener(addr); err != nil || row == nil || row.Inode != inode(t, fd) {
					t.Errorf("%+v, %v", row, err)
				}
				table, err := held.Table("tcp")
				if _, ok := rowByInode(table, inode(t, fd)); err != nil || !ok {
					t.Errorf("not in the table, %v", err)
				}
				if n, err := held.SysctlInt("net.core.somaxconn"); err != nil || n == 0 {
					t.Errorf("somaxconn %d, %v", n, err)
				}
			}
		})
	}
	group.Wait()

	held.Close()
	held.Close()
	if _, err := held.TCP(); !errors.Is(err, unix.ENOENT) {
		t.Errorf("after Close: %v", err)
	}
	fds, err := FDs(unix.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if strings.Contains(fd.Target, "/proc/") {
			t.Errorf("still open: %+v", fd)
		}
	}
}

func TestSendAndReceive(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	if err := Own().Send(pair[1]); err == nil {
		t.Error("the zero Net was sent")
	}
	// Bytes without descriptors, and the end, are no Net.
	if _, err := unix.Write(pair[1], []byte("x")); err != nil {
		t.Fatal(err)
	}
	if n, err := Receive(pair[0]); err == nil {
		t.Errorf("%+v of a byte", n)
	}
	unix.Close(pair[1])
	if n, err := Receive(pair[0]); err == nil {
		t.Errorf("%+v of nothing", n)
	}
}

// What changes its thread never runs on the main one.
func TestItsOwnThread(t *testing.T) {
	if _, line := start(t, "threads", nil); line != "0 of 100 on the main thread" {
		t.Error(line)
	}
}

func threads() string {
	runtime.UnlockOSThread()
	runtime.GOMAXPROCS(1)
	bad := 0
	for range 100 {
		onItsOwnThread(func() {
			if unix.Gettid() == unix.Getpid() {
				bad++
			}
		})
	}
	return fmt.Sprintf("%d of 100 on the main thread", bad)
}
