package dgram_test

import (
	"testing"

	"fd3/lesson/course/dgram"
	"fd3/lesson/course/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.Prove(t, dgram.Lesson, labtest.Proof{
		Answers: map[string]string{
			"two":    "one",
			"small":  "lost",
			"loss":   "silent",
			"nobody": "later",
		},
		Solutions: map[string]string{
			"word": `printf 'hello' | nc -u -w1 127.0.0.1 {port}; echo 'hello fd3' >/dev/udp/127.0.0.1/{port}`,
		},
		States: map[string]string{
			"word": `[ {size} -eq 10 ]`,
		},
		Almost: map[string]string{
			"word": `for word in hello fd3 'hello  fd3' 'Hello fd3'; do echo "$word" >/dev/udp/127.0.0.1/{port}; done; sleep 0.5`,
		},
	})
}
