package tour

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course"
	"fd3/lesson/course/lab"
	"fd3/lesson/view"
	"fd3/lesson/words"
	"fd3/sockets/kernel"
)

// From the question to the exercise, with every key there is, on terminals of all
// sizes.
func TestScreenGoesThroughALesson(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{80, 24}, {120, 36}, {200, 60}} {
		x := open(t, size[0], size[1], "listen")
		x.sees(`THE QUESTION`)
		x.goesOnUntil(`WHAT DO YOU THINK`)

		// A prediction: nothing goes on without it.
		x.tries("enter")
		x.tries("space")
		x.sees(`Press 1-2, or s to skip`)
		x.press("j")
		x.sees(`▶ 1 `)
		x.press("j")
		x.sees(`▶ 2 `)
		x.press("k")
		x.sees(`▶ 1 [^\n]*(\n.*)*Enter say 1`)
		x.press("enter")
		x.sees(`You say 1`)
		number := x.choice("It returns at once")
		x.press(number)
		x.sees(`You say ` + number)
		x.press("space")

		// An experiment, step by step, and the kernel's side of it.
		x.sees(`make the step`)
		x.press("space")
		x.sees(`(?i)the kernel's side`)
		x.sees(`server \d+`)
		x.press("b")
		x.sees(`▶ ` + number + ` It returns at once`)
		x.press("space")
		x.sees(`Then an address`)
		x.goesOnUntil(`Space go on[^\n]*again`)
		x.sees(`LISTEN 127\.0\.0\.1:\d+`)
		listener := regexp.MustCompile(`LISTEN 127\.0\.0\.1:\d+`)
		first := listener.FindString(x.screen())
		x.press("r")
		x.sees(`make the step`)
		x.goesOnUntil(`Space go on[^\n]*again`)
		x.until("another socket than "+first, func() bool {
			now := listener.FindString(x.screen())
			return now != "" && now != first
		})
		x.goesOnUntil(`THE ANSWER(.*\n)*.*You said the same`)

		x.sees(`o other answers|\? more`)
		x.press("o")
		x.sees(`THE OTHER ANSWERS(.*\n)*.*It waits until a client comes`)
		x.tries("o")

		// Lists, themes and help leave the place as it is.
		x.press("l")
		x.sees(`The lessons(.*\n)*.*you are here`)
		x.press("k", "l")
		x.sees(`THE OTHER ANSWERS`)
		x.press("?")
		x.sees(`Keys\b`)
		x.press("?")
		x.sees(`THE OTHER ANSWERS`)
		for _, theme := range []string{"light", "dark", "contrast", "auto"} {
			x.press("t")
			x.sees(`theme: ` + theme)
			x.hasBackground(theme != "auto")
		}
		x.press("q")
		x.ends(0)
	}
}

// A learner says what they read: letters are letters then, and what cannot be meant stays.
func TestScreenObservation(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	x := open(t, 80, 24, "handshake/half", "XDG_STATE_HOME="+state)
	x.sees(`WHAT DO YOU THINK`)
	x.press("1")
	x.goesOnUntil(`You read: _`) // the drawing may take room from the text, or give it back, at any moment
	x.press("esc")
	x.sees(`What do you read\? Say it(.*\n)*.*Space `)
	x.goesOnUntil(`You read: _`)
	for _, key := range "syn-" {
		x.press(string(key))
	}
	x.press("enter")
	x.sees(`A state is asked for, such as LISTEN or TIME_WAIT: syn-_`)
	for _, key := range "sent" {
		x.press(string(key))
	}
	x.press("enter")
	x.sees(`You read syn-sent\. Now the answer`)
	x.goesOnUntil(`WHAT THERE WAS TO READ(.*\n)*.*You read syn-sent; the kernel said SYN_RECV. Look at(.*\n)*.*THE ANSWER`)
	x.press("b")
	x.sees(`: experiment`)
	if x.offers("0") {
		t.Error("it can be said when the answer is known")
	}
	x.press("r")
	x.goesOnUntil(`You read: _`)
	x.press("0")
	x.sees(`You read: 0_`)
	x.press("backspace", "esc", "s")
	x.sees(`THE ANSWER`)
	x.press("q")
	x.ends(0)
}

// A learner changes a number of an experiment and runs it again: the kernel answers, and the
// answer of the lesson stays.
func TestScreenWhatIf(t *testing.T) {
	t.Parallel()
	x := open(t, 120, 36, "listen/full")
	x.sees(`WHAT DO YOU THINK`)
	x.press("1")
	x.goesOnUntil(`Space say what you read`)
	if x.offers("w") {
		t.Error("the question is still open")
	}
	x.press("2", "enter", "w")
	x.sees(`What if(.*\n)*.*backlog +1 .*0 to 16, usually 1(.*\n)*.*clients +5 `)
	x.press("9", "9", "enter")
	x.sees(`backlog is a number from 0 to 16\.`)
	x.press("3", "j", "right", "enter")
	x.sees(`WHAT CAME OUT(.*\n)*.*open: 4;`)
	x.press("home")
	x.sees(`WHAT IF(.*\n)*.*backlog 3, clients 6(.*\n)*.*listen(.*\n)*.*listen\(3, 3\) = 0`)
	x.press("w")
	x.sees(`backlog +3 (.*\n)*.*clients +6 `)
	x.press("esc")
	x.goesOnUntil(`THE ANSWER`)
	x.goesOnUntil(`Of 5 clients, 2 have`)
	x.sees(`The processes of this are gone`)
	x.press("r")
	x.goesOnUntil(`Space say what you read`)
	x.press("q")
	x.ends(0)
}

