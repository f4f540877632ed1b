package tour

import (
	"fmt"
	"slices"
	"strconv"

	tea "charm.land/bubbletea/v2"

	"fd3/lesson/course"
	"fd3/lesson/course/lab"
)

// A key, or several that belong together.
type key struct {
	names []string             // as bubbletea calls them
	show  string               // as they are written
	help  string               // what they are for
	now   func(*screen) string // what they do now, in a word or two; empty: nothing
	press func(s *screen, name string) tea.Cmd
}

// keys are those of what is in sight, the most important first.
func (s *screen) keys() []key {
	switch {
	case !Fits(s.width, s.height):
		return []key{quitKey}
	case s.overlay == lessonList:
		return listKeys()
	case s.overlay == partList:
		return partKeys()
	case s.overlay == paramList:
		return paramKeys()
	case s.overlay == help:
		return helpKeys()
	case s.page().typing:
		return fieldKeys()
	}
	return pageKeys()
}

// onwardNames are the keys that go on. Those who point at a projection send PgDn.
var onwardNames = []string{"space", "enter", "pgdown", "right"}

// press does what a key does now. Nothing goes on without an answer.
func (s *screen) press(name string) tea.Cmd {
	for _, k := range s.keys() {
		if slices.Contains(k.names, name) && k.now(s) != "" {
			return k.press(s, name)
		}
	}
	if s.overlay == nothing && answers(s) != "" && slices.Contains(onwardNames, name) {
		s.note = fmt.Sprintf("Press 1-%d, or s to skip.", len(s.part().Choices))
	}
	return nil
}

// Those that work everywhere.
var (
	quitKey = key{[]string{"q", "ctrl+c", "ctrl+\\"}, "q", "quit; the place is kept (Ctrl-C does the same)", always("quit"),
		func(*screen, string) tea.Cmd { return tea.Quit }}
	themeKey = key{[]string{"t"}, "t", "the next theme", always("theme"),
		func(s *screen, _ string) tea.Cmd { s.nextTheme(); return nil }}
	suspendKey = key{[]string{"ctrl+z"}, "Ctrl-Z", "suspend; fg comes back (not while it is recorded)", func(s *screen) string {
		if s.Mark != nil { // the terminal would be given back before the recording has passed that on
			return ""
		}
		return "suspend"
	}, func(*screen, string) tea.Cmd { return suspend() }}
)

