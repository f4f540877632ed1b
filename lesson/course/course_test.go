package course

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fd3/lesson"
	"fd3/lesson/content"
	"fd3/lesson/words"
)

// proved is what the kernel that the tests run on answers to each prediction, by
// "lesson/name". Where kernels differ, all that may be are here.
var proved = map[string][]string{}

// prove adds the answers of one lesson.
func prove(id string, answers map[string]string) bool {
	for name, answer := range answers {
		proved[id+"/"+name] = strings.Split(answer, " or ")
	}
	return true
}

// A student is a Walk, and all that it has told.
type student struct {
	*Walk
	t      *testing.T
	events []lesson.Event
}

func newStudent(t *testing.T) *student {
	s := &student{t: t}
	s.Walk = &Walk{
		Show:     func(e lesson.Event) { s.events = append(s.events, e) },
		Complain: func(err error) { t.Error(err) },
	}
	t.Cleanup(s.End)
	return s
}

func at(p Part) string { return strings.TrimSuffix(p.Lesson+"/"+p.Name, "/") }

func onward(context.Context) error { return nil }

// Every lesson from its first part to its last, on this kernel: each experiment
// has the answer that the course says, and every word its value.
func TestLessons(t *testing.T) {
	for _, l := range All() {
		t.Run(l.ID, func(t *testing.T) {
			before := descriptors(t)
			s := newStudent(t)
			s.Begin(l)
			for _, p := range l.Parts {
				switch p.Kind {
				case Experiment:
					s.experiment(p)
				case Exercise:
					s.exercise(p)
				default:
					s.Tell(p)
				}
			}
			s.End()
			if t.Failed() {
				for _, e := range s.events {
					t.Log(e.Kind, e.Section, e.Title, e.Strace, e.Fact, e.Value, e.Text)
				}
			}
			if after := descriptors(t); len(after) > len(before) {
				t.Errorf("descriptors before: %v, after: %v", before, after)
			}
		})
	}
}

func (s *student) experiment(p Part) {
	s.t.Helper()
	seen := len(s.events)
	if err := s.Run(s.t.Context(), p, onward); err != nil {
		s.t.Errorf("%s: %v", at(p), err)
	}
	if !slices.ContainsFunc(s.events[seen:], func(e lesson.Event) bool { return e.Kind == lesson.KindReturn || e.Kind == lesson.KindEvidence }) {
		s.t.Errorf("%s shows nothing of the kernel", at(p))
	}
	want, predicted := proved[at(p)]
	if got := s.answers[p.Name]; predicted && !slices.Contains(want, got) {
		s.t.Errorf("%s: the kernel answers %q, want %q", at(p), got, want)
	}
}

func (s *student) exercise(p Part) {
	s.t.Helper()
	if err := s.Prepare(s.t.Context(), p); err != nil {
		s.t.Errorf("%s: %v", at(p), err)
		return
	}
	s.Tell(p)
	for i := range p.Hints {
		s.Hint(p, i)
	}
	done, now, err := s.Check()
	if done || err != nil || now == "" {
		s.t.Errorf("%s, before anybody did anything: done %v, %q, %v", at(p), done, now, err)
	}
	s.say(p, "done", p.Done) // each word has its value
}

// descriptors are those of this process.
func descriptors(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && !strings.HasPrefix(target, "anon_inode:") {
			all = append(all, e.Name()+"="+target)
		}
	}
	return all
}

// The files of the course and its order are the same, and each file has all that a
// lesson needs.
func TestContent(t *testing.T) {
	files, err := content.Files.ReadDir("course")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if id := strings.TrimSuffix(f.Name(), ".md"); !slices.Contains(order, id) {
			t.Errorf("course/%s is no lesson of the course", f.Name())
		}
	}
	for _, id := range order {
		l, err := Find(id)
		if err != nil {
			t.Errorf("course/%s.md is missing", id)
			continue
		}
		for _, problem := range problems(l) {
			t.Errorf("%s: %s", id, problem)
		}
	}
}

