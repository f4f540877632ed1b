package main

import (
	"os/exec"
	"testing"
)

// How long it takes from prompt to prompt: a warm step of fd3, the smallest
// program there is, and ss.
//
//	go test -run '^$' -bench Prompt ./cmd/fd3
func BenchmarkPromptToPrompt(b *testing.B) {
	p := in(b)
	run := func(b *testing.B, cmd *exec.Cmd) {
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v: %v\n%s", cmd.Args, err, out)
		}
	}
	run(b, p.fd3("socket"))
	for _, c := range []struct {
		name   string
		before func(*testing.B) // not timed
		cmd    func() *exec.Cmd
	}{
		{"fd3 bind", func(b *testing.B) {
			run(b, p.fd3("close"))
			run(b, p.fd3("socket"))
			run(b, p.fd3("setsockopt"))
		}, func() *exec.Cmd { return p.fd3("bind", "127.0.0.1:0") }},
		{"fd3 listen", nil, func() *exec.Cmd { return p.fd3("listen") }},
		{"fd3 listen --draw", nil, func() *exec.Cmd { return p.fd3("listen", "--draw") }}, // under 20 ms
		{"fd3 status", nil, func() *exec.Cmd { return p.fd3("status") }},
		{"fd3 version", nil, func() *exec.Cmd { return p.fd3("version") }},
		{"true", nil, func() *exec.Cmd { return exec.Command("true") }},
		{"ss -ltn", nil, func() *exec.Cmd { return exec.Command("ss", "-ltn") }},
	} {
		b.Run(c.name, func(b *testing.B) {
			if _, err := exec.LookPath(c.cmd().Args[0]); err != nil {
				b.Skip(err)
			}
			for b.Loop() {
				if c.before != nil {
					b.StopTimer()
					c.before(b)
					b.StartTimer()
				}
				run(b, c.cmd())
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/step")
		})
	}
}
