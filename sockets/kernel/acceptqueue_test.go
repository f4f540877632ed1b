package kernel

import (
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAcceptQueue(t *testing.T) {
	addresses := map[string]unix.Sockaddr{
		"TCP":  &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}},
		"Unix": &unix.SockaddrUnix{Name: filepath.Join(t.TempDir(), "s")},
	}
	for name, addr := range addresses {
		t.Run(name, func(t *testing.T) {
			domain := unix.AF_UNIX
			if name == "TCP" {
				domain = unix.AF_INET
			}
			socket := func() int {
				fd, err := unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { unix.Close(fd) })
				return fd
			}
			listener := socket()
			if err := unix.Bind(listener, addr); err != nil {
				t.Fatal(err)
			}
			if err := unix.Listen(listener, 7); err != nil {
				t.Fatal(err)
			}
			there, err := unix.Getsockname(listener)
			if err != nil {
				t.Fatal(err)
			}
			for clients := range 3 {
				waiting, backlog, source, err := AcceptQueue(listener)
				if waiting != clients || backlog != 7 || source == "" || err != nil {
					t.Errorf("%d clients: %d of %d, %q, %v", clients, waiting, backlog, source, err)
				}
				if err := unix.Connect(socket(), there); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pipe[0])
	defer unix.Close(pipe[1])
	if waiting, _, _, err := AcceptQueue(pipe[0]); err == nil {
		t.Errorf("a pipe has %d in its accept queue", waiting)
	}
	if _, _, _, err := AcceptQueue(-1); err == nil {
		t.Error("no descriptor has an accept queue")
	}
}
