package watch

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"fd3/lesson"
)

// SideBySide lays the lives of the sockets of several programs side by side: which call of
// one is which of another. What a socket is to a program, one of another program is to
// that: it listens, it is a connection that was accepted, or one that is made. The calls
// on them that are the same step are one row, in the order in which all make them, as
// diff(1) finds it.
func SideBySide(stories ...Story) lesson.Lives {
	var all lesson.Lives
	told := make([]chapters, len(stories))
	for i, s := range stories {
		all.Programs = append(all.Programs, s.Name)
		told[i] = read(s.Events)
	}
	shown := false // a socket is
	for _, r := range roles(told) {
		if shown && aside(told, r) {
			all.Groups = append(all.Groups, counted(told, r))
			continue
		}
		for n := range r.most() {
			if g := beside(told, r, n); len(g.Rows) > 0 {
				all.Groups = append(all.Groups, g)
				shown = shown || r != nobody
			}
		}
	}
	return all
}

// A Story is what a Narrator has told of a program, or has recorded.
type Story struct {
	Name   string // of the program
	Events []lesson.Event
}

// beside lays the n-th lives of a role side by side.
func beside(told []chapters, r role, n int) lesson.LifeGroup {
	g := lesson.LifeGroup{Title: r.title(n), Lives: make([]string, len(told)), Rest: make([]int, len(told))}
	var rows [][]*step
	for i, c := range told {
		lives := c.of(r)
		if n < len(lives) {
			g.Lives[i] = lives[n].which
			rows = merge(rows, lives[n].steps, i, len(told))
		}
		if n == r.most()-1 {
			g.Rest[i] = max(len(lives)-r.most(), 0)
		}
	}
	for _, row := range rows {
		g.Rows = append(g.Rows, compared(row))
	}
	return g
}

// counted has only how many lives of a role each program has.
func counted(told []chapters, r role) lesson.LifeGroup {
	g := lesson.LifeGroup{Title: r.title(0), Lives: make([]string, len(told)), Rest: make([]int, len(told))}
	for i, c := range told {
		g.Rest[i] = len(c.of(r))
	}
	return g
}

// A role is what a socket is to a program. One that is none of these has its kind.
type role string

const (
	listens  role = "listens"
	accepted role = "accepted"
	connects role = "connects"
	nobody   role = "" // calls on no socket of their own: they wait for several, or make what does
)

// title is what stands over the n-th lives of a role.
func (r role) title(n int) string {
	title := "besides: " + string(r)
	switch r {
	case listens:
		title = "a socket that listens"
	case accepted:
		return "a connection that was accepted"
	case connects:
		title = "a connection that is made"
	case nobody:
		return "how the program waits for several sockets"
	}
	return title + [mostLives]string{"", ", the second", ", the third", ", the fourth"}[n]
}

// mostLives is how many lives of one role are laid side by side, and mostSteps how many
// calls of each.
const (
	mostLives = 4
	mostSteps = 400
)

// most is how many lives of the role are laid side by side: of accepted connections one,
// since each is as the other.
func (r role) most() int {
	if r == accepted || r == nobody {
		return 1
	}
	return mostLives
}

// aside reports whether the sockets of a role are none of what the programs are for: they lead
// nowhere but to this machine itself, or nothing is sent or received on them, as where a name
// is looked up or a number is kept. Where there are others such are counted only.
func aside(told []chapters, r role) bool {
	switch {
	case r == listens, r == accepted, r == connects, r == nobody:
		return false
	case strings.Contains(string(r), "Unix"), strings.Contains(string(r), "netlink"):
		return true
	}
	for _, c := range told {
		if slices.ContainsFunc(c.of(r), (*chapter).carries) {
			return false
		}
	}
	return true
}

// roles are those that the programs have; those aside come last.
func roles(told []chapters) []role {
	all := []role{listens, accepted, connects, nobody}
	for _, c := range told {
		for _, l := range c {
			if !slices.Contains(all, l.role) {
				all = append(all, l.role)
			}
		}
	}
	last := func(r role) bool { return aside(told, r) }
	return slices.Concat(slices.DeleteFunc(slices.Clone(all), last), slices.DeleteFunc(all, func(r role) bool { return !last(r) }))
}