// A lesson opens with a question of an earlier one. It is answered, or left.
func TestScreenRecall(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	kept := `{"version": 1, "predictions": {"listen/wait": {"choice": "waits", "answer": "returns", "when": 1}}}`
	if err := errors.Join(os.Mkdir(filepath.Join(state, "fd3"), 0o700), os.WriteFile(filepath.Join(state, "fd3", "tour.json"), []byte(kept), 0o600)); err != nil {
		t.Fatal(err)
	}
	x := open(t, 80, 24, "handshake", "XDG_STATE_HOME="+state)
	x.sees(`DO YOU REMEMBER(.*\n)*.*Do you remember\? Answer, or go on`)
	x.press("space")
	x.sees(`WHAT WAS THE ANSWER(.*\n)*.*It returns at once`)
	x.goesOnUntil(`THE QUESTION`)
	x.press("q")
	x.ends(0)
	x = open(t, 80, 24, "handshake", "XDG_STATE_HOME="+state)
	x.sees(`DO YOU REMEMBER`)
	x.press(x.choice("It returns at once"))
	x.sees(`You said the same`)
	x.press("q")
	x.ends(0)
	x = open(t, 80, 24, "handshake", "XDG_STATE_HOME="+state)
	x.sees(`DO YOU REMEMBER`)
	x.resize(59, 40) // line by line it is asked anew
	x.sees(`Which was it: a number from 1 to 2`)
	x.types("\n")
	x.sees(`The kernel said: It returns at once(.*\n)*.*THE QUESTION`)
	x.types("q\n")
	x.ends(0)
	x = open(t, 80, 24, "listen", "XDG_STATE_HOME="+state)
	x.sees(`THE QUESTION`)
	if x.offers("1") {
		t.Error("a question of this lesson, or of a later one")
	}
	x.press("q")
	x.ends(0)
}

// An exercise is done by others' tools, and the kernel tells.
func TestScreenExercise(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	x := open(t, 100, 40, "listen", "XDG_STATE_HOME="+state)
	exercise(x)
	x.sees(`server \d+(.*\n)*.*now: .*0`)
	x.press("h")
	x.sees(`HINT(.*\n)*.*hint 2 of`)
	x.press("y")
	x.sees(`sent to the terminal's clipboard: nc 127\.0\.0\.1 \d+`)
	x.until("the clipboard", func() bool {
		x.mu.Lock()
		defer x.mu.Unlock()
		return strings.Contains(x.written.String(), "\x1b]52;c;")
	})
	addr := regexp.MustCompile(`listens on (127\.0\.0\.1):(\d+)`).FindStringSubmatch(x.screen())
	for range 4 {
		hang(t, addr[1], addr[2])
	}
	x.sees(`DONE`)
	x.sees(`Space go on`)
	x.press("q")
	x.ends(0)

	// The place is kept, and the experiments before it are made once more.
	x = open(t, 100, 40, "", "XDG_STATE_HOME="+state)
	x.sees(`YOUR TURN`)
	x.press("s")
	x.sees(`TO KEEP`)
	x.goesOnUntil(`THE QUESTION`)
	x.sees(`✓ listen`)
	x.press("b")
	x.sees(`● listen`)
	x.press("q")
	x.ends(0)
}

// choice is the number at which an answer of the prediction in sight stands.
func (x *terminal) choice(words string) (number string) {
	x.t.Helper()
	row := regexp.MustCompile(`(\d) ` + words)
	x.sees(row.String())
	return row.FindStringSubmatch(x.screen())[1]
}

