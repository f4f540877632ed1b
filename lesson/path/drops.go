package path

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"fd3/lesson"
	"fd3/lesson/words"
	"fd3/sockets/path"
)

//go:embed drops.md
var dropsText string

// dropsPage returns drops.md.
var dropsPage = sync.OnceValue(func() words.Page { return words.Read(dropsText) })

// because says what the kernel's word for a reason means.
func because(reason string) string {
	if text := reasons()[reason]; text != "" {
		return text
	}
	raw, _ := dropsPage().Section("no words")
	return strings.Join(strings.Fields(raw), " ")
}

// reasons say what the kernel's words for the reasons of drops mean, and what a program
// sees of them.
var reasons = sync.OnceValue(func() map[string]string {
	all := make(map[string]string)
	list, _ := dropsPage().Section("reasons")
	_, items := words.List(list)
	for _, item := range items {
		all[item.Name] = item.Text
	}
	return all
})

// BeforeDrops says what there will be to see: drops while a program runs, or until the
// learner ends it.
func (n *Narrator) BeforeDrops(program bool) {
	n.show(lesson.Event{Kind: lesson.KindStep, Title: dropsPage().Title})
	if n.Explain == lesson.None {
		return
	}
	section := "before"
	if program {
		section = "before program"
	}
	raw, _ := dropsPage().Section(section)
	n.text("before", raw)
}

// Drops tells of packets that were thrown away, the most frequent first. A packet that was
// freed without a reason is not among it: mostly nothing is lost then.
func (n *Narrator) Drops(drops []path.Drop) {
	drops = slices.DeleteFunc(slices.Clone(drops), func(d path.Drop) bool { return d.Reason == path.Unspecified })
	slices.SortStableFunc(drops, func(a, b path.Drop) int { return b.Count - a.Count })
	if len(drops) == 0 {
		raw, _ := dropsPage().Section("none")
		n.text("path", raw)
	}
	for _, d := range drops {
		e := lesson.Evidence{Fact: d.Reason, Value: lesson.Counted(d.Count, "packet") + ", in " + d.Function, Source: "skb:kfree_skb", Note: because(d.Reason)}
		if d.File != "" {
			e.Value += fmt.Sprintf(" (%s)", d.File)
		}
		if d.Process != "" {
			e.Value += ", within a call of " + d.Process
		}
		if n.Explain == lesson.None {
			e.Note = ""
		}
		n.show(e.Event())
	}
}
