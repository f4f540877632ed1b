package egress_test

import (
	"testing"

	"fd3/lesson/course/egress"
	"fd3/lesson/course/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.Prove(t, egress.Lesson, labtest.Proof{
		Answers: map[string]string{
			"grow": "more",
			"when": "before",
		},
		Solutions: map[string]string{
			"lie": `(head -c {target} /dev/zero; sleep 60) | nc 127.0.0.1 {port}`,
		},
		States: map[string]string{
			"lie": `ss -Htn 'sport = :{port}' | grep ' {target} '`,
		},
		Almost: map[string]string{
			"lie": `(head -c 999 /dev/zero; sleep 1) | nc -w 1 127.0.0.1 {port}; nc -z 127.0.0.1 {port}`,
		},
	})
}
