package wire

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A seen frame is one that a kernel has sent, with its time.
type seen struct {
	Frame []byte
	At    time.Time
}

func TestMain(m *testing.M) {
	role := os.Getenv("FD3_TEST_TRAFFIC")
	if role == "" {
		os.Exit(m.Run())
	}
	err := error(nil)
	if role == "denied" {
		none := [2]unix.CapUserData{}
		err = unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &none[0])
	}
	if err == nil {
		err = traffic()
	}
	switch {
	case err == nil:
		os.Exit(0)
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		os.Stderr.WriteString(err.Error())
		os.Exit(deniedExit)
	}
	os.Stderr.WriteString(err.Error())
	os.Exit(1)
}

// deniedExit is the exit code of a child that may not make the kernel send anything.
const deniedExit = 77

// A deniedError says that this machine lets its user have no network namespace, or, as
// AppArmor does on Ubuntu, one in which they may do nothing.
type deniedError struct{ said string }

func (e deniedError) Error() string {
	restricts, _ := os.ReadFile("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
	return fmt.Sprintf("no network namespace of one's own here: %s (apparmor_restrict_unprivileged_userns: %q)", e.said, restricts)
}

// sent returns what a kernel sends on the loopback of a network namespace of its own.
func sent(t *testing.T) []seen {
	t.Helper()
	if _, err := os.Stat("/proc/net/if_inet6"); err != nil {
		t.Skipf("no IPv6 here: %v", err)
	}
	all, err := frames("sender")
	if denied := new(deniedError); errors.As(err, denied) && os.Getenv("CI") != "true" {
		t.Skip(denied)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A user who is denied it after the namespace was made, as on Ubuntu, is told so.
func TestFramesAreDenied(t *testing.T) {
	_, err := frames("denied")
	if denied := new(deniedError); !errors.As(err, denied) {
		t.Error(err)
	}
}

// frames returns what a child in a network namespace of its own makes the kernel send. The
// role of the child is sender, or denied: it gives up its capabilities.
func frames(role string) ([]seen, error) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "FD3_TEST_TRAFFIC="+role)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSPC) {
		return nil, deniedError{err.Error()}
	} else if err != nil {
		return nil, err
	}
	var all []seen
	d := gob.NewDecoder(out)
	for err == nil {
		var s seen
		if err = d.Decode(&s); err == nil {
			all = append(all, s)
		}
	}
	ended := cmd.Wait()
	switch {
	case cmd.ProcessState.ExitCode() == deniedExit:
		return nil, deniedError{stderr.String()}
	case ended != nil:
		return nil, fmt.Errorf("%w: %s", ended, stderr.String())
	case err != io.EOF:
		return nil, err
	}
	return all, nil
}

// traffic makes a kernel send frames of many kinds, and writes them to standard output.
func traffic() error {
	socket, err := loopback()
	if err != nil {
		return err
	}
	for _, host := range []string{"127.0.0.1", "[::1]"} {
		if err := conversation(host); err != nil {
			return err
		}
	}
	// The last datagram has been received, so all frames before it lie in the socket.
	out := gob.NewEncoder(os.Stdout)
	b := make([]byte, 1<<17)
	for {
		n, _, err := unix.Recvfrom(socket, b, unix.MSG_DONTWAIT)
		if err == unix.EAGAIN {
			return nil
		} else if err != nil {
			return err
		}
		if err := out.Encode(seen{b[:n], time.Now()}); err != nil {
			return err
		}
	}
}

// loopback brings the loopback up with the MTU of an Ethernet, and returns a socket that
// has all its frames.
func loopback() (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return 0, err
	}
	request.SetUint32(1500)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFMTU, request); err != nil {
		return 0, err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request); err != nil {
		return 0, err
	}
	const all = unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8 // in the order of bytes of a network
	socket, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, all)
	if err != nil {
		return 0, err
	}
	unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20)
	unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_RCVBUF, 8<<20)
	return socket, unix.SetsockoptInt(socket, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1)
}