// pageKeys are those of a page. It is long, since it is a table.
func pageKeys() []key {
	return []key{
		{[]string{"1", "2", "3", "4", "5", "6", "7", "8", "9"}, "1-9", "answer a prediction; say a number that you have read", answers, func(s *screen, name string) tea.Cmd {
			n, _ := strconv.Atoi(name)
			if n > len(s.choices()) {
				return nil
			}
			s.say(n)
			return nil
		}},
		{[]string{"j", "k", "down", "up"}, "j k", "move between the answers of a prediction", func(s *screen) string {
			if answers(s) == "" {
				return ""
			}
			return "choose"
		}, func(s *screen, name string) tea.Cmd {
			p := s.page()
			if p.cursor++; name == "k" || name == "up" {
				p.cursor -= 2
			}
			p.cursor = min(max(p.cursor, 1), len(s.choices()))
			s.show(p.cursor)
			return nil
		}},
		{[]string{"enter"}, "Enter", "answer with the one that is marked", func(s *screen) string {
			if p := s.page(); answers(s) == "" || p.cursor == 0 || p.cursor == p.said {
				return ""
			}
			return fmt.Sprintf("say %d", s.page().cursor)
		}, func(s *screen, _ string) tea.Cmd { s.say(s.page().cursor); return nil }},
		{typeable[:10], "0-9", "", func(s *screen) string {
			if !s.observes() {
				return ""
			}
			return "say a number"
		}, func(s *screen, name string) tea.Cmd { s.startTyping(name); return nil }},
		{onwardNames, "Space", "go on (Enter, PgDn and Right do the same)", (*screen).onward, func(s *screen, _ string) tea.Cmd { return s.goOn() }},
		{[]string{"h"}, "h", "a hint for the exercise", func(s *screen) string {
			p, hints := s.page(), len(s.part().Hints)
			if s.part().Kind != lab.Exercise || p.over || !p.ready || p.hints == hints {
				return ""
			}
			return fmt.Sprintf("hint %d of %d", p.hints+1, hints)
		}, func(s *screen, _ string) tea.Cmd { s.hint(); return nil }},
		{[]string{"o"}, "o", "after an answer: what there is to say to the other answers", func(s *screen) string {
			if len(s.page().others) == 0 {
				return ""
			}
			return "other answers"
		}, func(s *screen, _ string) tea.Cmd { s.page().tellOthers(); return nil }},
		{[]string{"s"}, "s", "skip a prediction, an observation or an exercise", func(s *screen) string {
			p := s.page()
			if p.recall == nil && answers(s) != "" && p.said == 0 || s.observes() && p.read == "" || s.part().Kind == lab.Exercise && p.ready && !p.over {
				return "skip"
			}
			return ""
		}, func(s *screen, _ string) tea.Cmd { s.forward(); return nil }},
		{[]string{"r"}, "r", "run the experiment again, set the exercise up again", func(s *screen) string {
			_, _, ok := s.walk.Again(s.at)
			if p := s.page(); !ok || s.part().Kind == lab.Exercise && !p.ready && !p.over {
				return ""
			}
			return "again"
		}, func(s *screen, _ string) tea.Cmd { s.again(); return nil }},
		{[]string{"w"}, "w", "what if: change a number of the experiment, and run it again", func(s *screen) string {
			if !s.changeable() {
				return ""
			}
			return "what if"
		}, func(s *screen, _ string) tea.Cmd { s.chooseParams(); return nil }},
		{[]string{"b", "pgup", "left"}, "b", "back to the part before (from the top PgUp and Left do the same)", func(s *screen) string {
			if s.walk.Back(s.at) == s.at {
				return ""
			}
			return "back"
		}, func(s *screen, name string) tea.Cmd {
			if offset, _ := s.window(); name != "b" && offset > 0 {
				return scrollBy(s, name)
			}
			s.back()
			return nil
		}},
		{[]string{"tab"}, "Tab", "the drawing alone, the text alone, or both", (*screen).otherView, func(s *screen, _ string) tea.Cmd {
			s.turn()
			return nil
		}},
		quitKey,
		{[]string{"?"}, "?", "all keys", always("help"), func(s *screen, _ string) tea.Cmd { s.overlay = help; return nil }},
		{[]string{"l"}, "l", "the list of lessons, and of the parts of each", always("lessons"), func(s *screen, _ string) tea.Cmd {
			s.overlay, s.chosen = lessonList, s.at
			s.chosen.Lesson = min(s.at.Lesson, len(s.lessons)-1)
			return nil
		}},
		{[]string{"y"}, "y", "send the last command to the terminal's clipboard (OSC 52)", func(s *screen) string {
			if s.command() == "" {
				return ""
			}
			return "copy"
		}, func(s *screen, _ string) tea.Cmd { return s.copy() }},
		{[]string{"pgup", "left", "down", "up", "j", "k", "home", "end"}, "Up Down", "scroll (also j and k, PgUp, Home and End)", func(s *screen) string {
			if _, bottom := s.window(); bottom == 0 {
				return ""
			}
			return "scroll"
		}, scrollBy},
		themeKey,
		suspendKey,
	}
}

// turn shows what otherView names: the drawing, the text, and both where there is room.
func (s *screen) turn() {
	switch s.otherView() {
	case "drawing":
		s.shown = drawingAlone
		return
	case "text":
		s.shown = both
		if s.layout().board.height > 0 {
			s.shown = textAlone
		}
		return
	}
	s.shown = both
}

