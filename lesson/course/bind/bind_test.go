package bind_test

import (
	"testing"

	"fd3/lesson/course/bind"
	"fd3/lesson/course/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.Prove(t, bind.Lesson, labtest.Proof{
		Answers: map[string]string{
			"length":    "refuses",
			"two":       "more",
			"localhost": "refused or none",
			"reach":     "refused",
			"without":   "chosen",
		},
		Solutions: map[string]string{
			"share": `nc -l 127.0.0.2 {port}`,
		},
		States: map[string]string{
			"share": `[ $(ss -Hltn 'sport = :{port}' | wc -l) -eq 2 ]`,
		},
		Almost: map[string]string{
			"share": `timeout 1 nc -u -l 127.0.0.2 {port}`,
		},
	})
}
