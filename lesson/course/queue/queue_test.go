package queue_test

import (
	"testing"

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
