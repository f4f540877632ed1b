package view

import (
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// A ground is the escape that sets a theme's own colours of text and background. It is
// empty where the terminal's own are right.
type ground string

func newGround(text, background int) ground {
	return ground(fmt.Sprintf("\x1b[38;5;%d;48;5;%dm", text, background))
}

const reset = "\x1b[0m"

// under puts a line on the ground: after the end of each style it has these colours
// again. to is what fills the rest of the line.
func (g ground) under(line, to string) string {
	if g == "" {
		return line
	}
	return string(g) + strings.ReplaceAll(line, reset, reset+string(g)) + to + reset
}

// Ground returns a row on the background of the theme, as wide as so many columns. Auto
// leaves it as it is. A renderer erases blanks at the end of a row instead of writing them,
// and then tmux does not count them as written: its capture-pane leaves them out. So the
// last one is concealed, which is no blank to a renderer.
func (p Paint) Ground(row string, columns int) string {
	blanks := columns - ansi.StringWidth(row)
	if blanks <= 0 {
		return p.theme.ground.under(row, "")
	}
	return p.theme.ground.under(row, strings.Repeat(" ", blanks-1)+"\x1b[8m ")
}

// OnGround returns a Writer of lines, each on the background of the Look's theme to the
// end of the terminal's row. No style goes on in the next line.
func OnGround(w io.Writer, l Look) io.Writer {
	if g := newTheme(l).ground; g != "" {
		return groundWriter{w, g}
	}
	return w
}

type groundWriter struct {
	w io.Writer
	ground
}

// eraseRow erases the rest of a row, which takes the background that is set (EL).
const eraseRow = "\x1b[K"

func (g groundWriter) Write(b []byte) (int, error) {
	var out strings.Builder
	for line := range strings.Lines(string(b)) {
		text, ended := strings.CutSuffix(line, "\n")
		out.WriteString(g.under(text, eraseRow))
		if ended {
			out.WriteByte('\n')
		}
	}
	if _, err := io.WriteString(g.w, out.String()); err != nil {
		return 0, err
	}
	return len(b), nil
}
