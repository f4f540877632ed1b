package lab

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/hello"
	"fd3/lesson/facts"
	tell "fd3/lesson/watch"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/watch"
)

// starting is how long a program may take to come to its first calls on sockets.
const starting = 30 * time.Second

// A Watched program runs besides the parties, and is told of as fd3 watch does. It goes
// on while a step wants that. Between two steps it is held: each of its threads stands
// still at the next call on a socket that it makes. So time changes nothing.
type Watched struct {
	Name string         // as people call the program
	Of   string         // what it is, and its version
	At   netip.AddrPort // where a server is to listen

	lab      *Lab
	narrator tell.Narrator
	heldFor  map[int]time.Duration // a thread, at the event before
	ended    chan struct{}
	how      unix.WaitStatus // valid when it has ended
	err      error           // why it could not be watched; the same

	mu       sync.Mutex
	turn     sync.Cond
	until    func(*watch.Event) bool // it goes on until that is so; nil: it is held
	reached  chan struct{}           // closed when it was so
	over     bool                    // nothing holds it any more
	pid      int
	runs     map[int]bool   // its processes
	fresh    []lesson.Event // of the watch.Event that is being told
	story    []lesson.Event
	shown    int // of the story
	entered  map[int]*watch.Event
	listener uint64 // the inode of the listening socket
	epoll    int    // the descriptor of the epoll that waits for it; -1: none does
	serving  bool   // it is about to wait for clients
	waits    string
}

// Server starts a server, at a port of 127.0.0.1 that is free. It is held before its first
// call. An error says why it does not run here.
func (l *Lab) Server(s hello.Server) (*Watched, error) {
	at, leave := l.FreeAddress()
	l.Cleanup(leave)
	argv, version, err := s.Command(l.TempDir(), at)
	if err != nil {
		return nil, err
	}
	w := l.newWatched(s.Name)
	w.Of, w.At = version, at
	w.start(argv)
	return w, nil
}

// Watch starts a program. It is held before its first call on a socket.
func (l *Lab) Watch(name string, argv []string) *Watched {
	w := l.newWatched(name)
	w.start(argv)
	return w
}

func (l *Lab) newWatched(name string) *Watched {
	return &Watched{Name: name, lab: l, ended: make(chan struct{}), runs: make(map[int]bool), heldFor: make(map[int]time.Duration), entered: make(map[int]*watch.Event), epoll: -1}
}

// start starts the program. Its output goes nowhere. It ends with the experiment.
func (w *Watched) start(argv []string) {
	w.turn.L = &w.mu
	w.narrator = tell.Narrator{Explain: lesson.None, Show: func(e lesson.Event) { w.fresh = append(w.fresh, e) }}
	follow := &watch.Watch{Tell: w.tell, Still: true}
	quiet := append([]string{"sh", "-c", `exec "$0" "$@" </dev/null >/dev/null 2>&1`}, argv...)
	go func() {
		defer close(w.ended)
		w.how, w.err = follow.Command("/bin/sh", quiet, true)
	}()
	w.lab.Cleanup(func() {
		w.mu.Lock()
		w.over = true
		w.turn.Broadcast()
		w.mu.Unlock()
		for {
			follow.Signal(unix.SIGKILL) // the first process, and then what that has left
			select {
			case <-w.ended:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	})
}

// FreeAddress returns an address of 127.0.0.1 whose port is free. As long as this process
// keeps the port, nobody gets it but those who set SO_REUSEADDR, as servers do.
func (l *Lab) FreeAddress() (at netip.AddrPort, leave func()) {
	var t sockets.Tracer
	fd := int(l.Must(t.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)).Ret)
	leave = func() { unix.Close(fd) }
	l.Must(t.SetReuseAddr(fd, true))
	l.Must(t.Bind(fd, Loopback(0)))
	return sockets.Sockname(fd).AddrPort(), leave
}

// tell is told what the program does, which stands still meanwhile. The time for which a
// thread is held before a call is not the call's.
func (w *Watched) tell(e *watch.Event) {
	if e.Kind == watch.Returned {
		e.Call.Duration -= w.heldFor[e.TID]
	}
	delete(w.heldFor, e.TID)
	w.narrator.Tell(e)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.story = append(w.story, w.fresh...)
	for _, told := range w.fresh {
		if told.Kind == lesson.KindReturn {
			w.lab.madeBesides(w.Name, told)
		}
	}
	w.fresh = nil
	w.note(e)
	if w.until != nil && w.until(e) {
		w.hold()
	}
	for begin := time.Now(); w.until == nil && !w.over; w.heldFor[e.TID] = time.Since(begin) {
		w.turn.Wait()
	}
}

// hold has whatever comes next wait for the next step.
func (w *Watched) hold() {
	w.until = nil
	close(w.reached)
}

// note keeps what the program is in, and whether it waits for clients.
func (w *Watched) note(e *watch.Event) {
	switch e.Kind {
	case watch.Began:
		w.began(e)
	case watch.Ended:
		delete(w.runs, e.PID)
	case watch.Entered:
		w.entered[e.TID] = e
		if w.listener != 0 && (e.Socket == w.listener && strings.HasPrefix(e.Call.Name, "accept") || tell.Waits(e.Call.Name) && !strings.HasPrefix(e.Call.Name, "epoll")) {
			w.serving = true
		}
	case watch.Returned:
		delete(w.entered, e.TID)
		switch {
		case e.Call.Errno != 0:
		case e.Call.Name == "listen":
			w.listener = e.Socket
		case e.Call.Name == "epoll_ctl" && w.listener != 0 && e.Socket == w.listener:
			w.epoll, w.serving = int(int32(e.Call.Args[0].Number)), true
		}
	}
}

// began notes a process, which the Board shows if it is one of a server.
func (w *Watched) began(e *watch.Event) {
	if e.Parent == os.Getpid() {
		w.pid = e.PID
	}
	w.runs[e.PID] = true
	if !w.At.IsValid() {
		return
	}
	w.lab.OnBoard(func() (kernel.Party, bool) {
		w.mu.Lock()
		defer w.mu.Unlock()
		return kernel.Party{Name: w.Name + ", watched", PID: e.PID, Net: kernel.Own(), At: w.At}, w.runs[e.PID] && !w.over
	})
}

// GoOn lets the program go on until something is so, and returns what was told meanwhile.
func (w *Watched) GoOn(what string, until func(*watch.Event) bool) []lesson.Event {
	w.release(until)
	l := w.lab
	select {
	case <-w.reached:
	case <-w.ended:
		if w.err != nil {
			l.Fatalf("%s: %w", w.Name, w.err)
		}
		l.Fatalf("%s has ended, before %s", w.Name, what)
	case <-l.ctx.Done():
		panic(trouble{l.ctx.Err()})
	case <-time.After(starting):
		l.Fatalf("waited %s for %s to come to %s", starting, w.Name, what)
	}
	return w.news()
}

func (w *Watched) release(until func(*watch.Event) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.until, w.reached = until, make(chan struct{})
	w.turn.Broadcast()
}

// news is the story since it was asked for last.
func (w *Watched) news() []lesson.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	news := slices.Clone(w.story[w.shown:])
	w.shown = len(w.story)
	return news
}

