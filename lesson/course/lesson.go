package course

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"fd3/lesson/content"
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
	Choices []Item            // predict
	Steps   []Item            // experiment
	About   map[string]string // verdict: what there is to say to the choice of that name
	Hints   []string          // exercise
	Done    string            // exercise: what the kernel has shown, when it has
}

// An Item of a list: "- name: text".
type Item struct{ Name, Text string }

// All are the lessons in their order.
var All = sync.OnceValue(func() []Lesson {
	lessons := make([]Lesson, 0, len(order))
	for _, id := range order {
		text, err := content.Files.ReadFile("course/" + id + ".md")
		if err != nil {
			continue // a test misses it
		}
		lessons = append(lessons, read(id, string(text)))
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

// read makes a Lesson of a file: "# title", then "Asks:" and "Rows:", then its
// parts, each "## kind name" with "### " sections of its own.
func read(id, text string) Lesson {
	l := Lesson{ID: id}
	for _, section := range split(text, "# ", "## ") {
		kind, name, _ := strings.Cut(section.heading, " ")
		if section.mark == "# " {
			l.Title = section.heading
			l.Asks = line(section.body, "Asks:")
			l.Rows = strings.Fields(line(section.body, "Rows:"))
			continue
		}
		l.Parts = append(l.Parts, part(id, PartKind(kind), name, section.body))
	}
	return l
}

func part(id string, kind PartKind, name, body string) Part {
	p := Part{Lesson: id, Kind: kind, Name: name, About: make(map[string]string)}
	for _, section := range split(body, "### ") {
		switch {
		case section.heading == "" && (kind == Predict || kind == Experiment):
			var items []Item
			p.Text, items = list(section.body)
			if kind == Predict {
				p.Choices = items
			} else {
				p.Steps = items
			}
		case section.heading == "":
			p.Text = strings.Trim(section.body, "\n")
		case section.heading == "hint":
			p.Hints = append(p.Hints, strings.Trim(section.body, "\n"))
		case section.heading == "done":
			p.Done = strings.Trim(section.body, "\n")
		default:
			p.About[section.heading] = strings.Trim(section.body, "\n")
		}
	}
	return p
}

// A section is a heading and what stands below it.
type section struct{ mark, heading, body string }

// split cuts a text at its headings of these marks. What stands before the first
// has none.
func split(text string, marks ...string) []section {
	all := []section{{}}
	for line := range strings.Lines(text) {
		i := slices.IndexFunc(marks, func(mark string) bool { return strings.HasPrefix(line, mark) })
		if i < 0 {
			all[len(all)-1].body += line
			continue
		}
		all = append(all, section{mark: marks[i], heading: strings.TrimSpace(line[len(marks[i]):])})
	}
	if strings.TrimSpace(all[0].body) == "" {
		all = all[1:]
	}
	return all
}

// list takes the items of the list that ends a text: "- name: words", where a line
// that is indented goes on with the item.
func list(text string) (before string, items []Item) {
	var words []string
	for line := range strings.Lines(text) {
		name, rest, ok := strings.Cut(strings.TrimPrefix(line, "- "), ":")
		switch {
		case strings.HasPrefix(line, "- ") && ok:
			items = append(items, Item{name, strings.TrimSpace(rest)})
		case len(items) > 0 && strings.HasPrefix(line, "  "):
			items[len(items)-1].Text += " " + strings.TrimSpace(line)
		default:
			words = append(words, line)
		}
	}
	return strings.TrimSpace(strings.Join(words, "")), items
}

// line is the rest of the paragraph that begins with a word.
func line(text, begin string) string {
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(paragraph), begin); ok {
			return strings.Join(strings.Fields(rest), " ")
		}
	}
	return ""
}
