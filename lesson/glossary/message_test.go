package glossary

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// Messages of programs and systems that may not be here. The test is long, since it is a
// table.
func TestMessagesLeadToTheirWord(t *testing.T) {
	for printed, want := range map[string]string{
		"Address already in use":          "EADDRINUSE",
		"bind: Address already in use":    "EADDRINUSE",
		"BIND:  address   ALREADY in use": "EADDRINUSE",
		"Only one usage of each socket address (protocol/network address/port) is normally permitted.": "EADDRINUSE",
		"Error: listen EADDRINUSE: address already in use :::8080":                                     "EADDRINUSE",
		"listen tcp 127.0.0.1:8080: bind: address already in use":                                      "EADDRINUSE",
		"nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)":                      "EADDRINUSE",
		"OSError: [Errno 98] error while attempting to bind":                                           "EADDRINUSE",
		"Web server failed to start. Port 8080 is already in use.":                                     "EADDRINUSE",
		"bind: Can't assign requested address":                                                         "EADDRNOTAVAIL",
		"Connection refused":                                                                           "ECONNREFUSED",
		"This site can’t be reached. localhost refused to connect. ERR_CONNECTION_REFUSED":             "ECONNREFUSED",
		"No connection could be made because the target machine actively refused it.":                  "ECONNREFUSED",
		"curl: (7) Failed to connect to localhost port 80: Connection refused":                         "ECONNREFUSED",
		"curl: (7) Failed to connect to localhost port 8080 after 0 ms: Couldn't connect to server":    "failed connect",
		"curl: (7) Failed to connect to localhost port 8080 after 0 ms: Could not connect to server":   "failed connect",
		"Firefox can’t establish a connection to the server at localhost:8080.":                        "failed connect",
		"Connection reset by peer":                                                                     "ECONNRESET",
		"An existing connection was forcibly closed by the remote host":                                "ECONNRESET",
		"net::ERR_CONNECTION_RESET":                                                                    "ECONNRESET",
		"bash: echo: write error: Broken pipe":                                                         "EPIPE",
		"thread 'main' panicked: failed printing to stdout: Broken pipe (os error 32)":                 "EPIPE",
		"Empty reply from server":                                                                      "empty reply",
		"localhost didn’t send any data. ERR_EMPTY_RESPONSE":                                           "empty reply",
		"Name or service not known":                                                                    "getaddrinfo",
		"ping: example.test: Temporary failure in name resolution":                                     "getaddrinfo",
		"socket.gaierror: [Errno 8] nodename nor servname provided, or not known":                      "getaddrinfo",
		"Error: getaddrinfo ENOTFOUND example.test":                                                    "getaddrinfo",
		"dial tcp: lookup example.test on 192.0.2.1:53: no such host":                                  "getaddrinfo",
		"DNS_PROBE_FINISHED_NXDOMAIN":                                                                  "getaddrinfo",
		"curl: (28) Connection timed out after 1001 milliseconds":                                      "timeout",
		"curl: (28) Failed to connect to 192.0.2.1 port 80 after 135000 ms: Connection timed out":      "ETIMEDOUT",
		"ssh: connect to host 192.0.2.1 port 22: Operation timed out":                                  "ETIMEDOUT",
		"localhost took too long to respond. ERR_CONNECTION_TIMED_OUT":                                 "ETIMEDOUT",
		"ssh: connect to host 10.0.0.9 port 22: No route to host":                                      "EHOSTUNREACH",
		"ping: connect: Network is unreachable":                                                        "ENETUNREACH",
		"accept4: Too many open files":                                                                 "EMFILE",
		"accept: Too many open files in system":                                                        "ENFILE",
		"bind: Permission denied":                                                                      "EACCES",
		"SSL_ERROR_RX_RECORD_TOO_LONG":                                                                 "TLS",
		"recv: Resource temporarily unavailable":                                                       "EAGAIN",
		"line 3: read: Interrupted system call":                                                        "EINTR",
		"curl: (18) end of response with 7 bytes missing":                                              "Content-Length",
		"(failed)net::ERR_INCOMPLETE_CHUNKED_ENCODING":                                                 "chunked",
		"java.net.SocketException: Connection reset":                                                   "ECONNRESET",
		"upstream prematurely closed connection while reading response header from upstream":           "empty reply",
		"accept tcp 127.0.0.1:8080: use of closed network connection":                                  "EBADF",
		"TCP: request_sock_TCP: Possible SYN flooding on port 127.0.0.1:8080. Sending cookies.":        "SYN cookie",
		"nf_conntrack: nf_conntrack: table full, dropping packet":                                      "conntrack",
		"kex_exchange_identification: Connection closed by remote host":                                "EOF",
	} {
		if e, ok := LookUp(printed); !ok || e.Word != want {
			t.Errorf("%q leads to %q, not to %q", printed, e.Word, want)
		}
	}
	for _, printed := range []string{"nobody can connect to it", "a broken pipeline", "PEPERM", "errno 4096 it is"} {
		if e, ok := LookUp(printed); ok {
			t.Errorf("%q leads to %q", printed, e.Word)
		}
	}
}

