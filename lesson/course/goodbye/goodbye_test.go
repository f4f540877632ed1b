package goodbye_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/goodbye"
	"fd3/lesson/course/lab"
	"fd3/lesson/course/labtest"
	"fd3/sockets/kernel"
	"fd3/sockets/wire"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.NeedNetwork(t)
	labtest.Prove(t, goodbye.Lesson, labtest.Proof{
		Answers: map[string]string{
			"ends":   "four",
			"last":   "again",
			"both":   "both",
			"unread": "rst",
		},
		Solutions: map[string]string{
			"closing": `fd3 on --stage {network} client -- nc -N {host} {port} </dev/null &
passes() { # a packet, when a host has a connection in that state
  until fd3 on --stage {network} $1 -- ss -Htn state $2 | grep .; do sleep 0.05; done
  fd3 wire next --stage {network}
}
passes client syn-sent
passes server syn-recv
passes client fin-wait-1
passes server fin-wait-1
fd3 wire next --stage {network}
wait`,
		},
		States: map[string]string{
			"closing": `fd3 on --stage {network} client -- ss -Htn state closing | grep . && fd3 on --stage {network} server -- ss -Htn state closing | grep .`,
		},
		Almost: map[string]string{
			"closing": `fd3 wire flow --stage {network}
while true; do fd3 on --stage {network} client -- nc -d {host} {port}; done`,
		},
	})
}

// A server that closes as soon as the FIN has come has both its FIN and its ACK in one
// packet, as the words say.
func TestThreePackets(t *testing.T) {
	labtest.NeedNetwork(t)
	together := 0
	for range 40 { // on a busy machine the moment may be over
		l := lab.New(t.Context(), lab.Part{Lesson: "goodbye"}, func(lesson.Event) {}, lab.NewNotes(map[string]string{}))
		err := l.Try(func() {
			n := l.Network()
			c := n.Connection(8080, nil)
			newest := n.Flow().Newest
			l.Must(l.Shutdown(lab.Client, c.FD, unix.SHUT_WR))
			l.Until("the FIN to arrive", func() bool { return l.EndsOf(c.At, c.From)[lab.Server].State == kernel.CloseWait })
			l.Must(l.Close(lab.Server, c.Conn))
			l.Until("the end", func() bool { return l.EndsOf(c.At, c.From)[lab.Server].State == 0 })
			together = 0
			for _, p := range n.Packets() {
				if s, ok := p.Segment(); ok && p.Number > newest && (s.Has(wire.FIN) || s.Has(wire.ACK)) {
					together++
				}
			}
		})
		l.End()
		if err != nil {
			t.Fatal(err)
		}
		if together == 3 {
			return
		}
	}
	t.Errorf("%d packets end the connection", together)
}