// placed is the environment of a learner who has stopped at the first part of this
// kind.
func placed(t *testing.T, lesson string, kind lab.PartKind) (env string) {
	t.Helper()
	state := t.TempDir()
	kept := fmt.Sprintf(`{"version": 1, "lesson": %q, "part": %d}`, lesson, partOf(t, lesson, kind))
	err := os.Mkdir(filepath.Join(state, "fd3"), 0o700)
	if err == nil {
		err = os.WriteFile(filepath.Join(state, "fd3", "tour.json"), []byte(kept), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return "XDG_STATE_HOME=" + state
}

// While it is set up nothing is offered. Who kills the server can have it set up
// again, and so can who has done it.
func TestScreenExerciseAnew(t *testing.T) {
	t.Parallel()
	x := open(t, 80, 24, "", placed(t, "handshake", lab.Exercise))
	x.remembers()
	server := regexp.MustCompile(`server (\d+)`)
	pid := func() string {
		x.t.Helper()
		x.sees(server.String() + `(.*\n)*.*now: `)
		return server.FindStringSubmatch(x.screen())[1]
	}
	first := pid()
	if early := regexp.MustCompile(`being set up|once more, without a word`); !slices.ContainsFunc(x.past, early.MatchString) {
		t.Error("it does not say that it is being set up")
	}
	for _, before := range x.past {
		if strings.Contains(before, "s skip") && !strings.Contains(before, "now: ") && !strings.Contains(before, "YOUR TURN") {
			t.Errorf("offered before it is set up:\n%s", before)
		}
	}
	number, _ := strconv.Atoi(first)
	unix.Kill(number, unix.SIGKILL)
	x.sees(`This cannot go on: the server has ended. r sets it up again.(.*\n)*.*r again`)
	x.press("r")
	x.until("another server", func() bool { return pid() != first })
	second := pid()
	to := regexp.MustCompile(`listens on (127\.0\.0\.1):(\d+)`).FindStringSubmatch(x.screen())
	number, _ = strconv.Atoi(second)
	unix.Kill(number, unix.SIGSTOP)
	x.sees(`the server is stopped`) // what came before that may be older than the stop, and does not count
	hang(t, to[1], to[2])
	x.sees(`Now wake it`)
	unix.Kill(number, unix.SIGCONT)
	x.sees(`DONE`)
	x.press("r")
	x.until("a third server", func() bool { return pid() != second })
	x.press("q")
	x.ends(0)
}

// Tab makes the drawing full, and the text; where there is no room for both these take
// turns. A drawing that is higher than the screen is scrolled, and Space leads back to words
// that it covers.
func TestScreenTab(t *testing.T) {
	t.Parallel()
	x := open(t, 60, 18, "listen/full")
	x.press("s")
	x.goesOnUntil(`make the step`)
	x.press("space")
	x.sees(`make the step`)
	x.press("tab")
	x.sees(`THE KERNEL'S SIDE(.*\n)*.*server \d+(.*\n)*.*Tab text`)
	x.press("space")
	x.sees(`more below(.*\n)*.*Space read on`)
	x.press("end")
	x.sees(`client \d+(.*\n)*.*more above`)
	x.press("space")
	x.sees(`The second client connects`)
	x.press("tab", "tab")
	x.sees(`The second client connects`)
	x.resize(120, 36)
	x.sees(`THE KERNEL'S SIDE(.*\n)*.*The second client connects(.*\n)*.*Tab drawing`)
	x.press("tab", "tab")
	x.sees(`The second client connects(.*\n)*.*Tab both`)
	x.until("the text alone", func() bool { return !strings.Contains(x.screen(), "│") })
	x.press("q")
	x.ends(0)
}

// The kernel's side is of the part in sight, or it is not there.
func TestScreenShowsNoOtherExperiment(t *testing.T) {
	t.Parallel()
	x := open(t, 120, 36, "listen")
	x.goesOnUntil(`WHAT DO YOU THINK`)
	x.press("1")
	x.goesOnUntil(`: verdict`)
	x.sees(`THE KERNEL'S SIDE`)
	x.goesOnUntil(`: prediction`)
	x.sees(`THIS LESSON(.*\n)*.*✓ does listen wait(.*\n)*.*● clients that nobody accepts(.*\n)*.*● prediction`)
	x.press("2")
	x.goesOnUntil(`make the step`)
	x.press("space")
	x.sees(`THE KERNEL'S SIDE(.*\n)*.*server \d+`)
	x.sees(`make the step`)
	for _, kind := range []string{"prediction", "explanation", "verdict"} {
		x.press("b")
		x.sees(`: ` + kind)
	}
	x.sees(`THIS LESSON(.*\n)*.*The processes of this are gone. r makes it once more`)
	x.tries("y")
	if strings.Contains(x.screen(), " copy") {
		t.Errorf("a command for what runs no more:\n%s", x.screen())
	}
	x.press("r")
	x.sees(`make the step`)
	x.goesOnUntil(`Space go on[^\n]*again`)
	x.sees(`THE KERNEL'S SIDE(.*\n)*.*server \d+`)
	x.press("q")
	x.ends(0)
	if strings.Contains(x.written.String(), "\x1b]52;c;") {
		t.Error("it was copied")
	}
}

// fd3's own server is on the kernel's side too, with its queue.
func TestScreenShowsFD3sOwnServer(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{80, 24}, {120, 36}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			t.Parallel()
			x := open(t, size[0], size[1], "", placed(t, "serve", lab.Exercise))
			x.sees(`server, thread \d+ of fd3 \d+(.*\n)*.*LISTEN 127\.0\.0\.1:\d+(.*\n)?.*backlog \d+`)
			x.press("q")
			x.ends(0)
		})
	}
}

// A remote control for presentations sends PgDn and PgUp.
func TestScreenByARemoteControl(t *testing.T) {
	t.Parallel()
	const next, previous, right, left = "pgdown", "pgup", "right", "left"
	x := open(t, 80, 24, "listen")
	x.sees(`THE QUESTION`)
	x.press(next)
	x.sees(`WHAT DO YOU THINK`)
	x.press(previous)
	x.sees(`THE QUESTION`)
	x.press(right)
	x.sees(`WHAT DO YOU THINK`)
	x.press(left)
	x.sees(`THE QUESTION`)
	x.press(right)
	x.tries(next)
	x.sees(`Press 1-2, or s to skip`)
	x.press("2")
	x.sees(`You say 2`)
	x.press(next)
	x.sees(`: experiment`)
	x.press("q")
	x.ends(0)
}

// Who is in a lesson already goes on with it, and who only looks at another keeps
// their place.
func TestScreenKeepsThePlace(t *testing.T) {
	t.Parallel()
	env := placed(t, "listen", lab.Verdict)
	at := partOf(t, "listen", lab.Verdict)
	x := open(t, 80, 24, "", env)
	x.sees(`THE ANSWER`)
	x.press("l")
	x.sees(`you are here(.*\n)*.*Enter return`)
	x.press("enter")
	x.sees(`THE ANSWER`)
	x.press("l")
	x.sees(`you are here`)
	x.press("k")
	x.sees(`Enter begin`)
	x.press("enter")
	x.sees(`bind, part 1 of`)
	x.press("q")
	x.ends(0)
	x = open(t, 80, 24, "plug", env)
	x.sees(`THE QUESTION`)
	x.press("q")
	x.ends(0)
	state, _ := strings.CutPrefix(env, "XDG_STATE_HOME=")
	text, err := os.ReadFile(filepath.Join(state, "fd3", "tour.json"))
	var kept struct {
		Lesson string
		Part   int
	}
	if err := errors.Join(err, json.Unmarshal(text, &kept)); err != nil || kept.Lesson != "listen" || kept.Part != at {
		t.Errorf("the place is %+v, %v", kept, err)
	}
}