// Programs say in their own words, now, which server they met.
func TestProgramsSay(t *testing.T) {
	taken := listening(t, func(c *net.TCPConn) {})
	silent := notListening(t)
	noReply := listening(t, func(c *net.TCPConn) { head(c) })
	unread := listening(t, func(c *net.TCPConn) { io.ReadFull(c, make([]byte, 1)) })
	cut := listening(t, func(c *net.TCPConn) { head(c); io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhel") })
	noHTTP := listening(t, func(c *net.TCPConn) { head(c); io.WriteString(c, "hello") })
	plain := listening(t, func(c *net.TCPConn) {
		c.Read(make([]byte, 4096))
		io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
	})
	waits := listening(t, func(c *net.TCPConn) { io.Copy(io.Discard, c) })
	host := func(address string) []string {
		host, port, _ := net.SplitHostPort(address)
		return []string{host, port}
	}
	for _, c := range []struct {
		name, want string
		command    []string
	}{
		{"curl refused", "failed connect", []string{"curl", "-sS", "http://" + silent}},
		{"curl -v refused", "ECONNREFUSED", []string{"curl", "-sSv", "http://" + silent}},
		{"curl no reply", "empty reply", []string{"curl", "-sS", "http://" + noReply}},
		{"curl reset", "ECONNRESET", []string{"curl", "-sS", "http://" + unread}},
		{"curl cut", "Content-Length", []string{"curl", "-sS", "http://" + cut}},
		{"curl no HTTP", "status line", []string{"curl", "-sS", "http://" + noHTTP}},
		{"curl TLS", "TLS", []string{"curl", "-sS", "https://" + plain}},
		{"curl limit", "timeout", []string{"curl", "-sS", "--max-time", "0.1", "http://" + waits}},
		{"curl name", "getaddrinfo", []string{"curl", "-sS", "http://a..b/"}},
		{"nc refused", "ECONNREFUSED", append([]string{"nc", "-v"}, host(silent)...)},
		{"nc taken", "EADDRINUSE", append([]string{"nc", "-l"}, host(taken)...)},
		{"nc name", "getaddrinfo", []string{"nc", "a..b", "80"}},
		{"bash refused", "ECONNREFUSED", []string{"bash", "-c", "exec 3<>/dev/tcp/" + strings.Join(host(silent), "/")}},
		{"node taken", "EADDRINUSE", []string{"node", "-e", fmt.Sprintf("require('net').createServer().listen(%s, '127.0.0.1')", host(taken)[1])}},
		{"node no reply", "empty reply", []string{"node", "-e", fmt.Sprintf("require('http').get('http://%s')", noReply)}},
		{"python3 taken", "EADDRINUSE", []string{"python3", "-c", fmt.Sprintf("import socket; socket.create_server(('127.0.0.1', %s))", host(taken)[1])}},
		{"python3 refused", "ECONNREFUSED", []string{"python3", "-c", fmt.Sprintf("import urllib.request; urllib.request.urlopen('http://%s')", silent)}},
		{"python3 no reply", "empty reply", []string{"python3", "-c", fmt.Sprintf("import urllib.request; urllib.request.urlopen('http://%s')", noReply)}},
		{"python3 name", "getaddrinfo", []string{"python3", "-c", "import socket; socket.getaddrinfo(b'a..b', 80)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			leads(t, printed(t, c.command...), c.want)
		})
	}
	t.Run("go", func(t *testing.T) {
		t.Parallel()
		fails := func(_ any, err error) string { return fmt.Sprint(err) }
		leads(t, fails(net.Listen("tcp", taken)), "EADDRINUSE")
		leads(t, fails(net.Dial("tcp", silent)), "ECONNREFUSED")
		leads(t, fails(http.Get("http://"+noReply)), "empty reply")
		leads(t, fails(http.Get("http://"+noHTTP)), "status line")
		leads(t, fails(http.Get("https://"+plain)), "TLS")
		limited := http.Client{Timeout: 10 * time.Millisecond}
		leads(t, fails(limited.Get("http://"+waits)), "timeout")
	})
}

func leads(t *testing.T, printed, want string) {
	t.Helper()
	if e, ok := LookUp(printed); !ok || e.Word != want {
		t.Errorf("it leads to %q, not to %q: %s", e.Word, want, printed)
	}
}

// printed runs a program that has to fail, and returns its standard error.
func printed(t *testing.T, command ...string) string {
	t.Helper()
	if _, err := exec.LookPath(command[0]); err != nil {
		t.Skip(command[0] + " is not here")
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Env = append(os.Environ(), "LC_ALL=C", "http_proxy=", "https_proxy=", "NO_PROXY=*")
	_, err := c.Output()
	failed, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		t.Fatalf("%q: %v", command, err)
	}
	return string(failed.Stderr)
}

// listening serves each client of an address, and closes its connection.
func listening(t *testing.T, serve func(*net.TCPConn)) (address string) {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.AcceptTCP()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	return l.Addr().String()
}

// head reads to the end of a head.
func head(c io.Reader) {
	for r := bufio.NewReader(c); ; {
		if line, err := r.ReadString('\n'); err != nil || line == "\r\n" {
			return
		}
	}
}

// notListening returns an address that is bound, and where nobody listens.
func notListening(t *testing.T) (address string) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if _, err := bound(fd); err != nil {
		t.Fatal(err)
	}
	return sockets.Sockname(fd).String()
}
