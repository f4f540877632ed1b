package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	story "fd3/lesson/watch"
	"fd3/sockets/kernel"
	"fd3/sockets/watch"
)

// checkCompare says what does not go together with --compare.
func (f *watchFlags) checkCompare(args []string) error {
	switch {
	case f.pids != nil || f.Calls || f.all || f.Bytes || f.Draw || f.out != "" || f.force || f.replay != "":
		return errors.New("--compare takes commands and recordings, and no other flag of watch")
	case len(args) < 2:
		return errors.New("compare what? fd3 watch --compare 'COMMAND' 'ANOTHER COMMAND', each in quotes")
	}
	for _, arg := range args {
		if strings.TrimSpace(arg) == "" || strings.HasPrefix(arg, "-") {
			return fmt.Errorf("%q is no command: each one in quotes, and flags before the first", arg)
		}
	}
	return nil
}

const compareWords = `fd3 runs one command after the other. What they print on stdout is not shown.
When one listens, fd3 asks it for / once, and ends it then as Ctrl-C does. What
has sockets and is no server ends by itself, or by Ctrl-C. Else Ctrl-C ends the
whole comparison.
`

// compare lays the lives of several commands, or recordings, side by side.
func (a *app) compare(f *watchFlags, args []string) error {
	var stories []story.Story
	c := comparison{explain: f.Explain}
	told := false
	for i, arg := range args {
		if strings.HasSuffix(arg, ".jsonl") {
			s := story.Story{Name: arg}
			if err := readRecording(arg, func(e lesson.Event) { s.Events = append(s.Events, e) }); err != nil {
				return err
			}
			stories = append(stories, s)
			continue
		}
		if !told {
			fmt.Fprint(os.Stderr, compareWords)
			told = true
			defer onSignal(c.signal)()
		}
		fmt.Fprintf(os.Stderr, "%d of %d: %s\n", i+1, len(args), arg)
		s, err := c.lived(arg)
		if err != nil {
			return err
		}
		stories = append(stories, s)
	}
	var failed error
	show, err := a.show(&failed)
	if err != nil {
		return err
	}
	lives := story.SideBySide(stories...)
	if len(lives.Groups) == 0 {
		return errors.New("none of them has made a socket, or used one: there is nothing to compare")
	}
	show(lesson.Event{Kind: lesson.KindLives, Lives: &lives})
	return failed
}

// A comparison runs one command after the other. A signal that fd3 gets ends the one that
// runs, with all that it has started, and the comparison.
type comparison struct {
	explain lesson.Explain

	mu    sync.Mutex
	guest *guest      // of the command that runs; nil: none does
	ended unix.Signal // that has ended it all; 0: none has
}

// signal is told of a signal that fd3 has got.
func (c *comparison) signal(s unix.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case s == unix.SIGTSTP: // the terminal has sent it to the command, too
	case s == unix.SIGINT && c.ended == 0 && c.guest != nil && c.guest.endsByKey():
		if !foreground() {
			c.guest.kill(s)
		}
	case c.ended != 0 && c.guest != nil:
		c.guest.kill(unix.SIGKILL)
	case c.ended == 0:
		c.ended = s
		if c.guest != nil {
			go c.guest.end(s, unix.SIGTERM, unix.SIGKILL)
		}
	}
}

// visited has a guest be the one of the command that runs. It returns the end of all, if a
// signal has ended it.
func (c *comparison) visited(g *guest) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.guest = g
	if c.ended != 0 {
		return programExit(128 + int(c.ended))
	}
	return nil
}

// lived runs a command of the shell, and returns its story.
func (c *comparison) lived(command string) (story.Story, error) {
	s := story.Story{Name: command}
	nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return s, err
	}
	defer nowhere.Close()
	n := story.Narrator{Explain: c.explain, Whole: true, Show: func(e lesson.Event) { s.Events = append(s.Events, e) }}
	g := guest{pids: make(map[int]bool)}
	w := &watch.Watch{Suspend: suspend, Still: true, Stdout: nowhere, Tell: func(e *watch.Event) {
		n.Tell(e)
		g.tell(e)
	}}
	if err := c.visited(&g); err != nil {
		return s, err
	}
	err = programEnd(w.Command("/bin/sh", []string{"sh", "-c", command}, unheard))
	if ended := c.visited(nil); ended != nil {
		return s, ended
	}
	g.visits.Wait()
	if g.left {
		err = programEnd(g.status, nil)
	}
	var exit programExit
	switch {
	case errors.As(err, &exit):
		fmt.Fprintf(os.Stderr, "  It has ended: exit code %d.\n", int(exit))
	case err == nil:
		fmt.Fprintf(os.Stderr, "  It has ended: exit code 0.\n")
	default:
		return s, err
	}
	return s, nil
}

