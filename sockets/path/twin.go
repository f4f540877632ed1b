package path

import (
	"errors"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Twins are the calls that Time can make once more.
var Twins = []int{unix.SYS_SENDTO, unix.SYS_RECVFROM, unix.SYS_CONNECT, unix.SYS_SHUTDOWN, unix.SYS_CLOSE}

// tries is how often Time makes the call until it takes the same way. Whether an ACK comes
// at once or later is not the same each time.
const tries = 4

// Time gives the hits of a path their times. To write a stack takes time, so they come from
// another pass: the same call, with so many bytes, once more on a connection of this
// process's own on loopback, without stacks. Where the call does not take the same way there
// the hits get no times. What is allocated, and who slept, is not the same each time: these get
// none.
func (t *Trace) Time(p *Path, number, bytes int) error {
	if !slices.Contains(Twins, number) {
		return nil
	}
	wanted := slices.DeleteFunc(p.Passed(), func(h *Hit) bool { return chance(h.Event) })
	for range tries {
		passed, took, err := t.twin(number, bytes)
		if err != nil {
			return err
		}
		passed = slices.DeleteFunc(passed, func(r followed) bool { return chance(r.event) })
		if !slices.EqualFunc(wanted, passed, func(h *Hit, r followed) bool { return h.Event == r.event }) {
			continue
		}
		for i, h := range wanted {
			h.AfterNS = passed[i].at.Nanoseconds()
		}
		p.Timed, p.PlainNS = "on a connection of fd3's own on loopback, without stacks", took.Nanoseconds()
		return nil
	}
	return nil
}

// chance reports whether an event may come in one pass and not in the next.
func chance(event string) bool { return event == allocation || event == waking }

// Passed returns the hits in the order in which they were passed.
func (p *Path) Passed() []*Hit {
	var all []*Hit
	for i := range p.Visits {
		for k := range p.Visits[i].Hits {
			all = append(all, &p.Visits[i].Hits[k])
		}
	}
	slices.SortFunc(all, func(a, b *Hit) int { return a.Number - b.Number })
	return all
}

// twin makes a call on a thread of its own, and returns what it has passed.
func (t *Trace) twin(number, bytes int) (passed []followed, took time.Duration, err error) {
	tid, goOn, made := make(chan int), make(chan bool), make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and ends with the goroutine
		ends, err := connected(number)
		defer func() {
			for _, fd := range ends {
				unix.Close(fd)
			}
			made <- err
		}()
		if err == nil && number == unix.SYS_RECVFROM {
			_, err = unix.Write(ends[1], make([]byte, bytes))
		}
		tid <- unix.Gettid()
		if !<-goOn || err != nil {
			return
		}
		switch number {
		case unix.SYS_SENDTO:
			err = unix.Sendto(ends[0], make([]byte, bytes), unix.MSG_NOSIGNAL, nil)
		case unix.SYS_RECVFROM:
			_, _, err = unix.Recvfrom(ends[0], make([]byte, bytes), 0)
		case unix.SYS_CONNECT:
			var at unix.Sockaddr
			if at, err = unix.Getsockname(ends[1]); err == nil {
				err = unix.Connect(ends[0], at)
			}
		case unix.SYS_SHUTDOWN:
			err = unix.Shutdown(ends[0], unix.SHUT_WR)
		case unix.SYS_CLOSE:
			err = unix.Close(ends[0])
			ends = ends[1:]
		}
	}()
	err = t.Begin(<-tid, number, false)
	goOn <- err == nil
	if err := errors.Join(err, <-made); err != nil {
		return nil, 0, err
	}
	return t.end()
}

// connected returns the two ends of a connection on loopback; for connect(2) a socket that
// is not connected yet, and a listener.
func connected(number int) (ends []int, err error) {
	listener, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err = unix.Bind(listener, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err == nil {
		err = unix.Listen(listener, 1)
	}
	client, failed := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err = errors.Join(err, failed); err != nil {
		return []int{listener}, err
	}
	if number == unix.SYS_CONNECT {
		return []int{client, listener}, nil
	}
	defer unix.Close(listener)
	at, err := unix.Getsockname(listener)
	if err == nil {
		err = unix.Connect(client, at)
	}
	if err != nil {
		return []int{client}, err
	}
	server, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	if err != nil {
		return []int{client}, err
	}
	return []int{client, server}, nil
}
