package bytes_test

import (
	"testing"

	"fd3/lesson/course/bytes"
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
	})
}
