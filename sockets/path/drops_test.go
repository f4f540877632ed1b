package path

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A datagram to a port where nobody listens is thrown away, and so is a SYN.
func TestDrops(t *testing.T) {
	d, err := OpenDrops()
	var denied *DeniedError
	if errors.As(err, &denied) {
		t.Skip("needs root and tracefs:", err)
	} else if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	// The port is this socket's own, so that nobody else has it: but it takes from one peer alone.
	unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	at, _ := unix.Getsockname(fd)
	unix.Connect(fd, at)
	other, _ := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	defer unix.Close(other)
	if err := unix.Sendto(other, []byte("lost"), 0, at); err != nil {
		t.Fatal(err)
	}
	drops, err := d.End()
	if err != nil || !slices.ContainsFunc(drops, func(d Drop) bool { return d.Reason == "NO_SOCKET" && d.Function != "" }) {
		t.Errorf("%v, %+v", err, drops)
	}
}

// Bytes for a socket that is shut down for reading are thrown away, with RST.
func TestDropsOfUnwanted(t *testing.T) {
	d, err := OpenDrops()
	var denied *DeniedError
	if errors.As(err, &denied) {
		t.Skip("needs root and tracefs:", err)
	} else if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	const reason = "TCP_ABORT_ON_DATA"
	if format, err := read(d.in.dir, "events/skb/kfree_skb/format"); err != nil || !strings.Contains(string(format), reason) {
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

func TestDropsOf(t *testing.T) {
	const text = `  nc-7  [000] ..s1.  1.000001: kfree_skb: skbaddr=01 rx_sk=00 protocol=2048 location=tcp_v4_rcv+0x1/0x2 reason: NO_SOCKET
  nc-7  [000] ..s1.  1.000002: <stack trace>
 => sk_skb_reason_drop
 => tcp_v4_rcv
 => handle_softirqs
  nc-7  [000] .....  1.000003: kfree_skb: skbaddr=02 rx_sk=00 protocol=2048 location=tcp_close+0x1/0x2 reason: NOT_SPECIFIED
  nc-7  [000] .....  1.000004: <stack trace>
 => tcp_close
`
	drops := dropsOf(parse(text + text))
	if want := (Drop{"NO_SOCKET", "tcp_v4_rcv", "net/ipv4/tcp_ipv4.c", "", true, 2}); len(drops) != 1 || drops[0] != want {
		t.Errorf("%+v", drops)
	}
}
