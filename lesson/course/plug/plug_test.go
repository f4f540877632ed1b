package plug_test

import (
	"testing"

	"fd3/lesson/course/labtest"
	"fd3/lesson/course/plug"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.Prove(t, plug.Lesson, labtest.Proof{
		Answers: map[string]string{
			"calls": "none",
			"where": "kernel",
			"file":  "zero",
		},
		Solutions: map[string]string{
			"say": `echo hello | nc -N -U {path}`,
		},
		States: map[string]string{
			"say": `[ {received} -eq 6 ]`,
		},
		Almost: map[string]string{
			"say": `for i in 1 2 3; do nc -N -U {path} </dev/null & sleep 0.2; done`,
		},
	})
}
