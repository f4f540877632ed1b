package course

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/words"
)

// twoLessons can be gone through without a kernel. The experiment of the second can
// be made as often as works says.
func twoLessons(works *int) []lab.Lesson {
	const text = "# x: x\n\n## question\nQ {x}\n\n## predict a\nP\n\n- yes: Yes.\n- no: No.\n\n## experiment a\nE\n\n- step: S\n\n## verdict a\nV {seen}\n\n## explain a\nX\n\n## recap\nR\n\n## references\nF\n"
	made := func(l *lab.Lab) []lab.Step {
		return []lab.Step{{Name: "step", Do: func() { l.Note("seen", "it"); l.Answer("yes") }}}
	}
	limited := func(l *lab.Lab) []lab.Step {
		return []lab.Step{{Name: "step", Do: func() {
			if *works--; *works < 0 {
				l.Fatalf("not here")
			}
			l.Note("seen", "it")
		}}}
	}
	return []lab.Lesson{
		lab.Lesson{ID: "one", Words: text, Experiments: lab.Experiments{"a": made}}.Read(),
		lab.Lesson{ID: "two", Words: text, Experiments: lab.Experiments{"a": limited}}.Read(),
	}
}

// passed goes on from a place to the end, and says what it passed.
func passed(t *testing.T, w *Walk, at Place) (all []string) {
	for ; !w.Ended(at); at = w.Next(at) {
		if err := w.Go(t.Context(), at, func(context.Context) error { return nil }); err != nil && !errors.Is(err, ErrNotMade) {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s %s", w.Part(at).Lesson, w.Part(at).Kind))
	}
	return all
}

func TestVerdictOnWhatCouldNotBeMadeIsLeftOut(t *testing.T) {
	works := 0
	w := &Walk{Lessons: twoLessons(&works), Progress: &Progress{}, Show: func(lesson.Event) {}}
	defer w.End()
	all := passed(t, w, Place{})
	if !slices.Contains(all, "one verdict") || slices.Contains(all, "two verdict") || !slices.Contains(all, "two explain") {
		t.Errorf("%q", all)
	}
	if !w.Progress.Finished("one") || !w.Progress.Finished("two") {
		t.Error("a lesson is not finished")
	}
	if id, part := w.Progress.Place(); id != "" || part != 0 {
		t.Errorf("the end of the course is %q %d", id, part)
	}
	works = 1 // once more, and now it can be made
	if all := passed(t, w, Place{1, 2}); !slices.Contains(all, "two verdict") {
		t.Errorf("%q", all)
	}
}

// A lesson that is entered in its midst has its experiments made once more, without
// a word, and knows what was predicted.
func TestResume(t *testing.T) {
	works := 1
	w := &Walk{Lessons: twoLessons(&works), Progress: &Progress{}}
	var told []lesson.Event
	resumed := 0
	w.Show, w.Resuming = func(e lesson.Event) { told = append(told, e) }, func() { resumed++ }
	defer w.End()
	if err := errors.Join(w.Progress.Predicted("one", "a", "yes"), w.Progress.SetPlace("one", 3)); err != nil {
		t.Fatal(err)
	}
	at, err := w.Start("")
	if err != nil || at != (Place{0, 3}) {
		t.Fatal(at, err)
	}
	if err := w.Go(t.Context(), at, nil); err != nil {
		t.Fatal(err)
	}
	if resumed != 1 || len(told) != 2 || told[0].Kind != lesson.KindLesson || told[1].Kind != lesson.KindVerdict || !told[1].Right || told[1].Text != "V it" {
		t.Errorf("resumed %d times, told %+v", resumed, told)
	}
	if !w.CanPredict(Place{0, 1}) {
		t.Error("the learner has not seen the experiment, and cannot predict")
	}
}

func TestWay(t *testing.T) {
	works := 1
	w := &Walk{Lessons: twoLessons(&works), Show: func(lesson.Event) {}}
	defer w.End()
	if _, err := w.Start("none"); err == nil {
		t.Error("there is no such lesson")
	}
	if got := w.Back(Place{}); got != (Place{}) {
		t.Errorf("before the beginning: %v", got)
	}
	if got := w.Back(Place{1, 0}); got != (Place{0, 0}) {
		t.Errorf("the end of a lesson that was not seen: %v", got)
	}
	passed(t, w, Place{})
	if got := w.Back(Place{2, 0}); got != (Place{1, 6}) {
		t.Errorf("from the end of the course back: %v", got)
	}
	if w.CanPredict(Place{0, 1}) {
		t.Error("the experiment has been made, and the prediction is still open")
	}
	if from, stale, ok := w.Again(Place{0, 4}); !ok || from != (Place{0, 2}) || !slices.Equal(stale, []Place{{0, 3}, {0, 4}}) {
		t.Errorf("%v %v %v", from, stale, ok)
	}
	if _, _, ok := w.Again(Place{0, 5}); ok {
		t.Error("a recap cannot be made again")
	}
	var rests []lab.PartKind
	for i, p := range w.Lessons[0].Parts {
		if w.Rests(Place{0, i}) {
			rests = append(rests, p.Kind)
		}
	}
	if !slices.Equal(rests, []lab.PartKind{lab.Question, lab.Experiment, lab.Verdict, lab.Explain}) {
		t.Errorf("%q", rests)
	}
	w.Anew(0)
	if !w.CanPredict(Place{0, 1}) {
		t.Error("a lesson that begins anew has a prediction that is settled")
	}
}

// The choices are told in the learner's order, and a prediction by number means the one
// that was told there. Without a learner they stand as in the words.
func TestChoicesAreToldAsDrawn(t *testing.T) {
	works := 0
	for _, c := range []struct {
		progress  *Progress
		asWritten bool
		want      string
	}{
		{nil, false, "yes no "},
		{&Progress{}, false, "yes no "},
		{&Progress{seed: seedOf(t, "no yes ")}, false, "no yes "},
		{&Progress{seed: seedOf(t, "no yes ")}, true, "yes no "},
	} {
		var told []words.Item
		w := &Walk{Lessons: twoLessons(&works), Progress: c.progress, AsWritten: c.asWritten, Show: func(e lesson.Event) {
			if e.Kind == lesson.KindChoice {
				told = append(told, words.Item{Name: e.Name})
			}
		}}
		at := Place{0, 1}
		if err := w.Go(t.Context(), at, nil); err != nil {
			t.Fatal(err)
		}
		if got := names(told); got != c.want || names(w.Part(at).Choices) != got {
			t.Errorf("told %s, the part has %s, want %s", got, names(w.Part(at).Choices), c.want)
		}
		w.End()
	}
}

// seedOf is the first seed that gives the prediction of twoLessons this order.
func seedOf(t *testing.T, want string) uint32 {
	predict := lab.Part{Lesson: "one", Kind: lab.Predict, Name: "a", Choices: []words.Item{{Name: "yes"}, {Name: "no"}}}
	for seed := range uint32(100) {
		if names((&Progress{seed: seed + 1}).Drawn(predict)) == want {
			return seed + 1
		}
	}
	t.Fatal("no seed gives " + want)
	return 0
}

// The words for other choices are told in the learner's order, without those that the
// verdict has said to theirs.
func TestOthers(t *testing.T) {
	works := 1
	lessons := twoLessons(&works)
	lessons[0].Words = strings.Replace(lessons[0].Words, "V {seen}\n", "V {seen}\n\n### yes\n\nTo yes: {seen}.\n\n### no\n\nTo no.\n", 1)
	lessons[0] = lessons[0].Read()
	for predicted, want := range map[string][]string{
		"":    {"**No.**\n\nTo no.", "**Yes.**\n\nTo yes: it."},
		"no":  {"**Yes.**\n\nTo yes: it."},
		"yes": {"**No.**\n\nTo no."},
	} {
		w := &Walk{Lessons: lessons, Progress: &Progress{seed: seedOf(t, "no yes ")}, Show: func(lesson.Event) {}}
		for part := range 4 {
			if err := w.Go(t.Context(), Place{0, part}, func(context.Context) error { return nil }); err != nil {
				t.Fatal(err)
			}
			if part == 1 {
				w.Predict(w.Part(Place{0, 1}), predicted)
			}
		}
		var told []string
		for _, e := range w.Others(w.Part(Place{0, 3})) {
			told = append(told, e.Text)
		}
		if !slices.Equal(told, want) {
			t.Errorf("to %q: %q", predicted, told)
		}
		w.End()
	}
}

// Without a Progress the course begins at its beginning.
func TestStartWithoutProgress(t *testing.T) {
	works := 0
	w := &Walk{Lessons: twoLessons(&works)}
	if at, err := w.Start(""); err != nil || at != (Place{}) {
		t.Errorf("%v, %v", at, err)
	}
}

// Each part of the course can be gone to by a name, or belongs to the question before it.
func TestSpots(t *testing.T) {
	for _, l := range All() {
		w := &Walk{Lessons: All()}
		last := -1
		for _, name := range Spots(l) {
			at, err := w.Start(l.ID + "/" + name)
			if err != nil || w.Lessons[at.Lesson].ID != l.ID || at.Part <= last {
				t.Errorf("%s/%s is %v, %v", l.ID, name, at, err)
			}
			last = at.Part
		}
	}
	w := &Walk{Lessons: All()}
	at, err := w.Start("close/half")
	if err != nil || w.Part(at).Kind != lab.Predict {
		t.Errorf("%+v, %v", w.Part(at), err)
	}
	if at, err = w.Start("close/exercise"); err != nil || w.Part(at).Kind != lab.Exercise {
		t.Errorf("%+v, %v", w.Part(at), err)
	}
	if _, err := w.Start("close/none"); err == nil {
		t.Error("there is no such part")
	}
}

// A learner who only looks at the question of another lesson keeps their place; one who
// goes on in it does not.
func TestPlaceOfALook(t *testing.T) {
	works := 0
	w := &Walk{Lessons: twoLessons(&works), Progress: &Progress{}, Show: func(lesson.Event) {}}
	defer w.End()
	w.Progress.SetPlace("two", 3)
	for part, want := range []string{"two 3", "one 1"} {
		if err := w.Go(t.Context(), Place{0, part}, nil); err != nil {
			t.Fatal(err)
		}
		if id, part := w.Progress.Place(); fmt.Sprint(id, " ", part) != want {
			t.Errorf("the place is %s %d, not %s", id, part, want)
		}
	}
}

// A choice that the words no longer have was made in another course. Nobody is right
// about what nothing has proved.
func TestVerdictWithoutAPrediction(t *testing.T) {
	works := 1
	var told []lesson.Event
	w := &Walk{Lessons: twoLessons(&works), Progress: &Progress{}, Show: func(e lesson.Event) { told = append(told, e) }}
	defer w.End()
	w.Progress.Predicted("one", "a", "perhaps")
	for number := range w.Lessons {
		if err := w.Go(t.Context(), Place{number, 3}, nil); err != nil {
			t.Fatal(err)
		}
		if e := told[len(told)-1]; e.Kind != lesson.KindVerdict || e.Predicted != "" || e.Right {
			t.Errorf("%+v", e)
		}
	}
}

// A lesson whose experiments were not all made once more has not begun.
func TestResumeIsInterrupted(t *testing.T) {
	works := 0
	var told []lesson.Event
	w := &Walk{Lessons: twoLessons(&works), Show: func(e lesson.Event) { told = append(told, e) }}
	defer w.End()
	over, stop := context.WithCancel(t.Context())
	stop()
	if err := w.Go(over, Place{0, 3}, nil); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := w.Go(t.Context(), Place{0, 3}, nil); err != nil {
		t.Fatal(err)
	}
	if last := told[len(told)-1]; last.Text != "V it" {
		t.Errorf("%+v", last)
	}
}

// The words about each choice: those about all but the kernel's, and to a learner about
// all but their own.
func TestWordsAboutChoices(t *testing.T) {
	const text = "# x: x\n\n## predict a\nP\n\n- yes: Yes.\n- no: No.\n- never: Never.\n\n## experiment a\nE\n\n- step: S\n\n## verdict a\nV\n\n### yes\nY\n\n### no\nN\n\n### never\nR\n"
	made := func(l *lab.Lab) []lab.Step { return []lab.Step{{Name: "step", Do: func() { l.Answer("no") }}} }
	one := lab.Lesson{ID: "one", Words: text, Experiments: lab.Experiments{"a": made}}.Read()
	w := &Walk{Lessons: []lab.Lesson{one}, Show: func(lesson.Event) {}}
	defer w.End()
	passed(t, w, Place{})
	texts := func(all []lesson.Event) string {
		var told []string
		for _, e := range all {
			told = append(told, e.Text)
		}
		return strings.Join(told, "|")
	}
	verdict := w.Part(Place{0, 2})
	if got := texts(w.Comments(verdict, w.Notes().Answer("a"))); got != "**Yes.**\n\nY|**Never.**\n\nR" {
		t.Errorf("%q", got)
	}
	w.Predict(w.Part(Place{}), "yes")
	if got := texts(w.Others(verdict)); got != "**No.**\n\nN|**Never.**\n\nR" {
		t.Errorf("%q", got)
	}
}
