package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"fd3/lesson/course"
	"fd3/lesson/course/lab"
	"fd3/lesson/words"
	"fd3/sockets/stage"
)

// predictions are choices for the questions of the course, in their order, each another one
// than that before: some are right, and some are wrong.
func predictions() (all []words.Item) {
	for _, l := range course.All() {
		for _, part := range l.Parts {
			if part.Kind == lab.Predict {
				all = append(all, part.Choices[len(all)%len(part.Choices)])
			}
		}
	}
	return all
}

// answers what a prompt asks, once it is there: what was typed since is not.
func (term *terminal) replies(at *int, reply func(prompt string) string) (over bool) {
	term.t.Helper()
	var prompt string
	until(term.t, "a prompt", func() bool {
		text := term.text()
		if strings.Contains(text[*at:], "This is the end.") {
			over = true
			return true
		}
		if len(text) > *at && strings.HasSuffix(text, "> ") {
			prompt = text[strings.LastIndexByte(text, '\n')+1:]
			*at = len(text)
			return true
		}
		return false
	})
	if !over {
		fmt.Fprintln(term.tty, reply(prompt))
	}
	return over
}

// A dozen lessons line by line, as somebody goes through them who predicts every answer,
// some of them wrong.
func TestTourLineByLine(t *testing.T) {
	t.Parallel()
	const dozen = 12
	p := in(t)
	asked := predictions()
	term := p.terminal(t, "tour", "--accessible")
	at, begun := 0, 1
	var predicted []int // where in the text
	for over := false; !over && begun <= dozen; {
		over = term.replies(&at, func(prompt string) string {
			switch {
			case strings.HasPrefix(prompt, "What do you think"):
				predicted = append(predicted, at)
				return asked[len(predicted)-1].Name
			case strings.HasPrefix(prompt, "h: a hint"), strings.HasPrefix(prompt, "What do you read"):
				return "s"
			case strings.HasPrefix(prompt, "Which was it"): // a lesson opens with an earlier question
				if begun++; begun > dozen {
					return "q"
				}
			}
			return ""
		})
	}
	term.exits(exitOK)
	text := term.text()
	right := 0
	for i, from := range predicted {
		_, answer, _ := strings.Cut(text[from:], "THE ANSWER")
		answer, said := plainWords(answer[:min(len(answer), 1000)]), plainWords(asked[i].Text)
		switch {
		case strings.HasPrefix(answer, "-> "+said+" You said the same."):
			right++
		case strings.HasPrefix(answer, "-> "+said), !strings.Contains(answer, " You said: "+said):
			t.Errorf("%q was said, and the answer is\n%s", said, answer)
		}
	}
	if wrong := len(predicted) - right; right < dozen || wrong < dozen {
		t.Errorf("%d right, %d wrong", right, wrong)
	}
	for i, b := range []byte(text) {
		if b >= 0x80 || b < 0x20 && b != '\n' && b != '\r' {
			t.Fatalf("byte %#x in %q", b, text[max(0, i-40):i+1])
		}
	}
	if left := p.leftOf(term.cmd.Process.Pid); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	out, err := p.fd3("lessons", "--json").Output()
	if err != nil || strings.Count(string(out), `"value":"finished"`) != dozen {
		t.Errorf("not every lesson is finished: %v\n%s", err, out)
	}
}

// plainWords is text as it stands in one line, without Markdown.
func plainWords(text string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("`", "", "*", "").Replace(text)), " ")
}

// leftOf are the processes that a tour with this pid has started. They are in the
// place by their environment.
func (p place) leftOf(parent int) (pids []string) {
	found, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range found {
		args, _ := os.ReadFile(path)
		environ, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "environ"))
		if strings.Contains(string(args), "\x00"+stage.Command+"\x00") && strings.Contains(string(environ), "XDG_RUNTIME_DIR="+p.run+"\x00") {
			pids = append(pids, strings.Split(path, "/")[2])
		}
	}
	return slices.DeleteFunc(pids, func(pid string) bool { return pid == fmt.Sprint(parent) })
}

// The files of an experiment go with the tour, even if that is killed.
func TestKilledTourLeavesNoFolder(t *testing.T) {
	t.Parallel()
	p, tmp := in(t), t.TempDir()
	folders := func() (found []string) {
		found, _ = filepath.Glob(filepath.Join(tmp, "fd3-*"))
		return found
	}
	cmd := p.fd3("tour", "--from", "serve", "--auto", "1ms")
	cmd.Env = append(cmd.Env, "TMPDIR="+tmp)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "a file in a folder", func() bool {
		files, _ := filepath.Glob(filepath.Join(tmp, "fd3-*", "*"))
		return len(files) > 0
	})
	cmd.Process.Kill()
	cmd.Wait()
	until(t, "the end of the folder", func() bool { return len(folders()) == 0 })
}

