package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A source is a Go file of the house, with its path from the root.
type source struct {
	path string
	*ast.File
}

func (s source) test() bool { return strings.HasSuffix(s.path, "_test.go") }

// within reports whether the file is in one of these folders, or below.
func (s source) within(folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return strings.HasPrefix(s.path, f+"/") })
}

func (s source) imports() []string {
	var paths []string
	for _, i := range s.Imports {
		paths = append(paths, strings.Trim(i.Path.Value, `"`))
	}
	return paths
}

func sources(t *testing.T) []source {
	t.Helper()
	root := os.DirFS("../..")
	var all []source
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != ".") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
		all = append(all, source{path, file})
		return err
	})
	if err != nil || len(all) < 20 {
		t.Fatalf("%d files, %v", len(all), err)
	}
	return all
}

// walls are what each folder of the house may import of it. A folder of lessons stands
// for each below. Imports run down the picture in CONTRIBUTING, never up.
var walls = map[string]string{
	"sockets":              "",
	"sockets/kernel":       "sockets sockets/wire",
	"sockets/kernel/types": "",
	"sockets/stage":        "sockets sockets/kernel",
	"sockets/wire":         "",
	"sockets/path":         "sockets sockets/kernel/types",
	"sockets/watch":        "sockets sockets/kernel/types",
	"sockets/netlab":       "sockets sockets/kernel sockets/stage sockets/wire",
	"sockets/hooks":        "sockets sockets/kernel sockets/netlab sockets/path sockets/stage sockets/wire",

	"httpmini":                "",
	"httpmini/page":           "httpmini",
	"httpmini/server/docroot": "httpmini sockets",
	"httpmini/server":         "httpmini httpmini/page httpmini/server/docroot sockets sockets/kernel",

	"lesson":          "sockets sockets/kernel sockets/path sockets/wire",
	"lesson/words":    "",
	"lesson/outfile":  "",
	"lesson/facts":    "lesson sockets sockets/kernel sockets/stage",
	"lesson/step":     "lesson lesson/facts lesson/words httpmini sockets sockets/kernel sockets/stage",
	"lesson/serve":    "lesson lesson/facts lesson/step lesson/words httpmini httpmini/server sockets sockets/kernel sockets/stage",
	"lesson/watch":    "lesson lesson/facts lesson/words httpmini httpmini/page sockets sockets/kernel sockets/watch",
	"lesson/cable":    "lesson lesson/words httpmini sockets sockets/kernel sockets/netlab sockets/stage sockets/wire",
	"lesson/hooks":    "lesson lesson/words sockets sockets/hooks sockets/netlab sockets/wire",
	"lesson/path":     "lesson lesson/words sockets sockets/path",
	"lesson/doctor":   "lesson lesson/words sockets sockets/kernel sockets/netlab sockets/stage",
	"lesson/glossary": "lesson lesson/facts lesson/step lesson/words sockets sockets/kernel",
	"lesson/drawing":  "lesson sockets/kernel sockets/path sockets/wire",
	"lesson/view":     "lesson lesson/drawing lesson/words sockets/wire",

	"lesson/course/hello": "",
	"lesson/course/lab":   "lesson lesson/cable lesson/course/hello lesson/facts lesson/hooks lesson/watch lesson/words sockets sockets/hooks sockets/kernel sockets/netlab sockets/path sockets/stage sockets/watch sockets/wire",
	"lesson/course/*":     "lesson lesson/facts lesson/course/hello lesson/course/lab httpmini httpmini/server httpmini/server/docroot sockets sockets/hooks sockets/kernel sockets/path sockets/stage sockets/wire",
	"lesson/course":       "lesson lesson/course/* lesson/course/lab lesson/outfile lesson/words sockets/kernel sockets/stage",
	"lesson/tour":         "lesson lesson/course lesson/course/lab lesson/drawing lesson/view lesson/words",

	"cmd/fd3": "lesson lesson/cable lesson/course lesson/course/hello lesson/course/lab lesson/doctor lesson/glossary lesson/hooks lesson/outfile lesson/path lesson/serve lesson/step lesson/tour lesson/view lesson/watch " +
		"httpmini/server httpmini/server/docroot sockets sockets/hooks sockets/kernel sockets/netlab sockets/path sockets/stage sockets/watch sockets/wire",
}

// forTests are the folders that only tests import.
var forTests = []string{"httpmini/server/chromium", "lesson/course/labtest", "lesson/golden", "sockets/kernel/referee", "sockets/netlab/netlabtest", "sockets/stage/stagetest"}

// wall is the key of a folder in walls.
func wall(folder string) string {
	if _, own := walls[folder]; !own && path.Dir(folder) == "lesson/course" {
		return "lesson/course/*"
	}
	return folder
}

func TestImportsRunOneWay(t *testing.T) {
	for _, s := range sources(t) {
		folder := path.Dir(s.path)
		if s.test() || s.within("scripts") || slices.Contains(forTests, folder) {
			continue
		}
		allowed, known := walls[wall(folder)]
		if !known {
			t.Errorf("%s: no wall says what %s may import", s.path, folder)
		}
		for _, imported := range s.imports() {
			if ours, ok := strings.CutPrefix(imported, "fd3/"); ok && !slices.Contains(strings.Fields(allowed), wall(ours)) {
				t.Errorf("%s imports %s", s.path, ours)
			}
		}
	}
}

// The socket calls are ours: package net would make its own. A lesson watches which.
func TestNoPackageNet(t *testing.T) {
	for _, s := range sources(t) {
		if s.test() || !s.within("sockets", "httpmini", "lesson") || s.path == "lesson/course/hello/nethttp.go" {
			continue
		}
		for _, path := range s.imports() {
			if path == "net" || path == "net/http" {
				t.Errorf("%s imports %s", s.path, path)
			}
		}
	}
}

func TestCobraOnlyInCmd(t *testing.T) {
	for _, s := range sources(t) {
		for _, path := range s.imports() {
			if strings.HasPrefix(path, "github.com/spf13/") && !s.within("cmd") {
				t.Errorf("%s imports %s", s.path, path)
			}
		}
	}
}

// A process ends where main turns a code into an exit, and where one of fd3's own
// background processes does.
func TestExits(t *testing.T) {
	allowed := []string{"cmd/fd3/main.go", "sockets/stage/control.go", "sockets/netlab/keeper.go", "sockets/hooks/agent.go", "sockets/path/guard.go", "sockets/watch/start.go", "sockets/watch/guard.go", "lesson/course/hello/hello.go"}
	for _, s := range sources(t) {
		if s.test() || s.within("scripts") || slices.Contains(allowed, s.path) {
			continue
		}
		ast.Inspect(s.File, func(n ast.Node) bool {
			call, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := call.X.(*ast.Ident)
			if ok && (pkg.Name == "os" && call.Sel.Name == "Exit" || pkg.Name == "log" && strings.HasPrefix(call.Sel.Name, "Fatal")) {
				t.Errorf("%s calls %s.%s", s.path, pkg.Name, call.Sel.Name)
			}
			return true
		})
	}
}

// A file is named for what lives there.
func TestFileNames(t *testing.T) {
	vague := regexp.MustCompile(`^(util|utils|common|helper|helpers|manager|misc)(_test)?\.go$`)
	for _, s := range sources(t) {
		if vague.MatchString(filepath.Base(s.path)) || regexp.MustCompile(`(^|/)(util|common|helper|manager)s?/`).MatchString(s.path) {
			t.Errorf("%s: named for nothing that lives there", s.path)
		}
	}
}
