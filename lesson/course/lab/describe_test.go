package lab

import (
	"fmt"
	"net"
	"testing"
	"time"

	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// A learner compares the Board with ss(8), which counts a FIN as a byte.
func TestBoardSaysWhatSSCounts(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, said := range []string{"123456789", ""} {
		client, err := net.Dial("tcp4", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		client.Write([]byte(said))
		client.Close()
		x := closeWait(t, server.(*net.TCPConn))
		_, bars := Describe(x)
		want := fmt.Sprintf("%d of %d bytes, Recv-Q %d with the FIN", len(said), x.RecvBuf, len(said)+1)
		if bars[0].Text != want || bars[0].Have != int64(len(said)) {
			t.Errorf("%+v, want %q", bars[0], want)
		}
		server.Read(make([]byte, 100))
		server.Read(make([]byte, 100)) // the end
		x = closeWait(t, server.(*net.TCPConn))
		if _, bars := Describe(x); bars[0].Text != fmt.Sprintf("0 of %d bytes", x.RecvBuf) {
			t.Errorf("the FIN is read: %+v", bars[0])
		}
	}
}

// closeWait is the socket of a connection as soon as its peer's FIN has come.
func closeWait(t *testing.T, c *net.TCPConn) (x stage.Socket) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(Patience); x.State() != kernel.CloseWait; {
		raw.Control(func(fd uintptr) { x.Asked, err = kernel.Ask(int(fd)) })
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("no CLOSE_WAIT but %s: %v", x.State(), err)
		}
	}
	x.Became, x.With = "accept4", x.Peer
	return x
}
