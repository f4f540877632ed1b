package fd_test

import (
	"testing"

	"fd3/lesson/course/fd"
	"fd3/lesson/course/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.Prove(t, fd.Lesson, labtest.Proof{
		Answers: map[string]string{
			"number": "free",
			"write":  "sends",
			"dup":    "on",
		},
		Solutions: map[string]string{
			"shell": `exec 3<>/dev/tcp/127.0.0.1/{port}; ls -l /proc/$$/fd/3; sleep 60; exec 3>&-`,
		},
		States: map[string]string{
			"shell": `ls -l /proc/{pid}/fd/3 | grep socket:`,
		},
		Almost: map[string]string{
			"shell": `for i in {1..30}; do exec 5<>/dev/tcp/127.0.0.1/{port}; cat <&5 & done; sleep 0.5`,
		},
	})
}
