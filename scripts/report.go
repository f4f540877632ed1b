//go:build ignore

// Report reads what go test -json writes and prints a line for each package, the
// output of what failed, and every test that was skipped, with its reason. The file
// that it is given gets a line for each test that failed, "PACKAGE TEST". The exit
// status is 0 when all is well, 3 when tests failed and all others ran to their end, and
// 1 for anything else.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// event is a line of go test -json; see go doc test2json. A package that does
// not compile has ImportPath instead of Package.
type event struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64
}

func main() {
	if len(os.Args) != 2 {
		fmt.Println("usage: go test -json ./... | report FILE")
		os.Exit(2)
	}
	var passed, failed int
	var broken bool // a package failed outside of its tests, or before all of them ended
	var skipped, again []string
	lost := make(map[string]bool)     // packages with a test that failed
	output := make(map[string]string) // by package and test
	tests := make(map[string]int)     // passed, by package
	in := json.NewDecoder(os.Stdin)
	for {
		var e event
		if err := in.Decode(&e); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			fmt.Println("report: this is not the output of go test -json:", err)
			os.Exit(1)
		}
		name := e.Package + e.ImportPath + " " + e.Test
		took := time.Duration(e.Elapsed * float64(time.Second)).Round(10 * time.Millisecond)
		switch e.Action {
		case "output", "build-output":
			output[name] += e.Output
			continue
		case "pass":
			if e.Test != "" {
				passed++
				tests[e.Package]++
			} else {
				fmt.Printf("ok    %-24s %4d tests  %s\n", e.Package, tests[e.Package], took)
			}
		case "fail", "build-fail":
			if e.Test != "" {
				failed++
				lost[e.Package] = true
				broken = broken || strings.Contains(output[name], "\ngoroutine ") // the whole package ended there
				if !strings.Contains(e.Test, "/") {
					again = append(again, name)
				}
			} else {
				broken = broken || !lost[e.Package]
				for of, said := range output { // of tests that never ended: a panic, or the time was up
					if strings.HasPrefix(of, name) && of != name {
						broken = true
						fmt.Print(said)
						delete(output, of)
					}
				}
			}
			fmt.Printf("%sFAIL  %s\n", output[name], strings.TrimSpace(name))
		case "skip":
			if e.Test != "" {
				skipped = append(skipped, strings.TrimSpace(name)+reason(output[name]))
			}
		default:
			continue
		}
		delete(output, name)
	}
	fmt.Printf("\n%d passed, %d failed, %d skipped\n", passed, failed, len(skipped))
	for _, s := range skipped {
		fmt.Println("skipped:", s)
	}
	if err := os.WriteFile(os.Args[1], []byte(strings.Join(append(again, ""), "\n")), 0o644); err != nil {
		fmt.Println("report:", err)
		os.Exit(1)
	}
	switch {
	case broken || passed == 0:
		os.Exit(1)
	case failed > 0:
		os.Exit(3)
	}
}

// reason is what a test said when it skipped itself: its output without the lines
// of the test runner's own.
func reason(output string) string {
	var said string
	for line := range strings.Lines(output) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			said = line
		}
	}
	if said == "" {
		return ": no reason given"
	}
	return ": " + said
}
