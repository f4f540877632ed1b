package path

import (
	"errors"
	"runtime"
	"slices"

	"golang.org/x/sys/unix"
)

// Twins are the calls that Time can make once more.
var Twins = []int{unix.SYS_SENDTO, unix.SYS_RECVFROM, unix.SYS_CONNECT, unix.SYS_SHUTDOWN, unix.SYS_CLOSE}

// tries is how often Time makes the call, for one that takes the same way. Whether an ACK
// comes at once or later is not the same each time.
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
	if t.tracer != "" {
		return t.timeEvery(p, number, bytes)
	}
	wanted := slices.DeleteFunc(p.Passed(), func(h *Hit) bool { return chance(h.Event) })
	passes, err := t.twins(number, bytes)
	if err != nil {
		return err
	}
	for _, pass := range passes {
		passed, _, took, err := call(pass, t.number)
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
		p.Timed, p.PlainNS = onTwin+", without stacks", took.Nanoseconds()
		return nil
	}
	return nil
}

// onTwin says where a twin is made.
const onTwin = "on a connection of fd3's own on loopback"

// timeEvery tells how long a call lasts while no function tells.
func (t *Trace) timeEvery(p *Path, number, bytes int) error {
	tracer := t.tracer
	t.tracer = ""
	defer func() { t.tracer = tracer }()
	passes, err := t.twins(number, bytes)
	if err != nil || len(passes) == 0 {
		return err
	}
	if _, _, took, err := call(passes[len(passes)-1], t.number); err == nil && took > 0 {
		p.Timed, p.PlainNS = onTwin+", with no function telling", took.Nanoseconds()
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

// twins makes a call several times, each on a connection of its own, and returns what the
// kernel has written down of each. To begin and to read takes far longer than to make the
// call, so that is done once.
func (t *Trace) twins(number, bytes int) (passes [][]record, err error) {
	var all [tries][]int
	defer func() {
		for _, ends := range all {
			for _, fd := range ends {
				unix.Close(fd)
			}
		}
	}()
	for i := range all {
		if all[i], err = connected(number); err != nil {
			return nil, err
		}
		switch {
		case number == unix.SYS_RECVFROM:
			_, err = unix.Write(all[i][1], make([]byte, bytes))
		case number != unix.SYS_CONNECT && i%2 == 1: // the other end has not read all that came before
			_, err = unix.Write(all[i][0], []byte{0})
		}
		if err != nil {
			return nil, err
		}
	}
	tid, goOn, made := make(chan int), make(chan bool), make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and ends with the goroutine
		tid <- unix.Gettid()
		var err error
		if <-goOn {
			for i := range all {
				err = errors.Join(err, twin(number, bytes, &all[i]))
			}
		}
		made <- err
	}()
	err = t.Begin(<-tid, number, false)
	goOn <- err == nil
	if err := errors.Join(err, <-made); err != nil {
		return nil, err
	}
	records, err := t.records()
	for i, r := range records {
		if r.call(t.number) == "sys_enter" {
			passes = append(passes, records[i:])
		}
	}
	return passes, err
}

// twin makes a call on one of two ends.
func twin(number, bytes int, ends *[]int) error {
	fd := (*ends)[0]
	switch number {
	case unix.SYS_SENDTO:
		return unix.Sendto(fd, make([]byte, bytes), unix.MSG_NOSIGNAL, nil)
	case unix.SYS_RECVFROM:
		_, _, err := unix.Recvfrom(fd, make([]byte, bytes), 0)
		return err
	case unix.SYS_CONNECT:
		at, err := unix.Getsockname((*ends)[1])
		if err != nil {
			return err
		}
		return unix.Connect(fd, at)
	case unix.SYS_SHUTDOWN:
		return unix.Shutdown(fd, unix.SHUT_WR)
	}
	*ends = (*ends)[1:]
	return unix.Close(fd)
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
