package http_test

import (
	"testing"

	"fd3/lesson/course/http"
	"fd3/lesson/course/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestLesson(t *testing.T) {
	labtest.Prove(t, http.Lesson, labtest.Proof{
		Answers: map[string]string{
			"end":     "empty",
			"missing": "fine",
			"long":    "waits",
			"lines":   "disagree or refuse", // refuse where there is no curl
		},
		Solutions: map[string]string{
			"type": `printf 'GET /\n\n' | nc 127.0.0.1 {port}; printf 'GET / HTTP/1.1\r\nHost: x\r\n\r\n' | nc 127.0.0.1 {port}`,
		},
		States: map[string]string{
			"type": `[ {count} -eq 27 ]`,
		},
		Almost: map[string]string{
			"type": `curl -s http://127.0.0.1:{port}/`,
		},
	})
}
