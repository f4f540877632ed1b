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
				q, err := Own().AcceptQueue(listener)
				if q.Waiting != clients || q.Backlog != 7 || q.Source == "" || err != nil {
					t.Errorf("%d clients: %+v, %v", clients, q, err)
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
	if q, err := Own().AcceptQueue(pipe[0]); err == nil {
		t.Errorf("a pipe has an accept queue: %+v", q)
	}
	if _, err := Own().AcceptQueue(-1); err == nil {
		t.Error("no descriptor has an accept queue")
	}
}
