package server

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
)

// log writes Common Log Format from a goroutine of its own, so that a slow disk or
// pipe does not slow the serving. Lines that would not fit into the memory it may
// take are counted, and the count is written instead.
type log struct {
	w      io.Writer
	mu     sync.Mutex
	lines  []byte // not written yet
	lost   int64
	stop   chan struct{}
	done   chan struct{}
	failed error // the first error of w; read it after done
}

const (
	maxLog   = 4 << 20
	logDelay = 200 * time.Millisecond

	logPatience = 2 * time.Second
)

func newLog(w io.Writer) *log {
	l := &log{w: w, stop: make(chan struct{}), done: make(chan struct{})}
	go l.write()
	return l
}

func (l *log) write() {
	defer close(l.done)
	tick := time.NewTicker(logDelay)
	defer tick.Stop()
	var spare []byte
	for last := false; !last; {
		select {
		case <-tick.C:
		case <-l.stop:
			last = true
		}
		l.mu.Lock()
		lines, lost := l.lines, l.lost
		l.lines, l.lost = spare[:0], 0
		l.mu.Unlock()
		if lost > 0 {
			lines = append(lines, "# "...)
			lines = strconv.AppendInt(lines, lost, 10)
			lines = append(lines, " lines lost: the log could not be written in time\n"...)
		}
		if len(lines) > 0 {
			if _, err := l.w.Write(lines); err != nil && l.failed == nil {
				l.failed = fmt.Errorf("the log: %w", err)
			}
		}
		spare = lines
	}
}

// close writes what is left, if the writer takes it soon.
func (l *log) close() error {
	close(l.stop)
	select {
	case <-l.done:
		return l.failed
	case <-time.After(logPatience):
		return errors.New("the log: it is not read, so its last lines are lost")
	}
}

// line adds what the Common Log Format says of a request:
//
//	host - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 2326
func (l *log) line(peer string, at time.Time, request []byte, status int, length int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) > maxLog {
		l.lost++
		return
	}
	b := append(l.lines, host(peer)...)
	b = append(b, " - - ["...)
	b = at.AppendFormat(b, "02/Jan/2006:15:04:05 -0700")
	b = append(b, `] "`...)
	b = appendHarmless(b, request)
	b = append(b, `" `...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, ' ')
	if length == 0 {
		b = append(b, '-')
	} else {
		b = strconv.AppendInt(b, length, 10)
	}
	l.lines = append(b, '\n')
}

// host is the address of a peer without its port, "-" for a Unix socket.
func host(peer string) string {
	if strings.HasPrefix(peer, "unix") {
		return "-"
	}
	colon := strings.LastIndexByte(peer, ':')
	if colon <= 0 {
		return "-"
	}
	return strings.Trim(peer[:colon], "[]")
}

// maxRequestLine is how much of a request line a log and an event show.
const maxRequestLine = 512

// appendHarmless writes bytes of a client so that no quote ends by them and no
// terminal obeys them: as \xHH.
func appendHarmless(dst, b []byte) []byte {
	const hex = "0123456789abcdef"
	for _, c := range b[:min(len(b), maxRequestLine)] {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			dst = append(dst, '\\', 'x', hex[c>>4], hex[c&15])
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}
