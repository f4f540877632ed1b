package course

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	web "fd3/httpmini/server"
	"fd3/lesson"
	"fd3/sockets"
)

const (
	serveClients = 8
	serveFor     = 300 * time.Millisecond
)

func serveLoops(l *Lab) map[string]func() {
	return map[string]func(){
		"run":  func() { l.serveCompare(false) },
		"idle": func() { l.serveCompare(true) },
	}
}

// serveCompare has the three loops serve the same load, one after the other, and
// shows what each has done. With idle another client has come before.
func (l *Lab) serveCompare(idle bool) {
	loops := []web.Loop{web.Iterative, web.Threads, web.Epoll}
	totals, served, most := make([]int64, len(loops)), make([]int, len(loops)), int64(1)
	for i, loop := range loops {
		for _, n := range l.serveLoad(loop, idle) {
			totals[i] += n
			if n > 0 {
				served[i]++
			}
		}
		most = max(most, totals[i])
	}
	when := ""
	if idle {
		when = "idle_"
	}
	for i, loop := range loops {
		rate := totals[i] * int64(time.Second/time.Millisecond) / serveFor.Milliseconds()
		l.show(lesson.Evidence{Fact: string(loop), Value: fmt.Sprintf("%s a second, for %d of %d clients", lesson.Counted(rate, "request"), served[i], serveClients),
			Source: "counted by the clients", Have: totals[i], Full: most})
		l.note(when+string(loop), fmt.Sprintf("%d of %d", served[i], serveClients))
	}
	if idle {
		return
	}
	switch served[0] {
	case 0: // not one of the choices
	case 1:
		l.answer("one")
	case serveClients:
		l.answer("all")
	default:
		l.answer("some")
	}
}

// serveLoad gives each client's answers from a server with that loop.
func (l *Lab) serveLoad(loop web.Loop, idle bool) []int64 {
	if l.ctx.Err() != nil {
		l.failf("%w", l.ctx.Err())
	}
	own := l.serve(web.Config{Loop: loop, Loops: 1})
	defer own.Drain()
	if idle {
		fd, err := serveConnect(own.addr)
		if err != nil {
			l.failf("connect: %w", err)
		}
		defer unix.Close(fd)
		l.until("the idle client to be accepted", func() bool { return own.Stats()[0].Open == 1 })
	}
	answers := make([]int64, serveClients)
	var clients sync.WaitGroup
	end := time.Now().Add(serveFor)
	for i := range answers {
		clients.Go(func() { answers[i] = serveAsk(own.addr, end) })
	}
	clients.Wait()
	return answers
}

// serveConnect makes a connection of this process, on which no read blocks for long.
func serveConnect(addr sockets.Sockaddr) (fd int, err error) {
	var t sockets.Tracer
	made := t.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if made.Errno != 0 {
		return -1, made.Errno
	}
	fd = int(made.Ret)
	if c := t.Connect(fd, addr); c.Errno != 0 {
		unix.Close(fd)
		return -1, c.Errno
	}
	t.SetTimeout(fd, unix.SO_RCVTIMEO, serveFor)
	return fd, nil
}

// serveAsk is one client: it asks on one connection, again and again, and counts
// the answers that come before the end.
func serveAsk(addr sockets.Sockaddr, end time.Time) (answers int64) {
	fd, err := serveConnect(addr)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	buf := make([]byte, 4096)
	for {
		if _, err := unix.Write(fd, []byte(serveGet11)); err != nil {
			return answers
		}
		for have := 0; !serveWhole(buf[:have]); {
			n, err := unix.Read(fd, buf[have:])
			if time.Now().After(end) || n == 0 || err != nil && err != unix.EINTR {
				return answers
			}
			have += max(n, 0) // EINTR: the Go runtime's signals interrupt a read with a time limit, signal(7)
		}
		answers++
	}
}
