package tour

import (
	"errors"
	"io"
	"os"
	"sync"

	"github.com/charmbracelet/x/term"
	"github.com/creack/pty"

	"fd3/lesson/view"
)

// A Recording is a terminal of its own that a tour is shown on: all that is written to
// it goes into the cast, and on to where somebody may watch.
type Recording struct {
	*os.File // the terminal

	cast   *view.Cast
	master *os.File
	over   chan struct{}
	failed error // the first of the cast; valid when over

	mu   sync.Mutex
	size pty.Winsize
}

// Record opens the terminal. To watch, which may be nil, it passes on all that is
// written.
func Record(cast *view.Cast, width, height int, watch io.Writer) (*Recording, error) {
	master, terminal, err := pty.Open()
	if err != nil {
		return nil, err
	}
	r := &Recording{File: terminal, cast: cast, master: master, over: make(chan struct{}), size: pty.Winsize{Cols: uint16(width), Rows: uint16(height)}}
	if err := pty.Setsize(master, &r.size); err != nil {
		return nil, errors.Join(err, master.Close(), terminal.Close())
	}
	go r.copy(watch)
	return r, nil
}

// copy goes on until nobody has the terminal open any more: then reading fails
// (EIO).
func (r *Recording) copy(watch io.Writer) {
	defer close(r.over)
	buf := make([]byte, 32<<10)
	for {
		n, err := r.master.Read(buf)
		if n > 0 {
			if _, err := r.cast.Write(buf[:n]); err != nil && r.failed == nil {
				r.failed = err
			}
			if watch != nil {
				watch.Write(buf[:n])
			}
		}
		if err != nil {
			return
		}
	}
}

// Raw has the terminal pass on all as it is, for a program that draws. One that
// writes lines wants each newline to return to the first column.
func (r *Recording) Raw() error {
	_, err := term.MakeRaw(r.Fd())
	return err
}

// Resize gives the terminal another size, and reports whether that changed anything.
func (r *Recording) Resize(width, height int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	size := pty.Winsize{Cols: uint16(width), Rows: uint16(height)}
	if size == r.size || pty.Setsize(r.master, &size) != nil {
		return false
	}
	r.size = size
	r.cast.Resize(width, height)
	return true
}

// Close ends the terminal, after all that was written to it is in the cast.
func (r *Recording) Close() error {
	err := r.File.Close()
	<-r.over
	return errors.Join(err, r.master.Close(), r.failed)
}
