package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"fd3/lesson"
)

// nobody is the uid that stands for a plain user when the tests run as root.
const nobody = 65534

// TestScripts runs what a learner types. Each script has its own runtime folder,
// $RUN, in a place of its own, $BASE; what it starts must be gone afterwards.
func TestScripts(t *testing.T) {
	deadline, ok := t.Deadline()
	if !ok {
		deadline = time.Now().Add(time.Hour)
	}
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			env.Values["t"] = env.T()
			p, err := newPlace()
			if err != nil {
				return err
			}
			env.Values["place"] = p
			// A call that blocks and should not ends with its process, while there is
			// time to tell of it.
			left := time.Until(deadline)
			watchdog := time.AfterFunc(max(left-time.Minute, left/2), p.kill)
			env.Defer(func() {
				watchdog.Stop()
				if err := p.clear(); err != nil {
					env.T().Fatal(err)
				}
			})
			env.Setenv("BASE", p.base)
			env.Setenv("ESC", "\x1b")
			env.Setenv("RUN", p.run)
			env.Setenv("XDG_RUNTIME_DIR", p.run)
			env.Setenv("XDG_STATE_HOME", filepath.Join(p.base, "state"))
			env.Setenv("TMPDIR", p.base)
			env.Setenv("GORACE", os.Getenv("GORACE"))
			env.Setenv("LANG", "C.UTF-8")
			return nil
		},
		Condition: condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"need":     needs,
			"exits":    exits,
			"mistake":  mistake,
			"refused":  refused,
			"plain":    plain,
			"retry":    retry,
			"stop":     stop,
			"returned": returned,
			"capture":  capture,
			"events":   events,
			"width":    width,
			"ascii":    ascii,
			"cast":     cast,
		},
	})
}

// condition reports whether a condition in brackets holds: [root], [reservedports].
func condition(name string) (bool, error) {
	switch name {
	case "root":
		return os.Geteuid() == 0, nil
	case "reservedports":
		start, err := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start")
		return err == nil && string(start) != "0\n", nil
	}
	return false, fmt.Errorf("unknown condition %q", name)
}

// needs TOOL... and root: the rest of the script cannot do without them.
func needs(ts *testscript.TestScript, _ bool, args []string) {
	t := ts.Value("t").(testscript.T)
	for _, what := range args {
		switch what {
		case "root":
			need(t, os.Geteuid() == 0, "root")
		case "namespaces":
			need(t, exec.Command("unshare", "-Urn", "true").Run() == nil, "user and network namespaces")
		default:
			needTool(t, what)
		}
	}
}

// exits CODE COMMAND...: the command ends with exactly this code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	ts.Check(code(ts.Exec(args[1], args[2:]...), want))
}

func code(err error, want int) error {
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		return err
	}
	if got != want {
		return fmt.Errorf("exit code %d, not %d", got, want)
	}
	return nil
}

// mistake COMMAND...: exit code 2, one line on stderr that says what to type, nothing on
// stdout.
func mistake(ts *testscript.TestScript, _ bool, args []string) {
	exits(ts, false, append([]string{"2"}, args...))
	oneLine(ts)
	if line := strings.TrimPrefix(ts.ReadFile("stderr"), "fd3: "); !strings.Contains(line, "fd3 ") && !strings.Contains(line, "Did you mean") {
		ts.Fatalf("it does not say what to type: %s", line)
	}
}

// refused COMMAND...: exit code 1, one line on stderr, nothing on stdout.
func refused(ts *testscript.TestScript, _ bool, args []string) {
	exits(ts, false, append([]string{"1"}, args...))
	oneLine(ts)
}

func oneLine(ts *testscript.TestScript) {
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("stdout: %s", out)
	}
	if line := ts.ReadFile("stderr"); !strings.HasPrefix(line, "fd3: ") || strings.Count(line, "\n") != 1 {
		ts.Fatalf("not one line of fd3: %s", line)
	}
}

// plain CODE ARGS...: fd3 as a plain user, whoever runs the test, with a runtime
// folder of that user's, $BASE/plain, and no capability at all.
func plain(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	folder, bin := filepath.Join(ts.Getenv("BASE"), "plain"), filepath.Join(ts.Getenv("BASE"), "bin", "fd3")
	command := append([]string{bin}, args[1:]...)
	if err := os.Mkdir(folder, 0o700); err == nil {
		ts.Check(os.Mkdir(filepath.Dir(bin), 0o755))
		ts.Check(copyProgram(bin))
	}
	if os.Geteuid() == 0 {
		needTool(ts.Value("t").(testscript.T), "setpriv")
		ts.Check(os.Chown(folder, nobody, nobody))
		command = append([]string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"}, command...)
	}
	ts.Setenv("XDG_RUNTIME_DIR", folder)
	err = ts.Exec(command[0], command[1:]...)
	ts.Setenv("XDG_RUNTIME_DIR", ts.Getenv("RUN"))
	ts.Check(code(err, want))
}

// copyProgram puts fd3 where every user reaches it. It is another process that writes it: a
// child of this one, forked for another test meanwhile, would have the file open for
// writing, and until it has called execve(2) nobody could execute it (ETXTBSY).
func copyProgram(to string) error {
	from, err := exec.LookPath("fd3")
	if err != nil {
		return err
	}
	return exec.Command("cp", "-L", from, to).Run()
}

// retry REGEXP COMMAND...: run the command until its output says so.
func retry(ts *testscript.TestScript, _ bool, args []string) {
	want := regexp.MustCompile(args[0])
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		ts.Exec(args[1], args[2:]...)
		if want.MatchString(ts.ReadFile("stdout")) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("no %q in the output of %s", args[0], strings.Join(args[1:], " "))
		}
	}
}

