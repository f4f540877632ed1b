// Table reads the samples of scripts/bench and writes them as Markdown: medians,
// how fd3 compares with each peer, and whether that is what fd3 has to reach.
//
// A line of input is one sample, its fields separated by tabs: the row's number,
// the server, and the four numbers that load.c prints. "-" as the first of those
// says that the server took no part, and the next field why.
package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
)

// A row is a thing to measure, with what fd3 has to reach.
type row struct {
	title   string
	subject string // the server whose ratio to the others counts
	memory  bool   // bytes, so less is better; with what the processes had before and then, in KiB
	bursts  bool   // the load only prepares and waits, so it cannot be the limit
	beside  bool   // something has to run beside the load, so that it waits is no fault
	notes   string
	targets []target
}

// A target is the least that the subject's value is, divided by that of the peer,
// or by the best of several; of memory it is the most.
type target struct {
	ratio float64
	peers []string
}

var rows = map[int]row{
	1: {title: "Kept connections, 64 of them, 13 bytes: answers per second", subject: "fd3",
		targets: []target{{0.95, []string{"limit"}}, {1.15, []string{"nginx"}}, {1.3, []string{"fasthttp"}}, {2.5, []string{"net/http"}}}},
	2: {title: "Kept connections, 64 of them, a file of 1 KiB: answers per second", subject: "fd3",
		targets: []target{{1.2, []string{"nginx"}}, {1.1, []string{"fasthttp"}}, {3, []string{"net/http"}}}},
	3: {title: "Kept connections, 64 of them, a file of 1 MiB: answers per second", subject: "fd3",
		notes:   "The load lets the kernel drop the content (MSG_TRUNC), so that copying it is not what is measured.",
		targets: []target{{1, []string{"nginx", "net/http"}}}},
	4: {title: "A new connection for each request, 13 bytes: answers per second", subject: "fd3", bursts: true,
		notes:   "On loopback the client's CPU does the handshake, so one CPU of load cannot keep a good server busy. The server is therefore stopped (SIGSTOP) while 256 connections are opened and asked on; what is timed is from SIGCONT until all are answered and closed.",
		targets: []target{{1.25, []string{"nginx"}}, {1.8, []string{"net/http"}}}},
	5: {title: "Kept connections, 64 of them, 16 requests at a time, 13 bytes: answers per second", subject: "fd3",
		targets: []target{{1.5, []string{"fasthttp"}}, {5, []string{"nginx"}}, {0.85, []string{"limit"}}}},
	6: {title: "Memory for an idle kept connection, at 10,000: bytes", subject: "fd3", memory: true,
		notes:   "What the processes have more (PSS) than before the first connection, when each has made one request. What the kernel keeps for a socket is not in it; it is the same for all. Nginx has made room for its 16,384 connections before.",
		targets: []target{{1, []string{"nginx"}}}},
	7: {title: "Narration to a terminal, 64 kept connections, 13 bytes: answers per second", subject: "fd3 narrating", beside: true,
		notes:   "The terminal is script(1), whose output is dropped; it shares the load's CPU if there is no third one.",
		targets: []target{{0.5, []string{"fd3"}}}},
	8: {title: "nginx watched, 64 kept connections, 13 bytes: answers per second", subject: "fd3 watch", bursts: true,
		notes:   "By root, so that fd3 has eBPF tell, and nginx does not stop. What is told goes to a file. fd3 watch tells of 200 calls in a second and counts the others. The watcher has the CPU of nginx.",
		targets: []target{{0.5, []string{"nginx"}}}},
	9: {title: "nginx watched, each call in a line, 64 kept connections, 13 bytes: answers per second", subject: "fd3 watch --calls", bursts: true,
		notes:   "By root, so that fd3 has eBPF tell. The same calls, into a file. What fd3 cannot read in time is lost, and counted there. The watcher has the CPU of nginx.",
		targets: []target{{1, []string{"strace"}}}},
	10: {title: "nginx watched when it runs already, 64 kept connections, 13 bytes: answers per second", subject: "fd3 watch -p", bursts: true,
		notes:   "By root, so that fd3 has eBPF tell, and nginx does not stop. What is told goes to a file. The watcher has the CPU of nginx.",
		targets: []target{{0.5, []string{"nginx"}}, {1, []string{"strace -p"}}}},
	11: {title: "node watched, 64 kept connections, 13 bytes: answers per second", subject: "fd3 watch node", bursts: true,
		notes:   "As in row 8, with an http.createServer of node.",
		targets: []target{{0.5, []string{"node"}}}},
}

// Percentages beyond which a row is not to be trusted.
const (
	idle      = 95 // a server that is less busy was not what limited the row
	disturbed = 10 // waiting for a CPU that others had
)

// A series is what was measured of one server in one row.
type series struct {
	server  string
	values  []float64
	busy    []float64 // of the server's CPU, in per cent; of memory the KiB before
	load    []float64 // of the load's CPU, in per cent; of memory the KiB then
	delayed []float64 // both waiting for a CPU, in per cent
	missing string    // why nothing was measured
}

