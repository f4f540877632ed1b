package handshake_test

import (
	"testing"

	"fd3/lesson/course/handshake"
	"fd3/lesson/course/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.Prove(t, handshake.Lesson, labtest.Proof{
		Answers: map[string]string{
			"who":     "opens",
			"packets": "three",
			"nobody":  "packet",
			"half":    "client",
		},
		Solutions: map[string]string{
			"asleep": `kill -STOP {pid}
for i in 1 2 3; do
  sleep 0.5
  nc 127.0.0.1 {port} </dev/null &
  until ss -Htn state established 'sport = :{port}' | grep .; do sleep 0.1; done
done
sleep 0.5
kill -CONT {pid}
wait`,
		},
		States: map[string]string{
			"asleep": `! grep 'State:.T' /proc/{pid}/status && ss -Htn state established 'sport = :{port}' | grep .`,
		},
		Almost: map[string]string{
			"asleep": `for i in 1 2 3 4 5; do
  exec 3<>/dev/tcp/127.0.0.1/{port}; kill -STOP {pid}; sleep 0.1; kill -CONT {pid}; sleep 0.05
done`,
		},
	})
}
