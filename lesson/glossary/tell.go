package glossary

import (
	"strings"

	"fd3/lesson"
	"fd3/lesson/words"
)

// Tell shows an entry: the meaning of the word, the kernel's facts about it at this
// moment, the references, and the words that are near.
func (e Entry) Tell(level lesson.Explain, show func(lesson.Event)) {
	text := func(section, title, text string) {
		show(lesson.Event{Kind: lesson.KindText, Step: "explain", Section: section, Title: title, Text: text})
	}
	if level != lesson.None {
		title := "**" + words.Literal(e.Word) + "**"
		if len(e.Aliases) > 0 {
			title += " (" + words.Literal(strings.Join(e.Aliases, ", ")) + ")"
		}
		text("meaning", e.Word, title+"\n\n"+e.Text)
	}
	for _, found := range e.now() {
		event := found.Event()
		event.Step = "explain"
		show(event)
	}
	if level == lesson.Full {
		text("references", "", words.Literal(strings.Join(e.From, "; ")))
		for _, word := range e.Also {
			show(lesson.Event{Kind: lesson.KindText, Step: "explain", Section: "next", Command: "fd3 explain " + word})
		}
	}
}

// now asks the kernel about the word and returns its facts. For some words, those of
// HTTP among them, there are none.
func (e Entry) now() []lesson.Evidence {
	var found []lesson.Evidence
	for _, ask := range e.questions() {
		found = append(found, ask()...)
	}
	return found
}

// questions returns the questions of the word; an errno has its number and, where that
// can be done, a call that fails so.
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
