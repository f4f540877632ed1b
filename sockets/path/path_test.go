package path

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	Become()
	if len(os.Args) == 2 && os.Args[1] == victim {
		live()
	}
	if len(os.Args) == 2 && os.Args[1] == holder {
		hold()
	}
	if len(os.Args) == 2 && os.Args[1] == sender {
		sendOnce()
	}
	os.Exit(m.Run())
}

// victim is a process that traces until it is killed.
const victim = "path-victim"

func live() {
	for {
		t, err := Open()
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(filepath.Base(t.in.dir))
		t.Begin(os.Getpid(), unix.SYS_SENDTO, true)
		t.End()
		t.Close()
	}
}

// open returns a Trace, or skips a test where this user may not trace.
func open(t *testing.T) *Trace {
	t.Helper()
	trace, err := Open()
	var denied *DeniedError
	if errors.As(err, &denied) {
		t.Skip("needs root and tracefs:", err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		trace.Close()
		gone(t, filepath.Base(trace.in.dir))
	})
	return trace
}

// gone waits until a guard has removed an instance.
func gone(t *testing.T, name string) {
	t.Helper()
	fs, err := openTracefs()
	if err != nil {
		t.Fatal(err)
	}
	defer fs.close()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(fs.dir + "/instances/" + name); err != nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is left", name)
		}
	}
}

// pair returns the two ends of a connection on loopback.
func pair(t *testing.T) (client, server int) {
	t.Helper()
	ends, err := connected(unix.SYS_SENDTO)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(ends[0]); unix.Close(ends[1]) })
	return ends[0], ends[1]
}

