package accept_test

import (
	"testing"

	"fd3/lesson/course/accept"
	"fd3/lesson/course/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.Prove(t, accept.Lesson, labtest.Proof{
		Answers: map[string]string{
			"port":  "same",
			"empty": "waits",
			"same":  "both",
			"many":  "more",
		},
		// The port is one below those that the kernel gives to others by itself.
		Solutions: map[string]string{
			"twins": `for try in 1 2 3 4 5; do
  port=$((20000 + RANDOM % 10000))
  nc -s 127.0.0.2 -p $port 127.0.0.1 {port} </dev/null &
  nc -s 127.0.0.3 -p $port 127.0.0.1 {port} </dev/null &
done
wait`,
		},
		States: map[string]string{
			"twins": `for client in {twins}; do
  [ $client = and ] || ss -Htnp state established "sport = :{port} and dst = $client" | grep pid= || exit
done`,
		},
		Almost: map[string]string{
			"twins": `nc -s 127.0.0.2 127.0.0.1 {port} </dev/null & nc -s 127.0.0.3 127.0.0.1 {port} </dev/null & sleep 1`,
		},
	})
}