// However the tour ends, its processes end with it.
func TestTourEnds(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(*terminal)
		code int
	}{
		"Ctrl-C":  {func(term *terminal) { term.tty.Write([]byte{3}) }, exitInterrupted},
		"Ctrl-\\": {func(term *terminal) { term.tty.Write([]byte{0x1c}) }, exitInterrupted},
		"Ctrl-D":  {func(term *terminal) { term.tty.Write([]byte{4}) }, exitOK},
		"q":       {func(term *terminal) { fmt.Fprintln(term.tty, "q") }, exitOK},
		"SIGTERM": {func(term *terminal) { term.cmd.Process.Signal(unix.SIGTERM) }, exitInterrupted},
		"kill -9": {func(term *terminal) { term.cmd.Process.Kill() }, -1},
		"SIGHUP":  {func(term *terminal) { term.cmd.Process.Signal(unix.SIGHUP) }, exitInterrupted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := in(t)
			hangUps(t)
			term := p.terminal(t, "tour", "--plain", "--from", "listen")
			at := 0
			for len(p.leftOf(0)) == 0 {
				if term.replies(&at, func(string) string { return map[bool]string{true: "1"}[strings.HasPrefix(term.last(), "What")] }) {
					t.Fatal("the lesson has no process")
				}
			}
			until(t, "the next prompt", func() bool { return len(term.text()) > at && strings.HasSuffix(term.text(), "> ") })
			c.end(term)
			term.exits(c.code)
			until(t, "the end of the tour's processes", func() bool { return len(p.leftOf(0)) == 0 })
			out, err := os.ReadFile(filepath.Join(p.base, "state", "fd3", "tour.json"))
			var kept struct{ Lesson string }
			if json.Unmarshal(out, &kept); err != nil || kept.Lesson != "listen" {
				t.Errorf("the place is not kept: %v, %s", err, out)
			}
		})
	}
}

// hangUps has SIGHUP end what the test starts. Under nohup(1) it is ignored, by fd3 too,
// as it should be; a signal that has a handler is no longer ignored after execve(2).
func hangUps(t *testing.T) {
	sent := make(chan os.Signal, 1)
	signal.Notify(sent, unix.SIGHUP)
	t.Cleanup(func() { signal.Stop(sent) })
}

// last is the last line of the terminal.
func (term *terminal) last() string {
	text := term.text()
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// SIGQUIT restores the terminal, and Ctrl-\ is a key as q is.
func TestFullScreenQuits(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(*terminal)
		code int
	}{
		"SIGQUIT": {func(term *terminal) { term.cmd.Process.Signal(unix.SIGQUIT) }, exitInterrupted},
		"Ctrl-\\": {func(term *terminal) { term.tty.Write([]byte{0x1c}) }, exitOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			term := in(t).terminal(t, "tour", "--from", "listen")
			term.shows("THE QUESTION")
			c.end(term)
			term.exits(c.code)
			if text := term.text(); !strings.Contains(text, "\x1b[?1049l") || strings.Contains(text, "goroutine") {
				t.Errorf("the terminal is left as %q", text[max(0, len(text)-300):])
			}
		})
	}
}

// Where the terminal cannot show the full screen the tour says what would, and fills it as
// soon as it can.
func TestTourSaysWhyItGoesLineByLine(t *testing.T) {
	t.Parallel()
	p := in(t)
	term := p.sized(t, pty.Winsize{Rows: 17, Cols: 100}, "tour")
	term.shows("The terminal is smaller than 60x18, so the tour goes line by line until there is room.")
	term.shows("Enter: go on.")
	if err := pty.Setsize(term.tty, &pty.Winsize{Rows: 24, Cols: 100}); err != nil {
		t.Fatal(err)
	}
	term.shows("lesson 1 of ")
	fmt.Fprint(term.tty, "q")
	term.exits(exitOK)
}

// A fault of the progress is told on the full screen too.
func TestFullScreenTellsOfDamagedProgress(t *testing.T) {
	t.Parallel()
	p := in(t)
	path := filepath.Join(p.base, "state", "fd3", "tour.json")
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("{"), 0o600)); err != nil {
		t.Fatal(err)
	}
	term := p.terminal(t, "tour")
	until(t, "the note", func() bool {
		_, screen, there := strings.Cut(term.text(), "\x1b[?1049h")
		return there && strings.Contains(screen, "the tour begins anew")
	})
	fmt.Fprint(term.tty, "q")
	term.exits(exitOK)
}

// A demonstration is no progress of the learner's.
func TestAutoKeepsNoProgress(t *testing.T) {
	t.Parallel()
	p := in(t)
	term := p.terminal(t, "tour", "--plain", "--from", "listen", "--auto", "1ms")
	term.shows("lesson 7 of")
	term.tty.Write([]byte{3})
	term.exits(exitInterrupted)
	if text, err := os.ReadFile(filepath.Join(p.base, "state", "fd3", "tour.json")); err == nil {
		t.Errorf("kept: %s", text)
	}
}