// way returns the way of a call that a thread makes while another one watches.
func way(t *testing.T, trace *Trace, number int, call func()) Path {
	t.Helper()
	tid, goOn, made := make(chan int), make(chan bool), make(chan bool)
	go func() {
		runtime.LockOSThread()
		tid <- unix.Gettid()
		<-goOn
		call()
		close(made)
	}()
	if err := trace.Begin(<-tid, number, true); err != nil {
		t.Fatal(err)
	}
	close(goOn)
	<-made
	p, err := trace.End()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// names are the functions of a way, in their order.
func names(p Path) (all []string) {
	for _, v := range p.Visits {
		all = append(all, v.Function)
	}
	return all
}

// layers are the layers of a packet's way in one direction, each once, in the order in which
// the way first came to it.
func layers(p Path, packet int, up bool) (all []Layer) {
	for _, v := range p.Visits {
		if v.Up == up && v.Packet <= packet && (v.Packet == packet || !up) && v.Layer != "" && !slices.Contains(all, v.Layer) {
			all = append(all, v.Layer)
		}
	}
	return all
}

// find returns the hit of an event for a packet.
func find(t *testing.T, p Path, event string, packet int) Hit {
	t.Helper()
	for _, h := range p.Passed() {
		if h.Event == event && h.Packet == packet {
			return *h
		}
	}
	t.Fatalf("no %s of packet %d in %v", event, packet, names(p))
	return Hit{}
}

// A send goes down through all layers and up again to the reader, and its sk_buff has the
// headers of TCP, IP and Ethernet in front of its bytes on the way.
func TestSend(t *testing.T) {
	trace := open(t)
	client, _ := pair(t)
	const text = "hello"
	p := way(t, trace, unix.SYS_SENDTO, func() { unix.Sendto(client, []byte(text), unix.MSG_NOSIGNAL, nil) })
	if got := layers(p, 1, false); !slices.Equal(got, []Layer{SystemCall, Sockets, Transport, Internet, Device, Driver}) {
		t.Errorf("down: %v", got)
	}
	up := layers(p, 1, true)
	if len(up) < 5 || !slices.Equal(up[:5], []Layer{Softirq, Device, Internet, Transport, Sockets}) {
		t.Errorf("up: %v", up)
	}
	const tcp, ip, ethernet = 32, 20, 14 // with the option of timestamps
	lens := []int{find(t, p, "net_dev_start_xmit", 1).Len, find(t, p, "netif_receive_skb", 1).Len, find(t, p, "tcp_probe", 1).Len}
	if want := []int{len(text) + tcp + ip + ethernet, len(text) + tcp + ip, len(text)}; !slices.Equal(lens, want) {
		t.Errorf("the sk_buff has %v bytes, want %v", lens, want)
	}
	if bytes, given := p.Given(); bytes != len(text) || !given {
		t.Errorf("%d bytes given, %v", bytes, given)
	}
	if h := find(t, p, "net_dev_start_xmit", 1); h.Network != ethernet || h.Transport != ethernet+ip {
		t.Errorf("headers at %d and %d", h.Network, h.Transport)
	}
	for _, v := range p.Visits {
		if v.Function == "loopback_xmit" && v.File != "drivers/net/loopback.c" {
			t.Errorf("loopback_xmit is in %q", v.File)
		}
	}
	if err := trace.Time(&p, unix.SYS_SENDTO, len(text)); err != nil {
		t.Fatal(err)
	}
	last := int64(0)
	for _, h := range p.Passed() {
		if chance(h.Event) {
			continue
		}
		if p.Timed != "" && (h.AfterNS < last || h.AfterNS > p.PlainNS) {
			t.Errorf("%s at %d, the one before at %d, the call took %d", h.Event, h.AfterNS, last, p.PlainNS)
		}
		last = h.AfterNS
	}
}

// What each call makes and changes.
func TestCalls(t *testing.T) {
	trace := open(t)
	listener, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(listener)
	var fd, accepted int
	var at unix.Sockaddr
	b := make([]byte, 8)
	for _, call := range []struct {
		number    int
		make      func()
		functions []string // in this order, among others
	}{
		{unix.SYS_SOCKET, func() { fd, _ = unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0) }, []string{"__sys_socket", "inet_create", "sk_prot_alloc", "sock_alloc_file"}},
		{unix.SYS_BIND, func() { unix.Bind(listener, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}) }, []string{"__sys_bind", "inet_csk_get_port"}},
		{unix.SYS_LISTEN, func() { unix.Listen(listener, 1) }, []string{"__sys_listen", "inet_csk_listen_start"}},
		{unix.SYS_CONNECT, func() { at, _ = unix.Getsockname(listener); unix.Connect(fd, at) }, []string{"__sys_connect", "tcp_v4_connect", "tcp_connect", "loopback_xmit", "tcp_v4_rcv", "tcp_conn_request", "loopback_xmit", "tcp_finish_connect", "loopback_xmit", "tcp_check_req", "sock_def_readable"}},
		{unix.SYS_ACCEPT4, func() { accepted, _, _ = unix.Accept4(listener, 0) }, []string{"__sys_accept4", "sock_alloc_file"}},
		{unix.SYS_WRITE, func() { unix.Write(fd, b) }, []string{"ksys_write", "vfs_write", "tcp_sendmsg", "loopback_xmit", "tcp_v4_rcv"}},
		{unix.SYS_RECVFROM, func() { unix.Recvfrom(accepted, b, 0) }, []string{"__sys_recvfrom", "tcp_recvmsg", "skb_copy_datagram_iter"}},
		{unix.SYS_SHUTDOWN, func() { unix.Shutdown(fd, unix.SHUT_WR) }, []string{"__sys_shutdown", "tcp_shutdown", "loopback_xmit", "tcp_fin"}},
		{unix.SYS_CLOSE, func() { unix.Close(accepted) }, []string{"sock_close", "tcp_close", "loopback_xmit"}},
	} {
		p := way(t, trace, call.number, call.make)
		rest := names(p)
		for _, f := range call.functions {
			if f == "sock_def_readable" && slices.Contains(p.Missing, "sock:sk_data_ready") { // before Linux 6.3
				continue
			}
			i := slices.Index(rest, f)
			if i < 0 {
				t.Errorf("call %d: no %s in its place in %v", call.number, f, names(p))
				break
			}
			rest = rest[i+1:]
		}
		if sends := slices.Contains(call.functions, "loopback_xmit"); !sends && slices.ContainsFunc(p.Visits, func(v Visit) bool { return v.Packet > 0 }) {
			t.Errorf("call %d sends nothing, and has a packet: %+v", call.number, p.Visits)
		}
		if p.TookNS <= 0 {
			t.Errorf("call %d took %d ns", call.number, p.TookNS)
		}
	}
	unix.Close(fd)
}

// The way is the same, also beside another process that sends as fast as it can on the same
// interface. One run of several may differ: a timer of the kernel's comes when it comes.
func TestSameWay(t *testing.T) {
	trace := open(t)
	other, reader := pair(t)
	stop := make(chan bool)
	defer close(stop)
	go func() {
		b := make([]byte, 1000)
		for {
			select {
			case <-stop:
				return
			default:
				unix.Write(other, b)
				unix.Read(reader, b)
			}
		}
	}()
	same(t, trace, func() (client, server int) { return pair(t) })
}

