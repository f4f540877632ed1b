package serve_test

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"fd3/lesson/course/lab"
	"fd3/lesson/course/labtest"
	"fd3/lesson/course/serve"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.Prove(t, serve.Lesson, labtest.Proof{
		Answers: map[string]string{
			"pieces":  "four",
			"version": "recent",
			"idle":    "waits",
			"loops":   "one",
		},
		Solutions: map[string]string{
			"hang": `nc -d 127.0.0.1 {port} & until ss -Htn 'dport = :{port}' | grep -q ESTAB; do sleep 0.1; done; curl -s http://{addr}/`,
		},
		States: map[string]string{
			"hang": `ss -Htnp state established 'sport = :{port}' | grep -v pid= | grep -v '^0 ' && ss -Htnp state established 'sport = :{port} and dst = {peer}' | grep pid=`,
		},
		Almost: map[string]string{
			"hang": `for i in {1..10}; do curl -s http://{addr}/; done; nc -d 127.0.0.1 {port} & sleep 0.5`,
		},
	})
}

// A learner's own client may have sent half of a request to the server of a lesson.
// It holds up the end of the experiment no longer than the kernel takes.
func TestServeEndsWithAnotherClient(t *testing.T) {
	l := serve.Lesson.Read()
	s := labtest.Begin(t, l)
	ctx, leave := context.WithCancel(t.Context())
	steps := 0
	err := s.Run(ctx, labtest.Part(t, l, lab.Experiment, "version"), func(context.Context) error {
		if steps++; steps < 2 {
			return nil
		}
		conn, err := net.Dial("tcp", s.Notes().Values()["addr"])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		io.WriteString(conn, "GET / HTTP/1.1\r\n")
		leave()
		return ctx.Err()
	})
	if err == nil {
		t.Error("the learner has left, and the experiment goes on")
	}
	ended := make(chan struct{})
	go func() {
		s.End()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		t.Fatal("the experiment does not end")
	}
}
