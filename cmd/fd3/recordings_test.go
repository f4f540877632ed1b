package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fd3/lesson/golden"
	"fd3/sockets/path"
)

// The ways that fd3 ships as recordings of this kernel are those that the calls of a life
// take today: down to the device through the same functions, and up through the same layers.
// With -update they are recorded anew; scripts/kernels --record does it on other kernels.
func TestRecordings(t *testing.T) {
	needTracing(t)
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`^\d+\.\d+`).FindString(unix.ByteSliceToString(u.Release[:]))
	shipped := filepath.Join("..", "..", "sockets", "path", "recordings", version)
	if _, err := os.Stat(shipped); err != nil && !*golden.Update {
		t.Skipf("no recording of Linux %s is shipped", version)
	}
	// On a network of its own, since what others have just done with a port changes the way,
	// and on one CPU, since each keeps its own routes. The thread is locked for good, and ends
	// with the test.
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	var cpus, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &cpus); err != nil {
		t.Fatal(err)
	}
	for cpu := 0; one.Count() == 0; cpu++ {
		if cpus.IsSet(cpu) {
			one.Set(cpu)
		}
	}
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	p := in(t)
	run := func(args ...string) {
		t.Helper()
		if out, err := p.fd3(args...).CombinedOutput(); err != nil {
			t.Fatalf("fd3 %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	run("connect") // the first packet of a machine makes what those after it find
	run("reset")
	for _, c := range []struct {
		call   string // of which there is a recording
		before string // a command that has to run first
		step   string
	}{
		{"socket", "", "socket"},
		{"bind", "", "bind"},
		{"listen", "", "listen"},
		{"connect", "", "connect"},
		{"accept4", "", "accept"},
		{"sendto", "", "send --client --data hello"},
		{"recvfrom", "send --client --data hello", "recv"},
		{"shutdown", "", "shutdown --client"},
		{"close", "", "close"},
	} {
		file := filepath.Join(p.base, c.call+".json")
		if *golden.Update {
			file = filepath.Join(shipped, c.call+".json")
			if err := os.MkdirAll(shipped, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if c.before != "" {
			run(strings.Fields(c.before)...)
		}
		sleeps := func() {}
		if c.call == "sendto" { // somebody sleeps at the other end, whom it wakes
			reader := p.fd3("recv")
			if err := reader.Start(); err != nil {
				t.Fatal(err)
			}
			until(t, "the reader", func() bool { return slices.ContainsFunc(p.processes(), reads) })
			sleeps = func() { reader.Wait() }
		}
		run(append([]string{"path"}, append(strings.Fields(c.step), "--force", "--record", file)...)...)
		sleeps()
		if *golden.Update {
			if emulated() {
				timeless(t, file)
			}
			continue
		}
		is, was := wayIn(t, file), wayIn(t, filepath.Join(shipped, c.call+".json"))
		if a, b := down(is), down(was); !slices.Equal(a, b) {
			t.Errorf("%s goes down through\n%v\nand was recorded as\n%v", c.call, a, b)
		}
		if a, b := up(is), up(was); !slices.Equal(a, b) {
			t.Errorf("%s goes up through %v, and was recorded as %v", c.call, a, b)
		}
	}
}

// emulated reports whether the processor is made by software: then times say nothing.
func emulated() bool {
	cpu, _ := os.ReadFile("/proc/cpuinfo")
	return strings.Contains(string(cpu), "QEMU Virtual CPU")
}

// timeless takes the times out of a recording.
func timeless(t *testing.T, file string) {
	t.Helper()
	p := wayIn(t, file)
	p.TookNS, p.Timed, p.PlainNS = 0, "", 0
	for _, h := range p.Passed() {
		h.AfterNS = 0
	}
	if p.Probed != nil {
		p.Probed.OnNS = 0
	}
	text, err := json.MarshalIndent(p, "", " ")
	if err == nil {
		err = os.WriteFile(file, append(text, '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func wayIn(t *testing.T, file string) (p path.Path) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// down are the functions of a way on which its first packet goes down.
func down(p path.Path) (all []string) {
	for _, v := range p.Visits {
		if v.Packet <= 1 && !v.Up {
			all = append(all, v.Function)
		}
	}
	return all
}

// up are the layers through which its first packet comes up, each once.
func up(p path.Path) (all []path.Layer) {
	for _, v := range p.Visits {
		if v.Packet == 1 && v.Up && v.Layer != "" && !slices.Contains(all, v.Layer) {
			all = append(all, v.Layer)
		}
	}
	return all
}

// reads reports whether a process sleeps until bytes come on a socket.
func reads(pid int) bool {
	wchan, _ := os.ReadFile(fmt.Sprintf("/proc/%d/wchan", pid))
	return string(wchan) == "wait_woken"
}
