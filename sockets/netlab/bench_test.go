package netlab_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"fd3/sockets/netlab"
	"fd3/sockets/stage"
	"fd3/sockets/wire"
)

// What the cable carries, and how much later a packet comes by it. 500 Mbit/s at least and
// 100 µs at most are asked for, where nothing else has the CPUs; on two of an AMD EPYC it was
// 1230 Mbit/s and 36 µs:
//
//	go test -c ./sockets/netlab && chrt -f 10 ./netlab.test -test.run '^$' -test.bench .

// loadRole is the environment variable that says that this test binary is a program on a
// host, and which: "serve", "send BYTES" or "ask TIMES ADDRESS".
const loadRole = "FD3_TEST_LOAD"

const (
	sinkPort = ":9001" // takes all bytes, and closes when there are no more
	echoPort = ":9002"
)

// load is the life of such a program. It prints how many nanoseconds it has taken.
func load(role string) int {
	words := strings.Fields(role)
	var took time.Duration
	err := error(nil)
	switch words[0] {
	case "serve":
		err = serve()
	case "send":
		took, err = send(words[1])
	case "ask":
		took, err = ask(words[1], words[2])
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(took.Nanoseconds())
	return 0
}

func serve() error {
	sink, err := net.Listen("tcp", sinkPort)
	if err != nil {
		return err
	}
	echo, err := net.Listen("tcp", echoPort)
	if err != nil {
		return err
	}
	go each(echo, func(c net.Conn) { io.Copy(c, c) })
	return each(sink, func(c net.Conn) { io.Copy(io.Discard, c) })
}

func each(l net.Listener, do func(net.Conn)) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			do(c)
		}()
	}
}

// send returns how long it takes until the other end has so many bytes.
func send(bytes string) (time.Duration, error) {
	n, err := strconv.ParseInt(bytes, 10, 64)
	if err != nil {
		return 0, err
	}
	c, err := net.Dial("tcp", netlab.ServerAddr+sinkPort)
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	if _, err := io.CopyN(c, zeros{}, n); err != nil {
		return 0, err
	}
	c.(*net.TCPConn).CloseWrite()
	_, err = c.Read(make([]byte, 1))
	if err != io.EOF {
		return 0, fmt.Errorf("the end of the connection: %v", err)
	}
	return time.Since(begun), nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// ask returns how long so many bytes take to the other end and back, one after the other.
func ask(times, addr string) (time.Duration, error) {
	n, err := strconv.Atoi(times)
	if err != nil {
		return 0, err
	}
	c, err := net.Dial("tcp", addr+echoPort)
	if err != nil {
		return 0, err
	}
	b := []byte{1}
	begun := time.Now()
	for range n {
		if _, err := c.Write(b); err != nil {
			return 0, err
		}
		if _, err := io.ReadFull(c, b); err != nil {
			return 0, err
		}
	}
	return time.Since(begun), nil
}

// loaded is a network that flows, with a server on its host.
func loaded(b *testing.B) *lab {
	l := up(b, netlab.Options{})
	l.cable(wire.Order{Do: "flow"})
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	server := program(l.Network, stage.Server, "env", loadRole+"=serve", exe)
	if err := server.Start(); err != nil {
		b.Fatal(err)
	}
	go server.Wait() // it ends with the network
	until(b, func() string { return "a server" }, func() bool {
		return strings.Contains(l.run(stage.Server, "cat", "/proc/net/tcp6"), ":232A") // echoPort
	})
	return l
}

// took runs such a program on a host.
func (l *lab) took(on stage.Role, role string) time.Duration {
	l.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		l.t.Fatal(err)
	}
	n, err := strconv.ParseInt(strings.TrimSpace(l.run(on, "env", loadRole+"="+role, exe)), 10, 64)
	if err != nil {
		l.t.Fatal(err)
	}
	return time.Duration(n)
}

// A network is made in less time than a person notices, 50 ms.
func BenchmarkUp(b *testing.B) {
	for b.Loop() {
		if _, _, err := netlab.Up("bench", netlab.Options{}); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if _, err := netlab.Down(b.Context(), "bench"); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// Each operation is a mebibyte.
func BenchmarkThroughput(b *testing.B) {
	l := loaded(b)
	b.SetBytes(1 << 20)
	b.ResetTimer()
	took := l.took(stage.Client, fmt.Sprintf("send %d", b.N<<20))
	b.ReportMetric(float64(b.N<<23)/took.Seconds()/1e6, "Mbit/s")
}

// Each operation is a byte to the other host and back. What the cable adds, each way, is
// half of what this takes longer than on the server's own loopback.
func BenchmarkLatency(b *testing.B) {
	l := loaded(b)
	b.ResetTimer()
	over := l.took(stage.Client, fmt.Sprintf("ask %d %s", b.N, netlab.ServerAddr))
	b.StopTimer()
	alone := l.took(stage.Server, fmt.Sprintf("ask %d %s", b.N, netlab.ServerAddr))
	b.ReportMetric(float64((over-alone).Nanoseconds())/2/1e3/float64(b.N), "µs-added")
}
