package course

import (
	"context"
	"io"
	"net"
	"slices"
	"testing"
	"time"
)

var _ = prove("serve", map[string]string{
	"pieces":  "four",
	"version": "recent",
	"idle":    "waits",
	"loops":   "one",
})

var _ = solve("serve", map[string]string{
	"hang": `nc -d 127.0.0.1 {port} & until ss -Htn 'dport = :{port}' | grep -q ESTAB; do sleep 0.1; done; curl -s http://{addr}/`,
})

// A learner's own client may have sent half of a request to the server of a lesson.
// It holds up the end of the experiment no longer than the kernel takes.
func TestServeEndsWithAnotherClient(t *testing.T) {
	l, err := Find("serve")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(l.Parts, func(p Part) bool { return p.Kind == Experiment && p.Name == "version" })
	s := newStudent(t)
	s.Begin(l)
	ctx, leave := context.WithCancel(t.Context())
	steps := 0
	err = s.Run(ctx, l.Parts[i], func(context.Context) error {
		if steps++; steps < 2 {
			return nil
		}
		conn, err := net.Dial("tcp", s.values["addr"])
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
