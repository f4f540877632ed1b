package tour

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// The line in which a learner types what they read after an experiment. While it is open
// the letters are for it, and not for what they do elsewhere.

// typeable are the characters of numbers, of names of the kernel, and of addresses.
var typeable = strings.Split("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-.:/", "")

// fieldRoom is how many characters the line takes: more than any of these has.
const fieldRoom = 40

// observes reports whether the learner may say what they read on the page in sight.
func (s *screen) observes() bool {
	return s.page().over && s.page().with == nil && s.walk.CanObserve(s.at)
}

func (s *screen) startTyping(first string) {
	p := s.page()
	p.typing, p.typed = true, first
}

func (s *screen) typeOn(text string) {
	p := s.page()
	for _, r := range text {
		if slices.Contains(typeable, string(r)) && len(p.typed) < fieldRoom {
			p.typed += string(r)
		}
	}
}

// paste types what the terminal pastes.
func (s *screen) paste(text string) {
	if s.page().typing && s.overlay == nothing {
		s.typeOn(text)
	}
}

// sayRead says what was typed. What cannot be meant stays, to be typed anew.
func (s *screen) sayRead() {
	p := s.page()
	if s.note = s.walk.Observe(s.part(), p.typed); s.note != "" {
		return
	}
	p.typing, p.read = false, p.typed
}

func fieldKeys() []key {
	return []key{
		{[]string{"enter"}, "Enter", "say it", func(s *screen) string {
			if s.page().typed == "" {
				return ""
			}
			return "say it"
		}, func(s *screen, _ string) tea.Cmd { s.sayRead(); return nil }},
		{[]string{"esc"}, "Esc", "say nothing for now", always("leave it"), func(s *screen, _ string) tea.Cmd {
			s.page().typing = false
			return nil
		}},
		{typeable, "0-9 A-Z", "type what you read", always("type it"), func(s *screen, name string) tea.Cmd { s.typeOn(name); return nil }},
		{[]string{"backspace"}, "Backspace", "take the last character back", func(s *screen) string {
			if s.page().typed == "" {
				return ""
			}
			return "take back"
		}, func(s *screen, _ string) tea.Cmd {
			p := s.page()
			p.typed = p.typed[:len(p.typed)-1]
			return nil
		}},
		{[]string{"pgup", "pgdown", "down", "up", "home", "end"}, "Up Down", "scroll", func(s *screen) string {
			if _, _, _, bottom := s.sight(); bottom == 0 {
				return ""
			}
			return "scroll"
		}, scrollBy},
		{[]string{"ctrl+c", "ctrl+\\"}, "Ctrl-C", "quit; the place is kept", always("quit"),
			func(*screen, string) tea.Cmd { return tea.Quit }},
		suspendKey,
	}
}
