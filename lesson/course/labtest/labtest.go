// Package labtest has this kernel prove a lesson of the course.
//
//	func TestMain(m *testing.M) { labtest.Main(m) }
//
//	func TestLesson(t *testing.T) {
//		labtest.Prove(t, listen.Lesson, labtest.Proof{
//			Answers:   map[string]string{"full": "two"},
//			Solutions: map[string]string{"fill": "nc 127.0.0.1 {port}"},
//			States:    map[string]string{"fill": "ss -Htn state syn-sent 'dport = :{port}' | grep ."},
//			Almost:    map[string]string{"fill": "nc -z 127.0.0.1 {port}"},
//		})
//	}
package labtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fd3/lesson"
	"fd3/lesson/course"
	"fd3/lesson/course/hello"
	"fd3/lesson/course/lab"
	"fd3/lesson/drawing"
	"fd3/sockets/hooks"
	"fd3/sockets/kernel/referee"
	"fd3/sockets/netlab"
	"fd3/sockets/path"
	"fd3/sockets/stage"
	"fd3/sockets/watch"
)

// A Proof is what a lesson has to show.
type Proof struct {
	// Answers are what this kernel answers to each prediction, by its name. Where
	// kernels differ, all that may be stand there: "few or tens".
	Answers map[string]string
	// Solutions are what a learner may type to do each exercise, by its name. The
	// {values} are those that the exercise shows them.
	Solutions map[string]string
	// States are commands by which a learner sees that an exercise is done, by its
	// name: such a command succeeds when the check has said so.
	States map[string]string
	// Almost are what learners may type and have not done the exercise by it, by its
	// name. It takes about a second.
	Almost map[string]string
}

// answers returns what the kernel may answer to a prediction, or nil if that is not
// known.
func (p Proof) answers(name string) []string {
	if _, ok := p.Answers[name]; !ok {
		return nil
	}
	return strings.Split(p.Answers[name], " or ")
}

// Main runs the tests of a lesson. It makes the test binary become a stage, the keeper of
// a network, an agent on a host, or a program that is watched, when a Lab executes it
// again.
func Main(m *testing.M) {
	hello.Become()
	hooks.Become()
	netlab.Become()
	path.Become()
	stage.Become()
	watch.Become()
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	defer discard()
	m.Run()
}

// Prove goes through a lesson from its first part to its last, and does each
// exercise as a learner would, with their own tools.
func Prove(t *testing.T, l lab.Lesson, proof Proof) {
	l = l.Read()
	t.Run("words", func(t *testing.T) {
		for _, problem := range problems(l, proof) {
			t.Error(problem)
		}
	})
	var slows []slow
	t.Run("lesson", func(t *testing.T) { slows = whole(t, l, proof) })
	t.Run("drawings", func(t *testing.T) { drawings(t, l) })
	t.Run("slowly", func(t *testing.T) {
		t.Parallel()
		slowly(t, l, proof, slows)
	})
	for _, p := range l.Parts {
		if len(p.Params) > 0 {
			t.Run("what if "+p.Name, func(t *testing.T) {
				t.Parallel()
				whatIf(t, l, p)
			})
		}
		if p.Kind != lab.Exercise {
			continue
		}
		t.Run("exercise "+p.Name, func(t *testing.T) {
			t.Parallel()
			for range races {
				solved(t, l, p, proof)
			}
		})
		t.Run("almost "+p.Name, func(t *testing.T) {
			t.Parallel()
			almost(t, l, p, proof.Almost[p.Name])
		})
	}
}

// A Learner goes through a lesson, and keeps all that was told.
type Learner struct {
	*course.Walk
	Events []lesson.Event
	t      *testing.T
}

// Begin returns a Learner at the beginning of a lesson. The processes that they start
// end with the test.
func Begin(t *testing.T, l lab.Lesson) *Learner {
	s := &Learner{t: t}
	s.Walk = &course.Walk{
		Show:     func(e lesson.Event) { s.Events = append(s.Events, e) },
		Complain: func(err error) { t.Error(err) },
	}
	t.Cleanup(s.End)
	s.Walk.Begin(l)
	return s
}

// Part returns the part of a lesson of that kind and name, and ends the test if
// there is none.
func Part(t *testing.T, l lab.Lesson, kind lab.PartKind, name string) lab.Part {
	t.Helper()
	i := slices.IndexFunc(l.Parts, func(p lab.Part) bool { return p.Kind == kind && p.Name == name })
	if i < 0 {
		t.Fatalf("%s has no %s %s", l.ID, kind, name)
	}
	return l.Parts[i]
}

