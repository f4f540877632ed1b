package glossary

import (
	"golang.org/x/sys/unix"

	"fd3/lesson"
)

// made makes a whole short life of two sockets and shows the first call of a name.
func made(name string) question {
	return withPair(func(p *pair) []lesson.Evidence {
		p.live()
		for _, c := range p.made {
			if c.Name == name {
				return []lesson.Evidence{told("made just now", trace(name, name), c, "")}
			}
		}
		return nil
	})
}

// live makes the calls of the course that made shows.
func (p *pair) live() {
	watch := int(p.EpollCreate1(unix.EPOLL_CLOEXEC).Ret)
	p.others = append(p.others, watch)
	p.EpollCtl(watch, unix.EPOLL_CTL_ADD, p.listener, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(p.listener)})
	p.EpollWait(watch, make([]unix.EpollEvent, 4), 0)
	if !p.accept() {
		return
	}
	request := "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
	p.Send(p.client, []byte(request), unix.MSG_NOSIGNAL)
	p.Recv(p.server, 4096, 0)
	if file, err := unix.MemfdCreate("page", unix.MFD_CLOEXEC); err == nil {
		p.others = append(p.others, file)
		if n, err := unix.Write(file, []byte("a page\n")); err == nil {
			var offset int64
			p.Sendfile(p.server, file, &offset, n)
		}
	}
	beneath := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH}
	p.others = append(p.others, int(p.Openat2(unix.AT_FDCWD, "..", beneath).Ret)) // it fails: .. is not beneath
	p.Shutdown(p.server, unix.SHUT_WR)
	unix.SetsockoptLinger(p.client, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	p.Close(p.client)
	p.client = -1
}
