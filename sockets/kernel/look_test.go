package kernel

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets"
	"fd3/sockets/kernel/referee"
)

// host looks at the child process and at this one, which is its client.
func host(t *testing.T, server int, earlier Snapshot) Host {
	t.Helper()
	parties := []Party{{Name: "client", PID: unix.Getpid()}}
	if server != unix.Getpid() {
		parties = append(parties, Party{Name: "server", PID: server})
	}
	s, err := Look(parties, earlier)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Hosts) != 1 {
		t.Fatalf("%d hosts of one namespace", len(s.Hosts))
	}
	return s.Hosts[0]
}

// serve starts a server with a backlog of 1 that accepts nobody, and returns the process
// and its listener's port.
func serve(t *testing.T) (*exec.Cmd, int) {
	t.Helper()
	cmd := exec.Command("python3", "-u", "-c", `
import socket, sys
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(1)
print(s.getsockname()[1])
sys.stdin.read()`)
	return cmd, started(t, cmd)
}

func started(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	if _, err := exec.LookPath(cmd.Args[0]); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Process.Kill(); cmd.Wait() })
	line := make([]byte, 64)
	n, _ := out.Read(line)
	port, err := strconv.Atoi(strings.TrimSpace(string(line[:n])))
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// dial connects without waiting, from a port of the kernel's choice.
func dial(t *testing.T, port int, send string) int {
	t.Helper()
	fd := socket(t, unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK)
	if err := unix.Connect(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: port}); err != unix.EINPROGRESS && err != nil {
		t.Fatal(err)
	}
	if send != "" {
		until(t, "connected", func() bool { _, err := unix.Write(fd, []byte(send)); return err == nil })
	}
	return fd
}

// likeSS compares a Snapshot with ss and /proc at the same moment, and returns it.
func likeSS(t *testing.T, when string, server int, earlier Snapshot) Host {
	t.Helper()
	var h Host
	problems, err := referee.Agree(func() (any, error) {
		h = host(t, server, earlier)
		return Snapshot{Hosts: []Host{h}}, nil
	})
	if errors.Is(err, exec.ErrNotFound) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil || len(problems) > 0 {
		t.Fatalf("%s: %v\n%s", when, err, strings.Join(problems, "\n"))
	}
	return h
}

func states(h Host, keep func(Socket) bool) (all []State) {
	for _, s := range h.Sockets {
		if keep(s) {
			all = append(all, s.State)
		}
	}
	slices.Sort(all)
	return all
}

// A server that never accepts, is stopped, and is killed: what waits for it is there
// all the while, and what becomes of it.
func TestLookAtServerThatNeverAccepts(t *testing.T) {
	cmd, port := serve(t)
	pid := cmd.Process.Pid
	h := likeSS(t, "it listens", pid, Snapshot{})
	if p := h.Processes[1]; p.Name != "server" || h.Held(pid, 3).State != Listen {
		t.Errorf("%+v", h)
	}
	dial(t, port, "GET / HTTP/1.1\r\n\r\n")
	dial(t, port, "x")
	none := dial(t, port, "")
	until(t, "the queue is full", func() bool { return host(t, pid, Snapshot{}).Held(pid, 3).Full() })
	for _, moment := range []struct {
		state string
		now   func()
	}{
		{"sleeping", func() {}},
		{"stopped", func() { cmd.Process.Signal(unix.SIGSTOP) }},
	} {
		moment.now()
		until(t, moment.state, func() bool { return host(t, pid, Snapshot{}).Processes[1].State == moment.state })
		h = likeSS(t, moment.state, pid, Snapshot{})
		listener := h.Held(pid, 3)
		var bytes []int
		for _, s := range h.Sockets {
			if s.Waits() && s.Listener == listener.Cookie {
				bytes = append(bytes, s.Unread.Bytes)
				if other := h.Socket(s.Peer); other == nil || other.Peer != s.Cookie || other.Holders[0].PID != unix.Getpid() {
					t.Errorf("%s: the other end of %+v is %+v", moment.state, s, other)
				}
			}
		}
		slices.Sort(bytes)
		if !slices.Equal(bytes, []int{1, 18}) || !listener.Full() {
			t.Errorf("%s: %v wait in %+v", moment.state, bytes, listener)
		}
		if s := h.Held(unix.Getpid(), none); s.State != SynSent || s.Timer != TimerOn || s.Expires <= 0 || s.Peer != 0 {
			t.Errorf("%s: %+v", moment.state, s)
		}
	}
	before := Snapshot{Hosts: []Host{h}}
	cmd.Process.Kill()
	until(t, "zombie", func() bool { return host(t, pid, before).Processes[1].State == "zombie" })
	// The kernel resets what waited, since bytes had come that nobody read or will read.
	until(t, "no end of it is left", func() bool {
		return len(states(host(t, pid, before), func(s Socket) bool { return s.Local.Port() == uint16(port) })) == 0
	})
	likeSS(t, "killed", pid, before)
	cmd.Wait()
	if p := host(t, pid, before).Processes[1]; p.State != Gone || len(p.Descriptors) != 0 {
		t.Errorf("%+v", p)
	}
}

