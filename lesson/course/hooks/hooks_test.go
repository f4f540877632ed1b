package hooks_test

import (
	"testing"

	"fd3/lesson/course/hooks"
	"fd3/lesson/course/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.NeedNetwork(t)
	labtest.Prove(t, hooks.Lesson, labtest.Proof{
		Answers: map[string]string{
			"length":  "grows",
			"dropped": "place",
			"changed": "new",
		},
		Solutions: map[string]string{
			"silent": `fd3 on --stage {network} server -- tc qdisc add dev net0 clsact
fd3 on --stage {network} server -- tc filter add dev net0 ingress bpf da bytecode '4,40 0 0 12,21 0 1 2048,6 0 0 2,6 0 0 4294967295'`,
		},
		States: map[string]string{
			"silent": `fd3 hooks --stage {network} | grep 'tc-ingress .*tc filter bpf'`,
		},
		Almost: map[string]string{
			"silent": `fd3 on --stage {network} client -- tc qdisc add dev net0 clsact
fd3 on --stage {network} client -- tc filter add dev net0 egress bpf da bytecode '4,40 0 0 12,21 0 1 2048,6 0 0 2,6 0 0 4294967295'
sleep 1`,
		},
	})
}
