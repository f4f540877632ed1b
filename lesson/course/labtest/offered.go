package labtest

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"fd3/lesson"
	"fd3/sockets/kernel"
)

// offered runs the command that an Event of evidence names, as a learner would who has
// the Event on the screen, and compares what it prints with what the Event says.
func (s *Learner) offered(step string, e lesson.Event) {
	s.t.Helper()
	tool, _, _ := strings.Cut(e.Command, " ")
	i := slices.IndexFunc(comparisons, func(c comparison) bool { return c.command.MatchString(e.Command) })
	if i < 0 {
		s.t.Errorf("%s: nothing compares %q with what %q prints", step, e.Value, e.Command)
		return
	}
	out, err := s.typed(e.Command)
	var problem error
	switch exit, _ := err.(*exec.ExitError); {
	case exit != nil && exit.ExitCode() == 127 && os.Getenv("CI") != "true":
		s.t.Logf("%s: missing, and %q is not compared: %s", step, e.Command, tool)
		return
	case err != nil && comparisons[i].refused != nil && comparisons[i].refused(out):
		return
	case err != nil:
		problem = fmt.Errorf("%w", err)
	default:
		problem = comparisons[i].compare(e, out)
	}
	if problem != nil {
		s.t.Errorf("%s says %q is %q. Then `%s` is not so: %v\n%s", step, e.Fact, e.Value, e.Command, problem, out)
	}
}

// ordinary is where the shell of an ordinary user looks for commands.
const ordinary = "/usr/local/bin:/usr/bin:/bin"

// typed runs a command as a learner types it, and returns what it prints.
func (s *Learner) typed(command string) (out string, err error) {
	cmd := exec.Command("sh", "-c", command)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "PATH="+ordinary+besides(s.t, command), "NSTAT_HISTORY="+filepath.Join(s.t.TempDir(), "nstat"))
	text, err := cmd.CombinedOutput()
	return string(text), err
}

// looks are commands by which a learner only looks.
var looks = regexp.MustCompile(`(?m)^    ((?:ss|cat|ls) .*)$`)

// shown runs the commands by which an exercise lets the learner look, before they have
// done anything: each shows something, if only a heading.
func (s *Learner) shown(exercise string, events []lesson.Event) {
	s.t.Helper()
	for _, e := range events {
		for _, m := range looks.FindAllStringSubmatch(e.Text, -1) {
			out, err := s.typed(m[1])
			if exit, _ := err.(*exec.ExitError); exit != nil && exit.ExitCode() == 127 && os.Getenv("CI") != "true" {
				s.t.Logf("%s: missing, and not run: %s", exercise, m[1])
				continue
			}
			if err != nil || out == "" {
				s.t.Errorf("%s: `%s` shows nothing: %v\n%s", exercise, m[1], err, out)
			}
		}
	}
}

// A comparison knows how to find in the output of a command what the Event says.
type comparison struct {
	command *regexp.Regexp
	compare func(e lesson.Event, out string) error
	refused func(out string) bool // the command may fail so
}