// same has a send go the same way in 4 of 5 runs, each on a connection of its own, and returns
// that way.
func same(t *testing.T, trace *Trace, pair func() (client, server int)) (most []string) {
	t.Helper()
	const runs = 5
	ways := make(map[string]int)
	for range runs {
		client, server := pair()
		p := way(t, trace, unix.SYS_SENDTO, func() { unix.Sendto(client, []byte("hello"), unix.MSG_NOSIGNAL, nil) })
		var down []string // whether an answer goes at once is not the same each time
		for _, v := range p.Visits {
			if v.Packet <= 1 && !v.Up {
				down = append(down, v.Function)
			}
			for _, h := range v.Hits {
				if h.Packet > 2 {
					t.Errorf("a third packet: %s in %s", h.Event, v.Function)
				}
			}
		}
		joined := strings.Join(down, " ")
		if ways[joined]++; ways[joined] >= runs-1 {
			most = down
		}
		unix.Close(client)
		unix.Close(server)
	}
	if most == nil {
		t.Errorf("no way was taken in %d of %d runs: %v", runs-1, runs, ways)
	}
	return most
}

// It is the same, too, through a cable to another host, and through a queue in front of that.
func TestSameWayThroughCable(t *testing.T) {
	trace := open(t)
	near, far := cable(t)
	for _, c := range []struct {
		qdisc     string   // empty: none
		functions []string // in this order, among others
	}{
		{"", []string{"tcp_write_xmit", "__dev_queue_xmit", "dev_hard_start_xmit", "veth_xmit"}},
		{"tbf", []string{"tcp_write_xmit", "__dev_queue_xmit", "sch_direct_xmit", "dev_hard_start_xmit", "veth_xmit"}},
	} {
		if c.qdisc != "" {
			if out, err := command(near, "tc qdisc add dev near root tbf rate 1mbit burst 10kb latency 100ms"); err != nil {
				t.Skipf("this kernel has no tbf: %s", out)
			}
		}
		got := same(t, trace, func() (client, server int) { return across(t, near, far) })
		rest := got
		for _, f := range c.functions {
			i := slices.Index(rest, f)
			if i < 0 {
				t.Errorf("%s: no %s in its place in %v", c.qdisc, f, got)
				break
			}
			rest = rest[i+1:]
		}
	}
}

