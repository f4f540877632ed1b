package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// What the README says to type is there: each command with its flags, each lesson, each
// script and each file.
func TestREADMECanBeTyped(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(text)
	typed := regexp.MustCompile("(?m)^(?:scripts/)?fd3 [^#&\n]*|`fd3 [^`]*`").FindAllString(readme, -1)
	if len(typed) < 30 {
		t.Fatalf("only %q", typed)
	}
	for _, line := range typed {
		args := strings.Fields(strings.TrimPrefix(strings.Trim(line, "`"), "scripts/"))[1:]
		cmd, rest, err := new(app).root().Find(args)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if err := cmd.ParseFlags(rest); err != nil && !errors.Is(err, pflag.ErrHelp) {
			t.Errorf("%s: %v", line, err)
		}
		if cmd.Name() == "tour" || cmd.Name() == "handout" {
			for _, id := range cmd.Flags().Args() {
				if err := checkSpot(id); err != nil {
					t.Errorf("%s: %v", line, err)
				}
			}
		}
	}
	for _, path := range regexp.MustCompile(`\]\(([a-zA-Z][^):]*)\)|\b(scripts/[a-z0-9]+)`).FindAllStringSubmatch(readme, -1) {
		if _, err := os.Stat(filepath.Join("../..", path[1]+path[2])); err != nil {
			t.Error(err)
		}
	}
}