// The list of lessons opens to their parts, and one goes to any of them: forth and back
// in a lesson, and to another one.
func TestScreenJumps(t *testing.T) {
	t.Parallel()
	x := open(t, 80, 24, "listen")
	x.sees(`THE QUESTION`)
	x.press("l", "p")
	x.sees(`1 question +● you are here(.*\n)*.*3 experiment: does listen wait(.*\n)*.*Enter return`)
	x.press("j", "j", "j", "j", "j", "j")
	x.sees(`▶ +7 experiment: clients that nobody accepts *\n(.*\n)*.*Enter go there`)
	x.press("enter")
	x.sees(`: experiment`)
	x.sees(`make the step`)
	x.press("l", "p")
	x.sees(`7 experiment: [^\n]*you are here`)
	x.press("k", "k")
	x.sees(`▶ +5 explanation`)
	x.press("enter")
	x.sees(`: explanation`)
	x.press("l", "k")
	x.sees(`Enter begin`)
	x.press("p", "end")
	x.sees(`▶ [^\n]*references`)
	x.press("enter")
	x.sees(`bind, part \d+ of \d+: references`)
	x.press("l", "p", "p")
	x.sees(`The lessons`)
	x.press("q")
	x.ends(0)
}

// exercise goes to the next exercise, and waits until it is set up.
func exercise(x *terminal) {
	x.t.Helper()
	for n := 0; ; n++ {
		key := x.nextKey(n)
		if key == "s" {
			x.sees(`YOUR TURN`)
			return
		}
		x.press(key)
	}
}

// hang is a client that connects, or tries to, until the end of the test.
func hang(t *testing.T, host, port string) {
	cmd := exec.Command("bash", "-c", `exec 3<>"/dev/tcp/$0/$1"; sleep 60`, host, port)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
		cmd.Wait()
	})
}

func TestScreenResizes(t *testing.T) {
	t.Parallel()
	x := open(t, 120, 36, "listen")
	x.sees(`THIS LESSON`)
	x.resize(80, 24)
	x.until("the narrow layout", func() bool { return !strings.Contains(x.screen(), "THIS LESSON") })
	x.resize(60, 10)
	x.resize(200, 60)
	x.sees(`THE QUESTION`)
	x.goesOnUntil(`WHAT DO YOU THINK`)
	for range 2 {
		x.resize(1, 1)
		time.Sleep(50 * time.Millisecond) // it draws nothing that could be waited for
		x.resize(100, 30)
		x.sees(`1-\d answer`)
	}
	for _, size := range [][2]int{{1, 1}, {300, 100}, {59, 24}, {80, 17}, {81, 25}, {10, 200}, {100, 30}} {
		x.resize(size[0], size[1])
		time.Sleep(20 * time.Millisecond)
	}
	x.sees(`WHAT DO YOU THINK(.*\n)*.*answer`)
	x.press("q")
	x.ends(0)
	if erased := "\x1b[H\x1b[J" + leaveScreen; !strings.Contains(x.written.String(), erased) {
		t.Error("what stood there is left to a terminal that mixes it with the screen of the shell")
	}
}

// As long as a terminal is too small, the tour goes line by line, from the part that was in
// sight: what was predicted and read is known still. It fills the screen again when there
// is room, and goes on there.
func TestScreenGoesOnLineByLine(t *testing.T) {
	t.Parallel()
	x := open(t, 80, 24, "listen")
	x.goesOnUntil(`WHAT DO YOU THINK`)
	x.press(x.choice("It returns at once"))
	x.goesOnUntil(`THE ANSWER`)
	x.resize(59, 40)
	x.sees(`so the tour\s+goes\s+line\s+by\s+line(.*\n)*.*THE ANSWER(.*\n)*.*You said the same(.*\n)*.*Enter: go on`)
	x.types("\n")
	x.sees(`WHY(.*\n)*.*Enter: go on`)
	x.resize(80, 24)
	x.isBack()
	x.sees(`WHY(.*\n)*.*lesson \d+ of \d+: listen`)
	x.press("b")
	x.sees(`THE ANSWER(.*\n)*.*You said the same`)
	x.resize(59, 17)
	x.sees(`line\s+by\s+line(.*\n)*.*THE ANSWER(.*\n)*.*You said the same`)
	x.types("q\n")
	x.sees(`goes on from here the next time`)
	x.ends(0)
}

// What one cannot see, one cannot want.
func TestKeysWhileTheTerminalIsTooSmall(t *testing.T) {
	s := still(view.Look{}, lab.Predict)
	s.resize(59, 17)
	for _, key := range []string{"space", "2", "s", "b", "l", "?"} {
		s.press(key)
	}
	if s.at != (course.Place{Lesson: 5, Part: 1}) || s.page().said != 0 || s.overlay != nothing {
		t.Errorf("at %v, said %d", s.at, s.page().said)
	}
	if s.press("q") == nil || s.press("ctrl+c") == nil {
		t.Error("q does nothing")
	}
}

// asks finds what a terminal would answer: DA, DSR, DECRQM, XTVERSION, the kitty
// protocol, colours, DECRQSS and XTGETTCAP.
var asks = regexp.MustCompile(`\x1b\[[?>=]?[0-9;]*(c|n|\$p)|\x1b\[\?u|\x1b\[>[0-9]*q|\x1b\][0-9;]*\?|\x1bP[+$]q|\x1b\[1[1-9]t`)

