package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// pages are the manual pages of fd3, by name.
func pages(t *testing.T) map[string]string {
	t.Helper()
	root := new(app).root()
	all := make(map[string]string)
	for _, cmd := range append(documented(root), root) {
		var out bytes.Buffer
		if err := writeMan(&out, cmd, time.Unix(0, 0).UTC()); err != nil {
			t.Fatal(err)
		}
		all[strings.ReplaceAll(cmd.CommandPath(), " ", "-")] = out.String()
	}
	if len(all) < 20 {
		t.Fatalf("only %d pages", len(all))
	}
	return all
}

// mandoc(1) has nothing to say of any page, but that it does not find the others.
func TestManualIsWellFormed(t *testing.T) {
	needTool(t, "mandoc")
	for name, page := range pages(t) {
		cmd := exec.Command("mandoc", "-Tlint", "-Wstyle")
		cmd.Stdin = strings.NewReader(page)
		out, err := cmd.Output() // its code says what there is in out
		if _, ran := err.(*exec.ExitError); err != nil && !ran {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(out)) {
			if !strings.Contains(line, "referenced manual not found") {
				t.Errorf("%s: %s", name, line)
			}
		}
	}
}

// A reader finds in a page what fd3 help says: each option, each example.
func TestManualSaysWhatHelpSays(t *testing.T) {
	needTool(t, "mandoc")
	root := new(app).root()
	all := pages(t)
	for _, cmd := range append(documented(root), root) {
		show := exec.Command("mandoc", "-Tascii", "-O", "width=500")
		show.Stdin = strings.NewReader(all[strings.ReplaceAll(cmd.CommandPath(), " ", "-")])
		out, err := show.Output()
		if err != nil {
			t.Fatal(cmd.Name(), err)
		}
		text := strings.Join(strings.Fields(overstruck(string(out))), " ")
		want := strings.Split(cmd.Example, "\n")
		want = append(want, strings.Split(cmd.Long, "\n")...)
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) { want = append(want, "--"+f.Name) })
		for _, w := range want {
			if w = strings.Join(strings.Fields(w), " "); !strings.Contains(text, w) {
				t.Errorf("%s: nothing of %q in\n%s", cmd.Name(), w, text)
			}
		}
	}
}

// overstruck takes the bold and the underlined letters of a line printer back.
func overstruck(text string) string {
	var out []rune
	for _, r := range text {
		if r == '\b' {
			out = out[:len(out)-1]
			continue
		}
		out = append(out, r)
	}
	return string(out)
}

// A sign that means something to the formatter, at the beginning of a line or within
// it, is text.
func TestManualEscapes(t *testing.T) {
	var out bytes.Buffer
	cmd := &cobra.Command{Use: "x", Short: "short", Long: ".Sh no macro\n'no either\n  .code\n  a\\b -n", Run: func(*cobra.Command, []string) {}}
	if err := writeMan(&out, cmd, time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\n\\&.Sh no macro 'no either\n", "\n\\&.code\n", "\na\\eb \\-n\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

// scripts/man writes every page into a folder.
func TestManScript(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command("../../scripts/man", dir)
	cmd.Env = append(os.Environ(), "FD3=fd3")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name := range pages(t) {
		if _, err := os.Stat(filepath.Join(dir, name+".1")); err != nil {
			t.Error(err)
		}
	}
}
