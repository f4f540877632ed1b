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
	if out, err := p.fd3("bind", "127.0.0.1:0").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	for _, c := range []struct {
		name string
		cmd  func() *exec.Cmd
	}{
		{"fd3 bind", func() *exec.Cmd { return p.fd3("bind", "--fd", "3", "127.0.0.1:0") }}, // the kernel says EINVAL, and all is told
		{"fd3 listen", func() *exec.Cmd { return p.fd3("listen") }},
		{"fd3 status", func() *exec.Cmd { return p.fd3("status") }},
		{"true", func() *exec.Cmd { return exec.Command("true") }},
		{"ss -ltn", func() *exec.Cmd { return exec.Command("ss", "-ltn") }},
	} {
		b.Run(c.name, func(b *testing.B) {
			if _, err := exec.LookPath(c.cmd().Args[0]); err != nil {
				b.Skip(err)
			}
			for b.Loop() {
				c.cmd().Run()
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/step")
		})
	}
}
