package lab

import (
	"fmt"
	"slices"
	"strings"

	"fd3/lesson"
	"fd3/lesson/course/hello"
	tell "fd3/lesson/watch"
)

// A Story is what fd3 watch tells of a server: of one that runs now, or of one that ran
// when it was recorded.
type Story struct {
	Name     string
	Of       string // the program and its version
	Recorded bool
	Events   []lesson.Event

	waits string // the call that it was seen asleep in; empty: not looked
}

// Recorded returns the recorded Story of a server, and says that it is one.
func (l *Lab) Recorded(s hello.Server) Story {
	story := Story{Name: s.Name, Of: s.Of, Recorded: true}
	err := tell.Replay(strings.NewReader(s.Recorded), func(e lesson.Event) { story.Events = append(story.Events, e) })
	if err != nil {
		l.Fatalf("the recording of %s: %w", s.Name, err)
	}
	said := story.Events[0]
	said.Text = s.Of + ". " + said.Text
	l.Tell(said)
	return story
}

// Calls are those that have returned.
func (s Story) Calls() (all []lesson.Event) {
	for _, e := range s.Events {
		if e.Kind == lesson.KindReturn {
			all = append(all, e)
		}
	}
	return all
}

// Title is its name, and that it is a recording, if it is.
func (s Story) Title() string {
	if s.Recorded {
		return s.Name + ", recorded"
	}
	return s.Name
}

// OnSockets are the calls that make a socket, or act on one.
func (s Story) OnSockets() []lesson.Event {
	return slices.DeleteFunc(s.Calls(), func(e lesson.Event) bool {
		return strings.HasPrefix(e.Name, "epoll_") || tell.Waits(e.Name) || e.Name == "io_uring_setup"
	})
}

// Serving returns the steps of a Story, which has them all.
func (l *Lab) Serving(s Story) Service {
	v, err := s.Service()
	if err != nil {
		l.Fatalf("%w", err)
	}
	return v
}

// Before is how many calls its first process had made before its first on a socket.
func (s Story) Before() int {
	for _, e := range s.Events {
		if e.CallsBefore > 0 {
			return e.CallsBefore
		}
	}
	return 0
}

// A Service is the steps of a server with its first client, from the calls of its Story.
type Service struct {
	Sockets                                  int // of TCP or MPTCP that it had made by then
	MPTCP                                    int // of those, the ones of MPTCP
	Socket, Bind, Listen, Accept, Recv, Send lesson.Event
	Waits                                    string // the call in which the accepting thread waited for the client
	Own                                      bool   // the thread that listened is the one that accepts
	Hands                                    bool   // another thread than the one that accepts serves the client
}

// Service returns the steps, or an error that names the first that is missing.
func (s Story) Service() (v Service, err error) {
	calls := s.Calls()
	at := slices.IndexFunc(calls, func(e lesson.Event) bool { return e.Step == "accept" && e.Errno == 0 })
	if at < 0 {
		return v, fmt.Errorf("%s has accepted nobody", s.Name)
	}
	v.Accept = calls[at]
	listener, conn := *v.Accept.FD, int(*v.Accept.Ret)
	for _, e := range calls[:at] {
		switch {
		case e.Errno != 0:
		case e.Name == "socket" && overIP(e):
			v.Sockets++
			if Protocol(e) == "MPTCP" {
				v.MPTCP++
			}
			if int(*e.Ret) == listener {
				v.Socket = e
			}
		case e.Name == "bind" && e.FD != nil && *e.FD == listener:
			v.Bind = e
		case e.Name == "listen" && *e.FD == listener:
			v.Listen = e
		case tell.Waits(e.Name) && e.PID == v.Accept.PID && e.Thread == v.Accept.Thread && e.Ret != nil && *e.Ret > 0:
			v.Waits = e.Name
		}
	}
	if s.waits != "" {
		v.Waits = s.waits
	}
	for _, e := range calls[at+1:] {
		ours := e.Errno == 0 && e.FD != nil && *e.FD == conn && e.PID == v.Accept.PID && *e.Ret > 0
		switch {
		case ours && e.Step == "recv" && v.Recv.Name == "":
			v.Recv = e
			v.Hands = e.Thread != v.Accept.Thread
		case ours && e.Step == "send" && v.Send.Name == "":
			v.Send = e
		}
	}
	v.Own = v.Listen.PID == v.Accept.PID && v.Listen.Thread == v.Accept.Thread
	if v.Waits == "" {
		v.Waits = v.Accept.Name
	}
	for _, step := range v.Steps() {
		if step.Name == "" {
			return v, fmt.Errorf("a step of %s is missing", s.Name)
		}
	}
	return v, nil
}

// Steps are those that every server has, in their order.
func (v Service) Steps() []lesson.Event {
	return []lesson.Event{v.Socket, v.Bind, v.Listen, v.Accept, v.Recv, v.Send}
}

// Counted says how many sockets it had made, of each protocol.
func (v Service) Counted() string {
	tcp := v.Sockets - v.MPTCP
	switch {
	case v.MPTCP == 0:
		return fmt.Sprintf("%d of TCP", tcp)
	case tcp == 0:
		return fmt.Sprintf("%d of MPTCP", v.MPTCP)
	}
	return fmt.Sprintf("%d of TCP and %d of MPTCP", tcp, v.MPTCP)
}

// Protocol is that of a stream over IP, MPTCP or TCP, by its call of socket(2).
func Protocol(socket lesson.Event) string {
	if Argument(socket, "protocol") == "IPPROTO_MPTCP" {
		return "MPTCP"
	}
	return "TCP"
}

// Argument returns an argument of a call by its name in the manual, or "".
func Argument(e lesson.Event, name string) string {
	for _, a := range e.Args {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}

// overIP reports whether a call makes a stream over IPv4 or IPv6, of TCP or MPTCP.
func overIP(e lesson.Event) bool {
	return strings.HasPrefix(Argument(e, "domain"), "AF_INET") && strings.HasPrefix(Argument(e, "type"), "SOCK_STREAM")
}

// ShowStory shows a stretch of a Story: its last call in full, those before it in short.
func (l *Lab) ShowStory(name string, events []lesson.Event) {
	last := -1
	for i, e := range events {
		if e.Kind == lesson.KindReturn {
			last = i
		}
	}
	if last < 0 {
		return
	}
	l.ShowShort(name, events[:last])
	e := events[last]
	e.Title = name
	l.Tell(e)
}

// ShowShort shows the calls of a stretch of a Story in short.
func (l *Lab) ShowShort(name string, events []lesson.Event) {
	var short preparation
	for _, e := range (Story{Events: events}).Calls() {
		short.told(name, e)
	}
	if len(short.calls) > 0 {
		l.Tell(lesson.Event{Kind: lesson.KindSetup, Text: short.text.String(), Calls: short.calls})
	}
}