// problems are what a lesson lacks.
func problems(l Lesson) (all []string) {
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if l.Title == "" || l.Asks == "" || len(l.Rows) == 0 {
		add("no title, no \"Asks:\" or no \"Rows:\"")
	}
	if len([]rune(l.Asks)) > 62 {
		add("\"Asks:\" has %d characters, and a list has room for 62", len([]rune(l.Asks)))
	}
	parts := make(map[PartKind]map[string]Part)
	for _, p := range l.Parts {
		if parts[p.Kind] == nil {
			parts[p.Kind] = make(map[string]Part)
		}
		if _, twice := parts[p.Kind][p.Name]; twice {
			add("two sections %s %s", p.Kind, p.Name)
		}
		parts[p.Kind][p.Name] = p
		if p.Text == "" {
			add("%s %s has no words", p.Kind, p.Name)
		}
	}
	for _, kind := range []PartKind{Question, Predict, Experiment, Verdict, Explain, Exercise, Recap, References} {
		if len(parts[kind]) == 0 {
			add("no section %q", kind)
		}
	}
	if len(parts) > 8 {
		add("a section of no known kind")
	}
	if l.Parts[0].Kind != Question || l.Parts[len(l.Parts)-1].Kind != References {
		add("it does not begin with its question and end with its references")
	}
	practice := practices[l.ID]
	for name, p := range parts[Predict] {
		if len(p.Choices) < 2 {
			add("predict %s has %d choices", name, len(p.Choices))
		}
		if _, ok := parts[Experiment][name]; !ok {
			add("predict %s has no experiment", name)
		}
		if _, ok := parts[Verdict][name]; !ok {
			add("predict %s has no verdict", name)
		}
		answers, ok := proved[l.ID+"/"+name]
		if !ok {
			add("no test says what the kernel answers to %s", name)
		}
		for _, answer := range answers {
			if !slices.ContainsFunc(p.Choices, func(c words.Item) bool { return c.Name == answer }) {
				add("%q is no choice of %s", answer, name)
			}
		}
		for _, c := range p.Choices {
			if parts[Verdict][name].About[c.Name] == "" && !slices.Contains(answers, c.Name) {
				add("verdict %s has no words for those who chose %s", name, c.Name)
			}
		}
		for about := range parts[Verdict][name].About {
			if !slices.ContainsFunc(p.Choices, func(c words.Item) bool { return c.Name == about }) {
				add("verdict %s is about %q, which is no choice", name, about)
			}
		}
	}
	for name, p := range parts[Experiment] {
		if len(p.Steps) == 0 {
			add("experiment %s has no steps", name)
		}
		make, ok := practice.experiments[name]
		if !ok {
			add("experiment %s has no code", name)
			continue
		}
		steps := make(newLab(context.Background(), &Walk{}, p))
		for _, s := range p.Steps {
			if steps[s.Name] == nil {
				add("experiment %s: no code for step %s", name, s.Name)
			}
			delete(steps, s.Name)
		}
		for left := range steps {
			add("experiment %s: no words for step %s", name, left)
		}
	}
	for name, p := range parts[Exercise] {
		if practice.exercises[name] == nil {
			add("exercise %s has no code", name)
		}
		if len(p.Hints) == 0 || p.Done == "" {
			add("exercise %s has no hints, or no words for its end", name)
		}
		if _, ok := solutions[l.ID+"/"+name]; !ok {
			add("no test solves exercise %s", name)
		}
	}
	for name := range practice.experiments {
		if _, ok := parts[Experiment][name]; !ok {
			add("no words for experiment %s", name)
		}
	}
	for name := range practice.exercises {
		if _, ok := parts[Exercise][name]; !ok {
			add("no words for exercise %s", name)
		}
	}
	for _, p := range parts[References] {
		for item := range strings.SplitSeq(strings.TrimPrefix(p.Text, "- "), "\n- ") {
			item = strings.Join(strings.Fields(item), " ")
			if !reference.MatchString(item) {
				add("reference %q names no section of a manual page or RFC, and no kernel function", item)
			}
		}
	}
	return all
}

var reference = regexp.MustCompile("^(`[a-z0-9_]+\\([1-9]\\)`, [A-Za-z/]|RFC [0-9]+, section [0-9]|kernel: `[a-z0-9_/]+[(.])")

// What each exercise asks for is seen when a learner does it with his own tools.
func TestExercises(t *testing.T) {
	for _, l := range All() {
		for _, p := range l.Parts {
			solve, ok := solutions[at(p)]
			if p.Kind != Exercise || !ok {
				continue
			}
			t.Run(at(p), func(t *testing.T) {
				t.Parallel()
				s := newStudent(t)
				s.Begin(l)
				if err := s.Prepare(t.Context(), p); err != nil {
					t.Fatal(err)
				}
				if done, now, err := s.Check(); done || err != nil {
					t.Fatalf("done before: %q, %v", now, err)
				}
				s.mu.Lock()
				values := s.values
				s.mu.Unlock()
				text, err := words.FillParagraphs(solve, values)
				if err != nil {
					t.Fatal(err)
				}
				shell := newShell(t, text)
				last := ""
				until(t, func() bool {
					done, now, err := s.Check()
					if err != nil {
						t.Fatal(err)
					}
					last = now
					return done
				}, func() string { return last + "\n" + shell.output() })
			})
		}
	}
}