// Over lets the program run to its end. It returns what was told of it, and whether its
// exit code is 0.
func (w *Watched) Over() (s Story, well bool) {
	w.release(func(*watch.Event) bool { return false })
	select {
	case <-w.ended:
		if w.err != nil {
			w.lab.Fatalf("%s: %w", w.Name, w.err)
		}
	case <-w.lab.ctx.Done():
		panic(trouble{w.lab.ctx.Err()})
	case <-time.After(starting):
		w.lab.Fatalf("waited %s for %s to end", starting, w.Name)
	}
	w.narrator.End()
	w.mu.Lock()
	w.story, w.fresh = append(w.story, w.fresh...), nil
	w.mu.Unlock()
	return w.Story(), w.how.Exited() && w.how.ExitStatus() == 0
}

// Returns lets the program go on until a call of it has returned that is meant.
func (w *Watched) Returns(what string, meant func(sockets.Call) bool) []lesson.Event {
	return w.GoOn(what, func(e *watch.Event) bool { return e.Kind == watch.Returned && e.Call.Errno == 0 && meant(e.Call) })
}

// Begins lets it go on until it is about to make its first socket, and says what it is.
func (w *Watched) Begins() {
	begun := w.GoOn("socket(2)", func(e *watch.Event) bool { return e.Kind == watch.Entered && e.Call.Name == "socket" })
	w.mu.Lock()
	pid := w.pid
	w.mu.Unlock()
	w.lab.Show(lesson.Evidence{Fact: w.Name, Value: fmt.Sprintf("%s, process %d, watched now", w.Of, pid), Source: "ptrace(2)"})
	w.lab.ShowShort(w.Name, begun)
	w.lab.Show(lesson.Evidence{Fact: "calls before its first socket", Value: fmt.Sprint(w.Story().Before()), Source: "ptrace(2)"})
}

// Binds lets it go on until it has an address, and tells of that.
func (w *Watched) Binds() []lesson.Event {
	return w.Returns("bind(2)", func(c sockets.Call) bool { return c.Name == "bind" && c.Addr.AddrPort() == w.At })
}

// Listens lets it go on until clients can come.
func (w *Watched) Listens() []lesson.Event {
	return w.Returns("listen(2)", func(c sockets.Call) bool { return c.Name == "listen" })
}

// Accepts lets it go on until it has accepted a client.
func (w *Watched) Accepts() []lesson.Event {
	return w.Returns("accept(2)", func(c sockets.Call) bool { return strings.HasPrefix(c.Name, "accept") })
}

// Reads lets it go on until it has read from its client.
func (w *Watched) Reads() []lesson.Event {
	return w.Returns("read the request", func(c sockets.Call) bool { return c.Ret > 0 && bytes.HasPrefix(c.Data, []byte("GET ")) })
}

