package tour

import (
	"fmt"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"fd3/lesson/course"
	"fd3/lesson/course/lab"
)

// What if: the learner changes a number of an experiment, and the kernel answers.

// params are those of one experiment while they are changed.
type params struct {
	at     course.Place // of the experiment
	all    []lab.Param
	values []int
	chosen int  // the one under the cursor
	typed  bool // a digit goes behind those that are there; else it begins anew
}

// changeable reports whether the experiment of the page in sight has parameters that may
// be changed now: what it asks has been answered, or left out.
func (s *screen) changeable() bool {
	if p := s.page(); !p.over || s.observes() && p.read == "" {
		return false
	}
	_, _, ok := s.walk.CanChange(s.at)
	return ok
}

// chooseParams opens the list of the parameters, with the values of the page in sight.
func (s *screen) chooseParams() {
	experiment, at, _ := s.walk.CanChange(s.at)
	s.params = params{at: at, all: experiment.Params}
	for _, p := range experiment.Params {
		value, ok := s.page().with[p.Name]
		if !ok {
			value = p.Usual
		}
		s.params.values = append(s.params.values, value)
	}
	s.overlay = paramList
}

// whatIf makes the experiment with the values that are chosen, if it may have them.
func (s *screen) whatIf() {
	with := make(map[string]int)
	for i, p := range s.params.all {
		if !p.Allows(s.params.values[i]) {
			s.params.chosen, s.params.typed = i, false
			s.note = fmt.Sprintf("%s is a number from %d to %d.", paramName(p), p.Least, p.Most)
			return
		}
		with[p.Name] = s.params.values[i]
	}
	s.at, s.overlay = s.params.at, nothing
	s.pages[s.at] = &page{with: with}
	s.task = s.guide.whatIf(s.at, with)
}

func paramName(p lab.Param) string { return strings.ReplaceAll(p.Name, "_", " ") }

// paramRows are the parameters, each with its value and its range.
func (s *screen) paramRows() []string {
	rows := []string{"  " + s.paint.Title("What if"), "", "  Change a number, and the experiment is made once more.", ""}
	for i, p := range s.params.all {
		words := fmt.Sprintf("%-14s %6d ", paramName(p), s.params.values[i])
		sign := strings.Repeat(" ", len([]rune(s.paint.Pointer)))
		if i == s.params.chosen {
			words, sign = s.paint.Chosen(words), s.paint.Pointer
		}
		rows = append(rows, fmt.Sprintf("  %s %s  %s", sign, words, s.paint.Dim(fmt.Sprintf("%d to %d, usually %d", p.Least, p.Most, p.Usual))))
	}
	return rows
}

// change changes the value under the cursor by a key.
func (p *params) change(key string) {
	v, param := &p.values[p.chosen], p.all[p.chosen]
	digit, err := strconv.Atoi(key)
	switch {
	case err == nil && p.typed && *v <= param.Most:
		*v = *v*10 + digit
	case err == nil:
		*v = digit
	case key == "backspace":
		*v /= 10
	case key == "left" || key == "-":
		*v = max(*v-1, param.Least)
	default:
		*v = min(*v+1, param.Most)
	}
	p.typed = err == nil || key == "backspace"
}

func paramKeys() []key {
	return []key{
		{[]string{"j", "k", "down", "up", "home", "end"}, "j k", "move", func(s *screen) string {
			if len(s.params.all) < 2 {
				return ""
			}
			return "choose"
		}, func(s *screen, name string) tea.Cmd {
			s.params.chosen, s.params.typed = moved(s.params.chosen, name, len(s.params.all)), false
			return nil
		}},
		{append([]string{"left", "right", "-", "+", "backspace"}, typeable[:10]...), "0-9 - +", "change the number", always("change"), func(s *screen, name string) tea.Cmd {
			s.params.change(name)
			return nil
		}},
		{[]string{"enter", "space"}, "Enter", "make the experiment", always("run it"), func(s *screen, _ string) tea.Cmd { s.whatIf(); return nil }},
		{[]string{"w", "esc", "b"}, "w", "back to where you were", always("back"), leave},
		quitKey,
		themeKey,
		suspendKey,
	}
}
