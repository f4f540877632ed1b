package view

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

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
	p := NewPaint(Look{ASCII: true})
	for _, c := range []struct {
		have, full int64
		want       string
	}{{0, 5, "...."}, {1, 1 << 50, ":..."}, {5, 10, "##.."}, {2, 1, "####"}, {0, 0, "...."}, {1, 0, "####"}, {-1, 5, "...."}, {1 << 50, 1 << 51, "##.."}} {
		if got := p.Gauge(c.have, c.full, 4); got != c.want {
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
