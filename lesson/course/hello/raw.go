package hello

import "golang.org/x/sys/unix"

// Serve says hello by system calls alone.
func Serve(port int) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	if err != nil {
		return err
	}
	addr := unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
	if err := unix.Bind(fd, &addr); err != nil {
		return err
	}
	if err := unix.Listen(fd, unix.SOMAXCONN); err != nil {
		return err
	}
	for {
		conn, _, err := unix.Accept(fd)
		if err != nil {
			return err
		}
		answer(conn)
	}
}

// answer reads a request, whatever it is, and answers it.
func answer(conn int) {
	defer unix.Close(conn)
	if n, _ := unix.Read(conn, make([]byte, 4096)); n > 0 {
		unix.Write(conn, []byte("HTTP/1.1 200 OK\r\n"+
			"Content-Length: 6\r\nConnection: close\r\n\r\nhello\n"))
	}
}
