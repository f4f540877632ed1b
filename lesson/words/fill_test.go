package words

import (
	"html"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
)

// A value is read as it is, wherever it stands.
func TestFill(t *testing.T) {
	for _, test := range []struct{ text, value, filled string }{
		{"{v} left", "3", "3 left"},
		{"{v}. These", "1", `1\. These`},
		{"Clients:\n{v}. These", "1", "Clients:\n1\\. These"},
		{"a {v}. These", "1", "a 1. These"},
		{"- {v}) x", "12", `- 12\) x`},
		{"{v}", "1.", `1\.`},
		{"{v}", "1.5", "1.5"},
		{"{v} x", "-", `\- x`},
		{"{v} x", "-1", "-1 x"},
		{"{v}", "---", `\---`},
		{"a\n{v}", "===", "a\n\\==="},
		{"a\n{v}\nb", "= =", "a\n= =\nb"},
		{"{v}", "# x", `\# x`},
		{"{v}", "> x", `\> x`},
		{"{v}", "~~~", `\~~~`},
		{"{v}", "```", "\\`\\`\\`"},
		{"{v}", "    x", "&#32;   x"},
		{"x {v}", "x  ", "x x &#32;"},
		{"the {v}", "SYN_SENT", `the SYN\_SENT`},
		{"the {v}", "a&b && &amp;", `the a&b && \&amp;`},
		{"the {v};", "&amp", "&#116;he &#38;amp&#59;"},
		{"the {v}", "a\nb\x1b[1m", `the a b?\[1m`},
		{"the `{v}`", "a_b*", "the `a_b*`"},
		{"the `{v}`", "a`b", "the ``a`b``"},
		{"the `{v}`", "`", "the `` ` ``"},
		{"the `{v}`", " a ", "the `  a  `"},
		{"`x\n{v} y`", "-", "`x - y`"},
		{"    ss {v}", "a*`", "    ss a*`"},
		{"```\n{v}\n```", "```", "````\n```\n````"},
		{"**{v}**s", "5", "**5**s"},
		{"**{v}**s", "5.", "**&#53;&#46;**&#115;"},
		{"| a | b |\n|---|---|\n| {v} | `{v}` |", "x|y", "| a | b |\n|---|---|\n| x\\|y | `x\\|y` |"},
		{`\{v} x`, "*a*", `\\*a\* x`},
	} {
		filled, err := Fill(test.text, map[string]string{"v": test.value})
		if err != nil || filled != test.filled {
			t.Errorf("Fill(%q, %q) = %q, %v, not %q", test.text, test.value, filled, err, test.filled)
		}
	}
}

func TestFillWithoutValue(t *testing.T) {
	values := map[string]string{"a": "1", "blank": " "}
	for text, told := range map[string]string{
		"a {a}, {b_c} and {blank}": "no value for b_c, blank",
		"[a]({a})":                 "no value can stand in the place of {a}",
		"<p {a}>":                  "no value can stand in the place of {a}",
	} {
		if _, err := Fill(text, values); err == nil || err.Error() != told {
			t.Errorf("Fill(%q): %v", text, err)
		}
	}
	if text, err := FillParagraphs("one {a}\n\ntwo {b}\n\n- three {a}", values); text != "one 1\n\n- three 1" || err == nil {
		t.Error(text, err)
	}
	if text, err := Fill("{A} {} { a} {a", values); text != "{A} {} { a} {a" || err != nil {
		t.Error(text, err)
	}
}

func TestLiteral(t *testing.T) {
	for value, want := range map[string]string{"1. a_b": `1\. a\_b`, " ": "", "<script>": `\<script\>`} {
		if got := Literal(value); got != want {
			t.Errorf("%q: %q, not %q", value, got, want)
		}
	}
}

// FuzzFill: whatever the values are, the text keeps its structure, and a reader
// sees them as they are. The judge is goldmark's HTML, where words stand for the
// values that are put into it afterwards.
func FuzzFill(f *testing.F) {
	values := []string{"1", "1.", "-", "- ", "`", "``` a", "*", "_x_", "**", "&amp;", "&", "<b>", "[x](y)", "a|b", "|", "|---|", "    x", " x ", "\\", "(", "!", "===", "~~~", "#", "a\n\nb", "\x00\x1b\u00a0\u2028", "http://x.y"}
	for i, text := range templates {
		for j := range values {
			f.Add(text, values[j], values[(i+j)%len(values)])
		}
	}
	f.Fuzz(func(t *testing.T, text, a, b string) {
		if !utf8.ValidString(text) {
			return
		}
		filled, err := Fill(text, map[string]string{"a": a, "b": b})
		if err != nil {
			return
		}
		want := render(t, strings.NewReplacer("{a}", "holea", "{b}", "holeb").Replace(text))
		want = strings.NewReplacer("holea", html.EscapeString(clean(a)), "holeb", html.EscapeString(clean(b))).Replace(want)
		if got := render(t, filled); html.UnescapeString(got) != html.UnescapeString(want) {
			t.Errorf("Fill(%q, %q, %q) = %q\n%s\n%s", text, a, b, filled, got, want)
		}
	})
}

func render(t *testing.T, text string) string {
	var out strings.Builder
	if err := goldmark.New(goldmark.WithExtensions(extension.Table)).Convert([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// Every value can be told at each of these places.
func TestFillTakesAnyValue(t *testing.T) {
	pieces := []string{"a", "1", ".", "-", "*", "_", "`", "~", "#", ">", "&", "[", "|", "=", "\\", " ", "\n", "&#42;"}
	for _, text := range templates {
		for _, x := range pieces {
			for _, y := range pieces {
				for _, value := range []string{x + y, x + x + x} {
					if strings.TrimSpace(clean(value)) == "" {
						continue
					}
					if filled, err := Fill(text, map[string]string{"a": value, "b": value}); err != nil {
						t.Fatalf("Fill(%q, %q) = %q: %v", text, value, filled, err)
					}
				}
			}
		}
	}
}

var templates = []string{
	"{a}",
	"{a}. These are in `{b}`",
	"one\n{a}) two\n{b}",
	"- {a}: x\n  {b}. y\n- z\n\n{a}. w",
	"1. {a}. b\n   {b}\n\n   {a}. c",
	"> {a} {b}\n> {b}. x",
	"the `{a}`, `x {b}` and `{a} y\n{b} z`",
	"x **{a}** and *{b}*, [the {a} b](http://x.y/ \"z\")",
	"    ss -t '{a}'\n    {b}\n\nnow {b}",
	"```sh\n{a}\n  {b}\n```\n\n{a}!",
	"# {a} x\n\ntext {a}{b} text",
	"{a}{b}. x",
	"| a | b |\n|---|---|\n| {a} | `{b}` |\n\n{a} | {b}",
	"a &{b}; {a}",
}

func BenchmarkFill(b *testing.B) {
	values := map[string]string{"a": "SYN_SENT", "b": "127.0.0.1:8080"}
	for b.Loop() {
		for _, text := range templates {
			Fill(text, values)
		}
	}
}

// No value can hurt any of the texts that fd3 has.
func TestEveryTextTakesAnyValue(t *testing.T) {
	var files []string
	for _, pattern := range []string{"../*/*.md", "../course/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 30 {
		t.Fatalf("only %q", files)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, value := range []string{"1", "- `x`", "(*a_)", "| - |", "&lt;<b>"} {
			values := make(map[string]string)
			for _, name := range missing(string(text), nil) {
				values[name] = value
			}
			if _, err := Fill(string(text), values); err != nil {
				t.Errorf("%s with %q: %.200s", file, value, err.Error())
			}
		}
	}
}
