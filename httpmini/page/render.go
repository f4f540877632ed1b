package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"strings"
	"sync"
	texttemplate "text/template"
	"time"
)

//go:embed templates
var files embed.FS

// read is an embedded file.
func read(name string) string {
	text, err := files.ReadFile("templates/" + name)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// style is the style sheet that every HTML page carries.
var style = sync.OnceValue(func() string { return read("style.css") })

// The templates are parsed when the first page is asked for: most commands of
// fd3 show none.
var (
	htmlPages = sync.OnceValue(func() *template.Template {
		return template.Must(template.New("").Funcs(functions).Funcs(template.FuncMap{
			"style": func() template.CSS { return template.CSS(style()) },
		}).ParseFS(files, "templates/*.html", "templates/words.tmpl"))
	})
	textPages = sync.OnceValue(func() *texttemplate.Template {
		return texttemplate.Must(texttemplate.New("").Funcs(functions).ParseFS(files, "templates/*.txt", "templates/words.tmpl"))
	})
)

var functions = map[string]any{
	"count":    count[int],
	"bytes":    func(n int64) string { return count(n, "byte") },
	"duration": duration,
	"hang":     hang,
	"command":  command,
	"callouts": callouts,
	"rows":     rows,
	"list":     func(items ...any) []any { return items },
}

// render fills the template name.html or name.txt. The templates are ours, so
// one that fails is a bug: a test renders each.
func render(name string, html bool, data any) (contentType string, body []byte) {
	var b bytes.Buffer
	if html {
		if err := htmlPages().ExecuteTemplate(&b, name+".html", data); err != nil {
			panic(err)
		}
		return Type(true), b.Bytes()
	}
	if err := textPages().ExecuteTemplate(&b, name+".txt", data); err != nil {
		panic(err)
	}
	return Type(false), []byte(fold(b.String()))
}

// Type is the media type of a page.
func Type(html bool) string {
	if html {
		return "text/html; charset=utf-8"
	}
	return "text/plain; charset=utf-8"
}

// words reads a file of lines "key: sentence".
func words(name string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(read(name)) {
		if name, text, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			m[name] = text
		}
	}
	return m
}

// count is a number with its noun, such as "1 byte" and "2 directories".
func count[N int | int64](n N, noun string) string {
	if n != 1 {
		if stem, ok := strings.CutSuffix(noun, "y"); ok {
			noun = stem + "ie"
		}
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// duration is a time in the unit that suits it.
func duration(d time.Duration) string {
	switch {
	case d < time.Microsecond:
		return fmt.Sprintf("%d ns", d.Nanoseconds())
	case d < time.Millisecond:
		return fmt.Sprintf("%.1f µs", float64(d)/float64(time.Microsecond))
	case d < time.Second:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}