func TestScreenAsksTheTerminalNothing(t *testing.T) {
	t.Parallel()
	for _, env := range []string{"TERM=xterm-kitty", "TERM=xterm-ghostty", "WT_SESSION=1", "TERM=linux"} {
		x := open(t, 80, 24, "listen", env)
		x.sees(`THE QUESTION`)
		x.press("space", "q")
		x.ends(0)
		if found := asks.FindString(x.written.String()); found != "" {
			t.Errorf("%s: %q", env, found)
		}
		if keyboard := regexp.MustCompile(`\x1b\[[><]\d*(;\d+)?[um]`).FindString(x.written.String()); keyboard != "" {
			t.Errorf("%s: the keyboard is set: %q", env, keyboard)
		}
	}
}

// From the start of the program to its first frame, which is to be there within
// 100 ms on a machine that has nothing else to do.
func BenchmarkFirstFrame(b *testing.B) {
	for b.Loop() {
		x := open(b, 80, 24, "listen")
		x.sees(`quit`)
		b.StopTimer()
		x.press("q")
		x.ends(0)
		b.StartTimer()
	}
}

func TestScreenEnds(t *testing.T) {
	t.Parallel()
	for name, way := range map[string]struct {
		end  func(*terminal)
		code int
	}{
		"q":       {func(x *terminal) { x.press("q") }, 0},
		"Ctrl-C":  {func(x *terminal) { x.press("ctrl+c") }, 0},
		"SIGTERM": {func(x *terminal) { x.cmd.Process.Signal(unix.SIGTERM) }, 1}, // cmd/fd3 makes it 130
		"SIGHUP":  {func(x *terminal) { x.cmd.Process.Signal(unix.SIGHUP) }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x, children := atWork(t)
			way.end(x)
			x.ends(way.code)
			x.areGone(children)
		})
	}
	t.Run("SIGKILL", func(t *testing.T) {
		t.Parallel()
		x, children := atWork(t)
		x.cmd.Process.Kill()
		<-x.gone
		x.areGone(children)
	})
	t.Run("lost terminal", func(t *testing.T) {
		t.Parallel()
		x, children := atWork(t)
		x.tty.Close()
		x.pty.Close()
		select {
		case <-x.gone:
		case <-time.After(10 * time.Second):
			t.Fatal("it goes on without a terminal")
		}
		x.areGone(children)
	})
	t.Run("panic", func(t *testing.T) {
		t.Parallel()
		x := open(t, 80, 24, "listen", "FD3_TEST_PANIC=1")
		x.ends(1)
		x.sees(`a fault of the test`)
		if now := x.screen(); strings.Contains(now, "goroutine") {
			t.Errorf("it says:\n%s", now)
		}
	})
}

// atWork is a screen in the middle of an experiment, and the processes of that.
func atWork(t *testing.T) (x *terminal, children []int) {
	t.Helper()
	x = open(t, 80, 24, "listen")
	x.goesOnUntil(`s skip`)
	x.press("s")
	x.goesOnUntil(`make the step`)
	x.press("space")
	x.sees(`server \d+`)
	if children = x.children(); len(children) == 0 {
		t.Fatal("no process of an experiment")
	}
	return x, children
}

// Where a shell can continue it, it stops; where nobody can, it goes on.
func TestScreenSuspends(t *testing.T) {
	t.Parallel()
	t.Run("by a shell", func(t *testing.T) {
		t.Parallel()
		x := openCommand(t, 80, 24, exec.Command("bash", "-c", `set -m
			/proc/$PPID/exe; echo "stopped: $?"; read; fg >/dev/null; echo "ended: $?"`), "FD3_TEST_SCREEN=listen")
		x.sees(`THE QUESTION`)
		x.sends("ctrl+z")
		x.sees(`stopped: 148`)
		x.isRestored()
		x.types("\n")
		x.isBack()
		x.goesOnUntil(`WHAT DO YOU THINK`)
		x.press("q")
		x.sees(`ended: 0`)
		x.ends(0)
	})
	t.Run("by nobody", func(t *testing.T) {
		t.Parallel()
		x := open(t, 80, 24, "listen")
		x.sees(`THE QUESTION`)
		x.press("ctrl+z")
		x.isBack()
		x.goesOnUntil(`WHAT DO YOU THINK`)
		x.press("q")
		x.ends(0)
	})
}

// By itself it predicts nothing, and leaves exercises out.
func TestScreenAuto(t *testing.T) {
	t.Parallel()
	x := open(t, 100, 40, "listen", "FD3_TEST_AUTO=50ms")
	x.remembers()
	for _, part := range []string{"prediction", "experiment", "verdict", "explanation"} {
		x.saw(`: ` + part)
	}
	x.press("q")
	x.ends(0)
	if strings.Contains(strings.Join(x.past, ""), "You said") {
		t.Error("nobody has predicted")
	}

	x = open(t, 100, 40, "", "FD3_TEST_AUTO=200ms", placed(t, "listen", lab.Exercise))
	x.remembers()
	x.saw(`YOUR TURN`)
	x.saw(`TO KEEP(.*\n)*.*the exercise was left out`)
	x.until("the note to go", func() bool { return !strings.Contains(x.screen(), "left out") })
	x.press("q")
	x.ends(0)
}

func TestScreenWithoutColours(t *testing.T) {
	t.Parallel()
	x := open(t, 80, 24, "listen", "NO_COLOR=1", "FD3_TEST_ASCII=1")
	x.goesOnUntil(`s skip`)
	x.press("1")
	x.sees(`> 1 `)
	x.press("space")
	x.goesOnUntil(`make the step`)
	x.press("space")
	x.sees(`server \d+`)
	x.press("q")
	x.ends(0)
	if style := regexp.MustCompile(`\x1b\[[1-9][0-9;]*m`).FindString(x.written.String()); style != "" {
		t.Errorf("a style: %q", style)
	}
}

