package watch

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/watch"
)

// A Narrator tells of what a Watch follows. Its methods may be called at the same time.
type Narrator struct {
	Show    func(lesson.Event)
	Explain lesson.Explain
	Calls   bool // every call in a line, and nothing else
	Lines   bool // with Calls: no more of a call than its line is read
	Bytes   bool // the heads of messages are drawn, each byte by its name
	Draw    bool // what the kernel has, after each call that changes it
	Whole   bool // all is told, also more than anybody can read

	mu        sync.Mutex
	lives     map[uint64]*life // by inode
	last      *life            // that the last line was about
	processes map[int]*process
	threads   map[int]*entered // calls that have not returned, by thread
	idle      map[int]*idle    // threads that wait in vain, again and again
	noted     map[string]bool  // what has been said once
	history   kernel.History
	recent    []time.Time // when the last lives were born that are told
	untold    int         // lives since it was last said how many are not told
	second    time.Time   // since then
	lines     int         // calls have been told in it
	skipped   int         // and others not, since that was last said
	sum       sum

	attach string // whom to; told once

	root int       // the command; 0: none was started
	gone time.Time // when it ended, while others run on
	how  string    // it ended
}

// A process is one that is followed.
type process struct {
	pid     int
	name    string
	program string // what it executes
	sockets bool   // it has made a call on one
}

// An entered call has not returned.
type entered struct {
	*watch.Event
	told     bool // that it waits
	nonblock bool // no call on its socket waits
}

// begin makes room.
func (n *Narrator) begin() {
	if n.lives == nil {
		n.lives, n.processes = make(map[uint64]*life), make(map[int]*process)
		n.threads, n.noted = make(map[int]*entered), make(map[string]bool)
		n.idle = make(map[int]*idle)
		n.sum = newSum()
	}
}

// Tell tells of one thing that has happened.
func (n *Narrator) Tell(e *watch.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.begin()
	switch e.Kind {
	case watch.Began:
		n.began(e)
	case watch.Executed:
		n.executed(e)
	case watch.Entered:
		n.entered(e)
	case watch.Returned:
		n.returned(e)
	case watch.Closed:
		n.closed(e)
	case watch.Ended:
		n.ended(e)
	case watch.Lost:
		n.sum.lost += e.Lost
		n.last = nil
		n.Show(lesson.Event{Kind: lesson.KindText, Section: "lost", Text: filled("lost", map[string]string{"count": lesson.Counted(e.Lost, "record")})})
	}
}

// Attach says whom the Watch is to attach to. It is told when it has.
func (n *Narrator) Attach(who string) { n.attach = who }

// LetGo tells that the Watch has let them go.
func (n *Narrator) LetGo() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.Calls {
		n.stirAll(0)
		n.Show(lesson.Event{Kind: lesson.KindText, Section: "watch", Text: filled("let go", nil)})
	}
}

// show shows an Event of a process.
func (n *Narrator) show(e lesson.Event, w *watch.Event) {
	n.stir(w.TID)
	e.Process, e.PID = w.Name, w.PID
	if w.TID != w.PID {
		e.Thread = w.TID
	}
	n.Show(e)
}

// say tells a section of watch.md about a process.
func (n *Narrator) say(section string, w *watch.Event, values map[string]string) {
	n.last = nil
	n.show(ofProcess(section, w, values), w)
}

// ofProcess is a section of watch.md about a process.
func ofProcess(section string, w *watch.Event, values map[string]string) lesson.Event {
	if values == nil {
		values = make(map[string]string)
	}
	values["name"], values["pid"] = w.Name, fmt.Sprint(w.PID)
	return lesson.Event{Kind: lesson.KindText, Section: "watch", Text: filled(section, values)}
}

// add tells a section of watch.md about a life.
func (n *Narrator) add(section string, l *life, w *watch.Event, values map[string]string) {
	if text := filled(section, values); text != "" {
		n.show(lesson.Event{Kind: lesson.KindText, Section: "watched", Text: text, Connection: l.number}, w)
	}
}