// stop PID: SIGSTOP, until all its threads have stopped. Each does so when it runs next,
// and a busy machine may let one answer before that.
func stop(ts *testscript.TestScript, _ bool, args []string) {
	pid, err := strconv.Atoi(args[0])
	ts.Check(err)
	ts.Check(unix.Kill(pid, unix.SIGSTOP))
	for deadline := time.Now().Add(20 * time.Second); !allStopped(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			ts.Fatalf("process %d does not stop", pid)
		}
	}
}

func allStopped(pid int) bool {
	all, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, task := range all {
		if stat, err := os.ReadFile(task); err == nil && !strings.Contains(string(stat), ") T ") {
			return false
		}
	}
	return true
}

// returned REGEXP: in the JSON of the last command a call returned that
// strace would print so.
func returned(ts *testscript.TestScript, neg bool, args []string) {
	want := regexp.MustCompile(args[0])
	var all []string
	found := false
	for _, e := range decode(ts) {
		if e.Kind == lesson.KindReturn {
			all = append(all, e.Strace)
			found = found || want.MatchString(e.Strace)
		}
	}
	if found == neg {
		ts.Fatalf("%q: found %t, among these calls:\n%s", args[0], found, strings.Join(all, "\n"))
	}
}

// capture VAR REGEXP: the first group, in the last output, becomes $VAR.
func capture(ts *testscript.TestScript, _ bool, args []string) {
	match := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if match == nil {
		ts.Fatalf("no %q in the output", args[1])
	}
	ts.Setenv(args[0], match[1])
}

// events: every line is one JSON object, and calls carry what they must.
func events(ts *testscript.TestScript, _ bool, _ []string) {
	calls := 0
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		var e map[string]any
		ts.Check(json.Unmarshal([]byte(line), &e))
		if kind, ok := e["kind"].(string); !ok || kind == "" {
			ts.Fatalf("no kind in %s", line)
		}
		if e["kind"] != "return" {
			continue
		}
		calls++
		for _, field := range []string{"step", "name", "args", "ret", "duration_ns", "strace"} {
			if _, ok := e[field]; !ok {
				ts.Fatalf("no %s in %s", field, line)
			}
		}
		for _, field := range []string{"errno", "errno_name"} {
			if _, ok := e[field]; ok != (e["ret"] == -1.0) {
				ts.Fatalf("%s there: %t, in %s", field, ok, line)
			}
		}
	}
	if calls == 0 {
		ts.Fatalf("no call in the output")
	}
}

func decode(ts *testscript.TestScript) []lesson.Event {
	all, err := parseEvents(ts.ReadFile("stdout"))
	ts.Check(err)
	return all
}

func parseEvents(out string) ([]lesson.Event, error) {
	var all []lesson.Event
	for line := range strings.Lines(out) {
		var e lesson.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			return nil, fmt.Errorf("%w: %s", err, line)
		}
		all = append(all, e)
	}
	return all, nil
}

// width COLUMNS: no line is longer, but for a word that cannot be broken: one
// that would not fit into a line of its own, or a command that is to be copied.
func width(ts *testscript.TestScript, _ bool, args []string) {
	columns, err := strconv.Atoi(args[0])
	ts.Check(err)
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		line = strings.TrimRight(line, "\n")
		command := strings.Contains(line, "$ ") || strings.Contains(line, "fd3 ")
		if n := utf8.RuneCountInString(line); n > columns && len(strings.Fields(line)) > 1 && !command {
			ts.Fatalf("%d columns: %s", n, line)
		}
	}
}

// ascii: the last output has no other byte.
func ascii(ts *testscript.TestScript, _ bool, _ []string) {
	for i, b := range []byte(ts.ReadFile("stdout")) {
		if b >= 0x80 || b < 0x20 && b != '\n' {
			ts.Fatalf("byte %#x at %d: %.60s", b, i, ts.ReadFile("stdout")[max(0, i-20):])
		}
	}
}

// cast FILE WIDTH HEIGHT: the file is an asciicast v2 of that size.
func cast(ts *testscript.TestScript, _ bool, args []string) {
	width, err := strconv.Atoi(args[1])
	ts.Check(err)
	height, err := strconv.Atoi(args[2])
	ts.Check(err)
	ts.Check(checkCast(ts.ReadFile(args[0]), width, height))
}
