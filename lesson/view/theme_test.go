package view

import (
	"bytes"
	"image/color"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"

	"fd3/lesson"
)

// Without its colours each theme is the same text: nothing hangs on them.
func TestThemesOnlyDecorate(t *testing.T) {
	blanks := regexp.MustCompile(` +\n`)
	words := func(s string) string { return blanks.ReplaceAllString(ansi.Strip(s), "\n") }
	auto := words(render(t, Look{Width: 80, Colour: true}))
	for _, theme := range Themes {
		styled := render(t, Look{Width: 80, Colour: true, Theme: theme})
		if words(styled) != auto {
			t.Errorf("%s has another text", theme)
		}
		if got := render(t, Look{Width: 80, Theme: theme}); strings.Contains(got, "\x1b") {
			t.Errorf("%s has styles without colours", theme)
		}
		for _, colour := range []string{"\x1b[3", "38;5;", "[9"} {
			if theme == Contrast && strings.Contains(styled, colour) {
				t.Errorf("%s has a colour: %q", theme, colour)
			}
		}
	}
}

// What stands out does so from its words on, also where they go on in the next line: no
// margin is underlined, or bright.
func TestMarginsHaveNoStyle(t *testing.T) {
	var out bytes.Buffer
	look := Look{Width: 40, Colour: true, Theme: Contrast}
	err := NewText(&out, look).Show(lesson.Evidence{Fact: "x", Value: "1", Source: "a(2)", Command: "cat one/two three/four five/six seven/eight"}.Event())
	if err != nil || strings.Count(out.String(), "\x1b[4m") < 2 {
		t.Fatalf("%v: no command in two lines: %q", err, out.String())
	}
	if found := regexp.MustCompile(`(?m)^ *\x1b\[[47]m .*`).FindString(out.String()); found != "" {
		t.Errorf("%q", found)
	}
}

func TestThemeNames(t *testing.T) {
	next := Theme("")
	var met []Theme
	for range Themes {
		next = next.Next()
		met = append(met, next)
		if got, err := ParseTheme(string(next)); err != nil || got != next {
			t.Errorf("ParseTheme(%q) = %q, %v", next, got, err)
		}
	}
	slices.Sort(met)
	if len(slices.Compact(met)) != len(Themes) {
		t.Errorf("Next meets %v", met)
	}
	if _, err := ParseTheme("pink"); err == nil || !strings.Contains(err.Error(), "auto light dark contrast") {
		t.Errorf("ParseTheme(pink): %v", err)
	}
}

func TestGauge(t *testing.T) {
	plain := newTheme(Look{ASCII: true})
	for _, c := range []struct {
		have, full int64
		want       string
	}{{0, 5, "...."}, {1, 1 << 50, ":..."}, {5, 10, "##.."}, {2, 1, "####"}, {0, 0, "...."}, {1, 0, "####"}, {-1, 5, "...."}, {1 << 50, 1 << 51, "##.."}} {
		if got := plain.gauge(c.have, c.full, 4); got != c.want {
			t.Errorf("%d of %d: %s, want %s", c.have, c.full, got, c.want)
		}
	}
}

// No errno has the colour of success, also where it is what the lesson is about.
func TestErrnoHasNotTheColourOfSuccess(t *testing.T) {
	for _, theme := range []Theme{Auto, Light, Dark} {
		look := Look{Width: 200, Colour: true, Theme: theme}
		good := strings.TrimSuffix(newTheme(look).good.Render("|"), "|\x1b[0m")
		for errno, result := range map[string]string{"": "0", "EINPROGRESS": "-1 EINPROGRESS", "ECONNREFUSED": "-1 ECONNREFUSED", "EAGAIN": "-1 EAGAIN"} {
			for _, recap := range []bool{true, false} {
				var out bytes.Buffer
				e := lesson.Event{Kind: lesson.KindReturn, Recap: recap, Title: "client", Strace: "connect(3) = " + result, Result: result, ErrnoName: errno}
				if errno != "" {
					e.Errno = 1
				}
				if err := NewText(&out, look).Show(e); err != nil {
					t.Fatal(err)
				}
				if success := strings.Contains(out.String(), good+"="); success != (errno == "") {
					t.Errorf("%s: %q", theme, out.String())
				}
			}
		}
	}
}