// conversation has TCP begin, carry bytes both ways, and end in two ways; datagrams, in
// one piece and in several; and ports that nobody listens on.
func conversation(host string) error {
	listener, err := net.Listen("tcp", host+":0")
	if err != nil {
		return err
	}
	datagrams, err := net.ListenPacket("udp", host+":0")
	if err != nil {
		return err
	}
	for _, unread := range []bool{false, true} {
		client, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			return err
		}
		server, err := listener.Accept()
		if err != nil {
			return err
		}
		client.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
		if unread { // an RST
			unix.Poll([]unix.PollFd{pollable(server)}, -1)
			server.Close()
			client.Read(make([]byte, 1))
			client.Close()
			continue
		}
		server.Read(make([]byte, 100))
		go server.Write(make([]byte, 20000))
		if _, err := io.ReadFull(client, make([]byte, 20000)); err != nil {
			return err
		}
		client.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, server)
		server.Close()
		io.Copy(io.Discard, client)
		client.Close()
	}
	address := listener.Addr().String()
	listener.Close()
	if _, err := net.Dial("tcp", address); err == nil {
		return errors.New("somebody listens")
	}
	nobody, err := net.Dial("udp", address)
	if err != nil {
		return err
	}
	nobody.Write([]byte("is anybody there?"))
	nobody.Read(make([]byte, 1)) // ECONNREFUSED, by ICMP
	sender, err := net.Dial("udp", datagrams.LocalAddr().String())
	if err != nil {
		return err
	}
	for _, n := range []int{5, 4000} {
		if _, err := sender.Write(make([]byte, n)); err != nil {
			return err
		}
		if _, _, err := datagrams.ReadFrom(make([]byte, 5000)); err != nil {
			return err
		}
	}
	return nil
}

func pollable(c net.Conn) unix.PollFd {
	raw, _ := c.(*net.TCPConn).SyscallConn()
	fd := unix.PollFd{Events: unix.POLLIN}
	raw.Control(func(n uintptr) { fd.Fd = int32(n) })
	return fd
}

// What a kernel sends has a name for each bit and nothing malformed, tshark finds the same
// fields and the same labels, and there is a frame of each kind.
func TestRealFrames(t *testing.T) {
	all := sent(t)
	var frames [][]byte
	var times []time.Time
	var flows Flows
	kinds := make(map[string]bool)
	var packets []Packet
	for _, s := range all {
		p := Parse(s.Frame)
		whole(t, p)
		if p.Malformed != "" {
			t.Errorf("%s: % x", p.Malformed, s.Frame)
		}
		p.Time = s.At
		flows.Follow(&p)
		for _, l := range p.Layers {
			kinds[l.Name] = true
			if l.Quoted {
				kinds["quoted"] = true
			}
		}
		if seg, ok := p.Segment(); ok {
			for _, f := range []Flags{SYN, SYN | ACK, FIN | ACK, RST, RST | ACK} {
				kinds[f.String()] = kinds[f.String()] || seg.Flags == f
			}
		}
		packets, frames, times = append(packets, p), append(frames, s.Frame), append(times, s.At)
	}
	for _, kind := range []string{"IPv4", "IPv6", "TCP", "UDP", "ICMP", "ICMPv6", "IPv6 fragment header", "quoted", "payload", "SYN", "SYN+ACK", "FIN+ACK", "RST+ACK"} {
		if !kinds[kind] {
			t.Errorf("no frame has %s", kind)
		}
	}
	for i, j := range judged(t, frames) {
		if problem := differ(ours(packets[i]), theirs(j)); problem != "" {
			t.Errorf("%s: %s", packets[i].Summary, problem)
		}
	}
	for i, tshark := range analyses(t, frames, times) {
		if our := labelled(packets[i]); !slices.Equal(our, tshark.labels) {
			t.Errorf("%s: we have %v, tshark %v", packets[i].Summary, our, tshark.labels)
		}
	}
}
