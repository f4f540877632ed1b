package timewait_test

import (
	"testing"

	"fd3/lesson/course/labtest"
	"fd3/lesson/course/timewait"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.Prove(t, timewait.Lesson, labtest.Proof{
		Answers: map[string]string{
			"who":     "client",
			"restart": "neither",
			"two":     "error",
			"fault":   "server",
		},
		Solutions: map[string]string{
			"sides": `nc -N 127.0.0.1 {port} </dev/null; echo bye | nc 127.0.0.1 {port}`,
		},
		States: map[string]string{
			"sides": `ss -Htn state time-wait 'sport = :{port}' | grep . && ss -Htn state time-wait 'dport = :{port}' | grep .`,
		},
		Almost: map[string]string{
			"sides": `for i in 1 2 3; do nc -N 127.0.0.1 {port} </dev/null; done; sleep 0.3`,
		},
	})
}
