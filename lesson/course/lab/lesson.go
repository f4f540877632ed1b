package lab

import (
	"cmp"
	"strings"

	"fd3/lesson/words"
)

// A Lesson is words, and what they do on the kernel. The names in the words tie
// both together.
type Lesson struct {
	ID          string
	Words       string // the Markdown file of the lesson
	Experiments Experiments
	Exercises   Exercises

	// The rest is what the words say. Read fills it in.

	Title string
	Asks  string   // the question that it answers, in a line
	Rows  []string // what it covers of the rows of the course: A5, E1 …
	Parts []Part   // in the order that they are gone through
}

// PartKind says what a Part is.
type PartKind string

const (
	Question   PartKind = "question"   // what the lesson is about
	Predict    PartKind = "predict"    // a situation, and Choices of what will happen
	Experiment PartKind = "experiment" // Steps, on the live kernel
	Verdict    PartKind = "verdict"    // what the kernel said, against the prediction
	Explain    PartKind = "explain"    // why, with the names of things
	Exercise   PartKind = "exercise"   // something to do with other tools; the kernel checks it
	Recap      PartKind = "recap"      // what to keep
	References PartKind = "references" // where it is written
)

// Kinds are all kinds of parts, in the order of a lesson.
var Kinds = []PartKind{Question, Predict, Experiment, Verdict, Explain, Exercise, Recap, References}

// A Part is one section of a lesson: "## kind name: title".
type Part struct {
	Lesson  string
	Kind    PartKind
	Name    string            // which prediction, experiment and verdict belong together
	Title   string            // what it is about, for a reader; parts that belong together share it
	Text    string            // Markdown, with {values} that an experiment has read
	Choices []words.Item      // predict
	Steps   []words.Item      // experiment
	Observe Observation       // experiment: what the learner is asked when it is made
	Params  []Param           // experiment: what a learner may change of it
	Chosen  map[string]int    // experiment: the learner's values of Params; nil: it is made as the words have it
	About   map[string]string // verdict: the words for a learner who made the choice of that name
	Hints   []string          // exercise
	Done    string            // exercise: what the kernel has shown, when it has
}

// Read returns the lesson with its words taken apart: "# title", then "Asks:" and
// "Rows:", then its parts, each "## kind name: title" with "### " sections of its own.
// The title stands at the first part of a name, and holds for the others; an exercise
// has its own.
func (l Lesson) Read() Lesson {
	page := words.Read(l.Words)
	l.Title = page.Title
	l.Asks = words.Paragraph(page.Text, "Asks:")
	l.Rows = strings.Fields(words.Paragraph(page.Text, "Rows:"))
	l.Parts = nil
	for _, section := range page.Sections {
		l.Parts = append(l.Parts, part(l.ID, section))
	}
	titles := make(map[string]string)
	for i := range l.Parts {
		p := &l.Parts[i]
		if p.Kind == Exercise || p.Name == "" {
			continue
		}
		titles[p.Name] = cmp.Or(titles[p.Name], p.Title)
		p.Title = titles[p.Name]
	}
	return l
}

func part(id string, section words.Section) Part {
	kind, rest, _ := strings.Cut(section.Heading, " ")
	name, title, _ := strings.Cut(rest, ": ")
	p := Part{Lesson: id, Kind: PartKind(kind), Name: name, Title: title, Text: section.Text, About: make(map[string]string)}
	switch p.Kind {
	case Predict:
		p.Text, p.Choices = words.List(p.Text)
	case Experiment:
		p.Params, p.Text = takeParams(p.Text)
		p.Text, p.Steps = words.List(p.Text)
	}
	for _, about := range section.Parts {
		note, observed := strings.CutPrefix(about.Heading, "observe ")
		switch {
		case about.Heading == "hint":
			p.Hints = append(p.Hints, about.Text)
		case about.Heading == "done":
			p.Done = about.Text
		case observed && p.Kind == Experiment:
			p.Observe = observation(note, about.Text)
		default:
			p.About[about.Heading] = about.Text
		}
	}
	return p
}

// Prediction returns the prediction of that name, or none.
func (l Lesson) Prediction(name string) Part {
	for _, p := range l.Parts {
		if p.Kind == Predict && p.Name == name {
			return p
		}
	}
	return Part{}
}

// Choice returns the text of an answer to a prediction, or "" if there is no such
// answer.
func (l Lesson) Choice(name, answer string) string { return l.Prediction(name).Choice(answer) }

// Choice returns the text of a choice of a prediction, or "" if there is no such choice.
func (p Part) Choice(name string) string {
	for _, c := range p.Choices {
		if c.Name == name {
			return c.Text
		}
	}
	return ""
}
