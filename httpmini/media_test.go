package httpmini_test

import (
	"testing"

	"fd3/httpmini"
)

func TestMediaType(t *testing.T) {
	for name, want := range map[string]string{
		"index.html":               "text/html; charset=utf-8",
		"dir/INDEX.HTM":            "text/html; charset=utf-8",
		"style.css":                "text/css; charset=utf-8",
		"a.js":                     "text/javascript; charset=utf-8",
		"a.min.mjs":                "text/javascript; charset=utf-8",
		"a.json":                   "application/json",
		"a.webmanifest":            "application/manifest+json",
		"a.svg":                    "image/svg+xml",
		"a.png":                    "image/png",
		"a.JPeG":                   "image/jpeg",
		"a.gif":                    "image/gif",
		"a.webp":                   "image/webp",
		"a.avif":                   "image/avif",
		"favicon.ico":              "image/vnd.microsoft.icon",
		"a.woff2":                  "font/woff2",
		"a.wasm":                   "application/wasm",
		"a.pdf":                    "application/pdf",
		"a.txt":                    "text/plain; charset=utf-8",
		"a.md":                     "text/markdown; charset=utf-8",
		"a.xml":                    "application/xml",
		"a.csv":                    "text/csv; charset=utf-8",
		"a.mp4":                    "video/mp4",
		"a.webm":                   "video/webm",
		"a.mp3":                    "audio/mpeg",
		"a.ogg":                    "audio/ogg",
		"a.zip":                    "application/zip",
		"a.tar.gz":                 "application/gzip",
		"README":                   "text/plain; charset=utf-8",
		"dir/LICENSE":              "text/plain; charset=utf-8",
		"Makefile":                 "text/plain; charset=utf-8",
		"README/a":                 httpmini.OctetStream,
		"a.conf":                   "text/plain; charset=utf-8",
		"a.ini":                    "text/plain; charset=utf-8",
		"a.yaml":                   "text/plain; charset=utf-8",
		"a.ts":                     "video/mp2t",
		"a.m3u8":                   "application/vnd.apple.mpegurl",
		"a.heic":                   "image/heic",
		"":                         httpmini.OctetStream,
		"a.":                       httpmini.OctetStream,
		".":                        httpmini.OctetStream,
		"html":                     httpmini.OctetStream,
		"dir.html/a":               httpmini.OctetStream,
		"a.unknown":                httpmini.OctetStream,
		"a.html~":                  httpmini.OctetStream,
		"a.averyveryverylongname.": httpmini.OctetStream,
		"a.averyveryverylongname":  httpmini.OctetStream,
	} {
		if got := httpmini.MediaType(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestPrefersHTML(t *testing.T) {
	const xhtml = "application/xhtml+xml"
	const html, plain, either = 'h', 'p', '?' // either: as it is by default
	for name, tt := range map[string]struct {
		accept []string
		want   rune
	}{
		"RFC 9110 12.5.1 no Accept":                      {nil, either},
		"RFC 9110 12.5.1 an empty Accept":                {[]string{""}, either},
		"curl":                                           {[]string{"*/*"}, either},
		"Chromium":                                       {[]string{"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"}, html},
		"Firefox":                                        {[]string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, html},
		"lynx":                                           {[]string{"text/html, text/plain, text/sgml, text/css, application/xhtml+xml, */*;q=0.01"}, html},
		"an image":                                       {[]string{"image/avif,image/webp,*/*;q=0.8"}, either},
		"RFC 9110 12.5.1 text/* names no HTML":           {[]string{"text/*"}, either},
		"RFC 9110 12.5.1 plain alone":                    {[]string{"text/plain"}, plain},
		"RFC 9110 12.5.1 HTML alone":                     {[]string{"text/html"}, html},
		"RFC 9110 12.5.1 XHTML alone":                    {[]string{xhtml}, html},
		"RFC 9110 12.5.1 case":                           {[]string{"Text/HTML"}, html},
		"RFC 9110 12.4.2 q=0 excludes":                   {[]string{"text/html;q=0"}, plain},
		"RFC 9110 12.4.2 q=0.000 excludes":               {[]string{"text/html;q=0.000, */*"}, plain},
		"RFC 9110 12.4.2 q=0 excludes, whatever XHTML":   {[]string{"text/html;q=0, " + xhtml}, plain},
		"RFC 9110 12.4.2 a little":                       {[]string{"text/html;q=0.001"}, html},
		"RFC 9110 12.4.2 below plain":                    {[]string{"text/html;q=0.8, text/plain"}, plain},
		"RFC 9110 12.4.2 like plain":                     {[]string{"text/html;q=0.8, text/plain;q=0.8"}, html},
		"RFC 9110 12.4.2 above plain":                    {[]string{"text/plain;q=0.799, text/html;q=0.8"}, html},
		"RFC 9110 12.5.1 plain by text/*":                {[]string{"text/html;q=0.5, text/*"}, plain},
		"RFC 9110 12.5.1 plain by */*":                   {[]string{"text/html;q=0.5, */*;q=0.8"}, plain},
		"RFC 9110 12.5.1 the most precise range counts":  {[]string{"text/html;q=0.5, text/plain;q=0.3, text/*;q=0.9, */*"}, html},
		"RFC 9110 12.5.1 text/* before */*":              {[]string{"*/*, text/html;q=0.5, text/*;q=0.3"}, html},
		"RFC 9110 12.4.2 plain excluded":                 {[]string{"text/plain;q=0"}, html},
		"RFC 9110 12.4.2 plain excluded from */*":        {[]string{"text/plain;q=0, */*"}, html},
		"RFC 9110 12.4.2 HTML excluded from text/*":      {[]string{"text/*;q=0.5, text/html;q=0"}, plain},
		"RFC 9110 12.4.2 both excluded":                  {[]string{"text/html;q=0, text/plain;q=0"}, either},
		"RFC 9110 12.4.2 all excluded":                   {[]string{"*/*;q=0"}, either},
		"RFC 9110 12.5.1 plain beside */*":               {[]string{"application/json, text/plain, */*"}, plain},
		"RFC 9110 12.5.1 HTML by */*":                    {[]string{"text/plain;q=0.5, */*"}, html},
		"RFC 9110 12.5.1 HTML by text/*":                 {[]string{"text/plain;q=0.5, text/*;q=0.6, */*;q=0.1"}, html},
		"RFC 9110 12.5.1 XHTML beside plain":             {[]string{"text/plain, " + xhtml}, html},
		"RFC 9110 5.3 two lines":                         {[]string{"text/plain;q=0.5", "text/html"}, html},
		"RFC 9110 5.6.1 empty elements":                  {[]string{", ,text/html ,"}, html},
		"RFC 9110 12.4.2 whitespace":                     {[]string{"text/html\t; q=0.1 , text/plain ;Q=0.2"}, plain},
		"RFC 9110 12.5.1 q before another parameter":     {[]string{"text/html;q=0;level=1"}, plain},
		"RFC 9110 12.5.1 other parameters":               {[]string{"text/html;level=1;q=0.4"}, html},
		"RFC 9110 5.6.4 a comma in quotes":               {[]string{`a/b;c="d,text/html", text/plain`}, plain},
		"RFC 9110 5.6.4 a semicolon in quotes":           {[]string{`text/html;c="d;q=0"`}, html},
		"RFC 9110 5.6.4 an escaped quote":                {[]string{`a/b;c="\",text/html"`}, either},
		"RFC 9110 5.6.4 a quote without an end":          {[]string{`a/b;c=", text/html`}, either},
		"RFC 9110 12.4.2 no weight: 2":                   {[]string{"text/html;q=2"}, either},
		"RFC 9110 12.4.2 no weight: 1.001":               {[]string{"text/html;q=1.001"}, either},
		"RFC 9110 12.4.2 no weight: four digits":         {[]string{"text/html;q=0.0001"}, either},
		"RFC 9110 12.4.2 no weight: nothing":             {[]string{"text/html;q="}, either},
		"RFC 9110 12.4.2 no weight: a word":              {[]string{"text/html;q=a"}, either},
		"RFC 9110 12.4.2 no weight: 01":                  {[]string{"text/html;q=01"}, either},
		"RFC 9110 12.4.2 no weight: .5":                  {[]string{"text/html;q=.5"}, either},
		"RFC 9110 12.4.2 no weight: 0.x":                 {[]string{"text/html;q=0.x"}, either},
		"RFC 9110 12.4.2 a weight: 1.":                   {[]string{"text/html;q=1., text/plain;q=0.999"}, html},
		"RFC 9110 12.4.2 a weight: 1.000":                {[]string{"text/html;q=1.000, text/plain;q=1"}, html},
		"RFC 9110 12.4.2 no weight leaves the others be": {[]string{"text/plain;q=x, text/html;q=0.1"}, html},
	} {
		t.Run(name, func(t *testing.T) {
			var lines []string
			for _, a := range tt.accept {
				lines = append(lines, "Accept: "+a)
			}
			r := requestWith(t, "GET", lines...)
			for _, byDefault := range []bool{false, true} {
				want := tt.want == html || tt.want == either && byDefault
				if got := r.PrefersHTML(byDefault); got != want {
					t.Errorf("%q: %v by default: %v", tt.accept, byDefault, got)
				}
			}
		})
	}
}
