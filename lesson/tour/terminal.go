package tour

import (
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/term"
	"golang.org/x/sys/unix"
)

// leaveScreen has a terminal go back from the screen of the tour to that of the shell.
const leaveScreen = "\x1b[?1049l"

// quiet is a terminal that is asked nothing. bubbletea asks it three things at the
// start, and sets the keyboard to another encoding. The tour needs none of it: a
// terminal may not answer, and after a SIGKILL the shell would get keys that it
// does not understand. bubbletea has no option for that, so the sequences are taken
// out. Each of its writes has whole sequences.
type quiet struct{ *os.File }

// What stands on the screen is erased before it is left: a tmux that was made larger
// meanwhile gives some of its rows to the screen of the shell.
var unasked = strings.NewReplacer(
	"\x1b[?2026$p", "", "\x1b[?2027$p", "", // DECRQM: synchronized output, grapheme clusters
	"\x1b[?u", "", "\x1b[>1u", "", "\x1b[<1u", "", // the kitty keyboard protocol: query, push, pop
	"\x1b[>4;2m", "", "\x1b[>4m", "", // xterm: modifyOtherKeys
	leaveScreen, "\x1b[m\x1b[H\x1b[J"+leaveScreen,
)

func (q quiet) Write(b []byte) (int, error) {
	if _, err := q.File.WriteString(unasked.Replace(string(b))); err != nil {
		return 0, err
	}
	return len(b), nil
}

// keyboard tells when the terminal is gone, where bubbletea would wait for ever.
type keyboard struct {
	*os.File
	gone func()
}

func (k keyboard) Read(b []byte) (int, error) {
	n, err := k.File.Read(b)
	if err == io.EOF {
		go k.gone()
	}
	return n, err
}

// size is how many columns and rows a terminal has.
func size(f *os.File) (width, height int) {
	width, height, err := term.GetSize(f.Fd())
	if err != nil {
		return minColumns, minRows
	}
	return width, height
}

// suspend gives the terminal back and stops the processes of this job, as Ctrl-Z
// does. It is not tea.Suspend: that waits for SIGCONT for ever where nobody is
// there to continue a job, and the kernel therefore ignores SIGTSTP
// (is_current_pgrp_orphaned()).
func suspend() tea.Cmd {
	return tea.Exec(stopped{}, func(error) tea.Msg { return nil })
}

type stopped struct{}

func (stopped) Run() error {
	continued := make(chan os.Signal, 1)
	signal.Notify(continued, unix.SIGCONT)
	defer signal.Stop(continued)
	if err := unix.Kill(0, unix.SIGTSTP); err != nil {
		return err
	}
	select {
	case <-continued:
	case <-time.After(100 * time.Millisecond): // it has not stopped, or it goes on already
	}
	return nil
}

func (stopped) SetStdin(io.Reader)  {}
func (stopped) SetStdout(io.Writer) {}
func (stopped) SetStderr(io.Writer) {}
