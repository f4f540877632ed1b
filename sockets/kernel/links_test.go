package kernel

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The links are those of /sys/class/net, with the same numbers.
func TestLinks(t *testing.T) {
	links, err := Own().Links()
	if err != nil {
		t.Fatal(err)
	}
	dirs, err := filepath.Glob("/sys/class/net/*/mtu")
	if err != nil || len(dirs) != len(links) {
		t.Errorf("%d links, %q, %v", len(links), dirs, err)
	}
	loopbacks := 0
	for _, link := range links {
		for file, want := range map[string]string{"ifindex": fmt.Sprint(link.Index), "mtu": fmt.Sprint(link.MTU)} {
			text, err := readFile("/sys/class/net/" + link.Name + "/" + file)
			if got := strings.TrimSpace(string(text)); err != nil || got != want {
				t.Errorf("%s: %s is %q, not %q, %v", link.Name, file, got, want, err)
			}
		}
		if link.Loopback() {
			loopbacks++
			if link.Name != "lo" || link.Up() && !slices.Contains(link.Addrs, netip.MustParsePrefix("127.0.0.1/8")) {
				t.Errorf("%+v", link)
			}
		}
	}
	if loopbacks != 1 {
		t.Errorf("%d loopbacks in %+v", loopbacks, links)
	}
}

// attr is one attribute, padded to four bytes.
func attr(kind uint16, value ...byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(4+len(value)))
	b = append(binary.NativeEndian.AppendUint16(b, kind), value...)
	return append(b, make([]byte, align4(len(b))-len(b))...)
}

func TestParseLink(t *testing.T) {
	head := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(head[4:], 3)
	binary.NativeEndian.PutUint32(head[8:], unix.IFF_UP|unix.IFF_LOOPBACK)
	whole := slices.Concat(head, attr(unix.IFLA_IFNAME, []byte("veth0\x00")...), attr(unix.IFLA_MTU, binary.NativeEndian.AppendUint32(nil, 1500)...),
		attr(unix.IFLA_QDISC, []byte("fq_codel\x00")...))
	link, err := parseLink(whole)
	if err != nil || link.Index != 3 || link.Name != "veth0" || link.MTU != 1500 || link.Qdisc != "fq_codel" || !link.Up() || !link.Loopback() {
		t.Errorf("%+v, %v", link, err)
	}
	for i := range head {
		if _, err := parseLink(head[:i]); err != errShort {
			t.Errorf("%d bytes: %v", i, err)
		}
	}
	for i := range whole {
		parseLink(whole[:i])
	}
}

// Of a link with a peer, IFA_ADDRESS is the peer's, wherever it stands.
func TestParseLinkAddr(t *testing.T) {
	head := make([]byte, unix.SizeofIfAddrmsg)
	head[1] = 24
	binary.NativeEndian.PutUint32(head[4:], 7)
	local, peer := attr(unix.IFA_LOCAL, 10, 0, 0, 1), attr(unix.IFA_ADDRESS, 10, 0, 0, 2)
	for _, test := range []struct {
		attrs []byte
		want  string
	}{
		{slices.Concat(peer, local), "10.0.0.1/24"},
		{slices.Concat(local, peer), "10.0.0.1/24"},
		{peer, "10.0.0.2/24"},
		{attr(unix.IFA_ADDRESS, 1, 2, 3), "invalid Prefix"},
		{nil, "invalid Prefix"},
	} {
		index, prefix, err := parseLinkAddr(slices.Concat(head, test.attrs))
		if index != 7 || prefix.String() != test.want || err != nil {
			t.Errorf("%v: %d %v, %v; not %s", test.attrs, index, prefix, err, test.want)
		}
	}
	if _, _, err := parseLinkAddr(head[:7]); err != errShort {
		t.Error(err)
	}
}
