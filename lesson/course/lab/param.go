package lab

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"fd3/lesson/words"
)

// A Param is a number of an experiment that a learner may change, to see what the kernel
// says then. The words of the experiment have a paragraph with all of them,
// "Parameters: backlog 0..16 = 1, clients 1..12 = 5".
type Param struct {
	Name        string
	Least, Most int
	Usual       int // what the lesson is about
}

// Allows reports whether the parameter may have this value.
func (p Param) Allows(value int) bool { return p.Least <= value && value <= p.Most }

var param = regexp.MustCompile(`^([a-z_]+) (-?\d+)\.\.(\d+) = (-?\d+)$`)

// takeParams takes the parameters out of the words of an experiment. Those that it cannot
// read stay there, where a test of the lesson finds them.
func takeParams(text string) (all []Param, rest string) {
	list, rest := words.Cut(text, "Parameters:")
	if list == "" {
		return nil, text
	}
	for item := range strings.SplitSeq(list, ", ") {
		m := param.FindStringSubmatch(item)
		if m == nil {
			return nil, text
		}
		p := Param{Name: m[1]}
		var err error
		for i, n := range []*int{&p.Least, &p.Most, &p.Usual} {
			var wrong error
			*n, wrong = strconv.Atoi(m[2+i])
			err = errors.Join(err, wrong)
		}
		if err != nil || p.Least >= p.Most || !p.Allows(p.Usual) {
			return nil, text
		}
		all = append(all, p)
	}
	return all, rest
}

// Param returns the value of a parameter of the experiment: the learner's, or the usual.
// The words have to declare it.
func (l *Lab) Param(name string) int {
	if value, ok := l.part.Chosen[name]; ok {
		return value
	}
	i := slices.IndexFunc(l.part.Params, func(p Param) bool { return p.Name == name })
	if i < 0 {
		panic(fmt.Sprintf("the words of %s, experiment %s, declare no parameter %q", l.part.Lesson, l.part.Name, name))
	}
	return l.part.Params[i].Usual
}
