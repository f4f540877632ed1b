package kernel

import (
	"testing"

	"golang.org/x/sys/unix"
)

// What sock_diag(7) says of a connection is what its own process is told by TCP_INFO and
// TCP_CONGESTION.
func TestFlows(t *testing.T) {
	_, at := listener(t, unix.AF_INET, 1)
	client, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(client)
	if err := unix.Connect(client, &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}); err != nil {
		t.Fatal(err)
	}
	info, err := unix.GetsockoptTCPInfo(client, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		t.Fatal(err)
	}
	name, err := unix.GetsockoptString(client, unix.IPPROTO_TCP, unix.TCP_CONGESTION)
	if err != nil {
		t.Fatal(err)
	}
	flows, err := Own().Flows()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range flows {
		if f.Remote == at {
			if f.Congestion != name || f.Info.Snd_cwnd != info.Snd_cwnd || f.Info.Rtt != info.Rtt || f.Info.Snd_mss != info.Snd_mss {
				t.Errorf("%q, %+v, not %q, %+v", f.Congestion, f.Info, name, info)
			}
			return
		}
	}
	t.Errorf("the connection is not among %d", len(flows))
}