// still is a screen without a terminal or a kernel: what it shows is given.
func still(look view.Look, kind lab.PartKind) *screen {
	var lessons []lab.Lesson
	for _, id := range []string{"plug", "fd", "socket", "bytes", "bind", "listen", "handshake", "accept", "recv", "http", "send", "close", "timewait"} {
		lessons = append(lessons, lab.Lesson{ID: id, Title: id + ": " + strings.Repeat("a long title ", 9), Asks: strings.Repeat("What is `it`, 漢字? ", 12), Parts: []lab.Part{
			{Lesson: id, Kind: lab.Question},
			{Lesson: id, Kind: kind, Name: "x", Choices: []words.Item{{Name: "a"}, {Name: "b"}}},
		}})
	}
	s := newScreen(Options{Look: look, Progress: &course.Progress{}}, lessons)
	s.at = course.Place{Lesson: 5, Part: 1}
	s.pages[s.at] = &page{over: true, cursor: 2, now: strings.Repeat("so it is ", 30), events: []lesson.Event{
		{Kind: lesson.KindText, Section: string(kind), Text: strings.Repeat("The kernel put the connection in the accept queue. ", 30)},
		{Kind: lesson.KindReturn, Recap: true, Title: "client", Strace: `connect(3, {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr("127.0.0.1")}, 16) = -1 EINPROGRESS (Operation now in progress)`, Result: "-1 EINPROGRESS (Operation now in progress)", Errno: 115},
		{Kind: lesson.KindChoice, Name: "a", Text: "One. " + strings.Repeat("It is so. ", 20)},
		{Kind: lesson.KindChoice, Name: "b", Text: "Two. " + strings.Repeat("漢字 ", 40)},
		{Kind: lesson.KindEvidence, Recap: true, Fact: "queue", Value: "2 of 1", Have: 2, Full: 1, Source: "sock_diag(7)", Command: "ss -ltn 'sport = :8080'"},
	}}
	s.panel = panel{board: lab.Board{
		Of:  s.part(),
		Now: crowd(20),
		Calls: []lab.Made{
			{Role: "server", PID: 4242, Text: "accept4(3, "},
			{Role: "client", PID: 4243, Text: s.pages[s.at].events[1].Strace, Bad: true, New: true, Returned: true},
			{Role: "client", PID: 4243, Text: `sendto(3, "` + strings.Repeat("漢", 100) + `", 300, 0, NULL, 0) = 300`, Returned: true},
		},
	}}
	return s
}

// crowd is a server with so many connections, and names from outside.
func crowd(connections int) kernel.Snapshot {
	at := func(port int) netip.AddrPort { return netip.MustParseAddrPort(fmt.Sprintf("127.0.0.1:%d", port)) }
	server := kernel.Process{Name: "server", PID: 4242, Party: true, State: "sleeping", Call: "accept4", CallFD: 3, Wchan: "inet_csk_accept" + strings.Repeat("_x", 60)}
	client := kernel.Process{Name: "client", PID: 4243, Party: true, State: "sleeping"}
	hold := func(p *kernel.Process, s kernel.Socket) kernel.Socket {
		fd := 3 + len(p.Descriptors)
		p.Descriptors = append(p.Descriptors, kernel.Descriptor{Number: fd, Target: fmt.Sprintf("socket:[%d]", p.PID+fd)})
		s.Inode, s.Holders = uint64(p.PID+fd), []kernel.Holder{{PID: p.PID, FD: fd}}
		return s
	}
	h := kernel.Host{Sockets: []kernel.Socket{
		hold(&server, kernel.Socket{Protocol: "TCP", Cookie: 1, State: kernel.Listen, Local: at(8080), Backlog: 4096}),
		hold(&client, kernel.Socket{Protocol: "UNIX-STREAM", Cookie: 2, State: kernel.Established, Path: "/tmp/\x1b[2J\x1b]0;evil\a" + strings.Repeat("漢字/", 40)}),
	}}
	for i := range connections {
		c := kernel.Socket{Protocol: "TCP", Cookie: uint64(10 + 2*i), Peer: uint64(11 + 2*i), State: kernel.Established, Local: at(50000 + i), Remote: at(8080), RecvBuf: 131072}
		x := kernel.Socket{Protocol: "TCP", Cookie: c.Peer, Peer: c.Cookie, State: kernel.Established, Local: at(8080), Remote: c.Local, RecvBuf: 131072, Unread: kernel.Queued{Bytes: 100 * i}}
		h.Sockets = append(h.Sockets, hold(&client, c), hold(&server, x))
	}
	h.Processes = []kernel.Process{server, client}
	return kernel.Snapshot{Hosts: []kernel.Host{h}}
}

// A frame is drawn within 16 ms, sixty in a second, also with 40 sockets.
func BenchmarkFrame(b *testing.B) {
	s := still(view.Look{Colour: true}, lab.Experiment)
	s.resize(200, 60)
	s.panel.board.Now = crowd(20)
	for b.Loop() {
		s.panel.drawn = nil // the kernel has been asked again
		s.frame()
	}
}

