package layers_test

import (
	"slices"
	"strings"
	"testing"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/course/labtest"
	"fd3/lesson/course/layers"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.NeedNetwork(t)
	labtest.Prove(t, layers.Lesson, labtest.Proof{
		Answers: map[string]string{
			"frame": "many",
			"seven": "three",
			"web":   "numbers",
			"bit":   "tcp",
		},
		Solutions: map[string]string{
			"exact": `head -c {data} /dev/zero | fd3 on --stage {network} client -- nc -N {host} {port} &
until fd3 wire next --stage {network}; do sleep 0.05; done
wait`,
		},
		States: map[string]string{
			"exact": `fd3 wire ladder --stage {network} | grep '{data} bytes'`,
		},
		Almost: map[string]string{
			"exact": `fd3 wire flow --stage {network}
head -c {target} /dev/zero | fd3 on --stage {network} client -- nc -N {host} {port}`,
		},
	})
}

// Each layer throws away what is wrong in its own bytes, as the words say of these.
func TestWhoGuardsWhichByte(t *testing.T) {
	labtest.NeedNetwork(t)
	l := layers.Lesson.Read()
	for at, want := range map[int]string{
		3:   "ip: 0; layer: Ethernet; .*tcp: 0; unread: 0",
		8:   "ip: 0; layer: Ethernet; .*tcp: 0; unread: 83",
		20:  "ip: 1; layer: IPv4; .*tcp: 0; unread: 0",
		40:  "ip: 0; layer: TCP; .*tcp: 1; unread: 0",
		148: "ip: 0; layer: HTTP; .*tcp: 1; unread: 0",
	} {
		s := labtest.Begin(t, l)
		if err := s.WhatIf(t.Context(), labtest.Part(t, l, lab.Experiment, "bit"), map[string]int{"byte": at}); err != nil {
			t.Error(err)
		}
		i := slices.IndexFunc(s.Events, func(e lesson.Event) bool { return e.Section == "outcome" })
		got := ""
		if i >= 0 {
			got = s.Events[i].Text
		}
		for _, part := range strings.Split(want, ".*") {
			if !strings.Contains(got, part) {
				t.Errorf("byte %d: %s, and not %s", at, got, want)
			}
		}
		s.End()
	}
}
