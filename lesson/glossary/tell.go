package glossary

import (
	"strings"

	"fd3/lesson"
)

// Tell shows an entry: what the word means, what the kernel says about it at this
// moment, where that is written, and which words are near.
func (e Entry) Tell(level lesson.Explain, show func(lesson.Event)) {
	text := func(section, title, text string) {
		show(lesson.Event{Kind: lesson.KindText, Step: "explain", Section: section, Title: title, Text: text})
	}
	if level != lesson.None {
		title := "**" + escape(e.Word) + "**"
		if len(e.Aliases) > 0 {
			title += " (" + escape(strings.Join(e.Aliases, ", ")) + ")"
		}
		text("meaning", e.Word, title+"\n\n"+e.Text)
	}
	for _, found := range e.Now() {
		event := found.Event()
		event.Step = "explain"
		show(event)
	}
	if level == lesson.Full {
		text("references", "", escape(strings.Join(e.From, "; ")))
		for _, word := range e.Also {
			show(lesson.Event{Kind: lesson.KindText, Step: "explain", Section: "next", Command: "fd3 explain " + word})
		}
	}
}

// escape keeps Markdown from reading emphasis into the names of things.
func escape(names string) string { return strings.ReplaceAll(names, "_", `\_`) }

// Now is what the kernel says about the word when it is asked. About some words,
// those of HTTP among them, it has nothing to say.
func (e Entry) Now() []lesson.Evidence {
	var found []lesson.Evidence
	for _, ask := range e.questions() {
		found = append(found, ask()...)
	}
	return found
}

// questions are those of the word; an errno has its number and, where that can be
// done, a call that fails so.
func (e Entry) questions() []question {
	asked := questions[e.Word]
	if _, ok := failures[e.Errno]; ok {
		asked = append([]question{answered(e.Errno)}, asked...)
	}
	if e.Errno != 0 {
		number := func() []lesson.Evidence { return []lesson.Evidence{errnoNumber(e.Errno)} }
		asked = append([]question{number}, asked...)
	}
	return asked
}
