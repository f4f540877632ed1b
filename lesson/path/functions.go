package path

import (
	_ "embed"
	"fmt"
	"sync"

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

// Functions are the functions of a way, each once, with what it does where the words say it.
func Functions(p path.Path) []lesson.Evidence {
	var all []lesson.Evidence
	seen := make(map[string]bool)
	for _, v := range p.Visits {
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
		all = append(all, e)
	}
	return all
}
