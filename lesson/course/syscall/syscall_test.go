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
			"cost":  "few or tens or hundreds",
			"many":  "some or tens",
			"sleep": "none",
		},
		Solutions: map[string]string{
			"wake": `nc -N 127.0.0.1 {port} </dev/null`,
		},
	})
}
