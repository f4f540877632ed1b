package layers_test

import (
	"testing"

	"fd3/lesson/course/labtest"
	"fd3/lesson/course/layers"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.NeedNetwork(t)
	labtest.Prove(t, layers.Lesson, labtest.Proof{
		Answers: map[string]string{
			"frame": "many",
			"seven": "three",
			"web":   "numbers",
			"bit":   "tcp",
		},
		Solutions: map[string]string{
			"exact": `head -c {data} /dev/zero | fd3 on --stage {network} client -- nc -N {host} {port} &
until fd3 wire next --stage {network}; do sleep 0.05; done
wait`,
		},
		States: map[string]string{
			"exact": `fd3 wire ladder --stage {network} | grep '{data} bytes'`,
		},
		Almost: map[string]string{
			"exact": `fd3 wire flow --stage {network}
head -c {target} /dev/zero | fd3 on --stage {network} client -- nc -N {host} {port}`,
		},
	})
}
