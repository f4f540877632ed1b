package page

import (
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// names that a link or a page could get wrong.
var names = []string{
	"plain.txt", "two words", "a:b", "50%", "%41", "?", "#", "a?b#c", "&amp;", "<b>", "'", `"`, `\`, ";x", "a+b", "~", "@", "grüße", "漢字",
	"\xff\xfe", "\n", "\t", " ", "javascript:alert(1)", "..a", "*", "(1)", "[x]", "{{x}}", "é", "C:\\x", "//", "x/..",
}

// listing is the whole page of these entries.
func listing(path string, entries []Entry, truncated, html bool) (mediaType string, body []byte) {
	dirs := 0
	for _, e := range entries {
		if e.Dir {
			dirs++
		}
	}
	body = AppendListingTop(nil, path, dirs, len(entries)-dirs, truncated, html)
	for _, e := range entries {
		body = AppendRow(body, e, html)
	}
	return Type(html), AppendListingEnd(body, html)
}

// A browser that follows a link asks for the name that is on disk.
func TestLinksLeadToTheNames(t *testing.T) {
	var entries []Entry
	for _, n := range names {
		if !strings.Contains(n, "/") { // no name does
			entries = append(entries, Entry{Name: n, Size: 1}, Entry{Name: n + ".d", Dir: true})
		}
	}
	for _, base := range []string{"http://host/", "http://host/a%20b/", "http://host//a/", "http://host/a:b/c/"} {
		from, err := url.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		_, page := listing(from.Path, entries, false, true)
		var got []string
		for _, m := range regexp.MustCompile(`<td role="cell" class="name[^"]*"><a href="([^"]*)">`).FindAllStringSubmatch(string(page), -1) {
			link, err := url.Parse(html.UnescapeString(m[1]))
			if err != nil {
				t.Fatalf("%s: %v", m[1], err)
			}
			to := from.ResolveReference(link)
			if to.Host != "host" || to.RawQuery != "" || to.Fragment != "" {
				t.Errorf("%s leads to %s", m[1], to)
			}
			if name, ok := strings.CutPrefix(to.Path, from.Path); ok {
				got = append(got, strings.TrimSuffix(name, "/"))
			}
		}
		var want []string
		for _, e := range entries {
			want = append(want, e.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("from %s:\n got %q\nwant %q", base, got, want)
		}
	}
}

func TestListing(t *testing.T) {
	at := time.Date(2026, 11, 21, 15, 2, 3, 0, time.FixedZone("", 3600))
	_, body := listing("/pub/", []Entry{{"a", true, 0, at}, {"Z", true, 4096, at}, {"A", false, 1 << 40, time.Time{}}, {"b", false, 5, at}}, true, false)
	want := `/pub/

2 directories, 2 files. There are more than these: the listing stops here.

         size  modified (UTC)    name
                                 ../
               2026-11-21 14:02  a/
               2026-11-21 14:02  Z/
1099511627776                    A
            5  2026-11-21 14:02  b
`
	if string(body) != want {
		t.Errorf("%s", body)
	}
	_, body = listing("/", nil, false, false)
	if want := "/\n\n0 directories, 0 files.\n\n         size  modified (UTC)    name\n"; string(body) != want {
		t.Errorf("%q", body)
	}
}

// The title is a way up.
func TestTrail(t *testing.T) {
	from, _ := url.Parse("http://host/a/b%20c/d/")
	var got []string
	for _, s := range trail(from.Path) {
		link, err := url.Parse(s.Link)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, s.Name+" "+from.ResolveReference(link).Path)
	}
	want := []string{"/ /", "a/ /a/", "b c/ /a/b c/", "d/ /a/b c/d/"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestHuman(t *testing.T) {
	for size, want := range map[int64]string{0: "0 B", 1: "1 B", 999: "999 B", 1000: "1.0 KiB", 1536: "1.5 KiB", 102400: "100 KiB", 1023 << 10: "1.0 MiB", 1 << 30: "1.0 GiB", 1 << 62: "4194304.0 TiB"} {
		if got := human(size); got != want {
			t.Errorf("%d: %s, want %s", size, got, want)
		}
	}
}