// --auto 0s waits for nothing, on a terminal either.
func TestAutoAtOnce(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"--plain", "--color=auto"} {
		term := in(t).terminal(t, "tour", way, "drops/exercise", "--auto", "0s")
		term.exits(exitOK)
		if text := term.text(); strings.Contains(text, "Enter: go on") {
			t.Errorf("%s: it waits:\n%s", way, text)
		}
	}
}

// A recording has the typed lines as they stood on the terminal.
func TestRecordHasWhatIsTyped(t *testing.T) {
	t.Parallel()
	p := in(t)
	path := filepath.Join(p.base, "out.cast")
	term := p.terminal(t, "tour", "--plain", "--from", "listen", "--record", path)
	term.shows("Enter: go on.")
	fmt.Fprintln(term.tty)
	term.shows("What do you think:")
	fmt.Fprintln(term.tty, "returns")
	term.shows("THE EXPERIMENT")
	fmt.Fprintln(term.tty, "q")
	term.exits(exitOK)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"returns\r\n"`, `"q\r\n"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

// "-" is stdout elsewhere; here it would be a file of that name.
func TestRecordNeedsAFile(t *testing.T) {
	t.Parallel()
	p := in(t)
	for _, args := range [][]string{{"record", "-"}, {"tour", "--record", "-"}} {
		cmd := p.fd3(args...)
		cmd.Dir = t.TempDir()
		out, _ := cmd.CombinedOutput()
		if left, _ := os.ReadDir(cmd.Dir); cmd.ProcessState.ExitCode() != exitUsage || strings.Count(string(out), "\n") != 1 || len(left) > 0 {
			t.Errorf("%v: %s, left %v", args, out, left)
		}
	}
}

// A recording that is interrupted is a whole one.
func TestRecordIsInterrupted(t *testing.T) {
	t.Parallel()
	p := in(t)
	path := filepath.Join(p.base, "out.cast")
	term := p.terminal(t, "record", path, "listen", "--auto", "1h")
	term.shows("THE QUESTION")
	term.tty.Write([]byte{3})
	term.exits(exitInterrupted)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := checkCast(string(text), 100, 50); err != nil {
		t.Error(err)
	}
}

// checkCast tells what is wrong with an asciicast v2.
func checkCast(text string, width, height int) error {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	var header struct{ Version, Width, Height, Timestamp int }
	if err := json.Unmarshal([]byte(lines[0]), &header); err != nil || header.Version != 2 || header.Width != width || header.Height != height || header.Timestamp == 0 {
		return fmt.Errorf("%w: the header %s", err, lines[0])
	}
	count, last := make(map[string]int), 0.0
	for _, line := range lines[1:] {
		var event [3]any
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			return fmt.Errorf("%w: %s", err, line)
		}
		at, timed := event[0].(float64)
		code, _ := event[1].(string)
		data, words := event[2].(string)
		if !timed || !words || at < last || code == "m" && strings.TrimSpace(data) == "" {
			return fmt.Errorf("no event, or before its time: %s", line)
		}
		last = at
		count[code]++
	}
	if count["o"] == 0 || count["m"] < 3 || len(count) > 2 {
		return fmt.Errorf("the events are %v", count)
	}
	if end := lines[len(lines)-1]; !strings.HasSuffix(end, `"m","the end"]`) {
		return fmt.Errorf("its end is missing: the last line is %s", end)
	}
	return nil
}

// The theme that was chosen last is there the next time, also line by line, and --theme
// wins.
func TestThemeIsKept(t *testing.T) {
	t.Parallel()
	p := in(t)
	const light, dark = "48;5;231", "48;5;234" // the backgrounds
	full, small := pty.Winsize{Rows: 30, Cols: 100}, pty.Winsize{Rows: 10, Cols: 50}
	for _, visit := range []struct {
		size        pty.Winsize
		args        []string
		has, hasNot string // escapes
		keys        string
	}{
		{full, nil, "", light, "t"},
		{full, nil, light, "", ""},
		{full, []string{"--theme", "dark"}, dark, light, ""},
		{full, []string{"--theme", "auto"}, "", light, ""},
		{small, nil, light, "", ""},
	} {
		term := p.sized(t, visit.size, append([]string{"tour"}, visit.args...)...)
		term.shows("THE QUESTION")
		if text := term.text(); !strings.Contains(text, visit.has) || visit.hasNot != "" && strings.Contains(text, visit.hasNot) {
			t.Errorf("%+v:\n%q", visit, text)
		}
		for _, key := range visit.keys {
			term.tty.WriteString(string(key))
			term.shows("theme: light")
		}
		term.tty.WriteString("q\n")
		term.exits(exitOK)
	}
}
