package tour

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course"
	"fd3/lesson/course/lab"
	"fd3/lesson/view"
)

// A visit is a linear tour of this process, in a terminal of its own.
type visit struct {
	t        *testing.T
	keys     *os.File
	progress *course.Progress
	stop     context.CancelFunc
	over     chan error

	mu  sync.Mutex
	out bytes.Buffer
}

func visits(t *testing.T, p *course.Progress, from string) *visit {
	t.Helper()
	keys, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	v := &visit{t: t, keys: keys, progress: p, over: make(chan error, 1)}
	ctx, stop := context.WithCancel(t.Context())
	v.stop = stop
	read := make(chan struct{})
	go func() {
		defer close(read)
		buf := make([]byte, 4096)
		for {
			n, err := keys.Read(buf)
			v.mu.Lock()
			v.out.Write(buf[:n])
			v.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	go func() {
		v.over <- Linear(ctx, Options{From: from, Progress: p, Look: view.Look{Width: 80, ASCII: true}, In: terminal, Out: terminal})
		terminal.Close()
		<-read
		keys.Close()
		close(v.over)
	}()
	t.Cleanup(func() {
		stop()
		for range v.over {
		}
	})
	return v
}

func (v *visit) text() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.out.String()
}

// types types a line when the words are there, and more after them.
func (v *visit) types(words, line string) {
	v.t.Helper()
	v.shows(words)
	v.keys.WriteString(line)
}

func (v *visit) shows(words string) {
	v.t.Helper()
	until(v.t, words, func() bool { return strings.Contains(v.text(), words) }, v.text)
}

// goesOnUntil presses Enter at each prompt, until the words are there.
func (v *visit) goesOnUntil(words string) {
	v.t.Helper()
	for seen := 0; !strings.Contains(v.text(), words); {
		until(v.t, words+" or a prompt", func() bool {
			text := v.text()
			return strings.Contains(text, words) || len(text) > seen && strings.HasSuffix(text, " > ")
		}, v.text)
		if seen = len(v.text()); !strings.Contains(v.text(), words) {
			v.keys.WriteString("\n")
		}
	}
}

// ends waits for the end and gives the error.
func (v *visit) ends() error {
	v.t.Helper()
	select {
	case err := <-v.over:
		<-v.over
		return err
	case <-time.After(time.Minute):
		v.t.Fatalf("no end:\n%s", v.text())
		return nil
	}
}

func until(t *testing.T, what string, there func() bool, seen func() string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !there(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long for %s\n%s", what, seen())
		}
	}
}

// descriptors are those of this process, but for the two of the runtime's poller
// (epoll(7), eventfd(2)): it opens them at its first use, and keeps them.
func descriptors() (all []string) {
	files, _ := filepath.Glob("/proc/self/fd/*")
	for _, file := range files {
		if target, err := os.Readlink(file); err == nil && !strings.HasPrefix(target, "anon_inode:") {
			all = append(all, filepath.Base(file)+" "+target)
		}
	}
	return all
}

// children are the processes that this process has started.
func children() (pids []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		text, _ := os.ReadFile(file)
		_, after, _ := strings.Cut(string(text), ") ")
		if fields := strings.Fields(after); len(fields) > 1 && fields[1] == fmt.Sprint(os.Getpid()) {
			pids = append(pids, string(text))
		}
	}
	return pids
}

// partOf is the number of the first part of a lesson that is of this kind.
func partOf(t *testing.T, id string, kind lab.PartKind) int {
	t.Helper()
	l, err := course.Find(id)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(l.Parts, func(p lab.Part) bool { return p.Kind == kind })
	if i < 0 {
		t.Fatalf("%s has no %s", id, kind)
	}
	return i
}

