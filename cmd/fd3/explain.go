package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"fd3/lesson"
	"fd3/lesson/glossary"
	"fd3/lesson/view"
)

const explainLong = `Explain a word of the course: what it is, and what it is on this machine at this
moment, as the kernel says. Where that takes a socket, fd3 makes one and closes
it again. An errno goes by its symbol or its number, and a sysctl by its name. What a
program has printed, in quotes, leads to the word that explains it.

Without a word it lists all that it knows.`

// glossary returns fd3 explain.
func (a *app) glossary() *cobra.Command {
	return &cobra.Command{
		Use:     "explain [WORD...]",
		Short:   "what a word means, and what it is on this machine now",
		Long:    explainLong,
		Example: "  fd3 explain accept queue\n  fd3 explain TIME_WAIT\n  fd3 explain 98\n  fd3 explain 'curl: (52) Empty reply from server'",
		GroupID: "look",
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			return endings(args), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.listWords()
			}
			return a.explainWord(strings.Join(args, " "))
		},
	}
}

func (a *app) explainWord(word string) error {
	entry, ok := glossary.LookUp(word)
	if !ok {
		hint := "All words: fd3 explain"
		if near := glossary.Near(word); len(near) > 0 {
			hint = "Did you mean: fd3 explain " + strings.Join(near, ", fd3 explain ") + "?"
		}
		return usageError{fmt.Errorf("%q is not in the glossary. %s", word, hint)}
	}
	level, err := a.level()
	if err != nil {
		return err
	}
	var failed error
	show, err := a.show(&failed)
	if err != nil {
		return err
	}
	entry.Tell(level, show)
	return failed
}

// listWords shows all words: in columns, or one an event.
func (a *app) listWords() error {
	if _, err := a.level(); err != nil {
		return err
	}
	look, err := a.look()
	if err != nil {
		return err
	}
	words, errnos := glossary.Words()
	if !a.json {
		return view.Columns(os.Stdout, look,
			view.List{Heading: "Words; each with: fd3 explain WORD", Words: words},
			view.List{Heading: "Errors; others by symbol or number", Words: errnos})
	}
	var failed error
	show, err := a.show(&failed)
	if err != nil {
		return err
	}
	for _, word := range append(words, errnos...) {
		show(lesson.Event{Kind: lesson.KindText, Step: "explain", Section: "word", Title: word, Command: "fd3 explain " + word})
	}
	return failed
}

// endings returns what may follow the words of a term that are there: without any, each
// term as a whole, which a shell quotes where it has blanks.
func endings(words []string) []string {
	terms, errnos := glossary.Words()
	begun := strings.Fields(strings.Join(words, " "))
	var found []string
	for _, term := range append(terms, errnos...) {
		parts := strings.Fields(term)
		if n := len(begun); len(parts) > n && strings.EqualFold(strings.Join(parts[:n], " "), strings.Join(begun, " ")) {
			found = append(found, strings.Join(parts[n:], " "))
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
