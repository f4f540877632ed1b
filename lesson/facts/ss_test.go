package facts

import (
	"io/fs"
	"os"
	"strings"
	"testing"
)

// Every filter of ss(8) is built here, but for those that a learner types in a test.
func TestFiltersAreBuiltHere(t *testing.T) {
	root := os.DirFS("../..")
	files := 0
	err := fs.WalkDir(root, ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
			path == "lesson/facts/ss.go" || strings.HasPrefix(path, "lesson/course/labtest/") {
			return err
		}
		files++
		text, err := fs.ReadFile(root, path)
		for _, filter := range []string{"sport = :", "dport = :"} {
			if strings.Contains(string(text), filter) {
				t.Errorf("%s has a filter %q of its own", path, filter)
			}
		}
		return err
	})
	if err != nil || files < 100 {
		t.Fatalf("%d files, %v", files, err)
	}
	for got, want := range map[string]string{
		SS("-ltn", From(8080)):     "ss -ltn 'sport = :8080'",
		SS("-tan", To(8080)):       "ss -tan 'dport = :8080'",
		SS("-tano", With(8080)):    "ss -tano '( sport = :8080 or dport = :8080 )'",
		SS("-tano", Between(1, 2)): "ss -tano '( sport = :1 and dport = :2 ) or ( sport = :2 and dport = :1 )'",
		SS("-xap", ""):             "ss -xap",
	} {
		if got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