// comparisons has one for each command of the course; the first that matches counts.
var comparisons = []comparison{
	{command: regexp.MustCompile(`^(fd3 on --stage \S+ \w+ -- )?ss `), compare: compareSS},
	{command: regexp.MustCompile(`^(fd3 on --stage \S+ \w+ -- )?cat /proc/sys/`), compare: func(e lesson.Event, out string) error {
		return same(strings.Join(strings.Fields(out), " to "), e.Value)
	}, refused: func(out string) bool { return strings.Contains(out, "No such file") }}, // a kernel without the setting: the Event says so
	{command: regexp.MustCompile(`^fd3 on --stage \S+ \w+ -- ip link show net0$`), compare: func(e lesson.Event, out string) error {
		return has(out, strings.Replace(e.Value, "MTU", "mtu", 1)+" ")
	}},
	{command: regexp.MustCompile(`^fd3 on --stage \S+ \w+ -- ethtool -k net0$`), compare: func(e lesson.Event, out string) error {
		var on []string
		for name := range strings.SplitSeq(e.Value, ", ") {
			on = append(on, name+": on")
		}
		return has(out, on...)
	}},
	{command: regexp.MustCompile(`^fd3 on --stage \S+ \w+ -- ip route get `), compare: func(e lesson.Event, out string) error {
		m := regexp.MustCompile(`MTU (\d+)`).FindStringSubmatch(e.Value)
		switch {
		case m == nil && strings.Contains(out, " mtu "):
			return fmt.Errorf("it has an mtu")
		case m == nil:
			return nil
		case strings.Contains(e.Value, "forgotten") && !strings.Contains(out, " expires "):
			return fmt.Errorf("it does not expire")
		}
		return has(out, " mtu "+m[1])
	}},
	// What waits in a queue of the cable has gone on meanwhile, and what was dropped is the
	// same.
	{command: regexp.MustCompile(`^fd3 on --stage \S+ cable -- tc -s qdisc `), compare: func(e lesson.Event, out string) error {
		m := regexp.MustCompile(`; (\d+) of \d+ bytes wait, (\d+) dropped$`).FindStringSubmatch(e.Value)
		waits := regexp.MustCompile(`backlog (\d+)(Kb|b) `).FindStringSubmatch(out)
		if m == nil || waits == nil {
			return fmt.Errorf("no queue in it")
		}
		if now := number(waits[1]) * map[string]int{"b": 1, "Kb": 1024}[waits[2]]; now > number(m[1]) {
			return fmt.Errorf("%d bytes wait", now)
		}
		return has(out, "dropped "+m[2]+",", "qdisc tbf ")
	}},
	// A host of a network has counted since it was made: its number is the Event's.
	{command: regexp.MustCompile(`^fd3 on --stage \S+ \w+ -- nstat `), compare: func(e lesson.Event, out string) error {
		return has(strings.Join(strings.Fields(out), " ")+" ", lastWord(e.Command)+" "+e.Value+" ")
	}},
	// The numbers of nstat(8) are those of the whole machine since it started, and the
	// Event has how far they moved: that there are such counters is all that is compared.
	{command: regexp.MustCompile(`^nstat `), compare: func(e lesson.Event, out string) error {
		return has(out, strings.Fields(e.Command)[2:]...)
	}},
	{command: regexp.MustCompile(`^cat /proc/[\d/task]+/wchan$`), compare: func(e lesson.Event, out string) error {
		if out == "0" {
			return nil // a kernel that does not tell: the Event has the name of the call
		}
		return has(e.Value+",", " in "+out+",")
	}},
	{command: regexp.MustCompile(`^cat /proc/\d+/syscall$`), compare: func(e lesson.Event, out string) error {
		number, _, _ := strings.Cut(out, " ")
		return has(e.Value, number+", which is")
	}, refused: func(out string) bool { // by Yama, as the words say
		return os.Getuid() != 0 && strings.Contains(out, "ermitted")
	}},
	// The account of a process goes on: what the Event has is how far it moved.
	{command: regexp.MustCompile(`^cat .*/schedstat$`), compare: numbers(3)},
	{command: regexp.MustCompile(`^grep voluntary_ctxt_switches `), compare: numbers(0)},
	{command: regexp.MustCompile(`^grep State `), compare: func(e lesson.Event, out string) error { return has(out, e.Value) }},
	{command: regexp.MustCompile(`^grep pos `), compare: func(e lesson.Event, out string) error { return same(lastWord(out), e.Value) }},
	{command: regexp.MustCompile(`^cat .*/fdinfo/\d+$`), compare: func(e lesson.Event, out string) error {
		octal, _, _ := strings.Cut(e.Value, " ")
		return has(out, "flags:\t"+octal+"\n")
	}},
	{command: regexp.MustCompile(`^ls -l /proc/\d+/fd$`), compare: compareDescriptors},
	{command: regexp.MustCompile(`^readlink `), compare: func(e lesson.Event, out string) error { return same(lastWord(out), lastWord(e.Value)) }},
	{command: regexp.MustCompile(`^ls -l /`), compare: func(e lesson.Event, out string) error {
		kind, size, _ := strings.Cut(e.Value, ", ")
		bytes, _, _ := strings.Cut(size, " ")
		return cmp.Or(same(out[:1], kind[2:3]), has(strings.Join(strings.Fields(out), " "), " "+bytes+" "))
	}},
	{command: regexp.MustCompile(`^ls /`), compare: func(e lesson.Event, out string) error { return has(e.Command, strings.TrimSpace(out)) }},
	{command: regexp.MustCompile(`^stat -L `), compare: func(e lesson.Event, out string) error { return has("a "+out, strings.TrimPrefix(e.Value, "a ")) }},
	{command: regexp.MustCompile(`^grep localhost `), compare: func(e lesson.Event, out string) error {
		return has(out, strings.Split(e.Value, " and ")...)
	}},
	{command: regexp.MustCompile(`^grep .* /proc/net/unix$`), compare: func(e lesson.Event, out string) error { return has(out, e.Value) }},
	{command: regexp.MustCompile(`^grep \d+ /proc/net/tcp$`), compare: func(e lesson.Event, out string) error {
		address, _, _ := strings.Cut(e.Value, " ")
		return has(out, " "+address+" ")
	}},
	{command: regexp.MustCompile(`^cat /proc/net/udp$`), compare: func(e lesson.Event, out string) error {
		return has(out, " "+e.Value+" ")
	}},
	{command: regexp.MustCompile(`^printf .*\| od `), compare: func(e lesson.Event, out string) error { return has(e.Fact+" ", strings.TrimSpace(out)+" ") }},
	{command: regexp.MustCompile(`^cat /sys/`), compare: func(e lesson.Event, out string) error { return same(strings.TrimSpace(out), e.Value) }},
	{command: regexp.MustCompile(`^grep CapEff `), compare: func(e lesson.Event, out string) error { return has(e.Text, lastWord(out)) }},
	{command: regexp.MustCompile(`^grep files `), compare: func(e lesson.Event, out string) error {
		return has(strings.Join(strings.Fields(out), " "), "files "+e.Value+" ")
	}},
}

