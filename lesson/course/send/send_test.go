package send_test

import (
	"testing"

	"fd3/lesson/course/labtest"
	"fd3/lesson/course/send"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.Prove(t, send.Lesson, labtest.Proof{
		Answers: map[string]string{
			"return": "kernel",
			"full":   "waits",
			"calls":  "same",
		},
		Solutions: map[string]string{
			"stuff": `yes | nc 127.0.0.1 {port}`,
		},
		States: map[string]string{
			"stuff": `ss -Htno state established 'dport = :{port}' | grep persist`,
		},
		Almost: map[string]string{
			"stuff": `head -c 1000 /dev/zero | nc 127.0.0.1 {port} & sleep 0.5`,
		},
	})
}
