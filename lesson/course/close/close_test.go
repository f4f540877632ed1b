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
		States: map[string]string{
			"half": `ss -Htn state close-wait 'sport = :{port}' | grep . && ss -Htnp state fin-wait-2 'dport = :{port}' | grep pid=`,
		},
		Almost: map[string]string{
			"half": `for i in 1 2 3 4 5; do nc -z 127.0.0.1 {port}; sleep 0.1; done; nc 127.0.0.1 {port} </dev/null & sleep 0.5`,
		},
	})
}
