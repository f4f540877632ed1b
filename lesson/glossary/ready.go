package glossary

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"fd3/lesson"
)

// polled and selected ask for a listener at which a client waits.
func polled(p *pair) []lesson.Evidence {
	fds := []unix.PollFd{{Fd: int32(p.listener), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	value := fmt.Sprintf("%d ready of the 1 asked for", n)
	if fds[0].Revents&unix.POLLIN != 0 {
		value += fmt.Sprintf(": fd %d, POLLIN", p.listener)
	}
	return one(lesson.Evidence{Fact: "a listener", Value: value, Source: "poll(2), made just now", Command: trace("poll", "poll", "ppoll"),
		Note: "A new one, to which one client has connected."}, err)
}

func selected(p *pair) []lesson.Evidence {
	if p.listener >= unix.FD_SETSIZE {
		return nil
	}
	var set unix.FdSet
	set.Set(p.listener)
	n, err := unix.Select(p.listener+1, &set, nil, nil, &unix.Timeval{})
	return one(lesson.Evidence{Fact: "a listener", Value: fmt.Sprintf("%d ready of the %d descriptors below %d", n, p.listener+1, p.listener+1), Source: "select(2), made just now", Command: trace("select", "select", "pselect6"),
		Note: "The kernel looks at each bit up to the highest descriptor. One was set, for a listener to which a client has connected."}, err)
}

func setSize() []lesson.Evidence {
	bits := 8 * unsafe.Sizeof(unix.FdSet{})
	return []lesson.Evidence{{Fact: "fd_set", Value: fmt.Sprintf("%d bits, for descriptors 0 to %d", bits, bits-1), Source: "the struct, as this program was built",
		Command: "echo FD_SETSIZE | cpp -P -include sys/select.h -"}}
}

// askedTwice asks two epolls twice about a listener at which a client waits.
func askedTwice(p *pair) []lesson.Evidence {
	var found []lesson.Evidence
	for _, way := range []struct {
		name  string
		flags uint32
	}{{"level", 0}, {"EPOLLET", unix.EPOLLET}} {
		watch := int(p.EpollCreate1(unix.EPOLL_CLOEXEC).Ret)
		p.others = append(p.others, watch)
		p.EpollCtl(watch, unix.EPOLL_CTL_ADD, p.listener, &unix.EpollEvent{Events: unix.EPOLLIN | way.flags, Fd: int32(p.listener)})
		for _, time := range []string{"first", "second"} {
			c := p.EpollWait(watch, make([]unix.EpollEvent, 4), 0)
			found = append(found, told(way.name+", "+time, trace("edge-triggered", "epoll_ctl", "epoll_wait", "epoll_pwait"), c, ""))
		}
	}
	found[len(found)-1].Note = "A client waits at the listener all the while, and nobody accepts it."
	return found
}

// waitedShortly lets the limit of a wait pass.
func waitedShortly(p *pair) []lesson.Evidence {
	watch := int(p.EpollCreate1(unix.EPOLL_CLOEXEC).Ret)
	p.others = append(p.others, watch)
	return []lesson.Evidence{told("1 ms", trace("timeout", "epoll_wait", "epoll_pwait"), p.EpollWait(watch, make([]unix.EpollEvent, 4), 1), "Nothing was watched. 0: the time was over, and no error happened.")}
}
