package drops_test

import (
	"testing"

	"fd3/lesson/course/drops"
	"fd3/lesson/course/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.NeedNetwork(t)
	labtest.Prove(t, drops.Lesson, labtest.Proof{
		Answers: map[string]string{
			"socket": "closed",
			"way":    "counters",
			"queue":  "neither",
		},
		Solutions: map[string]string{
			"two": `echo hello | fd3 on --stage {network} client -- nc -u -w1 {host} 9999 &
until fd3 wire --stage {network} | grep 'held  UDP'; do sleep 0.05; done
fd3 wire next --stage {network}
until fd3 wire --stage {network} | grep 'held  ICMP'; do sleep 0.05; done
fd3 wire next --stage {network}
echo hello | fd3 on --stage {network} client -- nc -u -w1 {host} {port} &
until fd3 wire --stage {network} | grep 'held  UDP'; do sleep 0.05; done
fd3 wire corrupt --stage {network}
wait`,
		},
		States: map[string]string{
			"two": `fd3 on --stage {network} server -- nstat -asz UdpNoPorts UdpInCsumErrors | grep -c '  *[1-9]' | grep 2`,
		},
		Almost: map[string]string{
			"two": `fd3 wire flow --stage {network}
while true; do echo hello | fd3 on --stage {network} client -- nc -u -w0 {host} {port}; echo hello | fd3 on --stage {network} client -- nc -u -w0 {host} 9999; done`,
		},
	})
}
