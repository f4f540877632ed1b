package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson/golden"
)

// lives are whole lives of sockets, as a learner steps through them.
var lives = map[string][]string{
	"tcp": {
		"socket", "bind 127.0.0.1:0", "listen --backlog 2", "status", "connect", "accept", "send --client", "recv", "send",
		"recv --client", "status", "shutdown", "close", "close --client", "close", "status", "reset",
	},
	"backlog": {"bind 127.0.0.1:0", "listen --backlog 1", "connect --count 4", "status", "accept", "reset"},
	"prerequisites": {
		"bind 127.0.0.1:0", "recv", "close", "recv --client", "reset",
	},
	"udp": {
		"socket --type dgram", "bind 127.0.0.1:0", "connect", "send --client", "recv", "send", "recv --client", "close", "send --client", "reset",
	},
	"unix": {
		"socket --family unix", "bind", "listen", "connect", "accept", "send --client", "recv", "send", "recv --client", "shutdown", "close", "reset",
	},
	"ipv6": {"bind [::1]:0", "listen", "connect", "accept --explain short", "send --client --explain none", "reset"},
	"refused": {
		"socket", "accept --only", "recv --only", "send --only", "shutdown --only", "bind 192.0.2.1:0",
		"bind 127.0.0.1:0", "bind 127.0.0.1:0", "connect --fd 900", "accept --timeout 10ms", "close --fd 900", "reset",
	},
}

// A learner, and a program that reads --json, get the same events for the same
// life: kinds, facts, words, sources and commands. Only numbers may differ.
//
// Another kernel tells other facts, so the files are those of one.
func TestLivesAreTold(t *testing.T) {
	const recordedOn = "6.18"
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		t.Fatal(err)
	}
	if release := unix.ByteSliceToString(uts.Release[:]); !strings.HasPrefix(release, recordedOn+".") {
		t.Skipf("the golden files are of Linux %s, and this is %s", recordedOn, release)
	}
	for name, steps := range lives {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := in(t)
			var told bytes.Buffer
			for _, step := range steps {
				cmd := p.fd3(append(strings.Fields(step), "--json")...)
				patience := time.AfterFunc(10*time.Second, func() { cmd.Process.Signal(unix.SIGINT) })
				out, _ := cmd.Output()
				if !patience.Stop() {
					t.Fatalf("fd3 %s does not return", step)
				}
				told.WriteString("# fd3 " + step + "\n")
				told.Write(masked(t, out))
			}
			golden.Compare(t, filepath.Join("golden", name+".jsonl"), told.String())
		})
	}
}

var (
	numbers = regexp.MustCompile(`less than a second|(0x)?[0-9]+([.,][0-9]+)*( (ns|µs|ms|s)\b)?`)
	// A pointer or a hex dump has letters among its digits.
	hexes  = regexp.MustCompile(`\b(0x[0-9a-fA-F]+|[0-9A-F]{8}([0-9A-F]{24})?:[0-9A-F]{4}|[0-9a-f]{2} [0-9a-f]{2})\b`)
	dates  = regexp.MustCompile(`Date: [A-Za-z, 0-9:]*`) // strace cuts it somewhere
	places = regexp.MustCompile(`/[^ "'` + "`" + `]*/run/fd3/`)
)

// masked returns the events with each number as #, and without what is another each
// time: bytes, where a thread that waits for nobody sleeps, and counters that others
// move too.
func masked(t *testing.T, lines []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	for line := range bytes.Lines(lines) {
		var event map[string]any
		if err := json.Unmarshal(line, &event); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		switch event["fact"] {
		case "main thread":
			delete(event, "value")
		case "ListenOverflows", "ListenDrops": // of the whole machine
			continue
		}
		delete(event, "data")
		restless(event["snapshot"])
		event = mask(event).(map[string]any)
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(event); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// restless takes out of a Snapshot whether a process that waits for orders runs or
// sleeps.
func restless(snapshot any) {
	hosts, _ := snapshot.(map[string]any)
	if hosts == nil {
		return
	}
	for _, host := range hosts["hosts"].([]any) {
		for _, process := range host.(map[string]any)["processes"].([]any) {
			delete(process.(map[string]any), "state")
		}
	}
}

func mask(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			v[key] = mask(v[key])
		}
	case []any:
		for i := range v {
			v[i] = mask(v[i])
		}
	case float64:
		return 0
	case string:
		v = places.ReplaceAllString(v, "/run/fd3/")
		v = dates.ReplaceAllString(v, "Date: #")
		return numbers.ReplaceAllString(hexes.ReplaceAllString(v, "#"), "#")
	}
	return v
}