func main() {
	all, err := read(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
	for i, n := range slices.Sorted(maps.Keys(all)) {
		if i > 0 {
			fmt.Println()
		}
		write(os.Stdout, n, rows[n], all[n])
	}
}

// read collects the samples by row, the servers in the order they came.
func read(in io.Reader) (map[int][]*series, error) {
	all := make(map[int][]*series)
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		f := strings.Split(lines.Text(), "\t")
		if len(f) < 3 {
			return nil, fmt.Errorf("a sample of %d fields: %q", len(f), lines.Text())
		}
		n, err := strconv.Atoi(f[0])
		if _, known := rows[n]; err != nil || !known {
			return nil, fmt.Errorf("there is no row %q", f[0])
		}
		at := slices.IndexFunc(all[n], func(s *series) bool { return s.server == f[1] })
		if at < 0 {
			at = len(all[n])
			all[n] = append(all[n], &series{server: f[1]})
		}
		s := all[n][at]
		if f[2] == "-" {
			s.missing = strings.Join(f[3:], " ")
			continue
		}
		for i, to := range []*[]float64{&s.values, &s.busy, &s.load, &s.delayed} {
			if i+2 >= len(f) {
				break
			}
			v, err := strconv.ParseFloat(f[i+2], 64)
			if err != nil {
				return nil, fmt.Errorf("a sample that is no number: %q", lines.Text())
			}
			*to = append(*to, v)
		}
	}
	if len(all) == 0 {
		return nil, cmp.Or(lines.Err(), errors.New("no samples"))
	}
	return all, lines.Err()
}

func write(out io.Writer, n int, r row, all []*series) {
	fmt.Fprintf(out, "### %d. %s\n\n", n, r.title)
	if r.notes != "" {
		fmt.Fprintf(out, "%s\n\n", r.notes)
	}
	columns := "CPU: server | load"
	if r.memory {
		columns = "KiB before | at 10,000"
	}
	fmt.Fprintf(out, "| server | median | lowest–highest | %s | %s is | has to be | reached |\n", columns, r.subject)
	fmt.Fprintln(out, "|---|--:|--:|--:|--:|--:|--:|---|")
	value := make(map[string]float64)
	for _, s := range all {
		if s.missing == "" && len(s.values) > 0 {
			value[s.server] = median(s.values)
		}
	}
	var waited, bored []string // servers whose numbers are not theirs
	for _, s := range all {
		if _, ok := value[s.server]; !ok {
			continue
		}
		if r.memory {
			break // that is not a matter of who runs
		} else if median(s.delayed) > disturbed && !r.beside {
			waited = append(waited, s.server)
		} else if median(s.busy) < idle && !r.bursts {
			bored = append(bored, s.server)
		}
	}
	doubt := func(server string) bool { return slices.Contains(waited, server) || slices.Contains(bored, server) }
	for _, s := range all {
		v, ok := value[s.server]
		if !ok {
			fmt.Fprintf(out, "| %s | – | %s | | | | | |\n", s.server, cmp.Or(s.missing, "not measured"))
			continue
		}
		columns := percent(s.busy) + " | " + percent(s.load)
		if r.memory {
			columns = number(median(s.busy)) + " | " + number(median(s.load))
		}
		fmt.Fprintf(out, "| %s | %s | %s–%s | %s |", s.server, number(v), number(slices.Min(s.values)), number(slices.Max(s.values)), columns)
		if subject, ok := value[r.subject]; ok && s.server != r.subject {
			fmt.Fprintf(out, " %s |%s\n", times(subject, v), verdict(r, s.server, value, doubt(s.server) || doubt(r.subject)))
		} else {
			fmt.Fprintln(out, " | | |")
		}
	}
	if len(waited) > 0 {
		fmt.Fprintf(out, "\nDoubtful: other processes took the CPUs for more than %d %% of the time while this was measured: %s.\n", disturbed, strings.Join(waited, ", "))
	}
	if len(bored) > 0 {
		fmt.Fprintf(out, "\nDoubtful: busy for less than %d %%, so not what limited the row: %s.\n", idle, strings.Join(bored, ", "))
	}
}

// verdict is the end of a server's line: the target and whether it is reached.
// Where the best of several counts, it stands beside that one.
func verdict(r row, server string, value map[string]float64, doubt bool) string {
	for _, t := range r.targets {
		best := ""
		for _, p := range t.peers {
			if v, ok := value[p]; ok && (best == "" || v > value[best]) {
				best = p
			}
		}
		if best != server {
			continue
		}
		ratio := math.Round(100*value[r.subject]/value[best]) / 100 // as it is shown
		sign, reached := "≥", ratio >= t.ratio
		if r.memory {
			sign, reached = "<", ratio < t.ratio
		}
		answer := "**no**"
		if reached {
			answer = "yes"
		}
		if doubt {
			answer += " (doubtful)"
		}
		return fmt.Sprintf(" %s %.2f × | %s |", sign, t.ratio, answer)
	}
	return " | |"
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(v))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// number is a value without a fraction, its thousands apart.
func number(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// times is how many times v goes into subject.
func times(subject, v float64) string {
	if v == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f ×", subject/v)
}

func percent(v []float64) string {
	return fmt.Sprintf("%.0f %%", median(v))
}
