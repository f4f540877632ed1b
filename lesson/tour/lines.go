package tour

import (
	"bytes"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// lines are what is typed, a line at a time, until the end of the input or close.
// A read(2) of a terminal cannot be called back, so it is made only when poll(2)
// says that there is something.
type lines struct {
	all  chan string // closed at the end
	stop *os.File    // closing it wakes poll
	over chan struct{}
}

func readLines(in *os.File) (*lines, error) {
	wake, stop, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	l := &lines{all: make(chan string, 64), stop: stop, over: make(chan struct{})}
	go l.read(int(in.Fd()), wake)
	return l, nil
}

// typed is the channel of the lines. Of no lines, nothing ever comes.
func (l *lines) typed() <-chan string {
	if l == nil {
		return nil
	}
	return l.all
}

// close returns when nothing is read any more.
func (l *lines) close() {
	l.stop.Close()
	<-l.over
}

func (l *lines) read(in int, wake *os.File) {
	defer close(l.over)
	defer wake.Close()
	defer close(l.all)
	var rest []byte
	buf := make([]byte, 4096)
	for {
		ready := []unix.PollFd{{Fd: int32(in), Events: unix.POLLIN}, {Fd: int32(wake.Fd()), Events: unix.POLLIN}}
		if _, err := unix.Poll(ready, -1); err == unix.EINTR {
			continue
		} else if err != nil || ready[1].Revents != 0 {
			return
		}
		n, err := unix.Read(in, buf)
		if err == unix.EINTR || err == unix.EAGAIN {
			continue
		}
		if n <= 0 {
			return
		}
		rest = append(rest, buf[:n]...)
		for {
			line, after, ok := bytes.Cut(rest, []byte("\n"))
			if !ok {
				break
			}
			rest = after
			select {
			case l.all <- strings.ToLower(strings.TrimSpace(string(line))):
			default: // nobody types 64 lines ahead
			}
		}
	}
}
