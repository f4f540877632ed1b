package course

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson/course/lab"
	"fd3/lesson/words"
)

// inState gives a test a state folder of its own, and tells the file's path.
func inState(t *testing.T) string {
	t.Helper()
	state := filepath.Join(t.TempDir(), "state")
	t.Setenv("XDG_STATE_HOME", state)
	return filepath.Join(state, "fd3", "tour.json")
}

func loaded(t *testing.T) *Progress {
	t.Helper()
	p, err := LoadProgress()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestProgressIsKept(t *testing.T) {
	path := inState(t)
	p := loaded(t)
	if lesson, part := p.Place(); lesson != "" || part != 0 || p.Finished("bind") {
		t.Errorf("a new learner is at %s %d", lesson, part)
	}
	for _, err := range []error{p.SetPlace("listen", 3), p.Finish("bind"), p.Finish("bind"), p.Predicted("listen", "full", "two")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	p = loaded(t)
	lesson, part := p.Place()
	if lesson != "listen" || part != 3 || !p.Finished("bind") || p.Finished("listen") || p.Choice("listen", "full") != "two" || len(p.kept.Finished) != 1 {
		t.Errorf("read back: %+v", p.kept)
	}
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700 | os.ModeDir, filepath.Dir(filepath.Dir(path)): 0o700 | os.ModeDir} {
		if info, err := os.Stat(name); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("left beside the file: %v", left)
	}

	if err := errors.Join(p.SetTheme("light"), p.Restart()); err != nil {
		t.Fatal(err)
	}
	if p = loaded(t); p.Finished("bind") || p.Choice("listen", "full") != "" || p.Theme() != "light" {
		t.Errorf("after Restart: %+v", p.kept)
	}
}

// A demonstration sees the progress, and changes nothing of it.
func TestProgressApart(t *testing.T) {
	inState(t)
	p := loaded(t)
	if err := errors.Join(p.SetPlace("listen", 3), p.Finish("bind"), p.Predicted("listen", "full", "two")); err != nil {
		t.Fatal(err)
	}
	apart := p.Apart()
	if err := errors.Join(apart.SetPlace("bind", 1), apart.Finish("listen"), apart.Predicted("listen", "full", "four")); err != nil || !apart.Finished("bind") {
		t.Error(err)
	}
	for _, p := range []*Progress{p, loaded(t)} {
		if lesson, part := p.Place(); lesson != "listen" || part != 3 || p.Finished("listen") || p.Choice("listen", "full") != "two" {
			t.Errorf("changed to %+v", p.kept)
		}
	}
}

func TestDamagedProgressIsPutAside(t *testing.T) {
	for _, text := range []string{"", "{", "[]", `{"version":99,"lesson":"bind"}`, `{"version":1,"part":-1}`} {
		path := inState(t)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := LoadProgress()
		if err == nil || !strings.Contains(err.Error(), path+".damaged") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", text, err)
		}
		if kept, err := os.ReadFile(path + ".damaged"); string(kept) != text || err != nil {
			t.Errorf("%q was not put aside: %q, %v", text, kept, err)
		}
		if err := p.SetPlace("bind", 1); err != nil {
			t.Error(err)
		}
		if lesson, _ := loaded(t).Place(); lesson != "bind" {
			t.Errorf("%q: the new place is not kept", text)
		}
	}
}

// A file that is none could be read for ever.
func TestProgressIsARegularFile(t *testing.T) {
	path := inState(t)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), unix.Mkfifo(path, 0o600)); err != nil {
		t.Fatal(err)
	}
	if p, err := LoadProgress(); p == nil || err == nil {
		t.Errorf("%v, %v", p, err)
	}
}

func TestProgressThatCannotBeKeptSaysSoOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_STATE_HOME", filepath.Join(file, "state"))
	p, err := LoadProgress()
	told := 0
	for _, err := range []error{err, p.SetPlace("bind", 1), p.Finish("bind"), p.SetPlace("bind", 2)} {
		if err != nil {
			told++
		}
	}
	if lesson, part := p.Place(); told != 1 || lesson != "bind" || part != 2 || !p.Finished("bind") {
		t.Errorf("told %d times, at %s %d", told, lesson, part)
	}
}

func TestProgressNeedsAFolder(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", "relative")
	t.Setenv("HOME", "")
	p, err := LoadProgress()
	if err == nil || p.SetPlace("bind", 1) != nil {
		t.Errorf("%v", err)
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	if err := loaded(t).SetPlace("bind", 1); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(home, ".local/state/fd3/tour.json")); err != nil {
		t.Error(err)
	}
}

// Two tours at once: what one has noted stays when the other notes something.
func TestTwoToursKeepBoth(t *testing.T) {
	inState(t)
	first, second := loaded(t), loaded(t)
	if err := errors.Join(first.Predicted("listen", "full", "two"), second.Finish("bind"), first.Finish("socket"), second.SetPlace("close", 2)); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*Progress{second, loaded(t)} {
		if lesson, part := p.Place(); p.Choice("listen", "full") != "two" || !p.Finished("bind") || !p.Finished("socket") || lesson != "close" || part != 2 {
			t.Errorf("%+v", p.kept)
		}
	}
	if err := second.Restart(); err != nil || first.SetPlace("bind", 1) != nil || loaded(t).Finished("bind") {
		t.Errorf("what one tour has forgotten comes back: %v", err)
	}
}

