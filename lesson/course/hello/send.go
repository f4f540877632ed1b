package hello

import (
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// message is what a sender brings to another process.
const message = "hello\n"

// Sender returns what starts fd3 as a process that brings a message to another one: by
// "tcp" to 127.0.0.1 and a port, by "unix" to a path, by "ring", which is TCP by
// io_uring(7), or by "memory", which the other process writes to a file.
func Sender(how, where string) (argv []string, err error) {
	path, err := os.Executable()
	return []string{path, become, how, where}, err
}

// sendTo sends the message to an address.
func sendTo(addr unix.Sockaddr, domain int) error {
	fd, err := unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, addr); err != nil {
		return err
	}
	_, err = unix.Write(fd, []byte(message))
	return err
}

func loopback(port int) *unix.SockaddrInet4 {
	return &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
}

// share leaves the message in memory that another process has, too. It returns when that
// has written it to a file.
func share(file string) error {
	memory, err := unix.MemfdCreate("hello", unix.MFD_CLOEXEC)
	if err != nil {
		return err
	}
	shared := os.NewFile(uintptr(memory), "hello")
	defer shared.Close()
	if err := unix.Ftruncate(memory, int64(len(message))); err != nil {
		return err
	}
	page, err := unix.Mmap(memory, 0, len(message), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	copy(page, message)
	path, err := os.Executable()
	if err != nil {
		return err
	}
	other := exec.Command(path, become, "remember", file)
	other.ExtraFiles = []*os.File{shared} // its 3
	return other.Run()
}

// remember writes to a file what another process has left in the memory behind 3.
func remember(file string) error {
	page, err := unix.Mmap(3, 0, len(message), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	return os.WriteFile(file, page, 0o600)
}

// run makes this process one of those that the package knows.
func run(what, where string) error {
	port := 0
	fmt.Sscan(where, &port)
	switch what {
	case "net/http":
		return ListenAndServe(port)
	case "raw":
		return Serve(port)
	case "tcp":
		return sendTo(loopback(port), unix.AF_INET)
	case "unix":
		return sendTo(&unix.SockaddrUnix{Name: where}, unix.AF_UNIX)
	case "ring":
		return sendByRing(port)
	case "memory":
		return share(where)
	case "remember":
		return remember(where)
	}
	return fmt.Errorf("%q is nobody here", what)
}