// However a tour ends, nothing is left of it: no process, no descriptor.
func TestLinearLeavesNothing(t *testing.T) {
	for name, end := range map[string]func(*visit){
		"cancel": func(v *visit) { v.stop() },
		"q":      func(v *visit) { v.keys.WriteString("q\n") },
		"ctrl-d": func(v *visit) { v.keys.Write([]byte{4}) },
	} {
		t.Run(name, func(t *testing.T) {
			before := descriptors()
			p := &course.Progress{}
			p.SetPlace("listen", partOf(t, "listen", lab.Exercise))
			v := visits(t, p, "")
			v.shows("s: skip. q: quit.")
			if len(children()) == 0 {
				t.Error("the exercise has no process")
			}
			end(v)
			if err := v.ends(); !(err == nil || name == "cancel" && errors.Is(err, context.Canceled)) {
				t.Error(err)
			}
			if left := children(); len(left) > 0 {
				t.Errorf("left: %s", left)
			}
			if after := descriptors(); len(after) > len(before) {
				t.Errorf("descriptors before: %v, after: %v", before, after)
			}
			if id, part := p.Place(); id != "listen" || part != partOf(t, "listen", lab.Exercise) {
				t.Errorf("the place is %s %d", id, part)
			}
		})
	}
}

// A learner who comes back to a verdict finds in it what the experiment has read, and their
// own prediction.
func TestLinearGoesOnWhereItStopped(t *testing.T) {
	p := &course.Progress{}
	p.SetPlace("listen", partOf(t, "listen", lab.Verdict))
	p.Predicted("listen", "wait", "waits")
	v := visits(t, p, "")
	v.types("You said: It waits", "q\n")
	if err := v.ends(); err != nil {
		t.Error(err)
	}
	if !regexp.MustCompile("`listen` took [0-9.]+ .s").MatchString(v.text()) {
		t.Errorf("the verdict without its values:\n%s", v.text())
	}
	if strings.Contains(v.text(), "THE EXPERIMENT") {
		t.Error("the experiment is told again")
	}
}

func TestLinearPrediction(t *testing.T) {
	p := &course.Progress{}
	p.SetPlace("listen", partOf(t, "listen", lab.Predict))
	v := visits(t, p, "")
	v.types("skip. q: quit > ", "9\n")
	v.types("Please type a number from 1 to 2", "returns\n")
	for range 8 {
		v.keys.WriteString("\n")
	}
	v.types("You said the same.", "q\n")
	if err := v.ends(); err != nil {
		t.Error(err)
	}
	if p.Choice("listen", "wait") != "returns" {
		t.Error("the prediction is not kept")
	}
}

// A learner says what they read, and the verdict says what the kernel said. What cannot be
// meant is asked for once more, and it is kept for the next visit.
func TestLinearObservation(t *testing.T) {
	p := &course.Progress{}
	v := visits(t, p, "accept/port")
	v.types("a number from 1 to 2", "same\n")
	v.goesOnUntil("What do you read? s: skip.")
	v.keys.WriteString("\n")
	v.types("Please type what you read, or s", "four\n")
	v.types("A number is asked for, such as 7. s goes on without.", "77\n")
	v.shows("You read 77; the kernel said 4. Look at what")
	v.types("You said the same.", "q\n")
	if err := v.ends(); err != nil {
		t.Error(err)
	}
	if strings.Index(v.text(), "WHAT THERE WAS TO READ") > strings.Index(v.text(), "THE ANSWER") {
		t.Error("the answer comes first")
	}
	v = visits(t, p, "")
	v.types("You read 77; the kernel said 4.", "q\n")
	if err := v.ends(); err != nil {
		t.Error(err)
	}

	v = visits(t, &course.Progress{}, "handshake/half")
	v.types("a number from 1 to 3", "s\n")
	v.goesOnUntil("What do you read? s: skip.")
	v.keys.WriteString("7\n")
	v.types("A state is asked for", "syn-recv\n")
	v.types("You read syn-recv, and the kernel said the same.", "q\n")
	if err := v.ends(); err != nil {
		t.Error(err)
	}

	v = visits(t, &course.Progress{}, "accept/port")
	v.types("a number from 1 to 2", "s\n")
	v.goesOnUntil("What do you read? s: skip.")
	v.keys.WriteString("s\n")
	v.types("The kernel said 4. Look at what", "q\n")
	if err := v.ends(); err != nil {
		t.Error(err)
	}
}

