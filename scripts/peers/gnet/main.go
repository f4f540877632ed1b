// Gnet answers every GET with the same 13 bytes, on the event loop of gnet. Its
// HTTP is the least that is not absurd: a request ends at its empty line, has no
// content, and names its method; fields are not read, except "Connection: close",
// which has to be spelled so. It serves no files.
//
//	gnet ADDRESS:PORT
package main

import (
	"bytes"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"
)

// hello is the content that every peer answers with, 13 bytes.
const hello = "Hello, World!"

var (
	blank = []byte("\r\n\r\n")
	get   = []byte("GET ")
	last  = []byte("\r\nConnection: close\r\n")
)

type server struct {
	gnet.BuiltinEventEngine
	answer  atomic.Pointer[[]byte] // to a GET, with the Date of this second
	answers []byte                 // to what one event brought; the loop is one goroutine
}

// OnTick writes the Date anew every second.
func (s *server) OnTick() (time.Duration, gnet.Action) {
	answer := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nServer: gnet\r\nDate: %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s",
		time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"), len(hello), hello)
	s.answer.Store(&answer)
	return time.Second, gnet.None
}

// OnTraffic answers all requests that are there with one write.
func (s *server) OnTraffic(c gnet.Conn) gnet.Action {
	in, err := c.Peek(-1)
	if err != nil {
		return gnet.Close
	}
	answer := *s.answer.Load()
	s.answers = s.answers[:0]
	after, done := gnet.None, 0
	for after == gnet.None {
		end := bytes.Index(in[done:], blank)
		if end < 0 {
			break
		}
		head := in[done : done+end+2]
		if !bytes.HasPrefix(head, get) {
			return gnet.Close
		}
		if bytes.Contains(head, last) {
			after = gnet.Close
		}
		s.answers = append(s.answers, answer...)
		done += end + len(blank)
	}
	if _, err := c.Discard(done); err != nil {
		return gnet.Close
	}
	if _, err := c.Write(s.answers); err != nil {
		return gnet.Close
	}
	return after
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gnet ADDRESS:PORT")
		os.Exit(2)
	}
	s := new(server)
	s.OnTick()
	fmt.Fprintln(os.Stderr, "gnet:", gnet.Run(s, "tcp://"+os.Args[1], gnet.WithTicker(true), gnet.WithTCPNoDelay(gnet.TCPNoDelay)))
	os.Exit(1)
}
