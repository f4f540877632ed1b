package lost_test

import (
	"testing"

	"fd3/lesson/course/labtest"
	"fd3/lesson/course/lost"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.NeedNetwork(t)
	labtest.Prove(t, lost.Lesson, labtest.Proof{
		Answers: map[string]string{
			"third": "one",
			"half":  "half",
			"timer": "longer",
		},
		Solutions: map[string]string{
			"mend": `fd3 wire hold --when data --stage {network}
head -c 20000 /dev/zero | fd3 on --stage {network} client -- nc -N {host} {port} &
until fd3 on --stage {network} client -- ss -Htni '( dport = :{port} )' | grep -E 'unacked:([5-9]|10)'; do sleep 0.05; done
fd3 wire drop --stage {network}
fd3 wire flow --stage {network}
wait`,
		},
		States: map[string]string{
			"mend": `fd3 on --stage {network} client -- nstat -az TcpExtTCPFastRetrans | grep 'TCPFastRetrans *[1-9]'`,
		},
		Almost: map[string]string{
			"mend": `fd3 wire flow --stage {network}
while true; do head -c 20000 /dev/zero | fd3 on --stage {network} client -- nc -N {host} {port}; done`,
		},
	})
}
