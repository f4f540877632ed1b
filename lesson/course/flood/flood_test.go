package flood_test

import (
	"testing"

	"fd3/lesson/course/flood"
	"fd3/lesson/course/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.NeedNetwork(t)
	labtest.Prove(t, flood.Lesson, labtest.Proof{
		Answers:   map[string]string{"full": "waits", "cookies": "served"},
		Solutions: map[string]string{"half": `fd3 wire forge syn --count 20 --port 8080 --stage {network}`},
		States:    map[string]string{"half": `test $(fd3 on --stage {network} server -- ss -Htn state syn-recv | grep -c 192.0.2.) -ge 5`},
		Almost:    map[string]string{"half": `fd3 wire forge syn --count 2 --port 8080 --stage {network}`},
	})
}
