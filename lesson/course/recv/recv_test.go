package recv_test

import (
	"testing"

	"fd3/lesson/course/labtest"
	"fd3/lesson/course/recv"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.Prove(t, recv.Lesson, labtest.Proof{
		Answers: map[string]string{
			"joined": "both",
			"empty":  "waits",
			"end":    "zero",
			"post":   "part",
		},
		Solutions: map[string]string{
			"pieces": `(printf 'one '; sleep 0.5; printf two; sleep 1) | nc -N 127.0.0.1 {port}`,
		},
		States: map[string]string{
			"pieces": `[ {packets} -eq 2 ] && [ {got} -eq 7 ]`,
		},
		Almost: map[string]string{
			"pieces": `printf 'one two' | nc -N 127.0.0.1 {port}; nc -z 127.0.0.1 {port}; sleep 0.3`,
		},
	})
}
