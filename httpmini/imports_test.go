package httpmini_test

import (
	goparser "go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
)

// The package works on bytes: what could reach a socket or a file is not imported.
func TestImports(t *testing.T) {
	allowed := []string{`"bytes"`, `"encoding/binary"`, `"errors"`, `"fmt"`, `"math"`, `"math/bits"`, `"strconv"`, `"time"`}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := goparser.ParseFile(token.NewFileSet(), e.Name(), nil, goparser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			if !slices.Contains(allowed, i.Path.Value) {
				t.Errorf("%s imports %s", e.Name(), i.Path.Value)
			}
		}
	}
}