// Text is never wider than 76 columns, and the calls stand in it or in the ladder.
func TestTextIsAsWideAsItReadsWell(t *testing.T) {
	for _, size := range [][2]int{{60, 18}, {80, 24}, {104, 30}, {120, 36}, {160, 40}, {200, 60}, {300, 100}} {
		for _, shown := range []shown{both, drawingAlone, textAlone} {
			s := still(view.Look{}, lab.Experiment)
			s.resize(size[0], size[1])
			s.shown = shown
			l := s.layout()
			for _, row := range s.text(l.text) {
				if n := ansi.StringWidth(row); n > 76 {
					t.Errorf("%v: %d columns: %s", size, n, row)
				}
			}
			lines, _ := s.words(s.page(), l)
			told := strings.Count(strings.Join(lines, "\n"), "sin_port=htons(8080)")
			if l.ladder.height > 0 {
				told += strings.Count(strings.Join(s.ladder(l.ladder), "\n"), "sin_port=htons(8080)")
			}
			if told != 1 {
				t.Errorf("%v, %d: the call stands there %d times", size, shown, told)
			}
		}
	}
}

// The text has room for what there is to read now, and the drawing under it is whole, or
// there is none.
func TestTextHasTheRoomItNeeds(t *testing.T) {
	const line = "The kernel put the connection in the accept queue.\n\n"
	for _, c := range []struct {
		columns, rows int
		kind          lab.PartKind
		text          string // how often the line stands there
		lines         int    // of it
		drawing       bool
	}{
		{80, 24, lab.Explain, line, 4, true},    // whole, with a drawing
		{80, 24, lab.Explain, line, 8, false},   // whole, and there is no room for a drawing
		{100, 30, lab.Explain, line, 7, true},   // the drawing has less room
		{80, 24, lab.Experiment, line, 8, true}, // a step keeps its drawing
		{80, 24, lab.Experiment, line, 30, false},
		{120, 36, lab.Experiment, line, 8, true},
		{120, 36, lab.Experiment, "    " + strings.Repeat("x", 100) + "\n\n", 8, true}, // under it
		{120, 36, lab.Experiment, "    " + strings.Repeat("x", 100) + "\n\n", 40, false},
	} {
		s := still(view.Look{}, c.kind)
		s.panel.board.Now = crowd(2)
		s.page().events = []lesson.Event{{Kind: lesson.KindText, Section: string(c.kind), Text: strings.Repeat(c.text, c.lines)}}
		s.resize(c.columns, c.rows)
		l := s.layout()
		_, _, _, bottom := s.sight()
		if drawing := l.board.height > 0; drawing != c.drawing || bottom > 0 && c.kind == lab.Explain {
			t.Errorf("%dx%d, %s, %d lines: drawing %v, %d below: %+v", c.columns, c.rows, c.kind, c.lines, drawing, bottom, l)
		}
		if !l.beside && c.drawing && !s.fits(area{l.board.width, l.board.height - 1}) {
			t.Errorf("%dx%d, %s: the drawing is cut", c.columns, c.rows, c.kind)
		}
		for _, row := range s.text(l.text) {
			if ansi.StringWidth(row) > l.text.width {
				t.Errorf("%dx%d: cut at %d columns: %s", c.columns, c.rows, l.text.width, row)
			}
		}
	}
}

// Where the drawing would stand under the text, a ladder in the text has the room for itself,
// until the next step.
func TestLadderHasTheRoom(t *testing.T) {
	s := still(view.Look{}, lab.Experiment)
	s.resize(80, 24)
	p := s.page()
	p.unread = len(p.events) - 1
	if s.layout().board.height == 0 {
		t.Fatal("no drawing under the text")
	}
	p.events = append(p.events, lesson.Event{Kind: lesson.KindLadder, Ladder: &lesson.Ladder{}})
	if l := s.layout(); l.board.height != 0 || l.text.height < 15 || s.otherView() != "drawing" {
		t.Errorf("%+v, Tab: %s", l, s.otherView())
	}
	for range 2 { // the step that is made next, and one that is only said
		p.events = append(p.events, lesson.Event{Kind: lesson.KindText, Section: "step", Text: "And then?"})
	}
	if s.layout().board.height == 0 {
		t.Error("the drawing has not come back")
	}
}

