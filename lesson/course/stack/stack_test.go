package stack_test

import (
	"testing"

	"fd3/lesson/course/labtest"
	"fd3/lesson/course/stack"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.Prove(t, stack.Lesson, labtest.Proof{
		Answers: map[string]string{
			"osi":    "three",
			"accept": "upper",
		},
		Solutions: map[string]string{
			"udp": `printf %{target}s x | nc -u -w 1 127.0.0.1 {port}`,
		},
		States: map[string]string{
			"udp": `ss -Huan 'sport = :{port}' | grep -v ' 0 *0 '`,
		},
		Almost: map[string]string{
			"udp": `printf xy | nc -u -w 1 127.0.0.1 {port}`,
		},
	})
}
