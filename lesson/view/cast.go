package view

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
	"unicode/utf8"
)

// castHeader is the first line of a recording, as asciicast v2 has it
// (https://docs.asciinema.org/manual/asciicast/v2/).
type castHeader struct {
	Version   int               `json:"version"`
	Width     int               `json:"width"`
	Height    int               `json:"height"`
	Timestamp int64             `json:"timestamp"` // Unix time of the beginning, in seconds
	Title     string            `json:"title,omitempty"`
	Env       map[string]string `json:"env,omitempty"`
}

// A Cast writes a recording of a terminal. Each event is a line, written at once. The last
// one is a marker, TheEnd: what was cut off at the end of a line lacks it. It may be used
// from several goroutines.
type Cast struct {
	began time.Time

	mu    sync.Mutex
	w     io.Writer
	rest  []byte // the beginning of a character whose end has not come yet
	marks int
}

// TheEnd is the label of the marker that a recording ends with.
const TheEnd = "the end"

// NewCast begins a recording, now.
func NewCast(w io.Writer, width, height int, title, term string) (*Cast, error) {
	c := &Cast{began: time.Now(), w: w}
	return c, c.line(castHeader{Version: 2, Width: width, Height: height, Timestamp: c.began.Unix(), Title: title, Env: map[string]string{"TERM": term}})
}

// Write records bytes that the terminal gets.
func (c *Cast) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := append(c.rest, p...)
	whole := len(text) - unfinished(text)
	c.rest = append([]byte(nil), text[whole:]...)
	if whole == 0 {
		return len(p), nil
	}
	return len(p), c.event("o", string(text[:whole]))
}

// unfinished returns how many bytes at the end of b begin a character of UTF-8 that
// is not whole.
func unfinished(b []byte) int {
	for n := 1; n <= min(len(b), utf8.UTFMax-1); n++ {
		if tail := b[len(b)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

// Mark sets a marker, which a player can jump to.
func (c *Cast) Mark(label string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.marks++
	return c.event("m", label)
}

// Resize records that the terminal has another size.
func (c *Cast) Resize(width, height int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.event("r", fmt.Sprintf("%dx%d", width, height))
}

// Length returns how long the recording is so far.
func (c *Cast) Length() time.Duration { return time.Since(c.began) }

// Marks returns how many markers the recording has.
func (c *Cast) Marks() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.marks
}

func (c *Cast) event(code, data string) error {
	return c.line([]any{json.RawMessage(fmt.Sprintf("%.6f", c.Length().Seconds())), code, data})
}

func (c *Cast) line(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = c.w.Write(append(text, '\n'))
	return err
}
