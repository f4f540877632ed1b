package words

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// An Item of a list: "- name: text".
type Item struct{ Name, Text string }

// List takes a text apart whose end is a list of items, "- name: words". A line
// that is indented goes on with the item above it.
func List(text string) (before string, items []Item) {
	var words []string
	for line := range strings.Lines(text) {
		name, rest, ok := strings.Cut(strings.TrimPrefix(line, "- "), ":")
		switch {
		case strings.HasPrefix(line, "- ") && ok:
			items = append(items, Item{name, strings.TrimSpace(rest)})
		case len(items) > 0 && strings.HasPrefix(line, "  "):
			items[len(items)-1].Text += " " + strings.TrimSpace(line)
		default:
			words = append(words, line)
		}
	}
	return strings.TrimSpace(strings.Join(words, "")), items
}

// Commands returns the items of a list of commands, "- `command`: words", with
// the values in them. A Name is the command as it is typed, a Text is Markdown. An
// item that names an unknown value is left out; err says which.
func Commands(text string, values map[string]string) (items []Item, err error) {
	var unknown []string
	for item := range strings.SplitSeq("\n"+text, "\n- ") {
		command, words, ok := strings.Cut(strings.TrimPrefix(oneLine(item), "`"), "`")
		if !ok {
			continue
		}
		if missing := missing(item, values); missing != nil {
			unknown = append(unknown, missing...)
			continue
		}
		filled, failed := Fill(strings.TrimLeft(words, ": "), values)
		err = errors.Join(err, failed)
		items = append(items, Item{hole.ReplaceAllStringFunc(command, func(h string) string { return clean(values[h[1:len(h)-1]]) }), filled})
	}
	if unknown != nil {
		err = errors.Join(unknownError(unknown), err)
	}
	return items, err
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// Cut takes the paragraph out of a text that begins with a name, as in "Look: there". It
// returns what follows the name, in one line, and the text without the paragraph.
func Cut(text, name string) (value, rest string) {
	var kept []string
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		if after, ok := strings.CutPrefix(strings.TrimSpace(paragraph), name); ok && value == "" {
			value = oneLine(after)
			continue
		}
		kept = append(kept, paragraph)
	}
	return value, strings.Join(kept, "\n\n")
}

// Paragraph returns, in one line, what follows name in the paragraph that begins
// with it, as in "Asks: why?".
func Paragraph(text, name string) string {
	value, _ := Cut(text, name)
	return value
}

func unknownError(names []string) error {
	return fmt.Errorf("no value for %s", strings.Join(slices.Compact(names), ", "))
}
