package faults_test

import (
	"testing"

	"fd3/lesson/course/faults"
	"fd3/lesson/course/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.Prove(t, faults.Lesson, labtest.Proof{
		Answers: map[string]string{
			"address":   "any",
			"unchecked": "elsewhere",
			"root":      "leaves",
			"large":     "both",
		},
		Solutions: map[string]string{
			"mend": `nc -z 127.0.0.1 {port}; nc -z 127.0.0.1 {port}`,
		},
		States: map[string]string{
			"mend": `[ $(ss -Htnp state close-wait 'sport = :{port}' | grep -c pid={pid}) -eq 2 ] && ! ss -Htnp 'dport = :{port}' | grep pid=`,
		},
		Almost: map[string]string{
			"mend": `exec 3<>/dev/tcp/127.0.0.1/{port}; nc -z 127.0.0.1 {port}; nc -N 127.0.0.1 {port} </dev/null & sleep 60`,
		},
	})
}
