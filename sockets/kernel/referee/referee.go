// Package referee compares a Snapshot with what ss(8) and /proc say at the same moment.
// Only tests import it.
//
//	problems, err := referee.Agree(func() (any, error) { return kernel.Look(parties, earlier) })
//
// It reads the Snapshot as JSON, as anybody else does, and knows nothing of how it was taken.
package referee

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// patience is how long a Snapshot and ss may disagree, since they are not read at once.
const patience = 15 * time.Second

// Agree looks until ss and /proc say the same, and returns what they say otherwise, or
// nothing. look takes a Snapshot. The error says that one of the three cannot be read.
func Agree(look func() (snapshot any, err error)) (problems []string, err error) {
	for end := time.Now().Add(patience); ; {
		seen, err := look()
		if err != nil {
			return nil, err
		}
		text, err := json.Marshal(seen)
		if err != nil {
			return nil, err
		}
		var s snapshot
		if err := json.Unmarshal(text, &s); err != nil {
			return nil, err
		}
		if problems, err = s.compare(); err != nil || len(problems) == 0 || time.Now().After(end) {
			return problems, err
		}
	}
}

// A snapshot is the JSON of a kernel.Snapshot.
type snapshot struct {
	Hosts []struct {
		Processes []process `json:"processes"`
		Sockets   []socket  `json:"sockets"`
	} `json:"hosts"`
}

type process struct {
	Name        string       `json:"name"`
	PID         int          `json:"pid"`
	State       string       `json:"state"`
	Call        string       `json:"call"`
	CallFD      int          `json:"call_fd"`
	Wchan       string       `json:"wchan"`
	Descriptors []descriptor `json:"descriptors"`
	Others      int          `json:"others"`
}

type descriptor struct {
	FD     int    `json:"fd"`
	Target string `json:"target"`
}

type socket struct {
	Protocol string   `json:"protocol"`
	Cookie   uint64   `json:"cookie"`
	Inode    uint64   `json:"inode"`
	Holders  []holder `json:"holders"`
	State    string   `json:"state"`
	Local    string   `json:"local"`
	Remote   string   `json:"remote"`
	Path     string   `json:"path"`
	Peer     uint64   `json:"peer"`
	Waiting  int      `json:"waiting"`
	Backlog  int      `json:"backlog"`
	Unread   queued   `json:"unread"`
	Unsent   queued   `json:"unsent"`
	Memory   int      `json:"memory"`
	RecvBuf  int      `json:"recv_buf"`
	Timer    string   `json:"timer"`
	Expires  int64    `json:"expires_ns"`
	Retrans  int      `json:"retrans"`
}

type holder struct {
	PID int `json:"pid"`
	FD  int `json:"fd"`
}

type queued struct {
	Bytes    int
	SYN, FIN bool
}

// total is the number that ss shows.
func (q queued) total() int {
	n := q.Bytes
	if q.SYN {
		n++
	}
	if q.FIN {
		n++
	}
	return n
}

