package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// shown is what stands on a terminal of 12x3 after this text.
func shown(text string) frame {
	s := newScreen(12, 3)
	s.write(text)
	return s.frame()
}

// wellFormed fails if a picture is no XML, or refers to a row that is not there.
func wellFormed(t *testing.T, name, picture string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(picture))
	rows, used := make(map[string]bool), make(map[string]bool)
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		e, _ := token.(xml.StartElement)
		for _, a := range e.Attr {
			switch {
			case e.Name.Local == "g" && a.Name.Local == "id":
				rows["#"+a.Value] = true
			case e.Name.Local == "use" && a.Name.Local == "href":
				used[a.Value] = true
			case strings.Contains(a.Value, "http") && a.Name.Local != "xmlns":
				t.Errorf("%s loads %s", name, a.Value)
			}
		}
	}
	for row := range used {
		if !rows[row] {
			t.Errorf("%s: no row %s", name, row)
		}
	}
	for row := range rows {
		if !used[row] {
			t.Errorf("%s: the row %s is in no frame", name, row)
		}
	}
}

// A row has its texts with their styles, and its boxes as lines.
func TestStill(t *testing.T) {
	picture := svg("a <b>", []frame{shown("\x1b[1ma<b\x1b[0m \x1b[2;36mc\x1b[0m\r\n\x1b[7mR\x1b[0m╭╌▶漢x\r\n")})
	wellFormed(t, "picture", picture)
	for _, want := range []string{
		`<title>a &lt;b&gt;</title>`,
		`<text class="b" x="0" y="15" textLength="27">a&lt;b</text>`,
		`<text class="f c6" x="36" y="15" textLength="9">c</text>`,
		`<rect x="0" width="9" height="20" fill="currentColor"/><text class="r" x="0" y="15" textLength="9">R</text>`,
		`<path d="M13.5 20v-5.5q0-4.5 4.5-4.5M20 10h5"/>`,
		`<text x="27" y="15" textLength="36">▶漢x</text>`,
		`prefers-color-scheme:dark`,
	} {
		if !strings.Contains(picture, want) {
			t.Errorf("no %s in\n%s", want, picture)
		}
	}
	if strings.Contains(picture, "animation") {
		t.Error("a still moves")
	}
}

// A row that several frames have is drawn once, and each frame stays as long as it did.
func TestAnimation(t *testing.T) {
	one, two := shown("same\r\none"), shown("same\r\ntwo")
	one.stays, two.stays = time.Second, 3*time.Second
	picture := svg("", []frame{one, two})
	wellFormed(t, "picture", picture)
	if n := strings.Count(picture, ">same<"); n != 1 {
		t.Errorf("a row is drawn %d times", n)
	}
	for _, want := range []string{"film 4.0s steps(1,end) infinite", "0.00%{transform:translate(0px)}25.00%{transform:translate(-136px)}", "prefers-reduced-motion:reduce"} {
		if !strings.Contains(picture, want) {
			t.Errorf("no %s in\n%s", want, picture)
		}
	}
}

// The frames of a recording are what stood there while nothing was written. The end is
// none: then the program gives the terminal back.
func TestCast(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cast")
	text := `{"version":2,"width":12,"height":3}
[0.01,"o","o"]
[0.02,"o","ne"]
[0.03,"m","a marker"]
[2.03,"o","\u001b[2J\u001b[Htwo"]
[3.03,"o","\u001b[2J"]
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	frames, err := cast(path)
	if err != nil || len(frames) != 2 {
		t.Fatal(len(frames), err)
	}
	for i, want := range []struct {
		text  string
		stays time.Duration
	}{{"one", 2030 * time.Millisecond}, {"two", time.Second}} {
		got := ""
		for _, c := range frames[i].rows[0] {
			got += c.Content
		}
		if strings.TrimSpace(got) != want.text || frames[i].stays.Round(time.Millisecond) != want.stays {
			t.Errorf("%q for %s", got, frames[i].stays)
		}
	}
}

func TestCut(t *testing.T) {
	f := shown("one\r\n\r\nthree")
	for words, want := range map[string]int{"": 3, "three": 1, "one": 0} {
		if got := len(f.cut(words).rows); got != want {
			t.Errorf("%q leaves %d rows of %d", words, got, want)
		}
	}
}

// Each picture of the README is there, small and of a scene, and each scene is in the
// README.
func TestPicturesOfTheREADME(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range scenes {
		names = append(names, "docs/"+s.name+".svg")
	}
	var found []string
	for _, m := range regexp.MustCompile(`!\[[^\]]+\]\(([^)]+)\)`).FindAllStringSubmatch(string(readme), -1) {
		found = append(found, m[1])
		picture, err := os.ReadFile("../../" + m[1])
		if err != nil {
			t.Error(err)
		}
		wellFormed(t, m[1], string(picture))
		if len(picture) > 300_000 {
			t.Errorf("%s has %d bytes", m[1], len(picture))
		}
	}
	slices.Sort(names)
	slices.Sort(found)
	if !slices.Equal(names, found) {
		t.Errorf("scenes: %q, in the README: %q", names, found)
	}
}
