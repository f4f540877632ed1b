package ingress_test

import (
	"testing"

	"fd3/lesson/course/ingress"
	"fd3/lesson/course/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.Prove(t, ingress.Lesson, labtest.Proof{
		Answers: map[string]string{
			"who":  "sender",
			"copy": "recv",
			"wake": "call",
		},
		Solutions: map[string]string{
			"fin": `nc -N 127.0.0.1 {port} </dev/null`,
		},
		States: map[string]string{
			"fin": `ss -Htn state close-wait 'sport = :{port}' | grep .`,
		},
		Almost: map[string]string{
			"fin": `(echo hello; sleep 0.2) | nc -N -w 1 127.0.0.1 {port}`,
		},
	})
}
