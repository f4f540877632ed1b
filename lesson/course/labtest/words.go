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

// problems are what a lesson lacks.
func problems(l lab.Lesson, proof Proof) (all []string) {
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if l.Title == "" || l.Asks == "" || len(l.Rows) == 0 {
		add("no title, no \"Asks:\" or no \"Rows:\"")
	}
	if len([]rune(l.Asks)) > 62 {
		add("\"Asks:\" has %d characters, and a list has room for 62", len([]rune(l.Asks)))
	}
	parts := make(map[lab.PartKind]map[string]lab.Part)
	for _, p := range l.Parts {
		if parts[p.Kind] == nil {
			parts[p.Kind] = make(map[string]lab.Part)
		}
		if _, twice := parts[p.Kind][p.Name]; twice {
			add("two sections %s %s", p.Kind, p.Name)
		}
		parts[p.Kind][p.Name] = p
		if p.Text == "" {
			add("%s %s has no words", p.Kind, p.Name)
		}
	}
	for _, kind := range lab.Kinds {
		if len(parts[kind]) == 0 {
			add("no section %q", kind)
		}
	}
	if len(parts) > len(lab.Kinds) {
		add("a section of no known kind")
	}
	if l.Parts[0].Kind != lab.Question || l.Parts[len(l.Parts)-1].Kind != lab.References {
		add("it does not begin with its question and end with its references")
	}
	for name, p := range parts[lab.Predict] {
		if len(p.Choices) < 2 {
			add("predict %s has %d choices", name, len(p.Choices))
		}
		if _, ok := parts[lab.Experiment][name]; !ok {
			add("predict %s has no experiment", name)
		}
		if _, ok := parts[lab.Verdict][name]; !ok {
			add("predict %s has no verdict", name)
		}
		answers := proof.answers(name)
		if answers == nil {
			add("no test says what the kernel answers to %s", name)
		}
		for _, answer := range answers {
			if !slices.ContainsFunc(p.Choices, func(c words.Item) bool { return c.Name == answer }) {
				add("%q is no choice of %s", answer, name)
			}
		}
		for _, c := range p.Choices {
			if parts[lab.Verdict][name].About[c.Name] == "" && !slices.Contains(answers, c.Name) {
				add("verdict %s has no words for those who chose %s", name, c.Name)
			}
		}
		for about := range parts[lab.Verdict][name].About {
			if !slices.ContainsFunc(p.Choices, func(c words.Item) bool { return c.Name == about }) {
				add("verdict %s is about %q, which is no choice", name, about)
			}
		}
	}
	for name, p := range parts[lab.Experiment] {
		if len(p.Steps) == 0 {
			add("experiment %s has no steps", name)
		}
		experiment, ok := l.Experiments[name]
		if !ok {
			add("experiment %s has no code", name)
			continue
		}
		if err := p.Agrees(experiment(lab.New(context.Background(), p, nil, nil))); err != nil {
			add("%v", err)
		}
	}
	for name, p := range parts[lab.Exercise] {
		if l.Exercises[name] == nil {
			add("exercise %s has no code", name)
		}
		if len(p.Hints) == 0 || p.Done == "" {
			add("exercise %s has no hints, or no words for its end", name)
		}
		if _, ok := proof.Solutions[name]; !ok {
			add("no test solves exercise %s", name)
		}
	}
	for name := range l.Experiments {
		if _, ok := parts[lab.Experiment][name]; !ok {
			add("no words for experiment %s", name)
		}
	}
	for name := range l.Exercises {
		if _, ok := parts[lab.Exercise][name]; !ok {
			add("no words for exercise %s", name)
		}
	}
	for _, p := range parts[lab.References] {
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
