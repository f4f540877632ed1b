package serve

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	web "fd3/httpmini/server"
	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/sockets"
)

const brief = 300 * time.Millisecond

func loops(l *lab.Lab) []lab.Step {
	clients := l.Param("clients")
	return []lab.Step{
		{Name: "run", Do: func() { compare(l, clients, false) }},
		{Name: "idle", Do: func() { compare(l, clients, true) }},
	}
}

// compare has the three loops serve the same load, one after the other, and
// shows what each has done. With idle another client has come before.
func compare(l *lab.Lab, clients int, idle bool) {
	loops := []web.Loop{web.Iterative, web.Threads, web.Epoll}
	totals, served, most := make([]int64, len(loops)), make([]int, len(loops)), int64(1)
	for i, loop := range loops {
		for _, n := range load(l, loop, clients, idle) {
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
		rate := totals[i] * int64(time.Second/time.Millisecond) / brief.Milliseconds()
		l.Show(lesson.Evidence{Fact: string(loop), Value: fmt.Sprintf("%s a second, for %d of %d clients", lesson.Counted(rate, "request"), served[i], clients),
			Source: "counted by the clients", Have: totals[i], Full: most})
		l.Note(when+string(loop), fmt.Sprintf("%d of %d", served[i], clients))
	}
	if idle {
		return
	}
	switch served[0] {
	case 0: // not one of the choices
	case 1:
		l.Answer("one")
	case clients:
		l.Answer("all")
	default:
		l.Answer("some")
	}
}

// load gives each client's answers from a server with that loop.
func load(l *lab.Lab, loop web.Loop, clients int, idle bool) []int64 {
	if l.Context().Err() != nil {
		l.Fatalf("%w", l.Context().Err())
	}
	own := start(l, web.Config{Loop: loop, Loops: 1})
	defer own.Drain()
	if idle {
		fd, err := dial(own.addr)
		if err != nil {
			l.Fatalf("connect: %w", err)
		}
		defer unix.Close(fd)
		l.Until("the idle client to be accepted", func() bool { return own.Stats()[0].Open == 1 })
	}
	answers := make([]int64, clients)
	var asking sync.WaitGroup
	end := time.Now().Add(brief)
	for i := range answers {
		asking.Go(func() { answers[i] = ask(own.addr, end) })
	}
	asking.Wait()
	return answers
}

// dial makes a connection of this process, on which no read blocks for long.
func dial(addr sockets.Sockaddr) (fd int, err error) {
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
	t.SetTimeout(fd, unix.SO_RCVTIMEO, brief)
	return fd, nil
}

// ask is one client: it asks on one connection, again and again, and counts
// the answers that come before the end.
func ask(addr sockets.Sockaddr, end time.Time) (answers int64) {
	fd, err := dial(addr)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	buf := make([]byte, 4096)
	for {
		if _, err := unix.Write(fd, []byte(get11)); err != nil {
			return answers
		}
		for have := 0; !whole(buf[:have]); {
			n, err := unix.Read(fd, buf[have:])
			if time.Now().After(end) || n == 0 || err != nil && err != unix.EINTR {
				return answers
			}
			have += max(n, 0) // EINTR: the Go runtime's signals interrupt a read with a time limit, signal(7)
		}
		answers++
	}
}
