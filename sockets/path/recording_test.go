package path

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// There is a recording of each call of a life, and it says of which kernel and when.
func TestRecorded(t *testing.T) {
	for call, function := range map[string]string{
		"socket": "inet_create", "bind": "__sys_bind", "listen": "inet_csk_listen_start", "connect": "tcp_v4_connect", "accept4": "do_accept",
		"sendto": "tcp_sendmsg_locked", "recvfrom": "tcp_recvmsg_locked", "shutdown": "tcp_shutdown", "close": "__tcp_close",
	} {
		p, err := Recorded(call)
		if err != nil {
			t.Errorf("%s: %v", call, err)
			continue
		}
		if p.Kernel == "" || p.Made.IsZero() || p.Table == "" || p.Call == "" || !strings.Contains(strings.Join(names(p), " "), function) {
			t.Errorf("%s: a %s on %q, %v: %v", call, p.Call, p.Kernel, p.Made, names(p))
		}
		sent, _ := p.Find("net_dev_start_xmit")
		for _, v := range p.Visits {
			if sent == nil && v.Packet > 0 {
				t.Errorf("%s sends nothing, and %s has packet %d", call, v.Function, v.Packet)
			}
			if v.File != "" && v.Layer != LayerOf(v.File) {
				t.Errorf("%s: %s of %s stands in %q, and is now in %q: record again", call, v.Function, v.File, v.Layer, LayerOf(v.File))
			}
		}
	}
	if _, err := Recorded("sleep"); !errors.Is(err, ErrNoRecording) {
		t.Error(err)
	}
}

// On the kernel of a recording the way is still the recorded one.
func TestRecordedHere(t *testing.T) {
	p, err := Recorded("sendto")
	if err != nil {
		t.Fatal(err)
	}
	version := strings.Join(strings.SplitN(p.Kernel, ".", 3)[:2], ".") + "."
	if !strings.HasPrefix(release(), version) {
		t.Skipf("this is Linux %s, and the recording is of %s", release(), p.Kernel)
	}
	trace := open(t)
	client, _ := pair(t)
	here := way(t, trace, unix.SYS_SENDTO, func() { unix.Sendto(client, []byte("hello"), unix.MSG_NOSIGNAL, nil) })
	down := func(p Path) (all []string) {
		for _, v := range p.Visits {
			if v.Packet <= 1 && !v.Up {
				all = append(all, v.Function)
			}
		}
		return all
	}
	if got, want := strings.Join(down(here), " "), strings.Join(down(p), " "); got != want {
		t.Errorf("the way is\n%s\nand was recorded as\n%s", got, want)
	}
}
