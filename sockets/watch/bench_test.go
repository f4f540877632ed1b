package watch_test

import (
	"fmt"
	"os/exec"
	"strconv"
	"testing"

	"fd3/sockets/watch"
)

// What a call costs that is watched; strace(1) beside it.
func BenchmarkCall(b *testing.B) {
	odd := compile(b)
	for _, still := range []bool{true, false} {
		b.Run(fmt.Sprintf("fd3/still=%t", still), func(b *testing.B) {
			w := watch.Watch{Still: still, Tell: func(e *watch.Event) {
				if e.Kind == watch.Returned {
					_ = e.Call.Strace()
				}
			}}
			if _, err := w.Command(odd, []string{odd, "busy", strconv.Itoa(b.N / 2)}, false); err != nil {
				b.Fatal(err)
			}
		})
	}
	b.Run("strace", func(b *testing.B) {
		exec.Command(tool(b, "strace"), "-f", "-y", "-T", "--seccomp-bpf", "-e", "trace=%network,read,write,close,dup,fcntl,poll", "-o", "/dev/null", odd, "busy", strconv.Itoa(b.N/2)).Run()
	})
	b.Run("unwatched", func(b *testing.B) { exec.Command(odd, "busy", strconv.Itoa(b.N/2)).Run() })
}
