package handshake_test

import (
	"testing"

	"fd3/lesson/course/handshake"
	"fd3/lesson/course/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.Prove(t, handshake.Lesson, labtest.Proof{
		Answers: map[string]string{
			"who":     "opens",
			"packets": "three",
			"nobody":  "packet",
			"half":    "client",
		},
		Solutions: map[string]string{
			"asleep": `kill -STOP {pid}
sleep 0.5
nc 127.0.0.1 {port} </dev/null &
sleep 1
kill -CONT {pid}
wait`,
		},
	})
}