// Many at the same moment: each waits for the lock.
func TestManyToursAtOnce(t *testing.T) {
	inState(t)
	ids := IDs()
	var all sync.WaitGroup
	for _, id := range ids {
		all.Go(func() {
			if err := loaded(t).Finish(id); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := loaded(t).kept.Finished; len(got) != len(ids) {
		t.Errorf("%d of %d are kept: %v", len(got), len(ids), got)
	}
}

// A lock that is not given back holds nobody up for ever.
func TestProgressWaitsOnlyAWhile(t *testing.T) {
	path := inState(t)
	p := loaded(t)
	if err := p.Finish("bind"); err != nil {
		t.Fatal(err)
	}
	unlock, err := lockFolder(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if err := p.Finish("listen"); !errors.Is(err, unix.EWOULDBLOCK) || !p.Finished("listen") {
		t.Errorf("%v", err)
	}
}

// The files that an fd3 which was killed has left are removed, and no others.
func TestProgressSweeps(t *testing.T) {
	path := inState(t)
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * sweepAfter)
	for _, name := range []string{"tour.json.1234", "tour.json.99", "tour.json.mine", "tour.json.damaged", "other.json.12", "tour.json.5"} {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if name != "tour.json.99" {
			if err := os.Chtimes(file, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := "other.json.12 tour.json.5 tour.json.99 tour.json.damaged tour.json.mine"
	if os.Geteuid() != 0 || os.Chown(filepath.Join(folder, "tour.json.5"), 65534, 65534) != nil {
		want = strings.Replace(want, "tour.json.5 ", "", 1)
	}
	loaded(t)
	var left []string
	all, _ := os.ReadDir(folder)
	for _, e := range all {
		left = append(left, e.Name())
	}
	if got := strings.Join(left, " "); got != want {
		t.Errorf("left: %s", got)
	}
}

// A file that takes nothing more keeps what it had, and leaves nothing beside it.
func TestProgressOnAFullDisk(t *testing.T) {
	path := inState(t)
	p := loaded(t)
	if err := p.Finish("bind"); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil { // rename(2) cannot replace a folder
		t.Fatal(err)
	}
	if p.Finish("listen") == nil || p.Finish("close") != nil {
		t.Error("a failure is to be said once")
	}
	if err := errors.Join(os.Remove(path), os.WriteFile(path, before, 0o600)); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
}

// names returns the names of choices, in their order.
func names(choices []words.Item) (all string) {
	for _, c := range choices {
		all += c.Name + " "
	}
	return all
}

// Each learner has an order of their own, and has it again when they come back. The
// right choice stands at each place as often as at another.
func TestChoicesAreDrawn(t *testing.T) {
	path := inState(t)
	predict := lab.Part{Lesson: "one", Kind: lab.Predict, Name: "a", Choices: []words.Item{{Name: "wrong"}, {Name: "right"}, {Name: "third"}}}
	if got := names(new(Progress).Drawn(predict)); got != "wrong right third " {
		t.Errorf("nobody's order is %s", got)
	}
	p := loaded(t)
	first := names(p.Drawn(predict))
	if err := p.SetPlace("one", 1); err != nil {
		t.Fatal(err)
	}
	for _, again := range []*Progress{p, loaded(t), p.Apart()} {
		if got := names(again.Drawn(predict)); got != first {
			t.Errorf("%s, and before %s", got, first)
		}
	}
	if got := names(predict.Choices); got != "wrong right third " {
		t.Errorf("the order of the words has become %s", got)
	}

	at := make(map[int]int)
	for seed := range uint32(600) {
		drawn := (&Progress{seed: seed + 1}).Drawn(predict)
		at[slices.IndexFunc(drawn, func(c words.Item) bool { return c.Name == "right" })]++
	}
	for place := range 3 {
		if at[place] < 150 || at[place] > 250 {
			t.Errorf("of 600 learners %d have the right choice at place %d", at[place], place)
		}
	}
	if err := errors.Join(p.Restart(), p.SetPlace("one", 1)); err != nil {
		t.Fatal(err)
	}
	if p.seed != loaded(t).seed {
		t.Error("the order that is drawn by Restart is not kept")
	}

	// The file of an older fd3 has no seed. It is read, and gets one.
	if err := os.WriteFile(path, []byte(`{"version": 1, "lesson": "listen", "part": 2}`), 0o600); err != nil {
		t.Fatal(err)
	}
	p = loaded(t)
	if id, part := p.Place(); id != "listen" || part != 2 || p.seed == 0 {
		t.Errorf("%s %d, seed %d", id, part, p.seed)
	}
	if err := p.SetPlace("listen", 3); err != nil || loaded(t).seed != p.seed {
		t.Errorf("%v, seed %d and then %d", err, p.seed, loaded(t).seed)
	}
}

// What a learner does not know is asked for first, the last one before the others; what they
// know then, the oldest first. An answer that was right at the second time is known.
func TestWhatToRecall(t *testing.T) {
	inState(t)
	p := loaded(t)
	for _, made := range [][3]string{{"one", "a", "right"}, {"one", "b", "wrong"}, {"two", "c", "wrong"}, {"two", "d", "right"}} {
		if err := errors.Join(p.Predicted(made[0], made[1], made[2]), p.answered(made[0], made[1], "right")); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(p.Predicted("two", "e", "wrong"), p.answered("three", "f", "right")); err != nil { // no verdict, no prediction
		t.Fatal(err)
	}
	order := func() string { return strings.Join(loaded(t).toRecall(), " ") }
	if got := order(); got != "two/c one/b one/a two/d" {
		t.Error(got)
	}
	if err := errors.Join(p.recalled("two", "c", "right"), p.recalled("one", "a", "wrong")); err != nil {
		t.Fatal(err)
	}
	if got := order(); got != "one/a one/b two/d two/c" {
		t.Error(got)
	}
	if got := p.answer("one/b"); got != "right" {
		t.Error(got)
	}
	if err := p.Predicted("one", "b", "right"); err != nil { // the lesson is gone through again
		t.Fatal(err)
	}
	if got := order(); got != "one/a two/d two/c" {
		t.Error(got)
	}
}
