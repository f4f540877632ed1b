package path

import (
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Every user may have a packet stamped on its way: into the queue, to the driver, at the
// other end, acknowledged, in this order. Afterwards the sockets are as they were.
func TestStamps(t *testing.T) {
	client, server := pair(t)
	s, err := Stamp(os.Getpid(), client, os.Getpid(), server)
	if err != nil {
		t.Skip("this kernel does not hand out descriptors: ", err)
	}
	start := time.Now()
	if _, err := unix.Write(client, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	marks := s.Marks(5 * time.Second)
	for _, m := range marks {
		if m.At.Before(start.Round(0)) || m.At.After(time.Now()) {
			t.Errorf("%s at %v, sent at %v", m.Place, m.At, start)
		}
	}
	var sorted []string
	for _, m := range marks {
		sorted = append(sorted, m.Place)
	}
	// The first packet may come before the stamps of what is received are on (net_enable_timestamp).
	sorted = slices.DeleteFunc(sorted, func(p string) bool { return p == "received" })
	if want := []string{"scheduled", "driver", "acknowledged"}; !slices.Equal(sorted, want) {
		t.Errorf("%v, want %v", sorted, want)
	}
	s.Close()
	for _, fd := range []int{client, server} {
		if on, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPING); err != nil || on != 0 {
			t.Errorf("SO_TIMESTAMPING is %#x, %v", on, err)
		}
	}
	b := make([]byte, 16)
	if n, err := unix.Read(server, b); n != 5 || err != nil {
		t.Errorf("the receiver reads %d bytes, %v", n, err)
	}
	if _, _, _, _, err := unix.Recvmsg(client, nil, b, unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT); err != unix.EAGAIN {
		t.Errorf("something is left on the error queue: %v", err)
	}
}

// The stamp of the receiver is read last, and is not the latest.
func TestStampsSorted(t *testing.T) {
	client, server := pair(t)
	_, other := pair(t) // keeps the stamps of what is received on (net_enable_timestamp)
	if err := unix.SetsockoptInt(other, unix.SOL_SOCKET, unix.SO_TIMESTAMPING, receiving); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		s, err := Stamp(os.Getpid(), client, os.Getpid(), server)
		if err != nil {
			t.Skip("this kernel does not hand out descriptors: ", err)
		}
		unix.Write(client, []byte("hello"))
		marks := s.Marks(5 * time.Second)
		s.Close()
		unix.Read(server, make([]byte, 16))
		if slices.ContainsFunc(marks, func(m Mark) bool { return m.Place == "received" }) {
			if !slices.IsSortedFunc(marks, func(a, b Mark) int { return a.At.Compare(b.At) }) {
				t.Errorf("out of order: %v", marks)
			}
			return
		}
	}
	t.Error("no stamp of what is received")
}

func FuzzReadMark(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{64, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 37, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(_ *testing.T, oob []byte) { readMark(oob) })
}