func (n *Narrator) began(e *watch.Event) {
	p := &process{pid: e.PID, name: e.Name}
	if e.Parent == unix.Getpid() {
		n.root = e.PID
	}
	n.processes[e.PID] = p
	n.sum.processes++
	if n.attach != "" && !n.Calls {
		n.say("attached", e, map[string]string{"who": n.attach})
		n.attach = ""
	}
	if e.Late && !n.Calls && n.sum.processes == 1 {
		n.say("late", e, map[string]string{"most": fmt.Sprint(watch.MostBytes)})
	}
	parent := n.processes[e.Parent]
	if parent != nil {
		p.program = parent.program
	}
	if e.Strange&watch.Foreign != 0 && !n.Calls {
		n.say("foreign", e, nil)
	}
	if e.Strange&watch.Ring != 0 && !n.Calls {
		n.say("ring", e, nil)
	}
	var shared []string
	for _, d := range e.Sockets {
		if l := n.lives[d.Inode]; l != nil && l.number != 0 {
			shared = append(shared, fmt.Sprint(d.FD))
		} else if parent == nil { // it runs already
			n.inherited(d, e)
		}
	}
	if shared != nil && parent != nil && !n.Calls {
		n.say("forked", e, map[string]string{"parent": fmt.Sprint(e.Parent), "fds": strings.Join(shared, ", ")})
	}
}

// inherited begins the life of a socket that was there already.
func (n *Narrator) inherited(d watch.Descriptor, e *watch.Event) {
	if n.lives[d.Inode] == nil {
		n.lives[d.Inode] = n.birth(found("there already", d, e.PID), e)
	}
}

func (n *Narrator) executed(e *watch.Event) {
	p := n.processes[e.PID]
	if p == nil {
		return
	}
	p.name, p.program, p.sockets = e.Name, e.Path, false
	if n.Calls {
		return
	}
	if e.Strange&watch.Foreign != 0 {
		n.say("foreign", e, nil)
	}
	if e.Strange&watch.Unentitled != 0 {
		n.say("unentitled", e, nil)
	}
}

// birth begins a life. Under load most lives are not told: nobody could read them.
func (n *Narrator) birth(l *life, e *watch.Event) *life {
	const most, within = 20, time.Second
	l.born = e.Time
	n.sum.lives++
	n.recent = slices.DeleteFunc(n.recent, func(t time.Time) bool { return e.Time.Sub(t) > within })
	if len(n.recent) >= most && !n.Calls && !n.Whole {
		n.untold++
		return l
	}
	n.recent = append(n.recent, e.Time)
	n.sum.told++
	l.number = uint64(n.sum.told)
	if n.untold > 0 {
		n.say("untold", e, map[string]string{"count": lesson.Counted(n.untold, "socket")})
		n.untold = 0
	}
	return l
}

func (n *Narrator) entered(e *watch.Event) {
	c := &entered{Event: e}
	n.threads[e.TID] = c
	if !n.Calls && e.Socket != 0 && (e.Call.Name == "fcntl" || e.Call.Name == "ioctl") {
		flags := e.Flags
		if !e.Late {
			file, _ := kernel.FDInfo(e.TID, e.FD)
			flags = file.Flags
		}
		c.nonblock = flags&unix.O_NONBLOCK != 0
	}
	p := n.processes[e.PID]
	if p == nil || n.Calls {
		return
	}
	if n.Draw && len(n.history.Now.Hosts) == 0 { // what was there before the first call
		n.look()
	}
	if e.Before != nil && !p.sockets {
		p.sockets = true
		n.before(e)
	}
}

// before tells in a line what a process did before its first socket.
func (n *Narrator) before(e *watch.Event) {
	all := 0
	for _, count := range e.Before {
		all += count
	}
	var parts []string
	for _, group := range []struct {
		noun    string
		numbers []int
	}{
		{"to open files", []int{unix.SYS_OPENAT, unix.SYS_OPENAT2}},
		{"to map memory", []int{unix.SYS_MMAP, unix.SYS_MUNMAP, unix.SYS_MPROTECT, unix.SYS_BRK}},
		{"for signals", []int{unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK}},
		{"for threads and processes", []int{unix.SYS_CLONE, unix.SYS_CLONE3, unix.SYS_FUTEX, unix.SYS_WAIT4}},
	} {
		count := 0
		for _, number := range group.numbers {
			count += e.Before[number]
		}
		if count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count, group.noun))
		}
	}
	values := map[string]string{"calls": lesson.Counted(all, "call")}
	if parts != nil {
		values["parts"] = strings.Join(parts, ", ")
	}
	told := ofProcess("before", e, values)
	told.CallsBefore = all
	n.last = nil
	n.show(told, e)
}

