package syscall_test

import (
	"testing"

	"fd3/lesson/course/labtest"
	"fd3/lesson/course/syscall"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.Prove(t, syscall.Lesson, labtest.Proof{
		Answers: map[string]string{
			"names": "write or both",
			"cost":  "more",
			"many":  "some or tens",
			"sleep": "none",
		},
		Solutions: map[string]string{
			"wake": `nc -N 127.0.0.1 {port} </dev/null`,
		},
		States: map[string]string{
			"wake": `! grep accept /proc/{pid}/wchan`,
		},
		Almost: map[string]string{
			"wake": `for i in 1 2 3 4 5; do kill -STOP {pid}; kill -CONT {pid}; sleep 0.1; done`,
		},
	})
}