// After the verdict a learner changes the numbers of the experiment: the kernel answers,
// and the lesson's own words and values stay as they are.
func TestLinearWhatIf(t *testing.T) {
	p := &course.Progress{}
	v := visits(t, p, "listen/full")
	v.types("a number from 1 to 4", "two\n")
	v.goesOnUntil("What do you read? s: skip.")
	v.keys.WriteString("s\n")
	v.types("Enter: go on. o: the other answers. w: what if. q: quit >", "x\n")
	v.types("Please press Enter to go on, or type o, w or q.", "w\n")
	v.types("backlog, a number from 0 to 16 (Enter: 1) >", "17\n")
	v.types("Please type a number from 0 to 16, or press Enter for 1.", "3\n")
	v.types("clients, a number from 1 to 12 (Enter: 5) >", "\n")
	v.shows("The same with other numbers: backlog 3, clients 5.")
	v.shows("WHAT CAME OUT")
	v.types("open: 4;", "o\n")
	v.types("THE OTHER ANSWERS", "w\n\n1\n")
	v.types("The same with other numbers: backlog 1, clients 1.", "\n")
	v.types("WHY", "q\n")
	if err := v.ends(); err != nil {
		t.Error(err)
	}
	_, whatIf, _ := strings.Cut(v.text(), "WHAT IF")
	if whatIf, _, _ = strings.Cut(whatIf, "WHAT CAME OUT"); strings.Contains(whatIf, "one after the other") || !strings.Contains(whatIf, "listen(") {
		t.Errorf("not the calls alone:\n%s", whatIf)
	}
	v = visits(t, p, "") // who comes back can do the same
	v.types("Enter: go on. w: what if. q: quit >", "w\n\n\n")
	v.types("WHAT CAME OUT", "q\n")
	if err := v.ends(); err != nil {
		t.Error(err)
	}
}

// A lesson opens with a question that the learner had wrong in an earlier one. Enter goes on
// without an answer.
func TestLinearRecall(t *testing.T) {
	p := &course.Progress{}
	v := visits(t, p, "listen/wait")
	v.types("a number from 1 to 2", "waits\n")
	v.goesOnUntil("You said: It waits")
	v.keys.WriteString("q\n")
	if err := v.ends(); err != nil {
		t.Error(err)
	}
	for line, says := range map[string]string{"": "The kernel said: It returns at once.", "waits": "You said: It waits", "returns": "You said the same."} {
		v = visits(t, p, "handshake")
		v.types("Which was it: a number from 1 to 2? Enter: go on.", "7\n")
		v.types("or press Enter to go on without.", line+"\n")
		v.shows(says)
		v.types("THE QUESTION", "q\n")
		if err := v.ends(); err != nil {
			t.Error(err)
		}
		if remember := strings.Index(v.text(), "DO YOU REMEMBER"); remember < 0 || remember > strings.Index(v.text(), "THE QUESTION") {
			t.Errorf("not at the beginning:\n%s", v.text())
		}
	}
}

