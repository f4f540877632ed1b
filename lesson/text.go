package lesson

import (
	"fmt"
	"strings"
	"sync"

	"fd3/lesson/content"
)

// page is one file of lesson/content: its title, and its sections by heading.
type page struct {
	title    string
	sections map[string]string // "before", "meaning unix", "arguments/addr", "EADDRINUSE" …
}

// words is a file of lesson/content by its name without .md. It is read when it is
// first asked for; a name that has no file has no words.
func words(id string) page {
	reading.Lock()
	defer reading.Unlock()
	p, ok := pages[id]
	if !ok {
		b, err := content.Files.ReadFile(id + ".md")
		if err == nil {
			p = readPage(string(b))
		}
		pages[id] = p
	}
	return p
}

var (
	reading sync.Mutex
	pages   = make(map[string]page)
)

// readPage cuts a file at its headings: "# title", "## section" and, within a
// section, "### part", which is kept as "section/part".
func readPage(text string) page {
	p := page{sections: make(map[string]string)}
	section, key := "", ""
	for line := range strings.Lines(text) {
		heading := strings.TrimSpace(strings.TrimLeft(line, "#"))
		switch {
		case strings.HasPrefix(line, "### "):
			key = section + "/" + heading
		case strings.HasPrefix(line, "## "):
			section, key = heading, heading
		case strings.HasPrefix(line, "# "):
			p.title = heading
			continue
		default:
			p.sections[key] += line
			continue
		}
		p.sections[key] = ""
	}
	for key, text := range p.sections {
		p.sections[key] = strings.TrimSpace(text)
	}
	return p
}

// section is the text of a heading in the variant that fits best: the first of
// variants that the page has, else the plain one.
func (p page) section(heading string, variants ...string) (string, bool) {
	for _, v := range variants {
		if text, ok := p.sections[heading+" "+v]; ok {
			return text, true
		}
	}
	text, ok := p.sections[heading]
	return text, ok
}

// fill puts the values in the place of their {names}. Values are not Markdown:
// outside of code what would be read as such is escaped. A name without a value
// is an error, and stands in the text as it is.
func fill(text string, values map[string]string) (string, error) {
	var out strings.Builder
	var missing []string
	inCode := false
	for rest := text; rest != ""; {
		i := strings.IndexAny(rest, "`{")
		if i < 0 {
			out.WriteString(rest)
			break
		}
		out.WriteString(rest[:i])
		if rest[i] == '`' {
			inCode = !inCode
			out.WriteByte('`')
			rest = rest[i+1:]
			continue
		}
		name, after, ok := strings.Cut(rest[i+1:], "}")
		value, known := values[name]
		switch {
		case !ok || !placeholder(name): // a brace of the text itself
			out.WriteByte('{')
			rest = rest[i+1:]
			continue
		case !known:
			missing = append(missing, name)
			out.WriteString("{" + name + "}")
		case inCode:
			out.WriteString(strings.ReplaceAll(value, "`", "'"))
		default:
			out.WriteString(escape(value))
		}
		rest = after
	}
	if len(missing) > 0 {
		return out.String(), fmt.Errorf("no value for %s", strings.Join(missing, ", "))
	}
	return out.String(), nil
}

func placeholder(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") == ""
}

// escape takes the meaning that Markdown gives to some characters from them.
func escape(value string) string {
	var out strings.Builder
	for _, r := range value {
		if strings.ContainsRune("\\`*_[]<>#", r) {
			out.WriteByte('\\')
		}
		out.WriteRune(r)
	}
	return out.String()
}

// FillParagraphs fills each paragraph. One that names a value which the kernel did
// not tell is left out; err says which.
func FillParagraphs(raw string, values map[string]string) (text string, err error) {
	var kept []string
	for paragraph := range strings.SplitSeq(raw, "\n\n") {
		filled, failed := fill(paragraph, values)
		if failed != nil {
			err = failed
			continue
		}
		kept = append(kept, filled)
	}
	return strings.Join(kept, "\n\n"), err
}
