package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"fd3/lesson"
	"fd3/sockets/kernel"
)

// After each step of a life, fd3 status has the sockets of both processes that ss has.
func TestStatusIsWhatSSSays(t *testing.T) {
	_, err := exec.LookPath("ss")
	need(t, err == nil, "ss")
	for _, name := range []string{"tcp", "backlog", "ipv6"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := in(t)
			for _, step := range lives[name][:len(lives[name])-1] { // the last one ends it
				if step == "status" {
					continue
				}
				p.fd3(strings.Fields(step)...).Run()
				var got, want []string
				for end := time.Now().Add(10 * time.Second); ; { // a SYN that comes again in between is no difference
					h := p.host(t)
					if got, want = rowsOf(h), rowsOfSS(t, h); slices.Equal(got, want) {
						break
					}
					if time.Now().After(end) {
						t.Fatalf("after %s:\n got %s\nwant %s", step, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
					}
				}
			}
		})
	}
}

// host is what fd3 status --json has of the one host.
func (p place) host(t *testing.T) kernel.Host {
	t.Helper()
	out, err := p.fd3("status", "--json").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(out) {
		var e lesson.Event
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		if e.Snapshot != nil {
			return e.Snapshot.Hosts[0]
		}
	}
	t.Fatalf("no snapshot in %s", out)
	return kernel.Host{}
}

// rowsOf are the TCP sockets that a process of a host holds. One that is only bound is not
// among them: ss does not ask for it (BOUND_INACTIVE).
func rowsOf(h kernel.Host) []string {
	var rows []string
	for _, s := range h.Sockets {
		received, sent := s.Unread.Total(), s.Unsent.Total()
		if s.State == kernel.Listen {
			received, sent = s.Waiting, s.Backlog
		}
		if s.State == kernel.Close {
			continue
		}
		for _, holder := range s.Holders {
			rows = append(rows, fmt.Sprintf("%d %d %s %s pid=%d,fd=%d", received, sent, s.Local, s.Remote, holder.PID, holder.FD))
		}
	}
	slices.Sort(rows)
	return rows
}

var users = regexp.MustCompile(`pid=\d+,fd=\d+`)

// rowsOfSS are those of the same processes that ss has.
func rowsOfSS(t *testing.T, h kernel.Host) []string {
	t.Helper()
	out, err := exec.Command("ss", "-Htanp").Output()
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		for _, user := range users.FindAllString(line, -1) {
			for _, process := range h.Processes {
				if strings.HasPrefix(user, fmt.Sprintf("pid=%d,", process.PID)) {
					rows = append(rows, fmt.Sprintf("%s %s %s %s %s", f[1], f[2], f[3], strings.Replace(f[4], ":*", ":0", 1), user))
				}
			}
		}
	}
	slices.Sort(rows)
	return rows
}
