package bytes_test

import (
	"net"
	"testing"

	"fd3/lesson/course/bytes"
	"fd3/lesson/course/lab"
	"fd3/lesson/course/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.Prove(t, bytes.Lesson, labtest.Proof{
		Answers: map[string]string{
			"order":     "little or big",
			"forgotten": "swapped or meant",
			"row":       "turned or written",
		},
		Solutions: map[string]string{
			"meet": `hex=$(printf '%04x' {meant}); nc -l 127.0.0.1 $((0x${hex:2:2}${hex:0:2}))`,
		},
		States: map[string]string{
			"meet": `ss -Htnp state established 'sport = :{real}' | grep '"nc"'`,
		},
		Almost: map[string]string{
			"meet": `timeout 1 nc -l 127.0.0.1 {meant}`,
		},
	})
}

// A learner who listens on the port that the program means is told that nobody comes
// there.
func TestWrongPort(t *testing.T) {
	l := bytes.Lesson.Read()
	s := labtest.Begin(t, l)
	if err := s.Prepare(t.Context(), labtest.Part(t, l, lab.Exercise, "meet")); err != nil {
		t.Fatal(err)
	}
	meant := s.Notes().Values()["meant"]
	listener, err := net.Listen("tcp", "127.0.0.1:"+meant)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	done, now, err := s.Check()
	if want := "you listen on " + meant + ": the client does not arrive there"; done || now != want || err != nil {
		t.Errorf("done %t, %q, %v; not %q", done, now, err, want)
	}
}
