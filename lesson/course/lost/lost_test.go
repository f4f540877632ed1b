package lost_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"fd3/lesson/course/lab"
	"fd3/lesson/course/labtest"
	"fd3/lesson/course/lost"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.NeedNetwork(t)
	labtest.Prove(t, lost.Lesson, labtest.Proof{
		Answers: map[string]string{
			"third": "one",
			"half":  "half",
			"timer": "longer",
			"gone":  "later",
		},
		Solutions: map[string]string{
			"mend": `fd3 wire hold --when data --stage {network}
head -c 20000 /dev/zero | fd3 on --stage {network} client -- nc -N {host} {port} &
until fd3 on --stage {network} client -- ss -Htni '( dport = :{port} )' | grep -E 'unacked:([5-9]|10)'; do sleep 0.05; done
fd3 wire drop --stage {network}
fd3 wire flow --stage {network}
wait`,
		},
		States: map[string]string{
			"mend": `fd3 on --stage {network} client -- nstat -asz TcpExtTCPFastRetrans | grep 'TCPFastRetrans *[1-9]'`,
		},
		Almost: map[string]string{
			"mend": `fd3 wire flow --stage {network}
while true; do head -c 20000 /dev/zero | fd3 on --stage {network} client -- nc -N {host} {port}; done`,
		},
	})
}

// A learner who thinks for longer than the retransmission timer waits sees the same: what
// was made so far is made once more.
func TestMinutesOfThought(t *testing.T) {
	labtest.NeedNetwork(t)
	t.Parallel()
	l := lost.Lesson.Read()
	var learners sync.WaitGroup
	defer learners.Wait()
	for _, of := range []struct {
		experiment, want string
		step             int
	}{{"third", "one", 3}, {"third", "one", 5}, {"half", "half", 4}} {
		learners.Go(func() { // all at once, however many tests run at a time
			s, step := labtest.Begin(t, l), 0
			err := s.Run(t.Context(), labtest.Part(t, l, lab.Experiment, of.experiment), func(ctx context.Context) error {
				if step++; step == of.step {
					time.Sleep(66 * time.Second) // the timer waits for one minute, is up to 4 s late, and nothing tells that it has fired
				}
				return ctx.Err()
			})
			if got := s.Notes().Answer(of.experiment); err != nil || got != of.want {
				t.Errorf("the answer to %s is %q, not %q; %v", of.experiment, got, of.want, err)
			}
		})
	}
}
