package words

import (
	"reflect"
	"testing"
)

const file = `# listen: who waits

Asks: What does "pending" mean
in listen?

Rows: A5 D5

## question

One.

    # a comment of a shell
    ## another

## predict wait

What happens?

- waits: It waits
  until a client comes.
- returns: It returns: at once.

### hint

First.

### hint

    code first

## meaning unix
Of a path.
## meaning

## arguments

### addr

The address.

### addr unix

The path.`

func TestRead(t *testing.T) {
	p := Read(file)
	want := Page{
		Title: "listen: who waits",
		Text:  "Asks: What does \"pending\" mean\nin listen?\n\nRows: A5 D5",
		Sections: []Section{
			{Heading: "question", Text: "One.\n\n    # a comment of a shell\n    ## another"},
			{Heading: "predict wait", Text: "What happens?\n\n- waits: It waits\n  until a client comes.\n- returns: It returns: at once.",
				Parts: []Section{{Heading: "hint", Text: "First."}, {Heading: "hint", Text: "    code first"}}},
			{Heading: "meaning unix", Text: "Of a path."},
			{Heading: "meaning"},
			{Heading: "arguments", Parts: []Section{{Heading: "addr", Text: "The address."}, {Heading: "addr unix", Text: "The path."}}},
		},
	}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("%+v\nis not\n%+v", p, want)
	}
	if asks := Paragraph(p.Text, "Asks:"); asks != `What does "pending" mean in listen?` {
		t.Error(asks)
	}
	if nothing := Paragraph(p.Text, "Answers:"); nothing != "" {
		t.Error(nothing)
	}
	if empty := Read(""); !reflect.DeepEqual(empty, Page{}) {
		t.Errorf("%+v", empty)
	}
}

func TestSection(t *testing.T) {
	p := Read(file)
	for _, test := range []struct {
		heading  string
		variants []string
		text     string
		ok       bool
	}{
		{"meaning", []string{"tcp", "unix"}, "Of a path.", true},
		{"meaning", []string{"tcp"}, "", true},
		{"arguments/addr", nil, "The address.", true},
		{"arguments/addr", []string{"unix"}, "The path.", true},
		{"arguments/len", nil, "", false},
		{"EINVAL", []string{"unix"}, "", false},
	} {
		if text, ok := p.Section(test.heading, test.variants...); text != test.text || ok != test.ok {
			t.Errorf("%s %q: %q, %t", test.heading, test.variants, text, ok)
		}
	}
}

func TestLists(t *testing.T) {
	text, _ := Read(file).Section("predict wait")
	before, items := List(text)
	want := []Item{{"waits", "It waits until a client comes."}, {"returns", "It returns: at once."}}
	if before != "What happens?" || !reflect.DeepEqual(items, want) {
		t.Errorf("%q, %q", before, items)
	}

	commands := "- `ss -tn 'sport = :{port}'`: the\n  port {port}\n- `kill {pid}`: no pid\n- no command\n- `fd3 send`: a `b`"
	items, err := Commands(commands, map[string]string{"port": "1_2`"})
	want = []Item{{"ss -tn 'sport = :1_2`'", "the port 1\\_2\\`"}, {"fd3 send", "a `b`"}}
	if !reflect.DeepEqual(items, want) || err == nil || err.Error() != "no value for pid" {
		t.Errorf("%q, %v", items, err)
	}
}

func TestPlain(t *testing.T) {
	for source, want := range map[string]string{
		`a\_b\.`: "a_b.", `\a \`: `\a \`, "&#42;&amp;&lt;": "*&<", "a & b; &;": "a & b; &;", `\&amp;`: "&amp;", "&nosuchname;": "&nosuchname;", "é": "é",
	} {
		if got := Plain([]byte(source)); got != want {
			t.Errorf("%q: %q, not %q", source, got, want)
		}
	}
}
