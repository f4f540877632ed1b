package serve

import (
	_ "embed"
	"sync"

	"fd3/lesson/words"
)

//go:embed serve.md
var text string

// page returns serve.md.
var page = sync.OnceValue(func() words.Page { return words.Read(text) })
