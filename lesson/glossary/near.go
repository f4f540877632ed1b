package glossary

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Near returns the words that may have been meant, the likeliest first, three at
// most.
func Near(word string) []string {
	asked := plainWord(word)
	best := make(map[string]int) // how far each word is
	consider := func(key, word string) {
		far := distance(asked, key)
		switch {
		case far <= 1+len(asked)/6:
		case len(asked) >= 3 && (strings.HasPrefix(key, asked) || strings.Contains(key, " "+asked)),
			len(key) >= 4 && strings.HasPrefix(asked, key):
			far = 10 + len(key)
		default:
			return
		}
		if old, ok := best[word]; !ok || far < old {
			best[word] = far
		}
	}
	for key, e := range glossary().plain {
		consider(key, e.Word)
	}
	for name := range errnos() {
		consider(plainWord(name), name)
	}
	near := slices.SortedFunc(maps.Keys(best), func(a, b string) int {
		return cmp.Or(cmp.Compare(best[a], best[b]), cmp.Compare(a, b))
	})
	return near[:min(3, len(near))]
}

// distance returns how many letters have to be put in, taken out or changed to get
// from one word to the other.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