// A chapter is a life as it was told.
type chapter struct {
	role  role
	kind  string // of the socket
	which string
	heard bool // something has come
	steps []*step
}

// carries reports whether something is sent or received.
func (c *chapter) carries() bool {
	return slices.ContainsFunc(c.steps, func(s *step) bool { return s.name == "send" || s.name == "recv" })
}

// chapters are those of one program.
type chapters []*chapter

// of returns the lives of a role. An accepted connection on which something has come
// is the first.
func (c chapters) of(r role) (all chapters) {
	for _, l := range c {
		switch {
		case l.role != r:
		case l.heard && r == accepted && len(all) > 0 && !all[0].heard:
			all = slices.Insert(all, 0, l)
		default:
			all = append(all, l)
		}
	}
	return all
}

// A step is a call, or several that are the same one after the other.
type step struct {
	lesson.Event        // the first
	name         string // of the step
	key          string // the same for what is the same step of another program
	times        int
	fact         string
}

// read takes the lives out of a story.
func read(events []lesson.Event) chapters {
	waiting := &chapter{role: nobody}
	all := chapters{waiting}
	numbered := make(map[uint64]*chapter)
	life, last := waiting, waiting
	for _, e := range events {
		switch {
		case e.Kind == lesson.KindLife:
			if life = numbered[e.Connection]; life == nil {
				life = &chapter{kind: e.Value, which: fmt.Sprintf("life %d, fd %d of %s, %s", e.Connection, *e.FD, e.Process, e.Value)}
				numbered[e.Connection] = life
				all = append(all, life)
			}
		case e.Kind == lesson.KindReturn && e.Title != "": // of no life
			last = waiting
			last.add(e)
		case e.Kind == lesson.KindReturn:
			last = life
			last.add(e)
		case e.Kind == lesson.KindEvidence && len(last.steps) > 0:
			last.steps[len(last.steps)-1].fact = e.Fact + ": " + e.Value
		}
	}
	for _, l := range all[1:] {
		l.role = l.is()
	}
	return all
}

// is says what a socket is to its program, by the calls on it.
func (c *chapter) is() role {
	made := func(name string) bool {
		return slices.ContainsFunc(c.steps, func(s *step) bool { return s.name == name })
	}
	switch {
	case made("listen"):
		return listens
	case made("accept") && c.steps[0].name == "accept" && c.steps[0].Errno == 0: // it has made this socket
		return accepted
	case made("accept"):
		return listens
	case made("connect") && strings.Contains(c.kind, "TCP"):
		return connects
	}
	return role(c.kind)
}

// add adds a call. One that is the same step as the one before is counted there; one that
// only asks, and those of no life, as any before.
func (c *chapter) add(e lesson.Event) {
	s := &step{Event: e, name: e.Step, times: 1}
	switch {
	case Waits(e.Name):
		s.name = "wait"
	case e.Name == "epoll_create1":
		s.name = "epoll_create"
	case asks(e):
		s.name = "ask"
	}
	s.key = s.name
	switch {
	case s.name == "ask":
	case e.Ret != nil && *e.Ret == 0 && s.name == "recv":
		s.key += " the end"
	case e.ErrnoName == "EAGAIN":
		s.key += " in vain"
	}
	if s.name != "ask" {
		s.key += about(e)
	}
	c.heard = c.heard || s.name == "recv" && e.Ret != nil && *e.Ret > 0
	for i, before := range slices.Backward(c.steps) {
		if c.kind != "" && s.name != "ask" && i < len(c.steps)-1 {
			break
		}
		if before.key == s.key && (before.Name == s.Name || s.name == "ask") {
			before.times++
			return
		}
	}
	if len(c.steps) < mostSteps {
		c.steps = append(c.steps, s)
	}
}

// about is what a call is about of which there are many kinds.
func about(e lesson.Event) string {
	for _, a := range e.Args {
		switch a.Name {
		case "optname", "cmd", "request", "op": // of setsockopt, fcntl, ioctl, epoll_ctl
			return " " + a.Value
		}
	}
	return ""
}