// Connections that were accepted and closed: the kernel brings each to its end, which an
// earlier Snapshot lets one follow.
func TestLookAtOrphans(t *testing.T) {
	client, conn, from, at := pair(t)
	likeSS(t, "connected", unix.Getpid(), Snapshot{})
	write(t, client, 5)
	until(t, "five bytes", func() bool { return host(t, unix.Getpid(), Snapshot{}).Held(unix.Getpid(), conn).Unread.Bytes == 5 })
	shut(t, client)
	inStates(t, from, at, FinWait2, CloseWait)
	h := likeSS(t, "half closed", unix.Getpid(), Snapshot{})
	if s := h.Held(unix.Getpid(), conn); s.Unread != (Queued{Bytes: 5, FIN: true}) || s.RecvBuf == 0 {
		t.Errorf("%+v", s)
	}
	read(t, conn, 9)
	read(t, conn, 9)
	unix.Close(conn)
	before := Snapshot{Hosts: []Host{h}}
	until(t, "TIME_WAIT", func() bool {
		s := host(t, unix.Getpid(), before).Held(unix.Getpid(), client)
		return s != nil && s.State == Close
	})
	h = host(t, unix.Getpid(), before)
	orphans := states(h, Socket.Orphan)
	if !slices.Equal(orphans, []State{TimeWait}) {
		t.Errorf("orphans: %v in %+v", orphans, h.Sockets)
	}
	// A party that has closed all of it need only say with whom it was connected.
	unix.Close(client)
	s, err := Look([]Party{{PID: 1<<22 + 1, Left: [][2]netip.AddrPort{{from, at}}}}, Snapshot{})
	if err != nil || !slices.Equal(states(s.Hosts[0], Socket.Orphan), []State{TimeWait}) {
		t.Errorf("%+v, %v", s, err)
	}
	for _, s := range h.Sockets {
		if s.Orphan() && (s.Timer != TimerTimeWait || s.Expires < 50*time.Second) {
			t.Errorf("%+v", s)
		}
	}
}

// A port of TCP and the same one of UDP are two: the orphans of the one are known also
// beside the other.
func TestLookTellsProtocolsApart(t *testing.T) {
	fd, at := listener(t, unix.AF_INET, 1)
	other := socket(t, unix.AF_INET, unix.SOCK_DGRAM)
	if err := unix.Bind(other, &unix.SockaddrInet4{Addr: at.Addr().As4(), Port: int(at.Port())}); err != nil {
		t.Fatal(err)
	}
	client := dial(t, int(at.Port()), "x")
	conn, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	from := sockets.Sockname(client).AddrPort()
	read(t, conn, 1)
	unix.Close(client)
	unix.Close(conn)
	until(t, "TIME_WAIT", func() bool {
		rows, err := Own().TCP(TimeWait)
		return err == nil && rows.Find(from, at) != nil && rows.Find(at, from) == nil
	})
	s, err := Look([]Party{{Name: "server", PID: unix.Getpid()}}, Snapshot{})
	if err != nil || !slices.Equal(states(s.Hosts[0], Socket.Orphan), []State{TimeWait}) {
		t.Errorf("%+v, %v", s, err)
	}
}

// The other end may belong to a program that is no party: it is named.
func TestLookNamesOthers(t *testing.T) {
	fd, at := listener(t, unix.AF_INET, 1)
	cmd := exec.Command("python3", "-u", "-c", fmt.Sprintf(`
import socket, sys
s = socket.create_connection(("127.0.0.1", %d))
print(s.getsockname()[1])
sys.stdin.read()`, at.Port()))
	port := started(t, cmd)
	s, err := Look([]Party{{Name: "server", PID: unix.Getpid()}}, Snapshot{})
	if err != nil {
		t.Fatal(err)
	}
	h := s.Hosts[0]
	other := h.Processes[len(h.Processes)-1]
	if other.Party || other.PID != cmd.Process.Pid || !strings.HasPrefix(other.Name, "python") || len(other.Descriptors) != 1 || other.Others < 3 {
		t.Fatalf("%+v", h.Processes)
	}
	end := h.Held(other.PID, other.Descriptors[0].Number)
	waiting := h.Socket(end.Peer)
	if int(end.Local.Port()) != port || !waiting.Waits() || waiting.Listener != h.Held(unix.Getpid(), fd).Cookie {
		t.Errorf("%+v and %+v", end, waiting)
	}
}

