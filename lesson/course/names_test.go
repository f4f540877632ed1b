package course

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	named     = regexp.MustCompile("lessons?,? ((?:`\\w+`(?:, | and |))+)")
	nextNamed = regexp.MustCompile("[Tt]he next lesson, `(\\w+)`")
	quoted    = regexp.MustCompile("`(\\w+)`")
)

// A lesson that the words of another name is there, and the next one is the next.
func TestLessonsNameEachOtherRightly(t *testing.T) {
	names := 0
	for i, id := range IDs() {
		text, err := os.ReadFile(filepath.Join(id, id+".md"))
		if err != nil {
			t.Fatal(err)
		}
		words := strings.Join(strings.Fields(string(text)), " ")
		for _, m := range named.FindAllStringSubmatch(words, -1) {
			for _, name := range quoted.FindAllStringSubmatch(m[1], -1) {
				names++
				if !slices.Contains(IDs(), name[1]) {
					t.Errorf("%s names the lesson %q, and there is none", id, name[1])
				}
			}
		}
		for _, m := range nextNamed.FindAllStringSubmatch(words, -1) {
			if i+1 == len(IDs()) || IDs()[i+1] != m[1] {
				t.Errorf("%s says that the next lesson is %s", id, m[1])
			}
		}
	}
	if names < 10 {
		t.Errorf("only %d names are found", names)
	}
}