// Onward is the pause of a Learner who does not think.
func Onward(context.Context) error { return nil }

// whole goes through every part: each experiment has the answer that the course
// says, and every word its value. It returns the learners who might see something
// else, were they slow.
func whole(t *testing.T, l lab.Lesson, proof Proof) (slows []slow) {
	before := descriptors(t)
	s := Begin(t, l)
	for _, p := range l.Parts {
		switch p.Kind {
		case lab.Experiment:
			s.experiment(p, proof.answers(p.Name), &slows)
		case lab.Exercise:
			s.exercise(p)
		default:
			s.Tell(p)
		}
	}
	s.End()
	if t.Failed() {
		for _, e := range s.Events {
			t.Log(e.Kind, e.Section, e.Title, e.Strace, e.Fact, e.Value, e.Text)
		}
	}
	if after := descriptors(t); len(after) > len(before) {
		t.Errorf("descriptors before: %v, after: %v", before, after)
	}
	return slows
}

func (s *Learner) experiment(p lab.Part, want []string, slows *[]slow) {
	s.t.Helper()
	seen := len(s.Events)
	pressed, slow, step := s.presses(p), s.slowSteps(p, slows), 0
	err := s.Run(s.t.Context(), p, func(ctx context.Context) error {
		step++
		pressed()
		s.Refereed(fmt.Sprintf("%s, before step %d", p.Name, step))
		return slow(ctx)
	})
	if err != nil {
		s.t.Errorf("%s: %v", p.Name, err)
	}
	pressed()
	s.Refereed(p.Name + ", at its end")
	s.recorded(p)
	if !slices.ContainsFunc(s.Events[seen:], func(e lesson.Event) bool { return e.Kind == lesson.KindReturn || e.Kind == lesson.KindEvidence }) {
		s.t.Errorf("%s shows nothing of the kernel", p.Name)
	}
	s.observes(p, s.Events[seen:])
	if got := s.Notes().Answer(p.Name); want != nil && !slices.Contains(want, got) {
		s.t.Errorf("%s: the kernel answers %q, want %q", p.Name, got, want)
	}
}

// Refereed compares what the Board has with ss and /proc.
func (s *Learner) Refereed(when string) {
	s.t.Helper()
	problems, err := referee.Agree(func() (any, error) {
		b := s.Board(s.t.Context())
		return b.Now, b.Err
	})
	switch {
	case errors.Is(err, exec.ErrNotFound) && os.Getenv("CI") != "true":
		s.t.Log(err)
	case err != nil:
		s.t.Errorf("%s: %v", when, err)
	}
	for _, problem := range problems {
		s.t.Errorf("%s: %s", when, problem)
	}
}

// observes looks whether the learner can read off the screen what an experiment asks for.
func (s *Learner) observes(p lab.Part, shown []lesson.Event) {
	s.t.Helper()
	if p.Observe.Note == "" {
		return
	}
	said := s.Notes().Values()[p.Observe.Note]
	word := regexp.MustCompile(`(^|\W)` + regexp.QuoteMeta(said) + `($|\W)`)
	if said == "" || !slices.ContainsFunc(shown, func(e lesson.Event) bool {
		shown := []string{e.Strace, e.Title, e.Value, e.Source}
		if e.Chart != nil {
			shown = drawing.NewChart(*e.Chart).Sentences()
		}
		if e.Path != nil {
			shown = drawing.NewPath(*e.Path).Sentences()
		}
		return word.MatchString(strings.Join(shown, "\n"))
	}) {
		s.t.Errorf("%s asks for %s, which is %q, and that does not stand on the screen", p.Name, p.Observe.Note, said)
	}
	if instead := s.Observe(p, said); instead != "" || !lab.SameReading(said, said) {
		s.t.Errorf("%s does not take what the kernel said, %q: %s", p.Name, said, instead)
	}
}

func (s *Learner) exercise(p lab.Part) {
	s.t.Helper()
	if err := s.Prepare(s.t.Context(), p); err != nil {
		s.t.Errorf("%s: %v", p.Name, err)
		return
	}
	s.Refereed("exercise " + p.Name)
	seen := len(s.Events)
	s.Tell(p)
	s.shown(p.Name, s.Events[seen:])
	for i := range p.Hints {
		s.Hint(p, i)
	}
	done, now, err := s.Check()
	if done || err != nil || now == "" {
		s.t.Errorf("%s, before anybody did anything: done %v, %q, %v", p.Name, done, now, err)
	}
	s.Done(p) // each word has its value
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
