package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A program on a host ends with the fd3 that has started it, and with the network,
// however these end.
func TestProgramOnAHost(t *testing.T) {
	needTool(t, "nsenter")
	t.Parallel()
	for name, end := range map[string]func(fd3, keeper int){
		"fd3":    func(fd3, _ int) { unix.Kill(fd3, unix.SIGKILL) },
		"keeper": func(_, keeper int) { unix.Kill(keeper, unix.SIGKILL) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := in(t)
			if out, err := p.fd3("wire", "up").CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			on := p.fd3("on", "client", "--", "sleep", "1000")
			if err := on.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() {
				on.Process.Kill()
				on.Wait()
			}()
			until(t, "the program", func() bool { return len(sleeping(on.Process.Pid)) == 1 })
			program := sleeping(on.Process.Pid)[0]
			keepers := slices.DeleteFunc(p.processes(), func(pid int) bool { // its guard is no keeper
				args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
				return !strings.Contains(string(args), "\x00network\x00")
			})
			if len(keepers) != 1 {
				t.Fatalf("the keeper is one of %v", p.processes())
			}
			end(on.Process.Pid, keepers[0])
			until(t, "the end of the program", func() bool {
				_, err := os.Stat(filepath.Dir(program))
				return err != nil
			})
		})
	}
}

// sleeping are the processes named sleep whose parent is this one, by their stat files.
func sleeping(parent int) (all []string) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, _ := os.ReadFile(path)
		if strings.Contains(string(text), fmt.Sprintf("(sleep) S %d ", parent)) {
			all = append(all, path)
		}
	}
	return all
}
