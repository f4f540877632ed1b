package packets_test

import (
	"testing"

	"fd3/lesson/course/labtest"
	"fd3/lesson/course/packets"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.NeedNetwork(t)
	labtest.Prove(t, packets.Lesson, labtest.Proof{
		Answers: map[string]string{
			"first":   "arp",
			"return":  "answer",
			"late":    "opens",
			"numbers": "each",
		},
		Solutions: map[string]string{
			"between": `fd3 on --stage {network} client -- nc {host} {port} &
for state in syn-sent syn-recv; do
  host=client; test $state = syn-sent || host=server
  until fd3 on --stage {network} $host -- ss -Htn state $state | grep .; do sleep 0.05; done
  fd3 wire next --stage {network}
done
wait`,
		},
		States: map[string]string{
			"between": `fd3 on --stage {network} client -- ss -Htn state established | grep . && fd3 on --stage {network} server -- ss -Htn state syn-recv | grep .`,
		},
		Almost: map[string]string{
			"between": `fd3 wire flow --stage {network}
while true; do fd3 on --stage {network} client -- nc -z {host} {port}; done`,
		},
	})
}
