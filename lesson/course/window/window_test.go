package window_test

import (
	"testing"

	"fd3/lesson/course/labtest"
	"fd3/lesson/course/window"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.NeedNetwork(t)
	labtest.Prove(t, window.Lesson, labtest.Proof{
		Answers: map[string]string{
			"full":  "says",
			"byte":  "nothing",
			"probe": "client",
		},
		Solutions: map[string]string{
			"stop": `yes | fd3 on --stage {network} client -- nc {host} {port}`,
		},
		States: map[string]string{
			"stop": `fd3 on --stage {network} client -- ss -Htno | grep 'timer:(persist,'`,
		},
		Almost: map[string]string{
			"stop": `echo hello | fd3 on --stage {network} client -- nc {host} {port}`,
		},
	})
}
