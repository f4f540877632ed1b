package path

import (
	"errors"
	"maps"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// opened begins to wait, which is for root.
func opened(t *testing.T, port uint16) *Drops {
	t.Helper()
	d, err := OpenDrops(port)
	var denied *DeniedError
	if errors.As(err, &denied) && os.Geteuid() != 0 {
		t.Skip("needs root:", err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// A datagram to a port where nobody takes it is thrown away, in a softirq. Who waits for
// those to another port does not hear of it.
func TestDrops(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	// The port is this socket's own, so that nobody else has it: but it takes from one peer alone.
	unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	at, _ := unix.Getsockname(fd)
	unix.Connect(fd, at)
	port := uint16(at.(*unix.SockaddrInet4).Port)
	all, one, other := opened(t, 0), opened(t, port), opened(t, port^1)
	sender, _ := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	defer unix.Close(sender)
	const times = 3
	for range times {
		if err := unix.Sendto(sender, []byte("lost"), 0, at); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []*Drops{all, one} {
		drops, err := d.End()
		i := slices.IndexFunc(drops, func(d Drop) bool { return d.Reason == "NO_SOCKET" && d.Softirq && d.Count >= times })
		if err != nil || i < 0 || drops[i].Function == "" || drops[i].File != "net/ipv4/udp.c" || drops[i].Process != "" {
			t.Errorf("%v, %+v", err, drops)
		}
	}
	if drops, err := other.End(); err != nil || len(drops) > 0 {
		t.Errorf("of another port: %v, %+v", err, drops)
	}
}

// Bytes for a socket that is shut down for reading are thrown away, with RST.
func TestDropsOfUnwanted(t *testing.T) {
	d := opened(t, 0)
	const reason = "TCP_ABORT_ON_DATA"
	if l, err := laidOut(); err != nil || !slices.Contains(slices.Collect(maps.Values(l.reasons)), reason) {
		t.Skipf("Linux %s has no such reason: %v", release(), err)
	}
	client, server := pair(t)
	unix.Shutdown(server, unix.SHUT_RDWR)
	unix.Write(client, []byte("unwanted"))
	unix.Read(client, make([]byte, 1)) // the FIN came before
	if _, err := unix.Write(client, []byte("more")); err != unix.EPIPE && err != unix.ECONNRESET {
		t.Errorf("after the RST a write says %v", err)
	}
	drops, err := d.End()
	if err != nil || !slices.ContainsFunc(drops, func(d Drop) bool { return d.Reason == reason }) {
		t.Errorf("%v, %+v", err, drops)
	}
}
