package main

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"fd3/lesson/course"
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

// The course is as long as the README says.
func TestREADMETellsHowLongTheCourseIs(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	said := regexp.MustCompile(`The\s+(\d+)\s+lessons\s+take\s+about\s+(\d+)\s+hours`).FindStringSubmatch(string(text))
	if said == nil {
		t.Fatal("it does not say")
	}
	minutes := 0
	for _, l := range course.All() {
		reading, doing := l.Minutes()
		minutes += reading + doing
	}
	hours, err := strconv.Atoi(said[2])
	if err != nil || said[1] != strconv.Itoa(len(course.All())) || math.Abs(float64(minutes)/60-float64(hours)) > 0.75 {
		t.Errorf("it says %s lessons and %s hours; there are %d, of %d minutes", said[1], said[2], len(course.All()), minutes)
	}
}
