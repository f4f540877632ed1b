package path

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"fd3/lesson"
	"fd3/lesson/words"
	"fd3/sockets/path"
)

//go:embed functions.md
var functionsText string

// Sentences are what functions of the kernel do, by their names.
var Sentences = sync.OnceValue(func() map[string]string {
	all := make(map[string]string)
	list, _ := words.Read(functionsText).Section("functions")
	_, items := words.List(list)
	for _, item := range items {
		all[item.Name] = item.Text
	}
	return all
})

// Functions are the functions of a way, each once, with what it does where the words say it:
// in the order of the way or, where every function has told, by layer.
func Functions(p path.Path) []lesson.Evidence {
	var all []lesson.Evidence
	seen := make(map[string]bool)
	sums := make(map[string]path.Sum) // of each function, where each of its calls was seen
	visits := p.Visits
	if p.Every != "" {
		sums = p.Called()
		layers := append(slices.Clone(path.Layers), "")
		rank := func(v path.Visit) int { return slices.Index(layers, v.Layer) }
		visits = slices.SortedStableFunc(slices.Values(visits), func(a, b path.Visit) int { return rank(a) - rank(b) })
	}
	for _, v := range visits {
		if seen[v.Function] {
			continue
		}
		seen[v.Function] = true
		e := lesson.Evidence{Fact: v.Function, Value: string(v.Layer), Source: fmt.Sprintf("%s of Linux %s", v.File, p.Table), Note: Sentences()[v.Function]}
		switch {
		case v.File == "":
			e.Value, e.Source = "not in the table of functions", "Linux "+p.Table
		case v.Layer == "":
			e.Value = "of no layer of the network"
		}
		if len(v.Takes) > 0 {
			e.Value += ", takes (" + strings.Join(v.Takes, ", ") + ")"
		}
		if v.SkBuff != nil {
			e.Value += fmt.Sprintf(", entered with %s, and room for %d in front of them", lesson.Counted(v.SkBuff.Len, "byte"), v.SkBuff.Headroom)
		}
		if sum := sums[v.Function]; sum.Calls > 0 {
			e.Value += ", " + lesson.Counted(sum.Calls, "call")
			if sum.OwnNS > 0 {
				e.Value += ", " + lesson.Took(time.Duration(sum.OwnNS))
			}
		}
		all = append(all, e)
	}
	return all
}