func (s snapshot) compare() (problems []string, err error) {
	for _, h := range s.Hosts {
		for _, p := range h.Processes {
			problems = append(problems, p.compare()...)
		}
		if len(h.Processes) == 0 { // nobody through whom ss could ask there
			continue
		}
		ss, err := ask(there(h.Processes), needed(h.Sockets, h.Processes))
		if err != nil {
			return nil, err
		}
		var got, want []string
		told := make(map[string]bool)
		for _, x := range h.Sockets {
			if key := x.key(); key != "" {
				told[key] = true
				got = append(got, x.row(h.Sockets))
			}
		}
		for _, row := range ss {
			if told[row.key] || row.concerns(h.Processes, h.Sockets) {
				want = append(want, row.text)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		for _, row := range got {
			if !slices.Contains(want, row) {
				problems = append(problems, "not as ss says: "+row)
			}
		}
		for _, row := range want {
			if !slices.Contains(got, row) {
				problems = append(problems, "only ss says:   "+row)
			}
		}
	}
	return problems, nil
}

// key is what tells a socket from all others: it is that of a row of ss. Sockets that no
// table has have none, nor those of TCP that are only bound: ss tells of these since 6.9
// (--bound-inactive).
func (s socket) key() string {
	switch {
	case strings.HasPrefix(s.Protocol, "TCP") && s.State == "CLOSE":
		return ""
	case strings.HasPrefix(s.Protocol, "UNIX") && s.Inode != 0:
		return fmt.Sprint("unix ", s.Inode)
	case strings.HasPrefix(s.Protocol, "UNIX"), s.Cookie == 0:
		return ""
	}
	return fmt.Sprint("inet ", s.Cookie)
}

// states are the names that ss has for those of the kernel.
var states = map[string]string{
	"ESTABLISHED": "ESTAB", "SYN_SENT": "SYN-SENT", "SYN_RECV": "SYN-RECV", "FIN_WAIT1": "FIN-WAIT-1", "FIN_WAIT2": "FIN-WAIT-2",
	"TIME_WAIT": "TIME-WAIT", "CLOSE": "UNCONN", "CLOSE_WAIT": "CLOSE-WAIT", "LAST_ACK": "LAST-ACK", "LISTEN": "LISTEN", "CLOSING": "CLOSING",
}

// row is a socket in one line, as row.text has it.
func (s socket) row(all []socket) string {
	received, sent := s.Unread.total(), strconv.Itoa(s.Unsent.total())
	switch {
	case s.State == "LISTEN":
		received, sent = s.Waiting, strconv.Itoa(s.Backlog)
	case s.Protocol == "UDP":
		received = s.Memory
	}
	if strings.HasPrefix(s.Protocol, "UNIX") {
		peer := uint64(0)
		for _, x := range all {
			if x.Cookie != 0 && x.Cookie == s.Peer {
				peer = x.Inode
			}
		}
		if s.State != "LISTEN" {
			sent = "-"
		}
		return fmt.Sprintf("%s %s %d %s %s %d %d%s", s.Protocol, states[s.State], received, sent, or(s.Path, "*"), s.Inode, peer, holders(s.Holders))
	}
	timer := ""
	if s.Timer != "off" && s.Timer != "" {
		timer = fmt.Sprintf(" %s %d", s.Timer, s.Retrans)
	}
	buffer := ""
	if s.RecvBuf != 0 {
		buffer = fmt.Sprint(" rb", s.RecvBuf)
	}
	return fmt.Sprintf("%s %s %d %s %s %s%s%s%s", strings.TrimSuffix(s.Protocol, "v6"), states[s.State], received, sent, s.Local, s.Remote, holders(s.Holders), timer, buffer)
}

func or(s, empty string) string {
	if s == "" {
		return empty
	}
	return s
}

func holders(all []holder) string {
	var text []string
	for _, h := range all {
		text = append(text, fmt.Sprintf(" %d,%d", h.PID, h.FD))
	}
	slices.Sort(text)
	return strings.Join(text, "")
}

// letters are the first of the states of proc_pid_stat(5). A process that waits for orders
// changes between the two of "sleeping".
var letters = map[string]string{"sleeping": "SR", "running": "SR", "stopped": "T", "tracing stop": "t", "zombie": "Z", "disk sleep": "D"}

// compare says what /proc has otherwise of a process.
func (p process) compare() (problems []string) {
	add := func(format string, args ...any) {
		problems = append(problems, fmt.Sprintf("%s %d: ", p.Name, p.PID)+fmt.Sprintf(format, args...))
	}
	dir := fmt.Sprintf("/proc/%d/", p.PID)
	stat, err := os.ReadFile(dir + "stat")
	if p.State == "gone" {
		if err == nil {
			add("there is such a process: %s", stat)
		}
		return problems
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	if strings.Contains(p.Name, "thread") { // the state is that of one of several
		after = letters[p.State]
	}
	if after == "" || !strings.Contains(letters[p.State], after[:1]) {
		add("%s, but /proc says %.20q", p.State, after)
	}
	entries, _ := os.ReadDir(dir + "fd") // a zombie's cannot be read
	if p.PID != os.Getpid() && len(entries) != len(p.Descriptors)+p.Others {
		add("%d descriptors and %d others, but /proc has %d", len(p.Descriptors), p.Others, len(entries))
	}
	for _, d := range p.Descriptors {
		if target, _ := os.Readlink(fmt.Sprintf("%sfd/%d", dir, d.FD)); target != d.Target {
			add("descriptor %d is %s, but /proc says %q", d.FD, d.Target, target)
		}
	}
	if p.Call != "" && !strings.Contains(p.Name, "thread") {
		wchan, _ := os.ReadFile(dir + "wchan")
		call, _ := os.ReadFile(dir + "syscall")
		if fields := strings.Fields(string(call)); len(fields) < 2 || fields[1] != fmt.Sprintf("0x%x", p.CallFD) || p.Wchan != strings.TrimSuffix(string(wchan), "0") {
			add("in %s(%d), %s, but /proc says %q and %q", p.Call, p.CallFD, p.Wchan, call, wchan)
		}
	}
	return problems
}
