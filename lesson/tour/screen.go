package tour

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"golang.org/x/sys/unix"

	"fd3/lesson/course"
)

// The smallest terminal that the screen is drawn on. On a smaller one the tour goes on
// line by line.
const (
	minColumns = 60
	minRows    = 18
)

// Screen goes through the course on the full screen.
//
//	keys ─▶ screen.Update ─▶ guide: one part after the other, in the background
//	             ▲               │ course.Walk: Events
//	             └── messages ◀──┘ and Boards, four times a second
//	         screen.View: rail, text, the kernel's side, keys
//
// It returns when the learner quits or the context ends; the terminal is then as it
// was. A tour that did not end by the learner's will returns an error. As long as the
// terminal is too small, the tour goes line by line.
func Screen(ctx context.Context, o Options) error {
	s := newScreen(o, course.All())
	return s.run(ctx, guarded{s}, quiet{o.Out})
}

// run has bubbletea go through the course. model is the screen, and out what it is
// drawn on.
func (s *screen) run(ctx context.Context, model tea.Model, out io.Writer) error {
	at, err := s.walk.Start(s.From)
	if err != nil {
		return err
	}
	for {
		if Fits(size(s.Out)) {
			if err := s.fill(ctx, model, out, at); err != nil || !s.small {
				return err
			}
			at = s.at
		}
		if at, err = s.linear(ctx, at); !errors.Is(err, errRoom) {
			return err
		}
	}
}

// fill has bubbletea go on from a place, until the learner quits or the terminal is too
// small.
func (s *screen) fill(ctx context.Context, model tea.Model, out io.Writer, at course.Place) error {
	program := tea.NewProgram(model,
		tea.WithInput(keyboard{s.In, func() { s.send(tea.QuitMsg{}) }}),
		tea.WithOutput(out),
		tea.WithEnvironment([]string{"TERM=" + os.Getenv("TERM")}),
		tea.WithColorProfile(colorprofile.ANSI256),
		tea.WithoutSignalHandler())
	s.send = program.Send
	s.small = false
	s.resize(size(s.Out))
	s.guide.lead()
	delete(s.pages, at) // it is gone through anew
	s.enter(at)
	defer context.AfterFunc(ctx, program.Quit)()
	_, err := program.Run()
	s.guide.end()
	switch {
	case s.broken != nil:
		return fmt.Errorf("the tour ended by a fault of its own: %v", s.broken)
	case err != nil:
		return fmt.Errorf("the tour has lost its terminal: %w", err)
	}
	return ctx.Err()
}

// linear goes on line by line from a place, and returns the one where it ends: with
// errRoom if the terminal has become large enough.
func (s *screen) linear(ctx context.Context, at course.Place) (course.Place, error) {
	o := s.Options
	o.Look.Width, _ = size(s.Out)
	t := newLinear(o, s.walk, textForm)
	var err error
	if t.lines, err = readLines(s.In); err != nil {
		return at, err
	}
	defer t.lines.close()
	t.resized = make(chan os.Signal, 1)
	signal.Notify(t.resized, unix.SIGWINCH)
	defer signal.Stop(t.resized)
	t.resized <- unix.SIGWINCH // it may have grown before it was listened to
	if !s.Auto {
		s.walk.Ask = t.recall
	}
	t.say("The terminal is smaller than %dx%d, so the tour goes line by line until there is room.", minColumns, minRows)
	err = t.run(ctx, at)
	return t.at, err
}

// guarded keeps a panic from the learner's terminal: the program ends in order.
type guarded struct{ *screen }

func (g guarded) Update(msg tea.Msg) (model tea.Model, cmd tea.Cmd) {
	defer func() {
		if r := recover(); r != nil {
			g.broken, model, cmd = r, g, tea.Quit
		}
	}()
	if broken, ok := msg.(brokenMsg); ok {
		panic(broken.why)
	}
	return g, g.update(msg)
}

func (g guarded) View() (v tea.View) {
	v.AltScreen = true
	defer func() {
		if r := recover(); r != nil {
			go g.send(brokenMsg{r})
		}
	}()
	if g.broken == nil {
		v.Content = g.grounded()
	}
	return v
}

// grounded is the frame on the background of the theme, as large as the terminal.
func (s *screen) grounded() string {
	rows := area{s.width, s.height}.fill(strings.Split(s.frame(), "\n"))
	for i, row := range rows {
		rows[i] = s.paint.Ground(row, s.width)
	}
	return strings.Join(rows, "\n")
}

// brokenMsg brings a panic of a goroutine to where it ends the program.
type brokenMsg struct{ why any }

// safely is f with its panic as a message.
func safely(f func() tea.Msg) tea.Cmd {
	return func() (msg tea.Msg) {
		defer func() {
			if r := recover(); r != nil {
				msg = brokenMsg{r}
			}
		}()
		return f()
	}
}