func (n *Narrator) returned(e *watch.Event) {
	waited := n.threads[e.TID]
	delete(n.threads, e.TID)
	n.sum.call(e)
	if n.Calls {
		n.line(e)
		return
	}
	if restarts(e.Call) {
		return
	}
	was := n.lives[e.Socket]
	if e.Socket != 0 && was == nil && e.Sockets == nil { // a socket that came unseen
		n.inherited(watch.Descriptor{FD: e.FD, Inode: e.Socket, Sort: e.Sort}, e)
		was = n.lives[e.Socket]
	}
	if Waits(e.Call.Name) || strings.HasPrefix(e.Call.Name, "epoll_create") || e.Call.Name == "io_uring_setup" || was == nil && e.Sockets == nil {
		n.wait(e, waited != nil && waited.told)
		return
	}
	is := was
	if len(e.Sockets) > 0 {
		is = n.born(e, was)
	}
	call := e.Call
	if was != nil {
		was.calls++
		call = was.bytes(call, e.FD)
		n.sum.later(was, call)
	}
	about := is
	if e.Call.Name == "recvmsg" || about == nil {
		about = was
	}
	if about == nil || about.number == 0 || n.flood(e) {
		return
	}
	n.heading(about, e)
	section := note(e, call, was, is)
	if section == "nonblock" && waited != nil && waited.nonblock {
		section = "nonblock already"
	}
	n.show(n.recap(call, e.FD, section, n.values(e, was, is)), e)
	n.after(e, call, was, is)
}

// flood reports whether more has been told in this second than anybody can read. Then the
// calls are counted, and their number is told.
func (n *Narrator) flood(e *watch.Event) bool {
	if e.Time.Sub(n.second) > time.Second {
		n.second, n.lines = e.Time, 0
		if n.skipped > 0 {
			n.say("untold", e, map[string]string{"count": lesson.Counted(n.skipped, "call")})
			n.skipped = 0
		}
	}
	if n.lines >= mostLines && !n.Whole {
		n.skipped++
		return true
	}
	n.lines++
	return false
}

// Skip reports whether a call may be left alone, since nothing would be told of it: it is
// on a life that is not told, or more has been told in this second than anybody can read.
// It is counted. What is told later of the same life cannot say which bytes were before:
// they may be the beginning of a secret, so that none is shown from then on.
func (n *Narrator) Skip(_ int, socket uint64) (skip bool, until time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.begin()
	l := n.lives[socket]
	switch {
	case n.Calls, n.Whole, socket != 0 && l == nil:
		return false, until
	case l != nil && l.number == 0:
	case n.lines < mostLines || time.Since(n.second) > time.Second:
		return false, until
	default:
		until = n.second.Add(time.Second)
	}
	n.counted(l, 1)
	return true, until
}

// Counted tells that calls on a socket were left alone.
func (n *Narrator) Counted(socket uint64, calls int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.lives[socket]
	if l == nil && socket != 0 { // it came unseen
		l = &life{inode: socket}
		n.lives[socket] = l
		n.sum.lives++
		n.untold++
	}
	n.counted(l, calls)
}

func (n *Narrator) counted(l *life, calls int) {
	n.sum.calls += calls
	n.sum.counted += calls
	if l == nil || l.number != 0 {
		n.skipped += calls
	}
	if l != nil {
		l.calls += calls
		l.counted += calls
	}
}

// mostLines is how many lines are told in a second.
const mostLines = 200

// born begins the lives of the sockets that a call has made or brought.
func (n *Narrator) born(e *watch.Event, was *life) (first *life) {
	for _, d := range e.Sockets {
		l := n.lives[d.Inode]
		if l == nil {
			l = &life{inode: d.Inode, stream: true, calls: 1}
			switch {
			case e.Call.Name == "socket" || e.Call.Name == "socketpair":
				l.kind, l.stream = kindOf(int(e.Call.Args[0].Number), int(e.Call.Args[1].Number), int(e.Call.Args[2].Number))
			case was != nil && strings.HasPrefix(e.Call.Name, "accept"):
				l.kind, l.peer = was.kind, e.Call.Addr.String()
				if len(e.Call.Addr) == 0 {
					l.peer = n.peer(e, d.Inode)
				}
			default:
				l = found("from elsewhere", d, e.PID)
				l.calls = 1
			}
			n.lives[d.Inode] = n.birth(l, e)
		}
		if first == nil {
			first = l
		}
	}
	return first
}

// heading says which life, where and by whose hand the lines below it are about.
func (n *Narrator) heading(l *life, e *watch.Event) {
	now := place{e.PID, e.TID, e.FD}
	if len(e.Sockets) > 0 && n.lives[e.Sockets[0].Inode] == l {
		now.fd = e.Sockets[0].FD
	}
	if n.last == l && (l.told == now || e.Call.Name == "close_range") {
		return
	}
	n.last, l.told = l, now
	n.show(lesson.Event{Kind: lesson.KindLife, Connection: l.number, FD: &now.fd, Value: l.what(), Peer: l.peer}, e)
}

