package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"fd3/lesson/golden"
)

// TestJSONTopic keeps what fd3 help json says to the comments of lesson.Event.
func TestJSONTopic(t *testing.T) {
	want := newContract(t).text()
	if *golden.Update {
		if err := os.WriteFile("jsontopic.txt", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if *golden.Update || jsonFields == want {
		return
	}
	t.Errorf("jsontopic.txt is not what the comments of lesson.Event say: go generate ./cmd/fd3\n%s", want)
}

// A contract is what the source says of lesson.Event, and of what it has of others.
type contract struct {
	kinds   []described
	fields  []described
	structs map[string][]described // the fields of each struct
	names   map[string]string      // the JSON name of each field of Event, by its name in Go
}

// described is a kind or a field, with its comment.
type described struct{ name, comment, typ string }

func newContract(t *testing.T) contract {
	t.Helper()
	c := contract{structs: make(map[string][]described), names: make(map[string]string)}
	for _, path := range []string{"../../lesson/event.go", "../../sockets/kernel/snapshot.go", "../../sockets/kernel/cable.go", "../../sockets/kernel/queue.go", "../../sockets/kernel/diag.go",
		"../../sockets/wire/packet.go", "../../lesson/ladder.go", "../../lesson/chart.go", "../../lesson/moment.go", "../../lesson/lives.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		c.read(file)
	}
	return c
}

func (c *contract) read(file *ast.File) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			if typ, ok := n.Type.(*ast.Ident); ok && typ.Name == "Kind" {
				name, _ := strconv.Unquote(n.Values[0].(*ast.BasicLit).Value)
				c.kinds = append(c.kinds, described{name: name, comment: comment(n.Comment)})
			}
		case *ast.TypeSpec:
			if s, ok := n.Type.(*ast.StructType); ok {
				c.members(n.Name.Name, s)
			}
		}
		return true
	})
}

func (c *contract) members(name string, s *ast.StructType) {
	for _, f := range s.Fields.List {
		if f.Tag == nil {
			continue
		}
		tag, _ := strconv.Unquote(f.Tag.Value)
		json, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
		if json == "-" {
			continue
		}
		words := comment(f.Comment)
		if words == "" {
			words = comment(f.Doc)
		}
		c.structs[name] = append(c.structs[name], described{name: json, comment: words, typ: element(f.Type)})
		c.names[f.Names[0].Name] = json
		if name == "Event" {
			c.fields = append(c.fields, described{name: json, comment: comment(f.Comment), typ: element(f.Type)})
		}
	}
}

// element is the name of the struct that a field has, several of, or a pointer to.
func element(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.ArrayType:
		return element(e.Elt)
	case *ast.StarExpr:
		return element(e.X)
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.Ident:
		return e.Name
	}
	return ""
}

func comment(g *ast.CommentGroup) string { return strings.Join(strings.Fields(g.Text()), " ") }

// text is the topic: what every event may have, and then each kind with the fields
// that it is the first to have.
func (c contract) text() string {
	var out strings.Builder
	var kinds []string
	for _, k := range c.kinds {
		kinds = append(kinds, k.name)
	}
	out.WriteString("every event\n")
	c.row(&out, "  kind", strings.Join(kinds, ", "))
	c.about(&out, "")
	for _, k := range c.kinds {
		c.row(&out, k.name, k.comment)
		c.about(&out, k.name)
	}
	return out.String()
}

// about writes the fields of a kind; "" stands for those that have no kind.
func (c contract) about(out *strings.Builder, kind string) {
	for _, f := range c.fields {
		of, words := c.owner(f.comment)
		if of != kind || f.name == "kind" {
			continue
		}
		if members, ok := c.structs[f.typ]; ok {
			words += ": " + c.list(members)
		}
		c.row(out, "  "+f.name, words)
		if f.name == kind { // a fact with a struct of its own
			c.deeper(out, f.typ)
		}
	}
}

// list is the names of fields.
func (c contract) list(fields []described) string {
	var names []string
	for _, f := range fields {
		names = append(names, f.name)
	}
	return strings.Join(names, ", ")
}

// deeper writes the fields of a struct that is the type of a field, and of those in it.
func (c contract) deeper(out *strings.Builder, typ string) {
	for _, f := range c.structs[typ] {
		words := f.comment
		if members, ok := c.structs[f.typ]; ok {
			words = strings.TrimPrefix(words+": "+c.list(members), ": ")
		}
		c.row(out, "    "+f.name, words)
		if slices.Contains([]string{"Host", "Process", "Socket", "Layer", "Rung", "LifeGroup", "LifeRow", "LifeCall"}, f.typ) {
			c.deeper(out, f.typ)
		}
	}
}

// owner is the first of the kinds that a comment begins with, and the rest of it.
func (c contract) owner(comment string) (kind, words string) {
	before, after, ok := strings.Cut(comment, ": ")
	first, _, _ := strings.Cut(before, ", ")
	if ok && slices.ContainsFunc(c.kinds, func(k described) bool { return k.name == first }) {
		return first, after
	}
	return "", comment
}

// goName is a field by its name in Go, which may be a word of its own, too:
// C, Go, PID.
var goName = regexp.MustCompile(`\b[A-Z][A-Za-z]+\b`)

// row writes a name in a column of its own and the words beside it.
func (c contract) row(out *strings.Builder, name, words string) {
	const column, width = 15, 80
	words = goName.ReplaceAllStringFunc(words, func(name string) string {
		if json, ok := c.names[name]; ok && json != "go" && json != "pid" {
			return json
		}
		return name
	})
	if len(name) >= column {
		fmt.Fprintln(out, name)
		name = ""
	}
	for i, line := range strings.Split(ansi.Wordwrap(strings.ReplaceAll(words, "…", "..."), width-column, ""), "\n") {
		if i > 0 {
			name = ""
		}
		fmt.Fprintf(out, "%s\n", strings.TrimRight(fmt.Sprintf("%-*s%s", column, name, line), " "))
	}
}