// After the verdict a learner can read what there is to say to each other choice, once.
func TestLinearOtherAnswers(t *testing.T) {
	p := &course.Progress{}
	p.SetPlace("listen", partOf(t, "listen", lab.Verdict))
	p.Predicted("listen", "wait", "returns")
	v := visits(t, p, "")
	v.types("o: the other answers.", "x\n")
	v.types("or type o or q.", "o\n")
	v.shows("THE OTHER ANSWERS")
	v.types("It waits until a client comes.", "o\n")
	v.types("Please press Enter to go on, or type q to quit.", "q\n")
	if err := v.ends(); err != nil {
		t.Error(err)
	}
	if n := strings.Count(v.text(), "THE OTHER ANSWERS"); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// The kernel sees that an exercise is done; before, it is not.
func TestLinearExercise(t *testing.T) {
	p := &course.Progress{}
	p.SetPlace("listen", partOf(t, "listen", lab.Exercise))
	v := visits(t, p, "")
	v.types("s: skip. q: quit.", "h\n")
	v.shows("HINT")
	for range 5 {
		v.keys.WriteString("h\n")
	}
	v.shows("There is no further hint.")
	port := regexp.MustCompile(`sport = :(\d+)`).FindStringSubmatch(v.text())
	if port == nil || strings.Contains(v.text(), "DONE") {
		t.Fatalf("%s", v.text())
	}
	v.shows("Now: ")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var clients sync.WaitGroup
	defer clients.Wait()
	for range 5 {
		clients.Go(func() {
			if c, err := new(net.Dialer).DialContext(ctx, "tcp", "127.0.0.1:"+port[1]); err == nil {
				<-ctx.Done()
				c.Close()
			}
		})
	}
	v.shows("DONE")
	v.keys.WriteString("q\n")
	if err := v.ends(); err != nil {
		t.Error(err)
	}
	stop()
}

// Who kills the server that an exercise is about can have it set up again, and so
// can who has done it.
func TestLinearExerciseAnew(t *testing.T) {
	p := &course.Progress{}
	p.SetPlace("listen", partOf(t, "listen", lab.Exercise))
	v := visits(t, p, "")
	v.shows("Now: ")
	ended := v.port()
	var server int
	if _, err := fmt.Sscan(children()[0], &server); err != nil {
		t.Fatal(err)
	}
	unix.Kill(server, unix.SIGKILL)
	v.types("the server has ended. r sets it up again.", "x\n")
	v.types("Please press Enter to go on, or type r or q.", "r\n")
	until(t, "another port", func() bool { return v.port() != ended }, v.text)
	done := v.port()
	for range 4 {
		hang(t, "127.0.0.1", done)
	}
	v.types("DONE", "r\n")
	until(t, "another port", func() bool { return v.port() != done }, v.text)
	v.keys.WriteString("s\n")
	v.types("TO KEEP", "q\n")
	if err := v.ends(); err != nil {
		t.Error(err)
	}
}

// port is that of the exercise that was told last.
func (v *visit) port() string {
	all := regexp.MustCompile(`sport = :(\d+)`).FindAllStringSubmatch(v.text(), -1)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1][1]
}

// A word that does nothing is not taken for Enter.
func TestLinearGoesOnByEnterOnly(t *testing.T) {
	v := visits(t, &course.Progress{}, "listen")
	v.types("Enter: go on.", "b\n")
	v.types("Please press Enter to go on, or type q to quit.", "")
	if strings.Contains(v.text(), "WHAT DO YOU THINK") {
		t.Errorf("it goes on:\n%s", v.text())
	}
	v.keys.WriteString("\n")
	v.types("WHAT DO YOU THINK", "q\n")
	if err := v.ends(); err != nil {
		t.Error(err)
	}
}

// A learner who only looks at the question of a lesson keeps the place that they had.
func TestLinearGlanceKeepsThePlace(t *testing.T) {
	p := &course.Progress{}
	p.SetPlace("listen", 12)
	v := visits(t, p, "plug")
	v.types("Enter: go on.", "q\n")
	if err := v.ends(); err != nil {
		t.Error(err)
	}
	if id, part := p.Place(); id != "listen" || part != 12 {
		t.Errorf("the place is %s %d", id, part)
	}
}

