package tour

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/sys/unix"

	"fd3/lesson/course"
	"fd3/lesson/course/hello"
	"fd3/lesson/view"
	"fd3/sockets/hooks"
	"fd3/sockets/netlab"
	"fd3/sockets/path"
	"fd3/sockets/stage"
	"fd3/sockets/watch"
)

// TestMain makes this test binary become a stage when a Lab executes it again, and
// the screen when a test does: its terminal and its signals are its own then.
func TestMain(m *testing.M) {
	hello.Become()
	hooks.Become()
	netlab.Become()
	path.Become()
	stage.Become()
	watch.Become()
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	if from, ok := os.LookupEnv("FD3_TEST_SCREEN"); ok {
		os.Exit(screenProcess(from))
	}
	flag.Set("test.parallel", "4") // most of the time a screen waits
	os.Exit(m.Run())
}

// screenProcess is fd3 tour as far as it is of this package.
func screenProcess(from string) int {
	pace, notGiven := time.ParseDuration(os.Getenv("FD3_TEST_AUTO"))
	var mark func(string)
	if os.Getenv("FD3_TEST_PANIC") != "" {
		mark = func(string) { panic("a fault of the test") }
	}
	progress, err := course.LoadProgress()
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM, unix.SIGHUP) // as cmd/fd3 does
		defer stop()
		s := newScreen(Options{
			From: from, Auto: notGiven == nil, Pace: pace, Progress: progress, Mark: mark, In: os.Stdin, Out: os.Stdout,
			Look: view.Look{Colour: os.Getenv("NO_COLOR") == "", ASCII: os.Getenv("FD3_TEST_ASCII") != ""},
		}, course.All())
		err = s.run(ctx, &signed{Model: guarded{s}, screen: s}, signature{quiet{os.Stdout}})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "fd3:", err)
		return 1
	}
	return 0
}

// signed is a screen that has in the title of its window, in each frame, how many keys it
// has taken, and which ones do something now.
type signed struct {
	tea.Model
	screen *screen
	taken  int
}

func (s *signed) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	_, cmd := s.Model.Update(msg)
	if _, key := msg.(tea.KeyPressMsg); key {
		s.taken++
	}
	return s, cmd
}

func (s *signed) View() tea.View {
	v := s.Model.View()
	var offered []string
	for _, k := range s.screen.keys() {
		if s.screen.broken == nil && k.now(s.screen) != "" {
			offered = append(offered, k.names...)
		}
	}
	slices.Sort(offered)
	v.WindowTitle = fmt.Sprint(s.taken, " ", strings.Join(slices.Compact(offered), " "))
	return v
}

// A signature ends a frame. bubbletea writes the title before what it changes; here it
// comes last, so that a terminal that has read it has the whole frame.
type signature struct{ quiet }

var titles = regexp.MustCompile("\x1b\\]2;\\d[^\a]*\a")

func (s signature) Write(b []byte) (int, error) {
	title := titles.Find(b)
	if title == nil {
		return s.quiet.Write(b)
	}
	if _, err := s.quiet.Write(append(titles.ReplaceAll(b, nil), title...)); err != nil {
		return 0, err
	}
	return len(b), nil
}
