package queue_test

import (
	"fmt"
	"testing"

	"fd3/lesson/course/lab"
	"fd3/lesson/course/labtest"
	"fd3/lesson/course/queue"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.NeedNetwork(t)
	labtest.Prove(t, queue.Lesson, labtest.Proof{
		Answers: map[string]string{
			"wait":    "wait",
			"tail":    "newest",
			"larger":  "late",
			"control": "other or alike",
		},
		Solutions: map[string]string{
			"fill": `for i in 1 2 3 4 5 6 7 8; do
  head -c 50000 /dev/zero | fd3 on --stage {network} client -- nc -N {host} {port} &
done
wait`,
		},
		States: map[string]string{
			"fill": `fd3 on --stage {network} cable -- tc -s qdisc show dev server | grep -E 'backlog ([0-9]{5,}b|[0-9]+Kb) '`,
		},
		Almost: map[string]string{
			"fill": `head -c 5000 /dev/zero | fd3 on --stage {network} client -- nc -N {host} {port}`,
		},
	})
}

// The chart of a burst has what was dropped while it was sent.
func TestChartHasTheDrops(t *testing.T) {
	labtest.NeedNetwork(t)
	l := queue.Lesson.Read()
	s := labtest.Begin(t, l)
	if err := s.Run(t.Context(), labtest.Part(t, l, lab.Experiment, "tail"), labtest.Onward); err != nil {
		t.Fatal(err)
	}
	charts := 0
	for _, e := range s.Events {
		if e.Chart == nil {
			continue
		}
		charts++
		samples := e.Chart.Samples
		first, last := samples[0].Dropped, samples[len(samples)-1].Dropped
		if want := s.Notes().Values()["dropped"]; first != 0 || last == 0 || fmt.Sprint(last) != want || e.Chart.Before != 0 {
			t.Errorf("the chart has %d dropped at first and %d at last; the queue %s", first, last, want)
		}
	}
	if charts != 1 {
		t.Errorf("%d charts", charts)
	}
}
