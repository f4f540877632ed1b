package course_test

import (
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"fd3/lesson/course/lab"
	"fd3/lesson/course/labtest"
	"fd3/sockets/stage"
)

// toy is a whole lesson in one value: one that the course does not have. A third
// party stands between its server and its client.
var toy = lab.Lesson{
	ID: "toy",
	Words: `# toy: a party more

Asks: who is there?

Rows: A1

## question
Who talks to whom?

## predict relay: whom the server sees
A relay listens at {somaxconn}. The client connects to it.

- client: The server sees the client.
- relay: The server sees the relay.

## experiment relay
Three processes.

- listen: The server and the relay listen.
- connect: The client connects to the relay.
- relay: The relay connects to the server.
- look: Whom does the server see?

## verdict relay
The server sees {peer}.

### client
The client has a connection with the relay alone.

## explain relay
A connection has two ends.

## exercise knock: connect
Connect to {addr}.

### hint
    nc 127.0.0.1 {port}

### done
Somebody waits.

## recap
- A connection has two ends.

## references
- ` + "`connect(2)`" + `, DESCRIPTION.
`,
	Experiments: lab.Experiments{"relay": relay},
	Exercises:   lab.Exercises{"knock": knock},
}

func relay(l *lab.Lab) []lab.Step {
	const between stage.Role = "relay"
	var listener, relayed int
	listen := func(name stage.Role) (fd int) {
		l.Setup(func() {
			fd = l.Stream(name)
			l.Must(l.Bind(name, fd, lab.Loopback(0)))
			l.Must(l.Listen(name, fd, 8))
		})
		return fd
	}
	connect := func(from, to stage.Role, listener int) (fd int) {
		fd = l.Unbound(from)
		l.Must(l.Do(from, stage.Order{Do: "connect", FD: fd, Addr: l.Ask(to, listener).Local}))
		return fd
	}
	return []lab.Step{
		{Name: "listen", Do: func() { listener, relayed = listen(lab.Server), listen(between) }},
		{Name: "connect", Do: func() { connect(lab.Client, between, relayed) }},
		{Name: "relay", Do: func() {
			fd := connect(between, lab.Server, listener)
			l.Note("peer", l.Ask(between, fd).Local)
		}},
		{Name: "look", Do: func() {
			conn := l.Must(l.Do(lab.Server, stage.Order{Do: "accept4", FD: listener, Flags: unix.SOCK_CLOEXEC}))
			for _, x := range l.State(between).Sockets {
				if x.Local.AddrPort() == l.Ask(lab.Server, int(conn.Ret)).Peer.AddrPort() {
					l.Answer("relay")
				}
			}
		}},
	}
}

func knock(l *lab.Lab) lab.Check {
	listener, _ := l.Listener(8)
	return func() (bool, string) {
		length := l.Queue(listener).Waiting
		return length > 0, "nobody yet"
	}
}

// A lesson is one value and its proof: nothing else has to know of it.
func TestToyLesson(t *testing.T) {
	labtest.Prove(t, toy, labtest.Proof{
		Answers:   map[string]string{"relay": "relay"},
		Solutions: map[string]string{"knock": "nc 127.0.0.1 {port} </dev/null"},
		States:    map[string]string{"knock": "ss -Htn state established 'sport = :{port}' | grep ."},
		Almost:    map[string]string{"knock": "nc -u -w1 127.0.0.1 {port} </dev/null"},
	})
}

// An experiment has as many parties as it names, and the Board shows each.
func TestPartiesAreAnyNumber(t *testing.T) {
	l := toy.Read()
	s := labtest.Begin(t, l)
	if err := s.Run(t.Context(), labtest.Part(t, l, lab.Experiment, "relay"), labtest.Onward); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range parties(s.Board(t.Context())) {
		names = append(names, p.Name)
	}
	if !slices.Equal(names, []string{"server", "client", "relay"}) {
		t.Errorf("%q", names)
	}
}