// A theme that chooses colours can be read in any terminal: each style, and what has
// none, has a contrast of 4.5:1 with what stands behind it (WCAG 2.2, 1.4.3).
func TestThemesCanBeRead(t *testing.T) {
	for _, name := range []Theme{Light, Dark, Contrast} {
		p := NewPaint(Look{Colour: true, Theme: name})
		of := reflect.TypeFor[theme]()
		styles := make(map[string]lipgloss.Style)
		for _, s := range []struct {
			name  string
			style lipgloss.Style
		}{
			{"title", p.theme.title}, {"heading", p.theme.heading}, {"code", p.theme.code}, {"words", p.theme.words}, {"strong", p.theme.strong},
			{"dim", p.theme.dim}, {"line", p.theme.line}, {"good", p.theme.good}, {"bad", p.theme.bad}, {"chosen", p.theme.chosen},
		} {
			styles[s.name] = s.style
		}
		for i := range of.NumField() {
			if f := of.Field(i); f.Type == reflect.TypeFor[lipgloss.Style]() {
				if _, asked := styles[f.Name]; !asked {
					t.Errorf("this test does not look at the style %s", f.Name)
				}
			}
		}
		for style, s := range styles {
			row := p.Ground("x"+s.Render("y")+"z", 5)
			for x, c := range cells(t, row, 5) {
				if !c.readable() {
					t.Errorf("%s, %s: cell %d of %q: %v on %v", name, style, x, row, c.text, c.behind)
				}
			}
		}
	}
}

// Auto has no colours but those that the terminal itself has for accents, and no words
// that are faint: some terminals take half of the contrast away.
func TestAutoHasTheTerminalsColours(t *testing.T) {
	styled := render(t, Look{Width: 80, Colour: true})
	for _, words := range regexp.MustCompile("\x1b\\[2m([^\x1b]*)").FindAllStringSubmatch(styled, -1) {
		if strings.Trim(words[1], " ─│") != "" {
			t.Errorf("faint: %q", words[1])
		}
	}
	for _, escape := range sgr.FindAllString(styled, -1) {
		for _, n := range strings.Split(strings.Trim(escape, "\x1b[m"), ";") {
			if !slices.Contains([]string{"0", "1", "2", "7", "31", "32", "36"}, n) {
				t.Errorf("%q sets %s", escape, n)
			}
		}
	}
	if got := NewPaint(Look{Colour: true}).Ground("x", 5); got != "x" {
		t.Errorf("a background: %q", got)
	}
}

// A line on the ground has its colours from the first cell to the last, and the line
// after it none of its styles.
func TestGroundIsUnderWholeLines(t *testing.T) {
	look := Look{Width: 60, Colour: true, Theme: Light}
	var out bytes.Buffer
	text := NewText(OnGround(&out, look), look)
	if err := text.Show(lesson.Event{Kind: lesson.KindText, Section: "meaning", Text: "One **" + strings.Repeat("very bold ", 12) + "word** and `code`."}); err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(rows) < 4 {
		t.Fatalf("%q", rows)
	}
	for _, row := range rows {
		if !strings.HasPrefix(row, string(NewPaint(look).theme.ground)) || !strings.HasSuffix(row, eraseRow+reset) {
			t.Errorf("%q", row)
		}
		for x, c := range cells(t, row, 60) {
			if !c.readable() {
				t.Errorf("cell %d of %q: %v on %v", x, row, c.text, c.behind)
			}
		}
	}
	if want := OnGround(&out, Look{Colour: true}); want != &out {
		t.Error("Auto has a ground")
	}
}

// A cell is one of a terminal's, with the colours of its text and behind it.
type cell struct {
	content      string
	text, behind color.Color
}

// cells are those that a row of text has on a terminal.
func cells(t *testing.T, row string, columns int) (all []cell) {
	t.Helper()
	x := vt.NewEmulator(columns, 1)
	if _, err := x.Write([]byte(row)); err != nil {
		t.Fatal(err)
	}
	for i := range columns {
		c := x.CellAt(i, 0)
		all = append(all, cell{strings.TrimSpace(c.Content), c.Style.Fg, c.Style.Bg})
	}
	return all
}

// readable reports whether a text has a contrast of 4.5:1 with its background.
func (c cell) readable() bool {
	return c.behind != nil && (c.content == "" || c.text != nil && contrast(c.text, c.behind) >= 4.5)
}

// contrast is the contrast of two colours, as WCAG 2.2 defines it.
func contrast(text, behind color.Color) float64 {
	luminance := func(c color.Color) float64 {
		r, g, b, _ := c.RGBA()
		linear := func(v uint32) float64 {
			x := float64(v) / 0xffff
			if x <= 0.04045 {
				return x / 12.92
			}
			return math.Pow((x+0.055)/1.055, 2.4)
		}
		return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
	}
	a, b := luminance(text), luminance(behind)
	return (max(a, b) + 0.05) / (min(a, b) + 0.05)
}

// The two colours that differ most have 21:1, and this grey is the first that is too
// light on white.
func TestContrast(t *testing.T) {
	grey := func(v uint8) color.Color { return color.RGBA{v, v, v, 255} }
	if got := contrast(color.Black, color.White); math.Abs(got-21) > 0.001 {
		t.Error(got)
	}
	if a, b := contrast(grey(0x76), color.White), contrast(grey(0x77), color.White); a < 4.5 || b >= 4.5 {
		t.Error(a, b)
	}
}
