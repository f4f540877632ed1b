package view

import (
	"io"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

// Look is how a text is to look: decided once from the flags, the environment and
// the terminal, and passed down.
type Look struct {
	Width  int  // columns
	Colour bool // ANSI escapes may be written
	ASCII  bool // the locale has no UTF-8
}

// A theme is the styles and glyphs of a Look. Body text keeps the terminal's own
// colours; the accents are from its 16, so that they fit its background. No
// meaning hangs on them: each word that has a colour says the same without.
type theme struct {
	title, heading, code, strong, dim, good, bad lipgloss.Style

	rule, bar, here, dash, space, dot, hole, more, arrow string
}

func newTheme(l Look) theme {
	profile := termenv.Ascii
	if l.Colour {
		profile = termenv.ANSI
	}
	r := lipgloss.NewRenderer(io.Discard)
	r.SetColorProfile(profile)
	style := r.NewStyle
	t := theme{
		title:   style().Bold(true),
		heading: style().Foreground(lipgloss.ANSIColor(6)).Bold(true),
		code:    style().Foreground(lipgloss.ANSIColor(6)),
		strong:  style().Bold(true),
		dim:     style().Faint(true),
		good:    style().Foreground(lipgloss.ANSIColor(2)).Bold(true),
		bad:     style().Foreground(lipgloss.ANSIColor(1)).Bold(true),
		rule:    "─", bar: "│", here: "●", dash: "─", space: "·", dot: "·", hole: "·", more: "…", arrow: "→",
	}
	if l.ASCII {
		t.rule, t.bar, t.here, t.dash, t.space, t.dot, t.hole, t.more, t.arrow = "-", "|", "*", "-", "_", "-", ".", "...", "->"
	}
	return t
}
