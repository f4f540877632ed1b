package close_test

import (
	"testing"

	"fd3/lesson/course/close"
	"fd3/lesson/course/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.Prove(t, close.Lesson, labtest.Proof{
		Answers: map[string]string{
			"dup":    "nothing",
			"half":   "arrives",
			"unread": "reset",
			"pipe":   "killed",
		},
		Solutions: map[string]string{
			"half": `echo question | nc -N 127.0.0.1 {port}`,
		},
	})
}