// otherView names what Tab shows; it is empty where there is only the text.
func (s *screen) otherView() string {
	split := *s
	split.shown = both
	l := split.layout()
	switch {
	case !s.live():
		return ""
	case s.shown == drawingAlone:
		return "text"
	case s.shown == both, l.board.height == 0:
		return "drawing"
	}
	return "both"
}

func listKeys() []key {
	return []key{
		{[]string{"j", "k", "down", "up", "pgdown", "pgup", "home", "end"}, "j k", "move", always("choose"), func(s *screen, name string) tea.Cmd {
			s.chosen = course.Place{Lesson: moved(s.chosen.Lesson, name, len(s.lessons))}
			if s.chosen.Lesson == s.at.Lesson {
				s.chosen = s.at
			}
			return nil
		}},
		{[]string{"enter", "space"}, "Enter", "begin the lesson", func(s *screen) string {
			if s.chosen.Lesson == s.at.Lesson {
				return "return to it"
			}
			return "begin it"
		}, func(s *screen, _ string) tea.Cmd { s.choose(s.chosen.Lesson); return nil }},
		{[]string{"p", "right", "tab"}, "p", "the parts of the lesson", always("its parts"), func(s *screen, _ string) tea.Cmd {
			s.overlay = partList
			return nil
		}},
		{[]string{"l", "esc", "b"}, "l", "back to where you were", always("back"), leave},
		quitKey,
		themeKey,
		suspendKey,
	}
}

func partKeys() []key {
	return []key{
		{[]string{"j", "k", "down", "up", "pgdown", "pgup", "home", "end"}, "j k", "move", always("choose"), func(s *screen, name string) tea.Cmd {
			s.chosen.Part = moved(s.chosen.Part, name, len(s.lessons[s.chosen.Lesson].Parts))
			return nil
		}},
		{[]string{"enter", "space"}, "Enter", "go to the part", func(s *screen) string {
			if s.chosen == s.at {
				return "return to it"
			}
			return "go there"
		}, func(s *screen, _ string) tea.Cmd { s.jump(s.chosen); return nil }},
		{[]string{"p", "left", "b"}, "p", "back to the lessons", always("lessons"), func(s *screen, _ string) tea.Cmd {
			s.overlay = lessonList
			return nil
		}},
		{[]string{"l", "esc"}, "l", "back to where you were", always("back"), leave},
		quitKey,
		themeKey,
		suspendKey,
	}
}

// moved is where a key moves to in a list of so many, from a place in it.
func moved(from int, name string, length int) int {
	step := map[string]int{"j": 1, "k": -1, "down": 1, "up": -1, "pgdown": 5, "pgup": -5, "home": -length, "end": length}[name]
	return min(max(from+step, 0), length-1)
}

func helpKeys() []key {
	return []key{
		{[]string{"j", "k", "down", "up"}, "j k", "scroll", func(s *screen) string {
			if len(s.keyRows()) <= s.height-s.above()-underneath {
				return ""
			}
			return "scroll"
		}, func(s *screen, name string) tea.Cmd {
			if s.lines++; name == "k" || name == "up" {
				s.lines -= 2
			}
			return nil
		}},
		{[]string{"?", "esc", "b", "space", "enter"}, "?", "back to where you were", always("back"), leave},
		quitKey,
		themeKey,
		suspendKey,
	}
}

func always(words string) func(*screen) string { return func(*screen) string { return words } }

func leave(s *screen, _ string) tea.Cmd { s.overlay = nothing; return nil }

// answers tells which answers a prediction has, as long as it is one: when the
// experiment has begun it is settled.
func answers(s *screen) string {
	if s.page().recall != nil {
		return "answer"
	}
	if !s.page().over || !s.walk.CanPredict(s.at) {
		return ""
	}
	return "answer"
}

func scrollBy(s *screen, name string) tea.Cmd {
	const all = 1 << 20
	s.scroll(map[string]int{"pgup": -s.pageful(), "pgdown": s.pageful(), "left": -s.pageful(), "down": 1, "up": -1, "j": 1, "k": -1, "home": -all, "end": all}[name])
	return nil
}
