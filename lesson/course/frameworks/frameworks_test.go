package frameworks_test

import (
	"testing"

	"fd3/lesson/course/frameworks"
	"fd3/lesson/course/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.Prove(t, frameworks.Lesson, labtest.Proof{
		Answers: map[string]string{
			"number":  "own or most",
			"client":  "events",
			"express": "none",
			"sockets": "several",
		},
		Solutions: map[string]string{
			"room": `fd3 serve --loop iterative --addr 127.0.0.1:{port} --backlog {want}`,
		},
		States: map[string]string{
			"room": `ss -Hltn 'sport = :{port}' | grep ' {want} '`,
		},
		Almost: map[string]string{
			"room": `nc -l 127.0.0.1 {port}`,
		},
	})
}