func same(got, want string) error {
	if got != want {
		return fmt.Errorf("%q is not %q", got, want)
	}
	return nil
}

func has(text string, words ...string) error {
	for _, word := range words {
		if word == "" || !strings.Contains(text, word) {
			return fmt.Errorf("no %q in it", word)
		}
	}
	return nil
}

func lastWord(text string) string {
	words := strings.Fields(text)
	return words[len(words)-1]
}

// numbers wants a number at least in the output, or as many as that.
func numbers(count int) func(lesson.Event, string) error {
	return func(_ lesson.Event, out string) error {
		found := regexp.MustCompile(`\b\d+\b`).FindAllString(out, -1)
		if len(found) == 0 || count > 0 && len(found) != count {
			return fmt.Errorf("%d numbers in it", len(found))
		}
		return nil
	}
}

// compareDescriptors wants each descriptor of the Event in a list of /proc/PID/fd.
func compareDescriptors(e lesson.Event, out string) error {
	if number, ok := strings.CutPrefix(e.Fact, "descriptor "); ok {
		return has(out, " "+number+" -> "+e.Value+"\n")
	}
	for descriptor := range strings.SplitSeq(e.Value, ", ") {
		number, target, ok := strings.Cut(descriptor, "=")
		if !ok { // there is none, in words
			continue
		}
		if err := has(out, " "+number+" -> "+target+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// An ssRow is what ss(8) prints of a socket.
type ssRow struct {
	state       string // as the kernel has it; empty where the command asked for one state
	recvQ       int
	sendQ       int
	local, peer string
	more        string // the rest, and the lines below
}

// link is the interface that a socket is tied to, in its address.
var link = regexp.MustCompile(`%\w+:`)

// parseSS returns the rows of the output of ss(8).
func parseSS(out string) (rows []ssRow) {
	for i, line := range strings.Split(strings.TrimSpace(out), "\n") {
		fields := strings.Fields(line)
		switch {
		case i == 0: // the heading
			continue
		case line[0] == '\t' || line[0] == ' ':
			rows[len(rows)-1].more += line
			continue
		}
		var r ssRow
		if _, err := strconv.Atoi(fields[0]); err != nil {
			if fields[0] == "u_str" || fields[0] == "u_dgr" {
				fields = fields[1:]
			}
			r.state, fields = fields[0], fields[1:]
		}
		r.recvQ, _ = strconv.Atoi(fields[0])
		r.sendQ, _ = strconv.Atoi(fields[1])
		local := link.ReplaceAllString(fields[2], ":")
		r.local, r.peer, r.more = local, fields[3], strings.Join(fields[4:], " ")
		rows = append(rows, r)
	}
	return rows
}

// ssStates are the names that ss(8) has for states, where they are not the kernel's with
// another dash.
var ssStates = map[string]string{"ESTABLISHED": "ESTAB", "FIN_WAIT1": "FIN-WAIT-1", "FIN_WAIT2": "FIN-WAIT-2", "CLOSE": "UNCONN"}

func ssState(name string) string { return cmp.Or(ssStates[name], strings.ReplaceAll(name, "_", "-")) }

// A claim is something that the value of an Event may say of sockets, by a pattern, and
// what it takes to be true of the rows.
type claim struct {
	pattern *regexp.Regexp // on "fact: value"
	holds   func(rows []ssRow, match []string) bool
}

func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

func exists(rows []ssRow, test func(ssRow) bool) bool { return slices.ContainsFunc(rows, test) }

func count(rows []ssRow, test func(ssRow) bool) (n int) {
	for _, r := range rows {
		if test(r) {
			n++
		}
	}
	return n
}

func stateNames() string {
	var names []string
	for s := kernel.Established; s <= kernel.Closing; s++ {
		names = append(names, s.String())
	}
	return strings.Join(names, "|")
}

// claims are all that the evidence of the course says of what ss(8) lists.
var claims = []claim{
	{regexp.MustCompile(`: (?:Recv-Q )?(\d+)(?: waiting, backlog|, Send-Q) (\d+)`), func(rows []ssRow, m []string) bool {
		return exists(rows, func(r ssRow) bool {
			return r.state == "LISTEN" && r.recvQ == number(m[1]) && r.sendQ == number(m[2])
		})
	}},
	{regexp.MustCompile(`^accept queue of descriptor \d+: (\d+) of`), func(rows []ssRow, m []string) bool {
		return exists(rows, func(r ssRow) bool { return r.state == "LISTEN" && r.recvQ == number(m[1]) })
	}},
	{regexp.MustCompile(`((?:\d+\.){3}\d+:\d+|\[::1\]:\d+)`), func(rows []ssRow, m []string) bool {
		return exists(rows, func(r ssRow) bool { return r.local == m[1] || r.peer == m[1] })
	}},
	{regexp.MustCompile(`(?:: |, | and )(?:(\d+) )?(` + stateNames() + `)\b`), func(rows []ssRow, m []string) bool {
		n := count(rows, func(r ssRow) bool { return r.state == ssState(m[2]) })
		return n == number(m[1]) && m[1] != "" || n > 0 && m[1] == ""
	}},
	{regexp.MustCompile(`inode (\d+)`), func(rows []ssRow, m []string) bool {
		return m[1] == "0" || exists(rows, func(r ssRow) bool {
			return strings.Contains(r.more+" ", "ino:"+m[1]+" ") || slices.Contains(strings.Fields(r.local+" "+r.peer+" "+r.more), m[1])
		})
	}},
	{regexp.MustCompile(`: (\d+) on port \d+$`), func(rows []ssRow, m []string) bool { return len(rows) == number(m[1]) }},
	{regexp.MustCompile(`^(client|server)'s end: (gone|none)$`), nil}, // see compareSS
	{regexp.MustCompile(`: mss (\d+), path MTU (\d+)$`), func(rows []ssRow, m []string) bool {
		return exists(rows, func(r ssRow) bool {
			return strings.Contains(r.more, " mss:"+m[1]+" ") && strings.Contains(r.more, " pmtu:"+m[2]+" ")
		})
	}},
	{regexp.MustCompile(`receive buffer: (\d+) of \d+ bytes, unread`), func(rows []ssRow, m []string) bool {
		return exists(rows, func(r ssRow) bool { return r.recvQ == number(m[1]) })
	}},
	{regexp.MustCompile(`send buffer: (\d+) of \d+ bytes`), func(rows []ssRow, m []string) bool {
		return exists(rows, func(r ssRow) bool { return r.sendQ == number(m[1]) })
	}},
	{regexp.MustCompile(`(\d+) of \d+ bytes of the kernel's memory`), func(rows []ssRow, m []string) bool {
		return exists(rows, func(r ssRow) bool { return r.recvQ == number(m[1]) })
	}},
	{regexp.MustCompile(`^unread: (\d+) bytes, in connections`), func(rows []ssRow, m []string) bool {
		sum := 0
		for _, r := range rows {
			if r.state == "ESTAB" {
				sum += r.recvQ
			}
		}
		return sum == number(m[1])
	}},
	{regexp.MustCompile(`: (\d+) sent, (\d+) received`), func(rows []ssRow, m []string) bool {
		return exists(rows, func(r ssRow) bool {
			return strings.Contains(r.more, " segs_out:"+m[1]+" ") && strings.Contains(r.more, " segs_in:"+m[2]+" ")
		})
	}},
	{regexp.MustCompile(`: (\d+) bytes, in (\d+) packets?$`), func(rows []ssRow, m []string) bool {
		return exists(rows, func(r ssRow) bool {
			return r.recvQ == number(m[1]) && strings.Contains(r.more+" ", " data_segs_in:"+m[2]+" ")
		})
	}},
	{regexp.MustCompile(`\b(cwnd|ssthresh|unacked|sacked|lost|rcv_ooopack|retrans) (\d+(?:/\d+)?)`), func(rows []ssRow, m []string) bool {
		return exists(rows, func(r ssRow) bool { return strings.Contains(" "+r.more+" ", " "+m[1]+":"+m[2]+" ") })
	}},
	{regexp.MustCompile(`^(?:client|server)'s timer: (\w+)$`), func(rows []ssRow, m []string) bool {
		return exists(rows, func(r ssRow) bool { return strings.Contains(r.more, "timer:("+m[1]+",") })
	}},
	// A SYN may have been sent once more since then.
	{regexp.MustCompile(`SYN sent again: (\d+)`), func(rows []ssRow, m []string) bool {
		return exists(rows, func(r ssRow) bool {
			timer := regexp.MustCompile(`timer:\(on,[^,]*,(\d+)\)`).FindStringSubmatch(r.more)
			return r.state == "SYN-SENT" && timer != nil && number(timer[1]) >= number(m[1])
		})
	}},
	{regexp.MustCompile(`: (\d+) (?:bytes? )?unread`), func(rows []ssRow, m []string) bool {
		return exists(rows, func(r ssRow) bool { return r.recvQ >= number(m[1]) && r.recvQ <= number(m[1])+1 })
	}},
	{regexp.MustCompile(`: (\d+) from port (\d+), each of another address`), func(rows []ssRow, m []string) bool {
		return count(rows, func(r ssRow) bool { return r.state == "ESTAB" && strings.HasSuffix(r.peer, ":"+m[2]) }) == number(m[1])
	}},
	{regexp.MustCompile(`^open connections: (\d+), `), func(rows []ssRow, m []string) bool {
		return count(rows, func(r ssRow) bool { return r.state == "ESTAB" }) == number(m[1])
	}},
	// Other programs have TCP sockets, too, and their number changes.
	{regexp.MustCompile(`^TCP sockets: 0 of \d+ belong`), func(rows []ssRow, _ []string) bool { return len(rows) > 0 }},
}

// compareSS wants all that an Event says of sockets in what ss(8) lists.
func compareSS(e lesson.Event, out string) error {
	rows, known := parseSS(out), false
	said := e.Fact + ": " + e.Value
	for _, c := range claims {
		for _, match := range c.pattern.FindAllStringSubmatch(said, -1) {
			known = true
			holds := c.holds
			if holds == nil {
				holds = nothingLeft(e.Command)
			}
			if !holds(rows, match) {
				return fmt.Errorf("no %q", match[0])
			}
		}
	}
	if !known {
		return fmt.Errorf("nothing knows what %q claims", said)
	}
	return nil
}

// nothingLeft wants no row of one end of a connection. The command names the client's
// port first, or the server's alone; or it runs on the host of that end.
func nothingLeft(command string) func(rows []ssRow, match []string) bool {
	if strings.HasPrefix(command, "fd3 on ") {
		return func(rows []ssRow, _ []string) bool {
			return !exists(rows, func(r ssRow) bool { return r.state != "LISTEN" })
		}
	}
	port := regexp.MustCompile(`port = (:\d+)`).FindStringSubmatch(command)[1]
	return func(rows []ssRow, match []string) bool {
		return !exists(rows, func(r ssRow) bool {
			own, other := r.local, r.peer
			if match[1] == "server" {
				own, other = other, own
			}
			return strings.HasSuffix(own, port) && !strings.HasSuffix(other, port) && r.state != "LISTEN"
		})
	}
}