// A guest visits a command that listens, once, and ends it then.
type guest struct {
	visits sync.WaitGroup
	came   bool

	mu     sync.Mutex
	pids   map[int]bool    // of the processes that there are
	began  bool            // there has been one
	socket bool            // one has made a socket
	server int             // the one that was visited; 0: none was
	left   bool            // it has ended
	status unix.WaitStatus // how: the shell that has started it, and gets the signal, too, may end otherwise
	typed  bool            // Ctrl-C has been there
}

// tell is told of all that happens.
func (g *guest) tell(e *watch.Event) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case e.Kind == watch.Began:
		g.pids[e.PID], g.began = true, true
	case e.Kind == watch.Ended:
		delete(g.pids, e.PID)
		if e.PID == g.server && !g.left {
			g.left, g.status = true, e.Status
		}
	case e.Kind == watch.Returned && e.Call.Name == "socket":
		g.socket = true
	case e.Kind == watch.Returned && e.Call.Name == "listen" && e.Call.Errno == 0 && !g.came:
		if at := listensAt(e); at.IsValid() {
			g.came, g.server = true, e.PID
			g.visits.Go(func() { g.visit(at) })
		}
	}
}

// listensAt asks the kernel at which address a TCP socket listens. One that stands for all of
// this machine is reached by the loopback address.
func listensAt(e *watch.Event) netip.AddrPort {
	network, err := kernel.Of(e.PID)
	if err != nil {
		return netip.AddrPort{}
	}
	defer network.Close()
	rows, _ := network.TCP(kernel.Listen)
	row := rows.Inode(e.Socket)
	switch {
	case row == nil:
		return netip.AddrPort{}
	case row.Local.Addr().Unmap() == netip.IPv4Unspecified():
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), row.Local.Port())
	case row.Local.Addr() == netip.IPv6Unspecified():
		return netip.AddrPortFrom(netip.IPv6Loopback(), row.Local.Port())
	}
	return row.Local
}

// visit asks a server for its first page and waits until the answer is whole. Then the
// server gets the time to close the connection, and is ended.
func (g *guest) visit(at netip.AddrPort) {
	const grace = 300 * time.Millisecond
	fmt.Fprintf(os.Stderr, "  It listens, and fd3 asks http://%s/ ...\n", at)
	fmt.Fprintf(os.Stderr, "  The answer begins with %s.\n", answer(at))
	time.Sleep(grace)
	g.end(unix.SIGINT, unix.SIGTERM, unix.SIGKILL)
}

// answer is the first line that a server answers with, or what came instead.
func answer(at netip.AddrPort) string {
	const patience, pause = 10 * time.Second, time.Second
	c, err := net.DialTimeout("tcp", at.String(), patience)
	if err != nil {
		return "nothing: " + err.Error()
	}
	defer c.Close()
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\nUser-Agent: fd3\r\nConnection: close\r\n\r\n", at)
	c.SetReadDeadline(time.Now().Add(patience))
	var line string
	b := make([]byte, 64<<10)
	for {
		n, err := c.Read(b)
		if line == "" && n > 0 {
			line, _, _ = strings.Cut(string(b[:n]), "\r\n")
			line = fmt.Sprintf("%.60q", line)
		}
		if err != nil {
			break
		}
		c.SetReadDeadline(time.Now().Add(pause))
	}
	if line == "" {
		return "nothing: none has come"
	}
	return line
}

// endsByKey reports whether Ctrl-C is how the command ends: it has sockets, and fd3 does not
// end it as a server. That holds once.
func (g *guest) endsByKey() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	ends := g.socket && !g.came && !g.typed
	g.typed = true
	return ends
}

// end has all processes end: they get a signal and, if they go on, the next one.
func (g *guest) end(signals ...unix.Signal) {
	for _, s := range signals {
		g.kill(s)
		for range 50 { // 5 s
			if g.gone() {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
}

// kill sends a signal to all processes.
func (g *guest) kill(s unix.Signal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for pid := range g.pids {
		unix.Kill(pid, s)
	}
}

// gone reports whether the command has ended, with all that it has started.
func (g *guest) gone() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.began && len(g.pids) == 0
}
