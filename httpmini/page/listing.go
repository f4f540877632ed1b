package page

import (
	"fmt"
	"html/template"
	"strconv"
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

// AppendListingTop appends the page of a directory up to its rows, which AppendRow and
// AppendListingEnd go on with. The path is that of the request, decoded, with "/" at its
// end. Links are relative to it, so the page has to be at a URL that ends in "/" too.
// With truncated the directory holds more than these.
func AppendListingTop(dst []byte, path string, dirs, files int, truncated, html bool) []byte {
	_, top := render("listing", html, listingView{Path: visible(path), Trail: trail(path), Dirs: dirs, Files: files, Truncated: truncated})
	return append(dst, top...)
}

// AppendListingEnd appends the end of the page, after the last row.
func AppendListingEnd(dst []byte, html bool) []byte {
	if !html {
		return dst
	}
	_, end := render("listing-end", true, nil)
	return append(dst, end...)
}

// AppendRow appends the row of a thing in a directory. There may be thousands, so no
// template makes it.
func AppendRow(dst []byte, e Entry, html bool) []byte {
	name, link := visible(e.Name), "./"+string(httpmini.EscapePath(nil, []byte(e.Name)))
	if e.Dir {
		name += "/"
		link += "/"
	}
	if !html {
		size, modified := "", ""
		if !e.Dir {
			size = strconv.FormatInt(e.Size, 10)
		}
		if !e.Modified.IsZero() {
			modified = e.Modified.UTC().Format(minute)
		}
		return append(dst, fold(fmt.Sprintf("%13s  %16s  %s\n", size, modified, hang(33, name)))...)
	}
	dst = append(dst, `<tr role="row"><td role="cell" class="name`...)
	if e.Dir {
		dst = append(dst, " dir"...)
	}
	dst = append(dst, `"><a href="`...)
	dst = append(dst, template.HTMLEscapeString(link)...)
	dst = append(dst, `">`...)
	dst = append(dst, template.HTMLEscapeString(name)...)
	dst = append(dst, `</a></td><td role="cell" class="number">`...)
	if !e.Dir {
		dst = fmt.Appendf(dst, `<data value="%d" title="%s">%s</data>`, e.Size, count(e.Size, "byte"), human(e.Size))
	}
	dst = append(dst, `</td><td role="cell">`...)
	if !e.Modified.IsZero() {
		t := e.Modified.UTC()
		dst = append(dst, `<time datetime="`...)
		dst = t.AppendFormat(dst, "2006-01-02T15:04:05Z")
		dst = append(dst, `">`...)
		dst = t.AppendFormat(dst, minute)
		dst = append(dst, `</time>`...)
	}
	return append(dst, "</td></tr>\n"...)
}

// minute is how a listing shows a time, in UTC.
const minute = "2006-01-02 15:04"

// listingView holds the values of the templates listing.html and listing.txt.
type listingView struct {
	Path        string
	Trail       []step
	Dirs, Files int
	Truncated   bool
}

// human is a size in the largest unit that leaves a number of at least 1.
func human(bytes int64) string {
	size := float64(bytes)
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
