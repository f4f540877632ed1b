package path

import (
	"bytes"
	"cmp"
	"os"
	"slices"
	"strconv"
)

// A symbol is a function of the kernel, and where it begins.
type symbol struct {
	at   uint64
	name []byte
}

// symbols are the functions of the running kernel in the order of their addresses, which it
// tells root (/proc/kallsyms). Modules may come and go: it reads them anew.
func symbols() (all []symbol) {
	text, err := os.ReadFile("/proc/kallsyms")
	if err != nil {
		return nil
	}
	for line := range bytes.Lines(text) { // "ffffffff81000000 T name", with "[module]" behind it
		if len(line) < 20 || line[16] != ' ' || line[17]|0x20 != 't' {
			continue
		}
		at, err := strconv.ParseUint(string(line[:16]), 16, 64)
		if err != nil || at == 0 { // 0: it does not tell this user
			continue
		}
		name := line[19:]
		if end := bytes.IndexAny(name, "\t\n"); end >= 0 {
			name = name[:end]
		}
		all = append(all, symbol{at, name})
	}
	slices.SortStableFunc(all, func(a, b symbol) int { return cmp.Compare(a.at, b.at) })
	return all
}

// in is the name of the function that an address is in, or "".
func in(all []symbol, at uint64) string {
	i, exact := slices.BinarySearchFunc(all, at, func(s symbol, at uint64) int { return cmp.Compare(s.at, at) })
	switch {
	case exact:
		return string(all[i].name)
	case i == 0:
		return ""
	}
	return string(all[i-1].name)
}
