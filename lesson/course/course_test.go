package course

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Each folder with words is a lesson of the course, and each lesson has its Go, its
// words and its test in the folder of its name.
func TestFolders(t *testing.T) {
	found, err := filepath.Glob("*/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		if id := filepath.Dir(path); !slices.Contains(IDs(), id) {
			t.Errorf("%s is no lesson of the course", path)
		}
	}
	for _, id := range IDs() {
		for _, end := range []string{".go", ".md", "_test.go"} {
			if _, err := os.Stat(filepath.Join(id, id+end)); err != nil {
				t.Error(err)
			}
		}
	}
}
