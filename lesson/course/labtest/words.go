package labtest

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"fd3/lesson/course/lab"
	"fd3/lesson/words"
)

// problems returns what a lesson lacks.
func problems(l lab.Lesson, proof Proof) []string {
	r := &reading{l: l, proof: proof, parts: make(map[lab.PartKind]map[string]lab.Part)}
	r.outline()
	r.titles()
	for name, p := range r.parts[lab.Predict] {
		r.prediction(name, p)
	}
	for name, p := range r.parts[lab.Experiment] {
		r.experiment(name, p)
	}
	for name, p := range r.parts[lab.Exercise] {
		r.exercise(name, p)
	}
	r.unworded()
	for _, p := range r.parts[lab.References] {
		r.references(p)
	}
	return r.problems
}

// A reading of a lesson looks for what is missing in it.
type reading struct {
	l        lab.Lesson
	proof    Proof
	parts    map[lab.PartKind]map[string]lab.Part // by kind and name
	problems []string
}

func (r *reading) add(format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

// codeRoom is how many columns a line of code has, with the blanks before it: it is not
// wrapped, and the page has a margin of four.
const codeRoom = 76

// outline looks at the head of the lesson and at which parts there are.
func (r *reading) outline() {
	l := r.l
	for line := range strings.SplitSeq(l.Words, "\n") {
		if strings.HasPrefix(line, "    ") && len([]rune(line)) > codeRoom {
			r.add("%q has %d characters, and %d fit on a screen", line, len([]rune(line)), codeRoom)
		}
	}
	if l.Title == "" || l.Asks == "" || len(l.Rows) == 0 {
		r.add("no title, no \"Asks:\" or no \"Rows:\"")
	}
	if len([]rune(l.Asks)) > 62 {
		r.add("\"Asks:\" has %d characters, and a list has room for 62", len([]rune(l.Asks)))
	}
	for _, p := range l.Parts {
		if r.parts[p.Kind] == nil {
			r.parts[p.Kind] = make(map[string]lab.Part)
		}
		if _, twice := r.parts[p.Kind][p.Name]; twice {
			r.add("two sections %s %s", p.Kind, p.Name)
		}
		r.parts[p.Kind][p.Name] = p
		if p.Text == "" {
			r.add("%s %s has no words", p.Kind, p.Name)
		}
	}
	for _, kind := range lab.Kinds {
		if len(r.parts[kind]) == 0 {
			r.add("no section %q", kind)
		}
	}
	if len(r.parts) > len(lab.Kinds) {
		r.add("a section of no known kind")
	}
	if l.Parts[0].Kind != lab.Question || l.Parts[len(l.Parts)-1].Kind != lab.References {
		r.add("it does not begin with its question and end with its references")
	}
}

// titleRoom is how many columns the list of the parts has for a title.
const titleRoom = 29

// titles looks whether each part with a name has a title, and no two names the same.
func (r *reading) titles() {
	named := make(map[string]string) // by title
	for _, p := range r.l.Parts {
		name := p.Name
		switch {
		case name == "":
			continue
		case p.Kind == lab.Exercise:
			name += ", the exercise"
		}
		other, twice := named[p.Title]
		switch {
		case p.Title == "":
			r.add("no title: ## %s %s: title", p.Kind, p.Name)
		case len([]rune(p.Title)) > titleRoom:
			r.add("the title %q has %d characters, and a list has room for %d", p.Title, len([]rune(p.Title)), titleRoom)
		case twice && other != name:
			r.add("%s and %s have the same title, %q", other, name, p.Title)
		}
		named[p.Title] = name
	}
}

func (r *reading) prediction(name string, p lab.Part) {
	if len(p.Choices) < 2 {
		r.add("predict %s has %d choices", name, len(p.Choices))
	}
	if _, ok := r.parts[lab.Experiment][name]; !ok {
		r.add("predict %s has no experiment", name)
	}
	verdict, ok := r.parts[lab.Verdict][name]
	if !ok {
		r.add("predict %s has no verdict", name)
	}
	answers := r.proof.answers(name)
	if answers == nil {
		r.add("no test says what the kernel answers to %s", name)
	}
	choice := func(name string) bool {
		return slices.ContainsFunc(p.Choices, func(c words.Item) bool { return c.Name == name })
	}
	for _, answer := range answers {
		if !choice(answer) {
			r.add("%q is no choice of %s", answer, name)
		}
	}
	for _, c := range p.Choices {
		if verdict.About[c.Name] == "" && !slices.Contains(answers, c.Name) {
			r.add("verdict %s has no words for those who chose %s", name, c.Name)
		}
	}
	for about := range verdict.About {
		if !choice(about) {
			r.add("verdict %s is about %q, which is no choice", name, about)
		}
	}
}

// inDrawing is a word for a place that is on a screen alone.
var inDrawing = regexp.MustCompile(`\b(left|right|upper|lower|edge|box|column|draw\w+|title|begins with)\b`)

func (r *reading) experiment(name string, p lab.Part) {
	if len(p.Steps) == 0 {
		r.add("experiment %s has no steps", name)
	}
	if strings.Contains(p.Text, "Parameters:") {
		r.add("the parameters of experiment %s cannot be read. They look like this: backlog 0..16 = 1, clients 1..12 = 5", name)
	}
	if o := p.Observe; o.Note != "" {
		if o.Text == "" || o.Look == "" {
			r.add("experiment %s asks for %s without a question or without \"Look:\"", name, o.Note)
		}
		if place := inDrawing.FindString(o.Look); place != "" {
			r.add("where to look for %s is said by a place in a drawing, %q, and some hear sentences instead", o.Note, place)
		}
		if _, ok := r.parts[lab.Verdict][name]; !ok {
			r.add("experiment %s asks for %s, and no verdict answers", name, o.Note)
		}
	}
	experiment, ok := r.l.Experiments[name]
	if !ok {
		r.add("experiment %s has no code", name)
		return
	}
	if err := p.Agrees(experiment(lab.New(context.Background(), p, nil, nil))); err != nil {
		r.add("%v", err)
	}
}

func (r *reading) exercise(name string, p lab.Part) {
	if r.l.Exercises[name] == nil {
		r.add("exercise %s has no code", name)
	}
	if len(p.Hints) == 0 || p.Done == "" {
		r.add("exercise %s has no hints, or no words for its end", name)
	}
	if _, ok := r.proof.Solutions[name]; !ok {
		r.add("no test solves exercise %s", name)
	}
	if r.proof.States[name] == "" || r.proof.Almost[name] == "" {
		r.add("no test sees the state of exercise %s, or none does it almost", name)
	}
}

// unworded looks for what the code has and the words have not.
func (r *reading) unworded() {
	for name := range r.l.Experiments {
		if _, ok := r.parts[lab.Experiment][name]; !ok {
			r.add("no words for experiment %s", name)
		}
	}
	for name := range r.l.Exercises {
		if _, ok := r.parts[lab.Exercise][name]; !ok {
			r.add("no words for exercise %s", name)
		}
	}
}

func (r *reading) references(p lab.Part) {
	for item := range strings.SplitSeq(strings.TrimPrefix(p.Text, "- "), "\n- ") {
		item = strings.Join(strings.Fields(item), " ")
		if !reference.MatchString(item) {
			r.add("reference %q names no section of a manual page or RFC, and no kernel function", item)
		}
	}
}

var reference = regexp.MustCompile("^(`[a-z0-9_]+\\([1-9]\\)`, [A-Za-z/]|RFC [0-9]+, section [0-9]|kernel: `[a-z0-9_/]+[(.])")