// A command that is not whole is not copied, and of several the last one is.
func TestCommandOfAnExercise(t *testing.T) {
	for text, want := range map[string]string{
		"Do it:\n\n    nc -l ADDRESS PORT\n":                      "",
		"Look:\n\n    ss -ltn\n    ss -tan\n":                     "ss -tan",
		"Stop it:\n\n    kill -STOP 17\n":                         "kill -STOP 17",
		"Ask:\n\n    printf 'GET / HTTP/1.0\\r\\n' | nc ::1 80\n": `printf 'GET / HTTP/1.0\r\n' | nc ::1 80`,
	} {
		s := still(view.Look{}, lab.Exercise)
		s.page().events = []lesson.Event{{Kind: lesson.KindText, Section: "exercise", Text: text}}
		if got := s.command(); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

// A command is offered as long as its step is the last one that was made, on the page as
// by the key.
func TestCommandOfAStep(t *testing.T) {
	step := lesson.Event{Kind: lesson.KindText, Section: "step", Text: "Now."}
	shows := func(command string) lesson.Event {
		return lesson.Event{Kind: lesson.KindEvidence, Recap: true, Fact: "state", Value: "LISTEN", Source: "sock_diag(7)", Command: command}
	}
	s := still(view.Look{}, lab.Experiment)
	for _, c := range []struct {
		events  []lesson.Event
		offered string
	}{
		{[]lesson.Event{step}, ""},
		{[]lesson.Event{step, shows("ss -l")}, "ss -l"},
		{[]lesson.Event{step, shows("ss -l"), step}, "ss -l"},
		{[]lesson.Event{step, shows("ss -l"), step, shows("ss -t")}, "ss -t"},
		{[]lesson.Event{step, shows("ss -l"), step, shows("ss -l")}, "ss -l"},
		{[]lesson.Event{step, shows("ss -l"), step, step}, ""},
	} {
		s.page().events, s.page().written = c.events, nil
		if got := s.command(); got != c.offered {
			t.Errorf("%d events: %q, not %q", len(c.events), got, c.offered)
		}
		lines, _ := s.words(s.page(), layout{text: area{80, 20}})
		text := strings.Join(lines, "\n")
		if n := strings.Count(text, "$ "); n > 1 || (n == 1) != (c.offered != "") || !strings.Contains(text, c.offered) {
			t.Errorf("%d events: not %q in\n%s", len(c.events), c.offered, text)
		}
	}
	s.panel = panel{}
	if lines, _ := s.words(s.page(), layout{text: area{80, 20}}); s.command() != "" || strings.Contains(strings.Join(lines, "\n"), "$ ") {
		t.Errorf("a command for what runs no more:\n%s", strings.Join(lines, "\n"))
	}
}

// What the footer has no room for is in the help, and the footer says so.
func TestFooterSaysThatThereIsMore(t *testing.T) {
	for _, kind := range kinds {
		for _, width := range []int{80, 200} {
			s := still(view.Look{}, kind)
			s.resize(width, 40)
			for _, k := range s.keys() {
				if does := k.now(s); does != "" && k.show != "?" && !strings.Contains(s.footer(), s.keyNames(k)+" "+does) && !strings.HasSuffix(s.footer(), "? more") {
					t.Errorf("%s, %d: no %s in %s", kind, width, k.show, s.footer())
				}
			}
		}
	}
}

var kinds = []lab.PartKind{lab.Predict, lab.Experiment, lab.Explain, lab.Exercise}

func TestNoLineIsLongerThanTheTerminal(t *testing.T) {
	for _, look := range []view.Look{{}, {Colour: true}, {Colour: true, Theme: view.Contrast}, {ASCII: true}} {
		for _, size := range [][2]int{{60, 18}, {80, 24}, {99, 31}, {103, 40}, {104, 24}, {120, 36}, {200, 60}, {300, 100}, {59, 24}, {80, 17}, {20, 3}, {1, 1}} {
			for _, kind := range kinds {
				s := still(look, kind)
				s.resize(size[0], size[1])
				for _, show := range []overlay{nothing, lessonList, partList, help} {
					s.overlay = show
					rows := strings.Split(s.frame(), "\n")
					if len(rows) > size[1] {
						t.Errorf("%v, %s: %d rows", size, kind, len(rows))
					}
					for _, row := range rows {
						if n := ansi.StringWidth(row); n > size[0] {
							t.Errorf("%v, %s: %d columns: %q", size, kind, n, row)
						}
						if strings.Contains(row, "\x1b]") || strings.Contains(row, "\x1b[2J") {
							t.Errorf("an order from outside: %q", row)
						}
					}
				}
			}
		}
	}
}

func TestASCIIScreenHasOnlyASCIIOfItsOwn(t *testing.T) {
	for _, kind := range kinds {
		s := still(view.Look{ASCII: true}, kind)
		for _, width := range []int{60, 80, 120, 200} {
			s.resize(width, 60)
			for _, show := range []overlay{nothing, lessonList, partList, help} {
				s.overlay = show
				for _, r := range strings.NewReplacer("漢", "", "字", "").Replace(s.frame()) {
					if r > 0x7e || r == 0x1b {
						t.Fatalf("%q in\n%s", r, s.frame())
					}
				}
			}
		}
	}
}

// What the colours say is said without them too.
func TestScreenColourOnlyDecorates(t *testing.T) {
	for _, theme := range view.Themes {
		for _, kind := range kinds {
			plain, styled := still(view.Look{}, kind), still(view.Look{Colour: true, Theme: theme}, kind)
			plain.resize(120, 36)
			styled.resize(120, 36)
			if got, want := ansi.Strip(styled.frame()), plain.frame(); got != want {
				t.Errorf("%s, %s: with colours\n%s\nwithout\n%s", theme, kind, got, want)
			}
		}
	}
}

// A theme that chooses colours has them in each cell of the terminal, whatever is shown.
func TestThemesFillTheScreen(t *testing.T) {
	const width, height = 120, 36
	for _, theme := range []view.Theme{view.Light, view.Dark, view.Contrast} {
		for _, kind := range kinds {
			s := still(view.Look{Colour: true, Theme: theme}, kind)
			for _, size := range []area{{width, height}, {30, 5}} { // the other one says that it is too small
				s.resize(size.width, size.height)
				for _, show := range []overlay{nothing, lessonList, partList, help} {
					s.overlay = show
					shown := vt.NewEmulator(size.width, size.height)
					shown.WriteString(strings.ReplaceAll(s.grounded(), "\n", "\r\n"))
					for y := range size.height {
						for x := range size.width {
							if c := shown.CellAt(x, y); c != nil && c.Width > 0 && c.Style.Bg == nil {
								t.Fatalf("%s, %s: the cell %d of row %d has the terminal's own background in\n%s", theme, kind, x, y, shown)
							}
						}
					}
				}
			}
		}
	}
}

// The footer says what works, and what works is in the footer or the help, in full.
func TestEveryKeyIsInTheHelp(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {minColumns, minRows}} {
		s := still(view.Look{}, lab.Predict)
		s.resize(size[0], size[1])
		s.overlay = help
		words := []string{"has changed"} // the end of it
		for _, k := range pageKeys() {
			words = append(words, k.help)
		}
		all := s.frame()
		for range 20 {
			s.press("j")
			all += s.frame()
		}
		for _, w := range words {
			if !strings.Contains(strings.Join(strings.Fields(all), " "), w) {
				t.Errorf("%d columns: %q is not in\n%s", size[0], w, all)
			}
		}
	}
}
