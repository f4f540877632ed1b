package course

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"fd3/lesson/content"
	"fd3/lesson/words"
)

// order is the course, from the first lesson to the last.
var order = []string{
	"plug", "fd", "socket", "bytes", "bind", "listen", "handshake", "accept", "recv",
	"http", "send", "close", "timewait", "serve", "dgram", "faults", "syscall",
}

// A Lesson is one file of lesson/content/course.
type Lesson struct {
	ID    string
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

// A Part is one section of a lesson: "## kind name".
type Part struct {
	Lesson  string
	Kind    PartKind
	Name    string            // which prediction, experiment and verdict belong together
	Text    string            // Markdown, with {values} that an experiment has read
	Choices []words.Item      // predict
	Steps   []words.Item      // experiment
	About   map[string]string // verdict: what there is to say to the choice of that name
	Hints   []string          // exercise
	Done    string            // exercise: what the kernel has shown, when it has
}

// All are the lessons in their order.
var All = sync.OnceValue(func() []Lesson {
	lessons := make([]Lesson, 0, len(order))
	for _, id := range order {
		text, err := content.Files.ReadFile("course/" + id + ".md")
		if err != nil {
			continue // a test misses it
		}
		lessons = append(lessons, read(id, words.Read(string(text))))
	}
	return lessons
})

// Find is the lesson of that name.
func Find(id string) (Lesson, error) {
	i := slices.IndexFunc(All(), func(l Lesson) bool { return l.ID == id })
	if i < 0 {
		return Lesson{}, fmt.Errorf("%q is no lesson. The lessons are: %s", id, strings.Join(IDs(), ", "))
	}
	return All()[i], nil
}

// IDs are the names of the lessons in their order.
func IDs() []string {
	var ids []string
	for _, l := range All() {
		ids = append(ids, l.ID)
	}
	return ids
}

// read makes a Lesson of a page: "# title", then "Asks:" and "Rows:", then its
// parts, each "## kind name" with "### " sections of its own.
func read(id string, page words.Page) Lesson {
	l := Lesson{
		ID: id, Title: page.Title,
		Asks: words.Paragraph(page.Text, "Asks:"),
		Rows: strings.Fields(words.Paragraph(page.Text, "Rows:")),
	}
	for _, section := range page.Sections {
		l.Parts = append(l.Parts, part(id, section))
	}
	return l
}

func part(id string, section words.Section) Part {
	kind, name, _ := strings.Cut(section.Heading, " ")
	p := Part{Lesson: id, Kind: PartKind(kind), Name: name, Text: section.Text, About: make(map[string]string)}
	switch p.Kind {
	case Predict:
		p.Text, p.Choices = words.List(p.Text)
	case Experiment:
		p.Text, p.Steps = words.List(p.Text)
	}
	for _, about := range section.Parts {
		switch about.Heading {
		case "hint":
			p.Hints = append(p.Hints, about.Text)
		case "done":
			p.Done = about.Text
		default:
			p.About[about.Heading] = about.Text
		}
	}
	return p
}
