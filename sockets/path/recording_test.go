package path

import (
	"errors"
	"strings"
	"testing"
)

// There is a recording of each call of a life on each of some kernels, and it says of which, and when.
func TestRecorded(t *testing.T) {
	for call, function := range map[string]string{
		"socket": "inet_create", "bind": "__sys_bind", "listen": "inet_csk_listen_start", "connect": "tcp_v4_connect", "accept4": "do_accept",
		"sendto": "tcp_sendmsg_locked", "recvfrom": "tcp_recvmsg_locked", "shutdown": "tcp_shutdown", "close": "__tcp_close",
	} {
		if p, err := Recorded(call); err != nil || !strings.HasPrefix(p.Call, call+"(") {
			t.Errorf("%s: %q, %v", call, p.Call, err)
		}
		for _, version := range []string{"6.1", "6.12", "6.18"} {
			p, err := recorded("recordings/" + version + "/" + call + ".json")
			if err != nil {
				t.Error(err)
				continue
			}
			if !strings.HasPrefix(p.Kernel, version+".") || p.Made.IsZero() || p.Table == "" || !strings.Contains(strings.Join(names(p), " "), function) {
				t.Errorf("%s: a %s on %q, %v: %v", call, p.Call, p.Kernel, p.Made, names(p))
			}
			sent, _ := p.Find("net_dev_start_xmit")
			for _, v := range p.Visits {
				if sent == nil && v.Packet > 0 {
					t.Errorf("%s on %s sends nothing, and %s has packet %d", call, version, v.Function, v.Packet)
				}
				if v.File != "" && v.Layer != LayerOf(v.File) {
					t.Errorf("%s on %s: %s of %s stands in %q, and is now in %q: record again", call, version, v.Function, v.File, v.Layer, LayerOf(v.File))
				}
			}
		}
	}
	if _, err := Recorded("sleep"); !errors.Is(err, ErrNoRecording) {
		t.Error(err)
	}
}

// Of several kernels it is that which is the nearest to one's own.
func TestNearest(t *testing.T) {
	files := []string{"recordings/6.1/x.json", "recordings/6.12/x.json", "recordings/6.18/x.json"}
	for release, want := range map[string]string{
		"5.10.0-3-amd64": "6.1", "6.1.0-50-cloud-amd64": "6.1", "6.6.1": "6.1", "6.8.0-31-generic": "6.12", "6.12.117+deb13": "6.12", "6.15.2": "6.18", "7.2.0-rc1": "6.18", "": "6.1",
	} {
		if got := nearest(files, release); got != "recordings/"+want+"/x.json" {
			t.Errorf("of Linux %q: %s, and not of %s", release, got, want)
		}
	}
}