// Answers lets it go on until it has written to its client.
func (w *Watched) Answers() []lesson.Event {
	return w.Returns("write the answer", func(c sockets.Call) bool { return c.Ret > 0 && bytes.HasPrefix(c.Data, []byte("HTTP/")) })
}

// Sleeps lets the program go on until it sleeps where it waits for clients, and returns
// the call and what there is to show of it. It is held when it calls accept(2) next or, if
// it is in that, when a client came.
func (w *Watched) Sleeps() (call string, asleep lesson.Evidence) {
	w.release(func(e *watch.Event) bool {
		accepts := e.Socket == w.listener && strings.HasPrefix(e.Call.Name, "accept")
		return accepts && w.waits != "" && (e.Kind == watch.Entered || e.Call.Errno == 0)
	})
	l := w.lab
	for begin := time.Now(); ; time.Sleep(2 * time.Millisecond) {
		select {
		case <-w.ended:
			l.Fatalf("%s has ended: %w", w.Name, w.err)
		case <-l.ctx.Done():
			panic(trouble{l.ctx.Err()})
		default:
		}
		if e := w.waiting(); e != nil && idle(e.PID) {
			if task, err := kernel.Thread(e.PID, e.TID); err == nil && task.State == 'S' && (task.Wchan != "" || time.Since(begin) > Nameless) {
				task.Wchan = cmp.Or(task.Wchan, e.Call.Name)
				w.mu.Lock()
				defer w.mu.Unlock()
				w.waits = e.Call.Name
				return w.waits, facts.AsleepIn(fmt.Sprintf("%s, thread %d", w.Name, e.TID), e.PID, e.TID, task, "in "+w.waits+"(2)")
			}
		}
		if time.Since(begin) > starting {
			l.Fatalf("waited %s for %s to wait for clients", starting, w.Name)
		}
	}
}

// idle reports whether all threads of a process sleep.
func idle(pid int) bool {
	tids := threads(pid)
	return len(tids) > 0 && !slices.ContainsFunc(tids, func(tid int) bool {
		task, err := kernel.Thread(pid, tid)
		return err != nil || task.State != 'S'
	})
}

// threads are the numbers of those of a process.
func threads(pid int) (tids []int) {
	entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, entry := range entries {
		if tid, err := strconv.Atoi(entry.Name()); err == nil {
			tids = append(tids, tid)
		}
	}
	return tids
}

// Threads are the numbers of those of all its processes.
func (w *Watched) Threads() (tids []int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for pid := range w.runs {
		tids = append(tids, threads(pid)...)
	}
	return tids
}

// Wakes waits until a client has woken the program, which is held then.
func (w *Watched) Wakes() { w.lab.Until(w.Name+" to wake", w.held) }

func (w *Watched) held() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.until == nil
}

// waiting is the call in which a thread waits for clients, or nil.
func (w *Watched) waiting() *watch.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.entered {
		name := e.Call.Name
		epolls := strings.HasPrefix(name, "epoll_") && tell.Waits(name)
		switch {
		case !w.serving:
		case e.Socket == w.listener && strings.HasPrefix(name, "accept"),
			epolls && w.epoll >= 0 && int(int32(e.Call.Args[0].Number)) == w.epoll,
			!epolls && tell.Waits(name) && w.epoll < 0:
			return e
		}
	}
	return nil
}

// Hello is the Story of a server up to its first answer: of one that is watched now or,
// where it does not run here, the recorded one. Its calls are shown in short.
func (l *Lab) Hello(of hello.Server) Story {
	w, err := l.Server(of)
	if err != nil {
		s := l.Recorded(of)
		l.ShowShort(of.Name, s.Events)
		return s
	}
	w.Begins()
	events := w.Listens()
	w.Sleeps()
	w.Asks("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
	l.ShowShort(of.Name, append(events, w.Answers()...))
	return w.Story()
}

// Asks has a client, which is fd3 itself, connect and send a request.
func (w *Watched) Asks(request string) {
	l := w.lab
	var t sockets.Tracer
	fd := int(l.Must(t.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)).Ret)
	l.Cleanup(func() { unix.Close(fd) })
	l.Must(t.Connect(fd, sockets.InetSockaddr(w.At)))
	l.Must(t.Send(fd, []byte(request), unix.MSG_NOSIGNAL))
}

// Story returns what was told of the program so far.
func (w *Watched) Story() Story {
	w.mu.Lock()
	defer w.mu.Unlock()
	return Story{Name: w.Name, Of: w.Of, Events: slices.Clone(w.story), waits: w.waits}
}

// ShowListener shows the listener of a server, and returns the kernel's number for its
// backlog.
func (w *Watched) ShowListener() kernel.Queue {
	row := w.lab.TCP().Listener(w.At)
	if row == nil {
		w.lab.Fatalf("%s does not listen at %s", w.Name, w.At)
	}
	q := kernel.Queue{Waiting: int(row.RQueue), Backlog: int(row.WQueue)}
	w.lab.Show(facts.ListenRow(q, facts.SS("-ltn", facts.From(w.At.Port()))))
	return q
}