// So is one that has no room in the queue, and only sends its SYN again.
func TestLookNamesThoseWhoAreNotAnswered(t *testing.T) {
	_, at := listener(t, unix.AF_INET, 0)
	connect(t, unix.AF_INET, at) // takes the only place
	cmd := exec.Command("python3", "-u", "-c", fmt.Sprintf(`
import socket, sys
s = socket.socket()
s.setblocking(False)
s.connect_ex(("127.0.0.1", %d))
print(s.getsockname()[1])
sys.stdin.read()`, at.Port()))
	port := started(t, cmd)
	h := likeSS(t, "it has no answer", unix.Getpid(), Snapshot{})
	found := slices.DeleteFunc(slices.Clone(h.Sockets), func(s Socket) bool { return s.State != SynSent })
	if len(found) != 1 || int(found[0].Local.Port()) != port || len(found[0].Holders) != 1 || found[0].Holders[0].PID != cmd.Process.Pid {
		t.Errorf("%+v", found)
	}
}

// AF_UNIX and UDP are what ss -xap and -uap say; a socket without an address is in no
// table, and has its protocol all the same.
func TestLookAtOtherFamilies(t *testing.T) {
	me := unix.Getpid()
	path := t.TempDir() + "/socket"
	l := socket(t, unix.AF_UNIX, unix.SOCK_STREAM)
	if err := unix.Bind(l, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(l, 1); err != nil {
		t.Fatal(err)
	}
	client := socket(t, unix.AF_UNIX, unix.SOCK_STREAM)
	if err := unix.Connect(client, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	write(t, client, 5)
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	write(t, pair[0], 3)
	write(t, pair[0], 7)
	server := socket(t, unix.AF_INET, unix.SOCK_DGRAM)
	to := bind(t, server, unix.AF_INET)
	sender := socket(t, unix.AF_INET, unix.SOCK_DGRAM)
	if err := unix.Connect(sender, sockaddr(to)); err != nil {
		t.Fatal(err)
	}
	write(t, sender, 10)
	bare := socket(t, unix.AF_INET, unix.SOCK_STREAM)

	s, err := Look([]Party{{Name: "both", PID: me}}, Snapshot{})
	if err != nil {
		t.Fatal(err)
	}
	h := s.Hosts[0]
	if x := h.Held(me, bare); x.Protocol != "TCP" || x.Cookie != 0 || x.State != Close {
		t.Errorf("without an address: %+v", x)
	}
	if x := h.Held(me, pair[1]); x.Protocol != "UNIX" || x.Unread.Bytes != 3 || x.Peer != h.Held(me, pair[0]).Cookie {
		t.Errorf("datagrams: %+v", x)
	}
	if x := h.Held(me, server); x.Memory == 0 || h.Held(me, sender).Peer != x.Cookie {
		t.Errorf("UDP: %+v", x)
	}
	waits := slices.DeleteFunc(slices.Clone(h.Sockets), func(s Socket) bool { return !s.Waits() })
	if len(waits) != 1 || waits[0].Memory == 0 || waits[0].Listener != h.Held(me, l).Cookie || waits[0].Peer != h.Held(me, client).Cookie {
		t.Errorf("in the accept queue: %+v", waits)
	}
	likeSS(t, "all families", me, s)
	accepted, _, err := unix.Accept4(l, unix.SOCK_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(accepted)
	now, err := Look([]Party{{Name: "both", PID: me}}, s)
	if err != nil {
		t.Fatal(err)
	}
	d := now.Since(s)
	if len(d.Descriptors) != 1 || d.Descriptors[0].Number != accepted || d.Descriptors[0].Closed {
		t.Errorf("accept4 opened %+v", d.Descriptors)
	}
	var changed []string
	for _, c := range d.Sockets {
		switch {
		case c.Before == nil:
			changed = append(changed, fmt.Sprintf("+%d", c.After.Holders[0].FD))
		case c.After == nil && c.Before.Waits():
			changed = append(changed, "-waiting")
		default:
			changed = append(changed, fmt.Sprintf("*%d", c.After.Holders[0].FD))
		}
	}
	slices.Sort(changed)
	want := []string{fmt.Sprintf("*%d", l), fmt.Sprintf("*%d", client), fmt.Sprintf("+%d", accepted), "-waiting"}
	slices.Sort(want)
	if !slices.Equal(changed, want) {
		t.Errorf("accept4 changed %q, not %q", changed, want)
	}
}

// A Snapshot as JSON loses nothing.
func TestSnapshotJSON(t *testing.T) {
	client, _, _, _ := pair(t)
	write(t, client, 5)
	s, err := Look([]Party{{Name: "both", PID: unix.Getpid()}}, Snapshot{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back Snapshot
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, s) || !bytes.Contains(text, []byte(`"state":"ESTABLISHED"`)) {
		t.Errorf("%v: %s", err, text)
	}
	if d := s.Since(back); len(d.Sockets)+len(d.Descriptors)+len(d.Processes)+len(d.Born) != 0 {
		t.Errorf("nothing has changed: %+v", d)
	}
}

func BenchmarkLook(b *testing.B) {
	fd, at := listener(b, unix.AF_INET, 50)
	for range 20 {
		connect(b, unix.AF_INET, at)
	}
	_ = fd
	for b.Loop() {
		if _, err := Look([]Party{{Name: "both", PID: unix.Getpid()}}, Snapshot{}); err != nil {
			b.Fatal(err)
		}
	}
}