// asks reports whether a call changes nothing: it asks what there is.
func asks(e lesson.Event) bool {
	switch e.Name {
	case "getsockopt", "getsockname", "getpeername":
		return true
	case "fcntl", "ioctl":
		switch about(e) {
		case " F_GETFL", " F_GETFD", " FIONREAD", " TIOCOUTQ":
			return true
		}
	}
	return false
}

// merge adds the steps of the i-th of so many programs to the rows of those before it: a
// step that both have is one row.
func merge(rows [][]*step, steps []*step, i, programs int) (all [][]*step) {
	key := func(row []*step) string {
		return row[slices.IndexFunc(row, func(s *step) bool { return s != nil })].key
	}
	// common[a][b] is how many rows from a on and steps from b on can be the same.
	common := make([][]int, len(rows)+1)
	for a := range common {
		common[a] = make([]int, len(steps)+1)
	}
	for a := len(rows) - 1; a >= 0; a-- {
		for b := len(steps) - 1; b >= 0; b-- {
			if key(rows[a]) == steps[b].key {
				common[a][b] = common[a+1][b+1] + 1
			} else {
				common[a][b] = max(common[a+1][b], common[a][b+1])
			}
		}
	}
	a, b := 0, 0
	for a < len(rows) || b < len(steps) {
		row := make([]*step, programs)
		switch {
		case a < len(rows) && b < len(steps) && key(rows[a]) == steps[b].key:
			copy(row, rows[a])
			row[i] = steps[b]
			a, b = a+1, b+1
		case b == len(steps) || a < len(rows) && common[a+1][b] >= common[a][b+1]:
			copy(row, rows[a])
			a++
		default:
			row[i] = steps[b]
			b++
		}
		all = append(all, row)
	}
	return all
}

// compared is a row with its differences marked. Only what a program has given to the
// kernel is compared: the numbers of descriptors, addresses in memory and what the kernel
// has filled in are each program's own.
func compared(row []*step) lesson.LifeRow {
	r := lesson.LifeRow{Calls: make([]*lesson.LifeCall, len(row))}
	var calls []*step
	for _, s := range row {
		if s != nil {
			calls = append(calls, s)
		}
	}
	differs := func(of func(*step) string) bool {
		return slices.ContainsFunc(calls, func(s *step) bool { return of(s) != of(calls[0]) })
	}
	for i, s := range row {
		if s == nil {
			continue
		}
		r.Step = s.name
		c := &lesson.LifeCall{Name: s.Name, Result: s.Result, Times: s.times, Fact: s.fact}
		if s.Errno != 0 {
			c.Result = "-1 " + s.ErrnoName
		}
		c.Note = strings.TrimPrefix(strings.TrimPrefix(s.Text, s.Took), ", ")
		c.Note = strings.TrimPrefix(strings.TrimPrefix(c.Note, "the step "+s.name), ", ")
		c.Differs = s.name != "ask" && differs(func(s *step) string { return s.Name })
		c.EndsOtherwise = s.name != "ask" && differs(func(s *step) string { return s.ErrnoName })
		for _, a := range s.Args {
			has := func(s *step) bool {
				return slices.ContainsFunc(s.Args, func(b lesson.Arg) bool { return b.Name == a.Name })
			}
			c.Args = append(c.Args, lesson.LifeArg{Value: a.Value, Differs: s.name != "ask" &&
				!slices.ContainsFunc(calls, func(s *step) bool { return !has(s) }) && differs(func(s *step) string { return given(s, a.Name) })})
		}
		r.Calls[i] = c
	}
	return r
}

// given is what a program has given to the kernel as an argument of a name, without what is
// its own.
func given(s *step, name string) string {
	for _, a := range s.Args {
		if a.Name == name && !a.Out && !strings.HasSuffix(name, "fd") {
			return own.ReplaceAllString(a.Value, "")
		}
	}
	return ""
}

// own is in an argument what says nothing to another program: descriptors, addresses and
// the word that comes back from epoll_wait(2).
var own = regexp.MustCompile(`fd=-?\d+|0x[0-9a-f]{5,}|data=\{[^}]*\}`)
