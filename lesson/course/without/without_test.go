package without_test

import (
	"testing"

	"fd3/lesson/course/labtest"
	"fd3/lesson/course/without"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.Prove(t, without.Lesson, labtest.Proof{
		Answers: map[string]string{
			"package":  "many",
			"nonsense": "package",
			"reach":    "two",
		},
		Solutions: map[string]string{
			"pipe": `(echo hello; sleep 20) > {pipe}`,
		},
		States: map[string]string{
			"pipe": `ls -l /proc/[0-9]*/fd 2>/dev/null | grep {pipe}`,
		},
		Almost: map[string]string{
			"pipe": `sleep 1 > {pipe}`,
		},
	})
}