// A learner who sees no drawing is told what each step has changed, before the next one is
// said.
func TestAccessibleTellsWhatHasChanged(t *testing.T) {
	l, err := course.Find("listen")
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(filepath.Join(t.TempDir(), "told"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	nobody, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer nobody.Close()
	if err := Alone(t.Context(), Options{Look: view.Look{Width: 80, ASCII: true, Words: true}, In: nobody, Out: out}, []lab.Lesson{l}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	told := regexp.MustCompile(`The third client connects\.(.*\n)+New: server \d+, port (\d+) dropped\.\nNew: client \d+, descriptor 5: SYN_SENT port (\d+); SYN, again in 1 s\.\n\n  The other two connect`)
	if !told.Match(text) || strings.Contains(string(text), "+---") {
		t.Errorf("%s", text)
	}
}

func TestLines(t *testing.T) {
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	l, err := readLines(in)
	if err != nil {
		t.Fatal(err)
	}
	out.WriteString("ON")
	out.WriteString("e \r\n\ntw")
	for _, want := range []string{"one", ""} {
		if got := <-l.typed(); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
	out.Close()
	if line, more := <-l.typed(); more {
		t.Errorf("%q after the end", line)
	}
	l.close()

	in, out, err = os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer out.Close()
	if l, err = readLines(in); err != nil {
		t.Fatal(err)
	}
	l.close() // nothing was typed, and nothing hangs
}

// A sheet is what one of the two functions makes of a lesson.
func sheetOf(t *testing.T, id string, through func(context.Context, []lab.Lesson, func(lesson.Event) error) ([]string, error)) (l lab.Lesson, all []lesson.Event) {
	t.Helper()
	l, err := course.Find(id)
	if err != nil {
		t.Fatal(err)
	}
	notMade, err := through(t.Context(), []lab.Lesson{l}, func(e lesson.Event) error {
		all = append(all, e)
		return nil
	})
	if err != nil || len(notMade) > 0 {
		t.Fatal(notMade, err)
	}
	if left := children(); len(left) > 0 {
		t.Errorf("left: %s", left)
	}
	return l, all
}

// sections are those of the Events, in a line.
func sections(all []lesson.Event) string {
	var names []string
	for _, e := range all {
		names = append(names, cmp.Or(e.Section, string(e.Kind)))
	}
	return strings.Join(slices.Compact(names), " ")
}

// The learner's sheet has the parts in their order, a drawing where the kernel has
// something new, room for each answer, and why it is so at the end. It has nothing of a
// learner and nothing of the teacher's, and its exercise names no port: nobody listens
// there any more.
func TestLearnersSheet(t *testing.T) {
	l, all := sheetOf(t, "listen", Handout)
	got := sections(all)
	for _, want := range []string{"lesson question predict choice experiment step", "snapshot observe blank predict", "blank exercise setup tour explain recap references"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
	for _, e := range all {
		switch {
		case e.Kind == lesson.KindVerdict, slices.Contains([]string{"answer", "hint", "done"}, e.Section):
			t.Errorf("%+v", e)
		case e.Section == "exercise" && (!strings.Contains(e.Text, "ADDR") || regexp.MustCompile(`:\d+`).MatchString(e.Text)):
			t.Error(e.Text)
		case (e.Section == "predict" || e.Section == "explain") && e.Title == "":
			t.Errorf("no title: %s", e.Text)
		case e.Kind == lesson.KindSnapshot && e.Before != nil && e.Snapshot.Since(*e.Before).Empty():
			t.Errorf("nothing is new: %+v", e.Snapshot)
		}
	}
	predictions := 0
	for _, p := range l.Parts {
		if p.Kind == lab.Predict {
			predictions++
		}
	}
	if blanks := strings.Count(got, "blank"); blanks != predictions {
		t.Errorf("%d places for %d answers", blanks, predictions)
	}
}

// The teacher's sheet has to each prediction the number of the kernel's answer, what it
// said and the words to each other choice, and to the exercise its solution. It tells of
// no call.
func TestTeachersSheet(t *testing.T) {
	l, all := sheetOf(t, "listen", Answers)
	if got := sections(all); !regexp.MustCompile(`^lesson( predict choice( observed)? verdict( answer)?)+ exercise hint$`).MatchString(got) {
		t.Error(got)
	}
	var choices []string
	predictions, comments, hints := 0, 0, 0
	for _, e := range all {
		switch {
		case e.Section == "predict":
			choices = nil
			predictions++
		case e.Kind == lesson.KindChoice:
			choices = append(choices, e.Text)
		case e.Kind == lesson.KindVerdict:
			var n int
			if _, err := fmt.Sscanf(e.Title, "Number %d.", &n); err != nil || n < 1 || n > len(choices) || e.Title != fmt.Sprintf("Number %d. %s", n, choices[n-1]) {
				t.Errorf("%q for %q", e.Title, choices)
			}
			if e.Text == "" || strings.Contains(e.Text, "{") {
				t.Errorf("the kernel said %q", e.Text)
			}
		case e.Section == "answer":
			comments++
		case e.Section == "hint":
			hints++
		}
	}
	want := 0
	for _, p := range l.Parts {
		if p.Kind == lab.Verdict {
			want += len(p.About)
		}
		if p.Kind == lab.Exercise && hints != len(p.Hints) {
			t.Errorf("%d of %d hints", hints, len(p.Hints))
		}
	}
	if predictions == 0 || comments != want {
		t.Errorf("%d predictions, %d of %d comments", predictions, comments, want)
	}
}

func TestHandoutIsInterrupted(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	_, err := Handout(ctx, course.All(), func(e lesson.Event) error {
		if e.Section == "step" {
			stop()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || len(children()) > 0 {
		t.Errorf("%v, left: %s", err, children())
	}
}

// What is written to a recording is in the cast when it is closed, and so are the
// markers.
func TestRecording(t *testing.T) {
	before := descriptors()
	var file, watched bytes.Buffer
	cast, err := view.NewCast(&file, 80, 24, "", "xterm")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Record(cast, 80, 24, &watched)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		fmt.Fprintf(r, "line %d\n", i)
	}
	if r.Resize(80, 24) || !r.Resize(100, 30) {
		t.Error("a new size is not told from the old one")
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(file.String(), `line 999\r\n`) || !strings.Contains(file.String(), `"r", "100x30"`) && !strings.Contains(file.String(), `"r","100x30"`) {
		t.Errorf("not all is recorded: %s", file.String()[max(0, file.Len()-300):])
	}
	if strings.Count(watched.String(), "\n") != 1000 {
		t.Error("not all was seen")
	}
	if after := descriptors(); len(after) > len(before) {
		t.Errorf("descriptors before: %v, after: %v", before, after)
	}
}

// In a recording each part stays, the recap too: its marker and the next one are not at
// the same moment.
func TestRecapStays(t *testing.T) {
	l, err := course.Find("fd")
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	const stay = 20 * time.Millisecond
	marked := make(map[string]time.Time)
	o := Options{Auto: true, Pace: stay, Out: out, Look: view.Look{Width: 80}, Mark: func(label string) { marked[label] = time.Now() }}
	if err := Alone(t.Context(), o, []lab.Lesson{l}); err != nil {
		t.Fatal(err)
	}
	if stayed := marked["fd: references"].Sub(marked["fd: recap"]); stayed < stay {
		t.Errorf("the recap stayed for %s", stayed)
	}
}

func TestLabels(t *testing.T) {
	for want, e := range map[string]lesson.Event{
		"listen: who":        {Kind: lesson.KindLesson, Step: "listen", Title: "listen: who"},
		"listen: verdict":    {Kind: lesson.KindVerdict, Step: "listen"},
		"listen: exercise":   {Kind: lesson.KindText, Step: "listen", Section: "exercise", Text: "Do it."},
		"listen: Now listen": {Kind: lesson.KindText, Step: "listen", Section: "step", Text: "Now `listen`"},
		"":                   {Kind: lesson.KindText, Step: "listen", Section: "hint"},
		"listen: " + strings.Repeat("x", 57) + "...": {Kind: lesson.KindText, Step: "listen", Section: "step", Text: strings.Repeat("x", 61)},
	} {
		if got := label(e); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