// recap is a call in a line.
func (n *Narrator) recap(c sockets.Call, fd int, section string, values map[string]string) lesson.Event {
	r := lesson.Returned(c)
	r.Recap, r.Step = true, StepOf(c, fd)
	r.Text = n.remark(c, r.Step, section, values)
	return r
}

// values are those of the notes.
func (n *Narrator) values(e *watch.Event, was, is *life) map[string]string {
	v := make(map[string]string)
	for _, a := range e.Call.Args {
		if a.Value != "" {
			v[strings.ReplaceAll(a.Name, " ", "_")] = a.Value
		}
	}
	if is != nil && is != was && is.number != 0 {
		v["life"] = fmt.Sprint(is.number)
	}
	return v
}

// line tells a call as strace(1) prints it.
func (n *Narrator) line(e *watch.Event) {
	call := e.Call
	l := n.lives[e.Socket]
	if l == nil && e.Socket != 0 {
		l = &life{inode: e.Socket}
		n.lives[e.Socket] = l
		n.sum.lives++
	}
	if l != nil {
		l.calls++
		call = l.bytes(call, e.FD)
		n.sum.later(l, call)
	}
	var r lesson.Event
	if n.Lines {
		r = lesson.Event{Kind: lesson.KindReturn, Strace: call.Strace(), DurationNS: call.Duration.Nanoseconds()}
	} else {
		r = lesson.Returned(call)
		r.Step = StepOf(call, e.FD)
	}
	n.show(r, e)
}

// left tells which processes run on after the command has ended, such as a daemon.
func (n *Narrator) left() {
	var all []string
	for _, pid := range slices.Sorted(maps.Keys(n.processes)) {
		all = append(all, fmt.Sprintf("%s %d", n.processes[pid].name, pid))
	}
	n.Show(lesson.Event{Kind: lesson.KindText, Section: "watch", Text: filled("left", map[string]string{"how": n.how, "pids": strings.Join(all, ", ")})})
}

// after tells what a call has brought: the heads of messages, and the kernel's evidence.
func (n *Narrator) after(e *watch.Event, c sockets.Call, was, is *life) {
	if was != nil && was.stream && was.counted == 0 && len(c.Data) > 0 && c.Errno == 0 && !peeks(c) {
		n.message(e, was)
	}
	begun := c.Name == "connect" && c.Errno == unix.EINPROGRESS
	if c.Errno != 0 && !begun {
		return
	}
	if c.Name == "connect" {
		was.peer = ""
		if c.Addr.Family() != unix.AF_UNSPEC {
			was.peer = c.Addr.String()
		}
	}
	if c.Name == "listen" {
		n.backlog(e, c)
	}
	if n.Draw {
		n.draw(e, c)
	}
}

// message tells of a head that is whole now.
func (n *Narrator) message(e *watch.Event, l *life) {
	this, section := &l.read, "read"
	if StepOf(e.Call, e.FD) == "send" {
		this, section = &l.written, "wrote"
	}
	m, tls := this.add(e.Call.Data)
	if int64(len(e.Call.Data)) < moved(e.Call) { // the rest is not known
		this.opaque, this.head = true, nil
	}
	if tls {
		n.add("tls", l, e, nil)
	}
	if m == nil {
		return
	}
	n.add(section, l, e, map[string]string{"line": m.line, "fields": lesson.Counted(m.fields, "field line")})
	if n.Bytes {
		n.show(lesson.Event{Kind: lesson.KindBytes, Form: "message", Title: lesson.Counted(len(m.data), "byte") + " of a head", Data: m.data, Spans: m.spans, Connection: l.number}, e)
	}
}

// bytes counts what a call has moved, and hides the secrets in it.
func (l *life) bytes(c sockets.Call, fd int) sockets.Call {
	var this, other *direction
	switch StepOf(c, fd) {
	case "recv":
		this, other = &l.read, &l.written
	case "send":
		this, other = &l.written, &l.read
	default:
		return c
	}
	if l.counted > 0 {
		return hidden(c)
	}
	if peeks(c) {
		unread := *this
		return unread.mask(c)
	}
	if c.Errno == 0 {
		if this == &l.read {
			l.in += moved(c)
		} else {
			l.out += moved(c)
		}
		if this.over && c.Ret > 0 {
			*this = direction{}
		}
		other.over = other.over || c.Ret > 0
	}
	return this.mask(c)
}

