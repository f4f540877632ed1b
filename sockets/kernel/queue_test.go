package kernel

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// pair is a connection over loopback, with its two addresses.
func pair(t *testing.T) (client, conn int, from, at netip.AddrPort) {
	t.Helper()
	fd, at := listener(t, unix.AF_INET, 1)
	client = connect(t, unix.AF_INET, at)
	conn, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(conn) })
	return client, conn, sockname(t, client), at
}

// inStates waits until each end is in its state, and returns their rows.
func inStates(t *testing.T, from, at netip.AddrPort, client, conn State) (InetSocket, InetSocket) {
	t.Helper()
	var a, b *InetSocket
	until(t, client.String()+" and "+conn.String(), func() bool {
		rows, err := Own().TCP()
		if err != nil {
			t.Fatal(err)
		}
		a, b = rows.Find(from, at), rows.Find(at, from)
		return a != nil && b != nil && a.State == client && b.State == conn
	})
	return *a, *b
}

func write(t *testing.T, fd, n int) {
	t.Helper()
	if done, err := unix.Write(fd, make([]byte, n)); err != nil || done != n {
		t.Fatal(done, err)
	}
}

func shut(t *testing.T, fd int) {
	t.Helper()
	if err := unix.Shutdown(fd, unix.SHUT_WR); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, fd, n int) {
	t.Helper()
	if done, err := unix.Read(fd, make([]byte, n)); err != nil || done > n {
		t.Fatal(done, err)
	}
}

func outq(t *testing.T, fd int) int {
	t.Helper()
	n, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Of the same socket, sock_diag counts the FIN that waits and SIOCINQ does not.
func TestUnreadCountsFIN(t *testing.T) {
	client, first, from, at := pair(t)
	conn := first
	check := func(when string, row InetSocket, want Queued) {
		t.Helper()
		asked, err := Ask(conn)
		if err != nil {
			t.Fatal(err)
		}
		if got := row.Unread(); got != want || got.Total() != int(row.RQueue) || got.Bytes != asked.Unread {
			t.Errorf("%s: %+v of %d, SIOCINQ %d; not %+v", when, got, row.RQueue, asked.Unread, want)
		}
	}
	write(t, client, 9)
	_, row := inStates(t, from, at, Established, Established)
	check("nine bytes", row, Queued{Bytes: 9})
	shut(t, client)
	_, row = inStates(t, from, at, FinWait2, CloseWait)
	check("nine bytes and a FIN", row, Queued{Bytes: 9, FIN: true})
	read(t, conn, 4)
	_, row = inStates(t, from, at, FinWait2, CloseWait)
	check("four of them are read", row, Queued{Bytes: 5, FIN: true})
	read(t, conn, 6) // the FIN as well where it was put together with the bytes
	_, row = inStates(t, from, at, FinWait2, CloseWait)
	check("all bytes are read", row, Queued{FIN: row.RQueue == 1})
	read(t, conn, 1)
	_, row = inStates(t, from, at, FinWait2, CloseWait)
	check("the end is read", row, Queued{})

	other, otherConn, from2, at2 := pair(t)
	conn = otherConn
	shut(t, other)
	_, row = inStates(t, from2, at2, FinWait2, CloseWait)
	check("a FIN alone", row, Queued{FIN: true})
	read(t, conn, 1)
	_, row = inStates(t, from2, at2, FinWait2, CloseWait)
	check("it is read", row, Queued{})

	shut(t, first)
	rows, err := Own().TCP(TimeWait)
	if err != nil {
		t.Fatal(err)
	}
	if row := rows.Find(from, at); row == nil || row.Unread() != (Queued{}) || row.Unsent() != (Queued{}) {
		t.Errorf("TIME_WAIT: %+v", row)
	}
}

// fill writes until the peer's buffer and the socket's own are full.
func fill(t *testing.T, fd int) {
	t.Helper()
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := unix.Write(fd, make([]byte, 64<<10)); err == unix.EAGAIN {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// finUnsent waits until one end is in a state and SIOCOUTQ says the same as its row,
// a FIN included: the peer may still take some of what waits.
func finUnsent(t *testing.T, fd int, state State) InetSocket {
	t.Helper()
	var row *InetSocket
	until(t, state.String()+", and SIOCOUTQ as sock_diag says", func() bool {
		rows, err := Own().TCP()
		if err != nil {
			t.Fatal(err)
		}
		row = rows.Inode(inode(t, fd))
		if row == nil || row.State != state {
			return false
		}
		q := row.Unsent()
		asked, err := Ask(fd)
		if err != nil {
			t.Fatal(err)
		}
		return q.FIN && q.Total() == int(row.WQueue) && q.Total() == asked.Unsent && q == asked.Unacked()
	})
	return *row
}

// A FIN that cannot leave, since the peer's buffer is full of bytes before it, is
// counted by sock_diag and by SIOCOUTQ. Both ends do so, and one then reads all: it
// has got a FIN, and its own waits.
func TestUnsentCountsFIN(t *testing.T) {
	client, conn, from, at := pair(t)
	fill(t, client)
	shut(t, client)
	finUnsent(t, client, FinWait1)
	fill(t, conn)
	shut(t, conn)
	finUnsent(t, conn, FinWait1)

	buf := make([]byte, 1<<20)
	until(t, "the end of what the client wrote", func() bool {
		n, err := unix.Read(conn, buf)
		return n == 0 && err == nil
	})
	inStates(t, from, at, FinWait2, Closing)
	if row := finUnsent(t, conn, Closing); row.Unread() != (Queued{}) {
		t.Errorf("CLOSING, all read: %+v", row.Unread())
	}
}

// LAST_ACK: the FIN was got before our own was given, and ours cannot leave.
func TestUnsentInLastAck(t *testing.T) {
	client, conn, from, at := pair(t)
	write(t, client, 4)
	shut(t, client)
	inStates(t, from, at, FinWait2, CloseWait)
	fill(t, conn)
	shut(t, conn)
	row := finUnsent(t, conn, LastAck)
	if got := row.Unread(); got != (Queued{Bytes: 4, FIN: true}) || got.Total() != int(row.RQueue) {
		t.Errorf("%+v of %d", got, row.RQueue)
	}
	if asked, err := Ask(conn); err != nil || asked.Unread != 4 {
		t.Errorf("SIOCINQ %d, %v", asked.Unread, err)
	}
}

// A SYN that nobody answers is one in the count, and not one for SIOCOUTQ.
func TestUnsentCountsSYN(t *testing.T) {
	_, at := listener(t, unix.AF_INET, 0)
	for range 2 { // a backlog of 0 holds one; the second SYN is dropped
		client := socket(t, unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK)
		if err := unix.Connect(client, sockaddr(at)); err != nil && err != unix.EINPROGRESS {
			t.Fatal(err)
		}
		rows, err := Own().TCP()
		if err != nil {
			t.Fatal(err)
		}
		row := rows.Find(sockname(t, client), at)
		if row == nil || row.State != SynSent {
			continue
		}
		if got := row.Unsent(); got != (Queued{SYN: true}) || got.Total() != int(row.WQueue) || outq(t, client) != 0 {
			t.Errorf("%+v of %d, SIOCOUTQ %d", got, row.WQueue, outq(t, client))
		}
		return
	}
	t.Error("no SYN_SENT")
}
