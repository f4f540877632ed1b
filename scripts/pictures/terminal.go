package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"time"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// A key is pressed when its pattern stands on the terminal and the time to read it is
// over: once, or again and again until another pattern stands there.
type key struct {
	sees  string
	reads time.Duration
	press string
	until string
}

// A frame is what stands on a terminal, and for how long.
type frame struct {
	rows  [][]uv.Cell
	stays time.Duration
}

// patience is how long a pattern may take to come.
const patience = 20 * time.Second

// play runs a command on a terminal, presses keys, and returns what stands there in the
// end: before the last key, if there are keys, since that may end the command.
func play(cmd *exec.Cmd, columns, rows int, keys []key) (last frame, err error) {
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(columns), Rows: uint16(rows)})
	if err != nil {
		return last, err
	}
	defer tty.Close()
	shown := newScreen(columns, rows)
	over := make(chan struct{})
	go func() {
		defer close(over)
		b := make([]byte, 1<<16)
		for {
			n, err := tty.Read(b)
			shown.write(string(b[:n]))
			if err != nil { // EIO: nobody has the terminal open any more
				return
			}
		}
	}()
	defer cmd.Wait()
	for _, k := range keys {
		if last, err = k.pressed(tty, shown); err != nil {
			cmd.Process.Kill()
			return last, err
		}
	}
	select {
	case <-over:
	case <-time.After(patience):
		cmd.Process.Signal(unix.SIGKILL)
		return last, fmt.Errorf("it does not end:\n%s", shown.text())
	}
	if len(keys) == 0 {
		last = shown.frame()
	}
	return last, nil
}

// pressed presses the key, and returns what stood there before.
func (k key) pressed(tty io.Writer, shown *screen) (before frame, err error) {
	sees, until := regexp.MustCompile(k.sees), regexp.MustCompile(k.until)
	over := func(text string) bool { return k.until != "" && until.MatchString(text) }
	for {
		if err := shown.waits(func(now string) bool { return sees.MatchString(now) || over(now) }); err != nil {
			return before, fmt.Errorf("%q never came: %w", k.sees, err)
		}
		time.Sleep(k.reads)
		before = shown.frame()
		text := shown.text()
		if over(text) {
			return before, nil
		}
		if _, err := io.WriteString(tty, k.press); err != nil || k.until == "" {
			return before, err
		}
		if err := shown.waits(func(now string) bool { return now != text }); err != nil {
			return before, fmt.Errorf("%q does nothing: %w", k.press, err)
		}
	}
}

// waits waits until something can be said of what stands there.
func (s *screen) waits(there func(text string) bool) error {
	for late := time.Now().Add(patience); !there(s.text()); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(late) {
			return fmt.Errorf("there is\n%s", s.text())
		}
	}
	return nil
}

// A screen is what stands on a terminal.
type screen struct {
	mu            sync.Mutex
	columns, rows int
	*vt.Emulator
}

func newScreen(columns, rows int) *screen {
	s := &screen{columns: columns, rows: rows, Emulator: vt.NewEmulator(columns, rows)}
	go func() { // what a terminal answers goes nowhere
		b := make([]byte, 256)
		for {
			if _, err := s.Read(b); err != nil {
				return
			}
		}
	}()
	return s
}

func (s *screen) write(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.WriteString(text)
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.String()
}

func (s *screen) frame() (f frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for y := range s.rows {
		row := make([]uv.Cell, s.columns)
		for x := range row {
			if c := s.CellAt(x, y); c != nil {
				row[x] = *c
			}
		}
		f.rows = append(f.rows, row)
	}
	return f
}

// cut leaves out the rows from one that has these words, and blank ones at the end.
func (f frame) cut(words string) frame {
	end := 0
	for y, row := range f.rows {
		var text strings.Builder
		for _, c := range row {
			text.WriteString(c.Content)
		}
		if words != "" && strings.Contains(text.String(), words) {
			break
		}
		if strings.TrimSpace(text.String()) != "" {
			end = y + 1
		}
	}
	return frame{rows: f.rows[:end], stays: f.stays}
}

// quiet is how long nothing is written between two frames.
const quiet = 0.1 // s

// cast returns the frames of a recording (asciicast v2): what stands there whenever
// nothing is written for a while. The end, when the program gives the terminal back, is
// none.
func cast(path string) (frames []frame, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<24)
	lines.Scan()
	var head struct{ Width, Height int }
	if err := json.Unmarshal(lines.Bytes(), &head); err != nil {
		return nil, err
	}
	shown := newScreen(head.Width, head.Height)
	since := 0.0
	var written float64
	for lines.Scan() {
		var at float64
		var code, data string
		if err := json.Unmarshal(lines.Bytes(), &[]any{&at, &code, &data}); err != nil {
			return nil, err
		}
		if code != "o" {
			continue
		}
		if at-written > quiet && written > 0 {
			f := shown.frame()
			f.stays = time.Duration((at - since) * float64(time.Second))
			frames, since = append(frames, f), at
		}
		shown.write(data)
		written = at
	}
	if len(frames) == 0 {
		return nil, errors.Join(lines.Err(), errors.New("the recording has no frame"))
	}
	return frames, lines.Err()
}
