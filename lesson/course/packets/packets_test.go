package packets_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"fd3/lesson/course/lab"
	"fd3/lesson/course/labtest"
	"fd3/lesson/course/packets"
	"fd3/sockets/kernel"
	"fd3/sockets/netlab"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.NeedNetwork(t)
	labtest.Prove(t, packets.Lesson, labtest.Proof{
		Answers: map[string]string{
			"first":   "arp",
			"return":  "answer",
			"late":    "opens",
			"numbers": "each",
		},
		Solutions: map[string]string{
			"between": `fd3 on --stage {network} client -- nc {host} {port} &
for state in syn-sent syn-recv; do
  host=client; test $state = syn-sent || host=server
  until fd3 on --stage {network} $host -- ss -Htn state $state | grep .; do sleep 0.05; done
  fd3 wire next --stage {network}
done
wait`,
		},
		States: map[string]string{
			"between": `fd3 on --stage {network} client -- ss -Htn state established | grep . && fd3 on --stage {network} server -- ss -Htn state syn-recv | grep .`,
		},
		Almost: map[string]string{
			"between": `fd3 wire flow --stage {network}
while true; do fd3 on --stage {network} client -- nc -z {host} {port}; done`,
		},
	})
}

// The network is gone when its experiment has ended, with the processes on its hosts, also
// where a connect still waits.
func TestNothingIsLeft(t *testing.T) {
	labtest.NeedNetwork(t)
	l := packets.Lesson.Read()
	s := labtest.Begin(t, l)
	if err := s.Run(t.Context(), labtest.Part(t, l, lab.Experiment, "first"), labtest.Onward); err != nil {
		t.Fatal(err)
	}
	name, hosts := s.Notes().Values()["network"], s.Board(t.Context()).Now.Hosts
	network, err := netlab.Open(name)
	if err != nil || len(hosts) != 2 {
		t.Fatalf("%d hosts, %v", len(hosts), err)
	}
	network.Close()
	s.End()
	if _, err := netlab.Open(name); !errors.Is(err, netlab.ErrNone) {
		t.Errorf("network %s: %v", name, err)
	}
	for _, h := range hosts {
		for _, p := range h.Processes {
			deadline := time.Now().Add(10 * time.Second) // until who comes after the keeper has reaped it
			for there := error(nil); there == nil; time.Sleep(time.Millisecond) {
				if _, there = os.Stat(fmt.Sprintf("/proc/%d", p.PID)); there == nil && time.Now().After(deadline) {
					t.Fatalf("%s %d runs", p.Name, p.PID)
				}
			}
		}
	}
}

// The Board has the cable as it is after each step: what lies there, what has left it by the
// step, and how the two hosts see it.
func TestBoardHasTheCable(t *testing.T) {
	labtest.NeedNetwork(t)
	l := packets.Lesson.Read()
	s := labtest.Begin(t, l)
	var got []string
	look := func(context.Context) error {
		b := s.Board(t.Context())
		if b.Err != nil {
			t.Fatal(b.Err)
		}
		if b.Before == nil { // no step is made yet
			return nil
		}
		line := "lies"
		for _, p := range b.Now.Cable.Lying() {
			line += fmt.Sprintf(" %s %s", p.From, p.Summary)
		}
		for _, p := range b.Now.Cable.Packets {
			if slices.Contains(b.Now.Since(*b.Before).Left, p.Number) {
				line += fmt.Sprintf(", %s %s", p.Fate, p.Summary)
			}
		}
		for _, h := range b.Now.Hosts {
			for _, x := range h.Sockets {
				if x.Connected() {
					line += fmt.Sprintf(", %s %s", h.Name, x.State)
				}
			}
		}
		got = append(got, line)
		return nil
	}
	if err := s.Run(t.Context(), labtest.Part(t, l, lab.Experiment, "return"), look); err != nil {
		t.Fatal(err)
	}
	look(t.Context())
	want := []string{
		"lies client SYN seq 0, MSS 1460, client SYN_SENT",
		"lies server SYN+ACK seq 0 ack 1, MSS 1460, passed SYN seq 0, MSS 1460, server SYN_RECV, client SYN_SENT",
		"lies client ACK ack 1, passed SYN+ACK seq 0 ack 1, MSS 1460, server SYN_RECV, client ESTABLISHED",
		"lies, passed ACK ack 1, server ESTABLISHED, client ESTABLISHED",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// In an exercise a program of the learner's own stands on the Board, on its host, before the
// server's host has heard of it.
func TestBoardHasTheLearnersClient(t *testing.T) {
	labtest.NeedNetwork(t)
	l := packets.Lesson.Read()
	s := labtest.Begin(t, l)
	if err := s.Prepare(t.Context(), labtest.Part(t, l, lab.Exercise, "between")); err != nil {
		t.Fatal(err)
	}
	s.Types("exec fd3 on --stage {network} client -- nc {host} {port}")
	var b lab.Board
	labtest.Until(t, func() bool {
		b = s.Board(t.Context())
		i := slices.IndexFunc(b.Now.Hosts, func(h kernel.Host) bool { return h.Name == netlab.Client })
		return i >= 0 && slices.ContainsFunc(b.Now.Hosts[i].Processes, func(p kernel.Process) bool { return p.Name == "nc" }) &&
			slices.ContainsFunc(b.Now.Hosts[i].Sockets, func(x kernel.Socket) bool { return x.State == kernel.SynSent && len(x.Holders) == 1 })
	}, func() string { return fmt.Sprintf("%+v", b.Now) })
	s.Refereed("a client of the learner's own")
}