// cable makes two hosts with a veth between them, and returns a descriptor of the network of
// each.
func cable(t *testing.T) (near, far int) {
	t.Helper()
	for _, tool := range []string{"ip", "tc"} {
		if _, err := exec.LookPath(tool); err != nil && os.Getenv("CI") == "true" {
			t.Fatal("missing, and CI must have it:", tool)
		} else if err != nil {
			t.Skipf("needs %s (apt-get install iproute2)", tool)
		}
	}
	for _, fd := range []*int{&near, &far} {
		err := onThread(func() (err error) {
			if err = unix.Unshare(unix.CLONE_NEWNET); err == nil {
				*fd, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
				os.WriteFile("/proc/sys/net/ipv6/conf/default/disable_ipv6", []byte("1"), 0) // or it sends what it likes
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(*fd) })
	}
	for _, c := range []struct {
		in   int
		text string
	}{
		{near, fmt.Sprintf("ip link add near type veth peer name far netns /proc/%d/fd/%d", os.Getpid(), far)},
		{near, "ip addr add 10.9.0.1/24 dev near"}, {far, "ip addr add 10.9.0.2/24 dev far"},
		{far, "ip link set far up"}, {near, "ip link set near up"},
	} {
		if out, err := command(c.in, c.text); err != nil {
			t.Fatalf("%s: %v\n%s", c.text, err, out)
		}
	}
	return near, far
}

// across returns the two ends of a connection between two hosts.
func across(t *testing.T, near, far int) (client, server int) {
	t.Helper()
	var listener int
	var err error
	listens := func() error {
		at := &unix.SockaddrInet4{Addr: [4]byte{10, 9, 0, 2}, Port: 8080}
		if listener, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		return errors.Join(unix.SetsockoptInt(listener, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1), unix.Bind(listener, at), unix.Listen(listener, 1))
	}
	connects := func() error {
		if client, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		return unix.Connect(client, &unix.SockaddrInet4{Addr: [4]byte{10, 9, 0, 2}, Port: 8080})
	}
	if err := errors.Join(on(far, listens), on(near, connects)); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(listener)
	if server, _, err = unix.Accept4(listener, unix.SOCK_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	return client, server
}

// onThread runs a function on a thread of its own, which ends with it.
func onThread(f func() error) error {
	made := make(chan error)
	go func() {
		runtime.LockOSThread()
		made <- f()
	}()
	return <-made
}

// on runs a function on a host.
func on(host int, f func() error) error {
	return onThread(func() error { return errors.Join(unix.Setns(host, unix.CLONE_NEWNET), f()) })
}

// command runs a command on a host.
func command(host int, text string) (out []byte, err error) {
	err = on(host, func() (err error) {
		args := strings.Fields(text)
		out, err = exec.Command(args[0], args[1:]...).CombinedOutput()
		return err
	})
	return out, err
}

// Where nothing was begun there is no way to tell.
func TestUnseen(t *testing.T) {
	trace := open(t)
	if _, err := trace.End(); !errors.Is(err, ErrUnseen) {
		t.Error(err)
	}
}

// A process that is killed leaves no instance, whenever that is.
func TestKilled(t *testing.T) {
	open(t)
	var names []string
	for i := range 10 {
		cmd := exec.Command("/proc/self/exe", victim)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, strings.TrimSpace(line))
		time.Sleep(time.Duration(i*i) * time.Millisecond) // the moment is random, not waited for
		cmd.Process.Kill()
		cmd.Wait()
	}
	for _, name := range names {
		gone(t, name)
	}
}

// What a dead process has left, and its guard with it, the next one sweeps.
func TestSweep(t *testing.T) {
	trace := open(t)
	cmd := exec.Command("true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	left := fmt.Sprintf("%s/instances/%s%d", trace.in.fs.dir, prefix, cmd.Process.Pid)
	if err := os.Mkdir(left, 0o700); err != nil {
		t.Fatal(err)
	}
	sweep(trace.in.fs)
	if _, err := os.Stat(left); err == nil {
		os.Remove(left)
		t.Errorf("%s is left", left)
	}
}

// The tracing of the machine's owner stays as it is.
func TestOwnerUntouched(t *testing.T) {
	trace := open(t)
	owner := func() string {
		all := ""
		for _, f := range []string{"current_tracer", "set_event", "set_event_pid", "tracing_on", "trace_clock", "options/stacktrace", "buffer_size_kb"} {
			text, err := read(trace.in.fs.dir, f)
			all += fmt.Sprintln(f, string(text), err)
		}
		return all
	}
	before := owner()
	client, _ := pair(t)
	way(t, trace, unix.SYS_SENDTO, func() { unix.Sendto(client, []byte("hello"), unix.MSG_NOSIGNAL, nil) })
	if after := owner(); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

func BenchmarkTracedSend(b *testing.B) {
	trace, err := Open()
	if err != nil {
		b.Skip(err)
	}
	defer trace.Close()
	ends, err := connected(unix.SYS_SENDTO)
	if err != nil {
		b.Fatal(err)
	}
	defer unix.Close(ends[0])
	defer unix.Close(ends[1])
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := trace.Begin(unix.Gettid(), unix.SYS_SENDTO, true); err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 64)
	for b.Loop() {
		unix.Sendto(ends[0], []byte("hello"), unix.MSG_NOSIGNAL, nil)
		unix.Read(ends[1], buf)
	}
}

// Who may not trace is told what has denied it.
func TestDenied(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root is not denied: this is for a plain user")
	}
	_, err := Open()
	var denied *DeniedError
	if !errors.As(err, &denied) || denied.What == "" || denied.Errno == 0 {
		t.Errorf("%v", err)
	}
}

// Where nobody listens the SYN is thrown away, the kernel says why, and an RST comes back.
func TestDrop(t *testing.T) {
	trace := open(t)
	ends, err := connected(unix.SYS_CONNECT)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(ends[0])
	at, _ := unix.Getsockname(ends[1])
	unix.Close(ends[1])
	var refused error
	p := way(t, trace, unix.SYS_CONNECT, func() { refused = unix.Connect(ends[0], at) })
	if refused != unix.ECONNREFUSED {
		t.Fatalf("connect: %v", refused)
	}
	hit, in := p.Find(drop)
	if hit == nil || !hit.Dropped() || hit.Says != "NO_SOCKET" || in.Function != "tcp_v4_rcv" {
		t.Errorf("%+v in %+v", hit, in)
	}
	for _, v := range p.Visits {
		if arrives := v.Function == "tcp_v4_rcv" || v.Function == "ip_local_deliver_finish"; arrives && !v.Up {
			t.Errorf("%s is on the way down", v.Function)
		}
		if v.Function == "dev_hard_start_xmit" && v.Up {
			t.Error("a packet leaves on the way up")
		}
	}
}
