package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"fd3/httpmini"
)

// Entry is one thing in a directory.
type Entry struct {
	Name     string
	Dir      bool
	Size     int64     // in bytes; of a file
	Modified time.Time // zero: not known
}

// Listing is the page of a directory, directories first. The path is that of the
// request, decoded, with "/" at its end. Links are relative to it, so the page
// has to be at a URL that ends in "/" too. With truncated the directory holds
// more than entries. The entries are sorted in place.
func Listing(path string, entries []Entry, truncated, html bool) (contentType string, body []byte) {
	slices.SortFunc(entries, func(a, b Entry) int {
		if a.Dir != b.Dir {
			if a.Dir {
				return -1
			}
			return 1
		}
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.Name, b.Name))
	})
	v := listingView{Path: visible(path), Truncated: truncated}
	v.Trail = trail(path)
	for _, e := range entries {
		row := listingRow{Name: visible(e.Name), Link: "./" + string(httpmini.EscapePath(nil, []byte(e.Name))), Size: e.Size, Dir: e.Dir}
		if e.Dir {
			row.Name += "/"
			row.Link += "/"
			v.Dirs++
		} else {
			v.Files++
		}
		if !e.Modified.IsZero() {
			row.Modified = e.Modified.UTC()
			row.Known = true
		}
		v.Rows = append(v.Rows, row)
	}
	return render("listing", html, v)
}

// listingView is what the templates listing.html and listing.txt fill in.
type listingView struct {
	Path        string
	Trail       []step
	Rows        []listingRow
	Dirs, Files int
	Truncated   bool
}

type listingRow struct {
	Name, Link string
	Dir        bool
	Size       int64
	Modified   time.Time
	Known      bool // the time is
}

// Human is the size in the largest unit that leaves a number of at least 1.
func (r listingRow) Human() string {
	size := float64(r.Size)
	for _, unit := range []string{"B", "KiB", "MiB", "GiB"} {
		if size < 999.5 {
			if unit == "B" || size >= 99.95 {
				return fmt.Sprintf("%.0f %s", size, unit)
			}
			return fmt.Sprintf("%.1f %s", size, unit)
		}
		size /= 1024
	}
	return fmt.Sprintf("%.1f TiB", size)
}

// step is a directory on the way from the root to the listed one.
type step struct {
	Name, Link string
	Last       bool
}

// trail is the way to a directory. Empty segments count, as they do in a URL.
func trail(path string) []step {
	names := strings.Split(strings.Trim(path, "/"), "/")
	if names[0] == "" {
		names = nil
	}
	steps := []step{{Name: "/"}}
	for _, n := range names {
		steps = append(steps, step{Name: visible(n) + "/"})
	}
	for i := range steps {
		up := len(steps) - 1 - i
		steps[i].Last = up == 0
		steps[i].Link = "./" + strings.Repeat("../", up)
	}
	return steps
}
