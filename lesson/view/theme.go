package view

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

// A Look describes how a text looks. It is decided once from the flags, the environment and
// the terminal, and passed down.
type Look struct {
	Width  int   // columns
	Drawn  int   // columns of a drawing, where that has more room than words; 0: Width
	Rows   int   // a drawing takes no more; 0: not many more than a screen has
	Whole  bool  // a ladder leaves nothing out, however long it is: for a file, or another program
	Words  bool  // a drawing is told in sentences
	Colour bool  // ANSI escapes may be written
	ASCII  bool  // the locale has no UTF-8
	Theme  Theme // which, where Colour is true
}

// A Theme is a choice of colours. The empty one is Auto.
type Theme string

const (
	Auto     Theme = "auto"     // the terminal's own 16 colours, which fit its background
	Light    Theme = "light"    // dark colours on white, whatever the terminal has
	Dark     Theme = "dark"     // light colours on nearly black
	Contrast Theme = "contrast" // white on black, and no hues but bold, underlined and reverse: for projectors
)

// Themes lists every Theme, in the order in which Next goes through them.
var Themes = []Theme{Auto, Light, Dark, Contrast}

// ParseTheme returns the Theme of that name, or an error that lists the names.
func ParseTheme(name string) (Theme, error) {
	if t := Theme(name); slices.Contains(Themes, t) {
		return t, nil
	}
	return "", fmt.Errorf("%q is no theme. The themes are: %s", name, strings.Trim(fmt.Sprint(Themes), "[]"))
}

// Next returns the theme after this one; the first follows the last.
func (t Theme) Next() Theme {
	return Themes[(max(slices.Index(Themes, t), 0)+1)%len(Themes)]
}

// A theme is the styles and glyphs of a Look. With Auto body text keeps the terminal's
// own colours; each other theme has a ground of its own, since its colours are for that
// alone: on it every text has a contrast of 4.5:1 at least (WCAG 2.2, 1.4.3). No meaning
// hangs on a colour: each word that has one says the same without.
type theme struct {
	ground ground

	title, heading, code, words, strong, dim, line, good, bad, chosen lipgloss.Style

	layers [layerColours]lipgloss.Style // of a packet, from the outermost on

	rule, bar, here, dash, space, dot, hole, more, arrow, full, some, empty, done, pointer string
}

// layerColours is how many layers of a packet are told apart by colours, too.
const layerColours = 4

// styles returns what makes styles, which without colours change nothing.
func styles(colour bool) (style func() lipgloss.Style) {
	profile := termenv.Ascii
	if colour {
		profile = termenv.ANSI256
	}
	r := lipgloss.NewRenderer(io.Discard)
	r.SetColorProfile(profile)
	return r.NewStyle
}

func newTheme(l Look) theme {
	style := styles(l.Colour)
	t := theme{
		title:  style().Bold(true),
		strong: style().Bold(true),
		chosen: style().Bold(true).Reverse(true),
		words:  style(),
		rule:   "─", bar: "│", here: "●", dash: "─", space: "·", dot: "·", hole: "·", more: "…", arrow: "→", full: "█", some: "▏", empty: "░", done: "✓", pointer: "▶",
	}
	own := func(text, background int) {
		if l.Colour {
			t.ground = newGround(text, background)
		}
	}
	layers := func(colours ...lipgloss.TerminalColor) {
		for i := range t.layers {
			t.layers[i] = style().Foreground(colours[i])
		}
	}
	accents := func(heading, dim, good, bad lipgloss.TerminalColor) {
		t.heading = style().Foreground(heading).Bold(true)
		t.code = style().Foreground(heading)
		t.dim = style().Foreground(dim)
		t.line = t.dim
		t.good = style().Foreground(good).Bold(true)
		t.bad = style().Foreground(bad).Bold(true)
	}
	switch l.Theme {
	case Light:
		own(235, 231)
		accents(lipgloss.Color("25"), lipgloss.Color("240"), lipgloss.Color("22"), lipgloss.Color("124"))
		layers(lipgloss.Color("90"), lipgloss.Color("25"), lipgloss.Color("22"), lipgloss.Color("94"))
	case Dark:
		own(253, 234)
		accents(lipgloss.Color("117"), lipgloss.Color("248"), lipgloss.Color("114"), lipgloss.Color("210"))
		layers(lipgloss.Color("176"), lipgloss.Color("117"), lipgloss.Color("114"), lipgloss.Color("222"))
	case Contrast:
		own(231, 16)
		t.heading = style().Bold(true).Underline(true)
		t.code = style().Underline(true)
		t.dim, t.line = style(), style()
		t.good = style().Bold(true)
		t.bad = style().Bold(true).Reverse(true)
		for i := range t.layers {
			t.layers[i] = style().Bold(true)
		}
	default:
		accents(lipgloss.ANSIColor(6), lipgloss.NoColor{}, lipgloss.ANSIColor(2), lipgloss.ANSIColor(1))
		layers(lipgloss.ANSIColor(5), lipgloss.ANSIColor(6), lipgloss.ANSIColor(2), lipgloss.ANSIColor(3))
		t.line = style().Faint(true) // how faint is the terminal's choice, so nothing that is read is
	}
	if l.ASCII {
		t.rule, t.bar, t.here, t.dash, t.space, t.dot, t.hole, t.more, t.arrow, t.full, t.some, t.empty, t.done, t.pointer = "-", "|", "*", "-", "_", "-", ".", "...", "->", "#", ":", ".", "x", ">"
	}
	return t
}
