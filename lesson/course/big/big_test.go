package big_test

import (
	"testing"

	"fd3/lesson/course/big"
	"fd3/lesson/course/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.NeedNetwork(t)
	labtest.Prove(t, big.Lesson, labtest.Proof{
		Answers: map[string]string{
			"segments": "three",
			"gso":      "larger",
			"router":   "smaller",
			"hole":     "same",
			"fragment": "nothing",
		},
		Solutions: map[string]string{
			"small": `fd3 on --stage {network} client -- ip link set net0 mtu 540
fd3 on --stage {network} client -- nc {host} {port}`,
		},
		States: map[string]string{
			"small": `fd3 on --stage {network} server -- ss -Htin sport = :{port} | grep -E 'mss:[1-4][0-9][0-9] '`,
		},
		Almost: map[string]string{
			"small": `fd3 on --stage {network} client -- ip link set net0 mtu 900
fd3 on --stage {network} client -- nc {host} {port}`,
		},
	})
}
