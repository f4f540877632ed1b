package lab

import (
	"strconv"
	"strings"

	"fd3/lesson/words"
	"fd3/sockets/kernel"
)

// An Observation is what a learner is asked after an experiment, before its verdict: to
// say what they have read off the screen. In the words it is a part of the experiment,
// "### observe NOTE", with the question and a paragraph "Look:".
type Observation struct {
	Note string // the name of what the kernel said; empty where nothing is asked
	Text string // the question, in Markdown
	Look string // where it stands, for a learner who has read something else
}

func observation(note, text string) Observation {
	look, question := words.Cut(text, "Look:")
	return Observation{note, strings.TrimSpace(question), look}
}

// Observation returns what is asked after the experiment of that name. Its Note is empty
// if nothing is.
func (l Lesson) Observation(name string) Observation {
	for _, p := range l.Parts {
		if p.Kind == Experiment && p.Name == name {
			return p.Observe
		}
	}
	return Observation{}
}

// Instead returns what a learner is asked for, where their words can be no reading of what
// the kernel said: a number where it said a number, a state where it said a state. It is
// empty where they can.
func Instead(read, said string) string {
	switch {
	case isNumber(said) && !isNumber(firstWord(read)):
		return "A number is asked for, such as 7."
	case kernel.ParseState(said) != 0 && kernel.ParseState(read) == 0:
		return "A state is asked for, such as LISTEN or TIME_WAIT."
	}
	return ""
}

// SameReading reports whether a learner has read what the kernel said. Capitals do not
// count, nor the unit of a number, nor how ss(8) writes a state.
func SameReading(read, said string) bool {
	switch {
	case isNumber(said):
		return number(firstWord(read)) == number(said)
	case kernel.ParseState(said) != 0:
		return kernel.ParseState(read) == kernel.ParseState(said)
	}
	return strings.EqualFold(strings.TrimSpace(read), said)
}

func firstWord(text string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	return word
}

func isNumber(word string) bool {
	_, err := strconv.ParseInt(word, 10, 64)
	return err == nil
}

func number(word string) int64 {
	n, _ := strconv.ParseInt(word, 10, 64) // a reading that is none was not taken
	return n
}