// backlog tells what the kernel has made of the number that listen(2) was given.
func (n *Narrator) backlog(e *watch.Event, c sockets.Call) {
	if e.Late {
		if e.Sort.Protocol == unix.IPPROTO_TCP && len(c.Args) > 1 {
			f := facts.Backlog(int(int32(c.Args[1].Number)), e.Queue)
			f.Source = "sk_max_ack_backlog of its `struct sock`"
			n.show(evidence(f), e)
		}
		return
	}
	net, err := kernel.Of(e.PID)
	if err != nil {
		return
	}
	defer net.Close()
	rows, _ := net.TCP(kernel.Listen)
	if row := rows.Inode(e.Socket); row != nil && len(c.Args) > 1 {
		n.show(evidence(facts.Backlog(int(int32(c.Args[1].Number)), int(row.WQueue))), e)
	}
}

// evidence is a fact in short.
func evidence(f lesson.Evidence) lesson.Event {
	e := f.Event()
	e.Recap = true
	return e
}

// peer asks the kernel for the other end of a connection that a program has not asked for.
func (n *Narrator) peer(e *watch.Event, inode uint64) string {
	if len(n.recent) > 5 { // all connections would have to be looked through, for each of them
		return ""
	}
	net, err := kernel.Of(e.PID)
	if err != nil {
		return ""
	}
	defer net.Close()
	rows, _ := net.TCP()
	if row := rows.Inode(inode); row != nil {
		return row.Remote.String()
	}
	return ""
}

// draw shows what the kernel has after a call that changes it: one that has brought a
// descriptor, or has done something to a socket. Each drawing is compared with the one
// before.
func (n *Narrator) draw(e *watch.Event, call sockets.Call) {
	if len(e.Sockets) == 0 {
		switch StepOf(call, e.FD) {
		case "bind", "listen", "connect", "shutdown", "close":
		default:
			return
		}
	}
	n.history.Mark()
	if n.look() != nil {
		return
	}
	now := n.history.Now
	n.show(lesson.Event{Kind: lesson.KindSnapshot, Snapshot: &now, Before: n.history.Before}, e)
	n.last = nil
}

// look asks the kernel what the processes have.
func (n *Narrator) look() error {
	var parties []kernel.Party
	for _, pid := range slices.Sorted(maps.Keys(n.processes)) {
		p := n.processes[pid]
		parties = append(parties, kernel.Party{Name: p.name, PID: p.pid, Traced: true})
	}
	return n.history.Look(parties, nil)
}

func (n *Narrator) closed(e *watch.Event) {
	l := n.lives[e.Socket]
	delete(n.lives, e.Socket)
	if l == nil || l.number == 0 || n.Calls {
		return
	}
	if n.last == l {
		n.last = nil
	}
	values := map[string]string{"number": fmt.Sprint(l.number), "age": lesson.Took(e.Time.Sub(l.born)), "calls": lesson.Counted(l.calls, "call"),
		"in": lesson.Counted(l.in, "byte"), "out": lesson.Counted(l.out, "byte"), "counted": fmt.Sprint(l.counted)}
	section := "closed"
	if l.counted > 0 {
		section = "closed counted"
	}
	n.show(lesson.Event{Kind: lesson.KindText, Section: "watched", Connection: l.number, Text: filled(section, values)}, e)
}

func (n *Narrator) ended(e *watch.Event) {
	p := n.processes[e.PID]
	delete(n.processes, e.PID)
	for tid, c := range n.threads {
		if c.PID == e.PID {
			delete(n.threads, tid)
		}
	}
	n.stirAll(e.PID)
	how := fmt.Sprintf("exit code %d", e.Status.ExitStatus())
	if e.Status == watch.Unknown {
		how = "that record is lost"
	} else if e.Status.Signaled() {
		how = fmt.Sprintf("signal %d, %s", int(e.Status.Signal()), unix.SignalName(e.Status.Signal()))
	}
	if e.PID == n.root {
		n.gone, n.how = e.Time, how
	}
	if p == nil || !p.sockets || n.Calls {
		return
	}
	values := map[string]string{"how": how}
	if open := n.open(e); open != "" {
		values["open"] = open
	}
	n.say("ended", e, values)
}

// open lists the descriptors that a process has left to the kernel to close.
func (n *Narrator) open(e *watch.Event) string {
	var all []string
	for _, d := range e.Sockets {
		all = append(all, fmt.Sprint(d.FD))
	}
	const most = 8
	if len(all) > most {
		return strings.Join(all[:most], ", ") + fmt.Sprintf(" and %d more", len(all)-most)
	}
	return strings.Join(all, ", ")
}
