package stack

import (
	_ "embed"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/sockets"
	"fd3/sockets/path"
	"fd3/sockets/stage"
)

//go:embed stack.md
var markdown string

// Lesson is the lesson stack.
var Lesson = lab.Lesson{
	ID:    "stack",
	Words: markdown,
	Experiments: lab.Experiments{
		"osi":    osi,
		"accept": accept,
	},
	Exercises: lab.Exercises{"udp": udp},
}

// models are the layers of the kernel's source that OSI has, too.
var models = []struct {
	name   string
	layers []path.Layer
}{
	{"4 transport", []path.Layer{path.Transport}},
	{"3 network", []path.Layer{path.Internet}},
	{"2 data link", []path.Layer{path.Neighbour, path.Device, path.Driver}},
}

// files are those of some layers on the way down, the one with most functions first.
func files(w *lab.Way, layers ...path.Layer) []string {
	count := make(map[string]int)
	var all []string
	for _, v := range w.Visits {
		if v.Up || !slices.Contains(layers, v.Layer) {
			continue
		}
		if count[v.File]++; count[v.File] == 1 {
			all = append(all, v.File)
		}
	}
	slices.SortStableFunc(all, func(a, b string) int { return count[b] - count[a] })
	return all
}

func osi(l *lab.Lab) []lab.Step {
	return []lab.Step{
		{Name: "send", Do: func() {
			_, _, fd := l.Connection()
			_, way := l.Way(lab.Client, stage.Order{Do: "sendto", FD: fd, Data: []byte("GET / HTTP/1.0\r\n\r\n"), Flags: unix.MSG_NOSIGNAL})
			var which []string
			for _, m := range models {
				in := files(&way, m.layers...)
				if len(in) == 0 {
					continue
				}
				which = append(which, m.name)
				l.Show(lesson.Evidence{Fact: m.name, Value: strings.Join(in, ", "), Source: "the table of Linux " + way.Table})
			}
			if in := files(&way, path.Transport); len(in) > 0 {
				l.Note("transport", in[0])
			}
			l.Note("layers", len(which))
			l.Note("which", strings.Join(which, ", "))
			switch len(which) {
			case 3:
				l.Answer("three")
			case 1:
				l.Answer("one")
			case 7:
				l.Answer("seven")
			}
		}},
	}
}

func accept(l *lab.Lab) []lab.Step {
	return []lab.Step{
		{Name: "accept", Do: func() {
			var listener int
			l.Setup(func() {
				var addr sockets.Sockaddr
				listener, addr = l.Listener(8)
				l.Connect(addr)
			})
			_, way := l.Way(lab.Server, stage.Order{Do: "accept4", FD: listener, Flags: unix.SOCK_CLOEXEC})
			lowest, packets, made := 0, 0, 0
			for _, v := range way.Visits {
				if i := slices.Index(path.Layers, v.Layer); i > lowest {
					lowest = i
				}
				for _, h := range v.Hits {
					switch h.Event {
					case "net_dev_start_xmit":
						packets++
					case "kmem_cache_alloc":
						made++
					}
				}
			}
			l.Note("lowest", path.Layers[lowest])
			l.Note("packets", packets)
			l.Note("made", made)
			if lowest > slices.Index(path.Layers, path.Transport) || packets > 0 {
				l.Answer("device")
			} else {
				l.Answer("upper")
			}
		}},
	}
}

// udp wants a datagram that waits in the queue of a socket.
func udp(l *lab.Lab) lab.Check {
	const target = 7
	var fd int
	l.Setup(func() {
		fd = l.Socket(lab.Server, unix.AF_INET, unix.SOCK_DGRAM)
		l.Must(l.Bind(lab.Server, fd, sockets.InetSockaddr(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0))))
	})
	addr := l.Ask(lab.Server, fd).Local
	l.Note("addr", addr)
	l.Note("port", addr.Port())
	l.Note("target", target)
	l.Note("unread", 0)
	return func() (bool, string) {
		switch unread := l.Ask(lab.Server, fd).Unread; unread {
		case target:
			l.Note("unread", unread)
			return true, "the datagram waits there"
		case 0:
			return false, "no datagram waits there"
		default:
			l.Recv(lab.Server, fd, 4096)
			return false, fmt.Sprintf("a datagram of %d bytes came, not of %d: it is thrown away", unread, target)
		}
	}
}
