// Pictures draws the pictures of the README into docs/: it runs fd3 on terminals of its
// own, presses keys, and writes what stands there as SVG. The animation is a recording of
// fd3's own (fd3 tour --record).
//
//	go run ./scripts/pictures [NAME]...
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A scene is what one picture shows.
type scene struct {
	name          string
	title         string // for those who do not see it
	columns, rows int    // of the terminal
	before        string // what a shell runs first, unseen
	command       string // what the terminal runs; without keys each line of it is shown, as if it were typed
	keys          []key
	until         string // the picture ends above the row that has this; empty: below the last one that is not blank
	moves         bool   // it is an animation: of the recording $CAST, which the command makes
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func run(names []string) error {
	dir, err := os.MkdirTemp("", "fd3-pictures-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-buildvcs=false", "-o", filepath.Join(dir, "fd3"), "./cmd/fd3")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("go build: %w; run this at the root of the tree", err)
	}
	var failed error
	for _, s := range scenes {
		if len(names) > 0 && !slices.Contains(names, s.name) {
			continue
		}
		text, err := s.draw(dir)
		if err == nil {
			err = os.WriteFile(filepath.Join("docs", s.name+".svg"), []byte(text), 0o644)
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", s.name, err))
			continue
		}
		fmt.Printf("docs/%s.svg: %d kB\n", s.name, (len(text)+999)/1000)
	}
	return failed
}

// draw plays a scene and returns its picture.
func (s scene) draw(dir string) (string, error) {
	place, err := os.MkdirTemp(dir, "place-")
	if err != nil {
		return "", err
	}
	env := []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "HOME=" + place, "XDG_RUNTIME_DIR=" + place, "LANG=C.UTF-8", "TERM=xterm-256color", "TMPDIR=" + dir,
		"CAST=" + filepath.Join(place, "cast"), fmt.Sprint("COLUMNS=", s.columns), "NO_PROXY=127.0.0.1"}
	shell := func(script string) *exec.Cmd {
		cmd := exec.Command("bash", "-euc", script)
		cmd.Env = env
		return cmd
	}
	defer shell("fd3 reset").Run()
	if out, err := shell(s.before).CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	command := s.command
	if len(s.keys) == 0 {
		command = typed(command)
	}
	last, err := play(shell(command), s.columns, s.rows, s.keys)
	if err != nil {
		return "", err
	}
	if !s.moves {
		return svg(s.title, []frame{last.cut(s.until)}), nil
	}
	frames, err := cast(filepath.Join(place, "cast"))
	if err != nil {
		return "", err
	}
	return svg(s.title, frames), nil
}

// typed is a script that shows each of its commands, as if it were typed at a prompt.
func typed(commands string) string {
	var script strings.Builder
	for line := range strings.Lines(commands) {
		line = strings.TrimSuffix(line, "\n")
		fmt.Fprintf(&script, "printf '\\033[1m$ %%s\\033[0m\\n' '%s'\n%s\n", strings.ReplaceAll(line, "'", `'\''`), line)
	}
	return script.String()
}
