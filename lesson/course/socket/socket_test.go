package socket_test

import (
	"testing"

	"fd3/lesson/course/labtest"
	"fd3/lesson/course/socket"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.Prove(t, socket.Lesson, labtest.Proof{
		Answers: map[string]string{
			"zero":  "tcp",
			"wrong": "error",
			"other": "made or refused",
		},
		Solutions: map[string]string{
			"udp": `nc -u -l 127.0.0.1 {port}`,
		},
		States: map[string]string{
			"udp": `ss -Huanp 'sport = :{port}' | grep '"{owner}"'`,
		},
		Almost: map[string]string{
			"udp": `timeout 1 nc -l 127.0.0.1 {port}`,
		},
	})
}
