package sockets

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The sixteen bytes that lessons draw.
func TestSixteenBytes(t *testing.T) {
	want := []byte{0, 0, 0x1f, 0x90, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}
	binary.NativeEndian.PutUint16(want, unix.AF_INET)
	if got := parse(t, "127.0.0.1:8080"); !bytes.Equal(got, want) {
		t.Errorf("% x, not % x", got, want)
	}
}

func TestParseSockaddr(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1:8080":      "127.0.0.1:8080",
		":8080":               "127.0.0.1:8080",
		"8080":                "127.0.0.1:8080",
		"localhost:80":        "127.0.0.1:80",
		"*:80":                "0.0.0.0:80",
		":0":                  "127.0.0.1:0",
		"[::1]:8080":          "[::1]:8080",
		"[::]:65535":          "[::]:65535",
		"[::ffff:1.2.3.4]:80": "[::ffff:1.2.3.4]:80",
		"[fe80::1%2]:80":      "[fe80::1%2]:80",
		"[fe80::1%lo]:80":     "[fe80::1%1]:80", // loopback is always the first
		"unix:/tmp/s":         "unix:/tmp/s",
		"unix:with:colons":    "unix:with:colons",
		"unix:@abstract":      "unix:@abstract",
	} {
		s := parse(t, text)
		if s.String() != want {
			t.Errorf("%s is %s, not %s", text, s, want)
		}
		if again := parse(t, s.String()); !bytes.Equal(again, s) {
			t.Errorf("%s: % x, and read back % x", text, s, again)
		}
	}
	for _, text := range []string{"", ":", "nonsense", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:http",
		"::1:80", "[::1]", "[::1", "::1]:80", "[127.0.0.1:80", "1.2.3:80", "example.com:80", "[fe80::1%no-such]:80", "[fe80::1%a-name-too-long-for-any]:80",
		"::", "unix:@", "unix:@" + strings.Repeat("x", MaxUnixPath), "unix:", "unix:/\x00", "unix:/" + strings.Repeat("x", MaxUnixPath)} {
		if s, err := ParseSockaddr(text); err == nil {
			t.Errorf("%q was taken for %s", text, s)
		}
	}
}

// An address without a port is told so, and how it is written with one.
func TestAddressWithoutPort(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1": "write 127.0.0.1:8080, or 127.0.0.1:0",
		"::":        "write [::]:8080, or [::]:0",
		"[::1]":     "write [::1]:8080, or [::1]:0",
		"localhost": "write localhost:8080, or localhost:0",
	} {
		if _, err := ParseSockaddr(text); err == nil || !strings.Contains(err.Error(), "has no port: "+want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// An abstract name has its NUL in front and none behind (unix(7)): the kernel gives back
// what it was given.
func TestAbstractName(t *testing.T) {
	name := parse(t, fmt.Sprintf("unix:@fd3 test %d", unix.Getpid()))
	if name[2] != 0 || name[len(name)-1] == 0 {
		t.Fatalf("% x", name)
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if c := new(Tracer).Bind(fd, name); c.Errno != 0 {
		t.Fatal(c.Strace())
	}
	if got := Sockname(fd); !bytes.Equal(got, name) {
		t.Errorf("% x, bound % x", got, name)
	}
}

// The fields cover the bytes from the first to the last, without a gap.
func TestFields(t *testing.T) {
	for _, text := range []string{"127.0.0.1:8080", "[fe80::1%2]:80", "unix:/tmp/s", "unix:@s"} {
		s := parse(t, text)
		end := 0
		for _, f := range s.Fields() {
			if f.Start != end || f.End <= f.Start {
				t.Errorf("%s: %s is %d to %d, after %d", text, f.Name, f.Start, f.End, end)
			}
			end = f.End
		}
		if end != len(s) {
			t.Errorf("%s: fields for %d of %d bytes", text, end, len(s))
		}
	}
}

// An address that is cut short is no reason to stop.
func TestShortSockaddr(t *testing.T) {
	for _, text := range []string{"127.0.0.1:8080", "[::1]:80", "unix:/tmp/s"} {
		whole := parse(t, text)
		for n := range len(whole) + 1 {
			s := whole[:n]
			_, _, _, _, _ = s.String(), s.strace(), s.Port(), s.Path(), s.Fields()
			_ = s.CType()
		}
	}
}

func FuzzParseSockaddr(f *testing.F) {
	for _, text := range []string{"127.0.0.1:8080", "[::1]:0", "[fe80::1%2]:80", ":1", "unix:/tmp/s", "unix:\x80", "*:9", "[::ffff:1.2.3.4%1]:8"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSockaddr(text)
		if err != nil {
			return
		}
		again, err := ParseSockaddr(s.String())
		if err != nil || !bytes.Equal(s, again) {
			t.Errorf("%q is %s: % x, and read back % x, %v", text, s, s, again, err)
		}
		s.strace()
		s.goLiteral()
		s.Fields()
	})
}

func FuzzSockaddr(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte(InetSockaddr(netip.MustParseAddrPort("127.0.0.1:80"))))
	f.Add([]byte(InetSockaddr(netip.MustParseAddrPort("[::1]:80"))))
	f.Add([]byte(UnixSockaddr("/tmp/s")))
	f.Add([]byte{1, 0, 0, 'a', 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		s := Sockaddr(b)
		_, _, _, _ = s.String(), s.strace(), s.Fields(), s.Wildcard()
		s.goLiteral()
	})
}
