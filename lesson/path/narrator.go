package path

import (
	_ "embed"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/words"
	"fd3/sockets"
	"fd3/sockets/path"
)

//go:embed path.md
var text string

// page returns path.md.
var page = sync.OnceValue(func() words.Page { return words.Read(text) })

// A Narrator tells of the way of a call.
type Narrator struct {
	Step      string // what the call does: send
	Who       string // makes it: client, server, or the name of a program
	PID       int    // of its process
	Stage     string // its name
	Program   bool   // it is no stage of fd3's
	Cable     bool   // it is on a host of the network whose cable fd3 holds
	Lies      string // what the first packet there of its connection says, once the call is made; empty: none lies there
	Number    int    // of that, where others lie before it
	Explain   lesson.Explain
	Functions bool // each function is told of, too
	All       bool // every function tells, not those alone that have a tracepoint below them
	Show      func(lesson.Event)
	// Complain hears of a value that the words name and nobody has told. A learner gets the
	// paragraph left out; a test fails.
	Complain func(error)
}

func (n *Narrator) show(e lesson.Event) {
	e.Step, e.Process, e.PID = "path", n.Who, n.PID
	if n.PID == 0 { // the call has not been made yet
		e.Process, e.PID = "fd3", os.Getpid()
	}
	n.Show(e)
}

// say shows a section of the words.
func (n *Narrator) say(section string, values map[string]string, variants ...string) {
	n.text("path", n.words(section, values, variants...))
}

// words are a section of the words, with its values.
func (n *Narrator) words(section string, values map[string]string, variants ...string) string {
	raw, ok := page().Section(section, variants...)
	if !ok {
		n.complain(fmt.Errorf("path.md has no section %q", section))
		return ""
	}
	filled, err := words.FillParagraphs(raw, values)
	n.complain(err)
	return filled
}

func (n *Narrator) text(section string, paragraphs ...string) {
	if text := strings.TrimSpace(strings.Join(paragraphs, "\n\n")); text != "" {
		n.show(lesson.Event{Kind: lesson.KindText, Section: section, Text: text})
	}
}

func (n *Narrator) complain(err error) {
	if err != nil && n.Complain != nil {
		n.Complain(err)
	}
}

// Before says what there will be to see.
func (n *Narrator) Before() {
	n.show(lesson.Event{Kind: lesson.KindStep, Title: strings.ReplaceAll(page().Title, "{step}", n.Step)})
	if n.Explain != lesson.Full {
		return
	}
	values := map[string]string{"who": n.Who, "step": n.Step}
	first, then := "before", "told"
	if n.Program {
		first = "before program"
	}
	if n.All {
		then = "told all"
	}
	n.text("before", n.words(first, values)+" "+n.words(then, values))
	if n.Program {
		n.text("before", n.words("held", nil))
	}
}

// Never says that a program has ended and has made no call of the step.
func (n *Narrator) Never() { n.say("never", map[string]string{"who": n.Who, "step": n.Step}) }

// Made tells of the call of a program whose way was seen.
func (n *Narrator) Made(call sockets.Call) {
	e := lesson.Returned(call)
	if !call.Returned {
		e = lesson.Entered(call)
	}
	n.show(e)
}

// Denied says why the way of a call cannot be seen, with the reading that decides it, and
// what can be seen all the same: the call is still to be made.
func (n *Narrator) Denied(denied *path.DeniedError) {
	n.show(lesson.Event{Kind: lesson.KindStep, Title: strings.ReplaceAll(page().Title, "{step}", n.Step)})
	if n.Explain == lesson.Full {
		n.text("before", n.words("before denied", nil))
	}
	variant := "missing"
	switch denied.Errno {
	case unix.EACCES, unix.EPERM:
		variant = unix.ErrnoName(denied.Errno)
	}
	for _, e := range readings() {
		n.show(e.Event())
	}
	values := map[string]string{"place": denied.What, "errno": unix.ErrnoName(denied.Errno), "step": n.Step}
	n.say("denied", values, variant)
	if variant != "missing" && n.Explain != lesson.None {
		n.commands("how", values)
	}
}

// readings are what decides whether this user may trace.
func readings() []lesson.Evidence {
	all := []lesson.Evidence{{Fact: "this user", Value: fmt.Sprintf("uid %d", os.Geteuid()), Source: "geteuid(2)", Command: "id -u"}}
	for _, place := range path.Mounted {
		var st unix.Stat_t
		if unix.Stat(place, &st) != nil {
			continue
		}
		e := lesson.Evidence{Fact: "tracefs", Value: fmt.Sprintf("%s, of uid %d", os.FileMode(st.Mode&0o777), st.Uid), Source: place, Command: "ls -ld " + place}
		var fs unix.Statfs_t
		if unix.Statfs(place, &fs) == nil && fs.Type != unix.TRACEFS_MAGIC {
			e.Value = "not mounted"
		}
		return append(all, e)
	}
	return append(all, lesson.Evidence{Fact: "tracefs", Value: "no place for it", Source: path.Mounted[0], Command: "ls -ld " + path.Mounted[0]})
}

// places are the words for those of a path.Mark.
var places = map[string]string{"scheduled": "into the device's queue", "driver": "to the driver", "received": "at the other end", "acknowledged": "acknowledged"}

// Marked tells when the first packet of a call passed a few places.
func (n *Narrator) Marked(call sockets.Call, marks []path.Mark) {
	if len(marks) == 0 {
		n.say("unmarked", nil)
		return
	}
	n.say("marks", nil)
	for _, m := range marks {
		n.show(lesson.Evidence{Fact: places[m.Place], Value: "+" + lesson.Took(m.At.Sub(call.Start)), Source: "SO_TIMESTAMPING"}.Event())
	}
	n.show(lesson.Evidence{Fact: "the call returns", Value: "+" + lesson.Took(call.Duration), Source: "clock_gettime(2)"}.Event())
}

// Saw tells of the way of a call that was seen. A call that has not returned waits.
func (n *Narrator) Saw(p path.Path, call sockets.Call) {
	if len(p.Visits) == 0 && !call.Returned {
		n.say("sleeps", nil)
		return
	}
	if len(p.Visits) == 0 {
		n.say("unseen", nil)
		return
	}
	n.draw(p)
	if !call.Returned {
		n.say("waits", nil)
	}
	if p.Every != "" {
		n.every(p)
		n.next()
		return
	}
	n.drops(p, call)
	if n.Explain == lesson.Full {
		n.meaning(p)
	}
	n.source(p)
	n.next()
}

// Recorded tells of the way of a call that was made elsewhere, at some other time.
func (n *Narrator) Recorded(call sockets.Call) {
	p, err := path.Recorded(call.Name)
	if err != nil {
		n.say("no recording", map[string]string{"step": n.Step})
		return
	}
	n.say("recorded", map[string]string{"call": p.Call, "kernel": p.Kernel, "date": p.Made.Format("2 January 2006")})
	n.draw(p)
	if n.Explain == lesson.Full {
		n.meaning(p)
	}
	n.source(p)
}

func (n *Narrator) draw(p path.Path) {
	n.show(lesson.Event{Kind: lesson.KindPath, Path: &p})
	if n.Functions {
		for _, e := range Functions(p) {
			n.show(e.Event())
		}
	}
}

// meaning says what the way means, as far as it was seen.
func (n *Narrator) meaning(p path.Path) {
	left, _ := p.Find("net_dev_start_xmit")
	arrived, _ := p.Find("netif_receive_skb")
	if left == nil {
		n.text("meaning", n.words("no packet", nil))
		return
	}
	values := map[string]string{"frame": fmt.Sprint(left.Len), "kernel": p.Kernel}
	var told []string
	if protocol := p.Protocol(); left.Network > 0 && left.Transport > left.Network {
		values["protocol"], values["link"], values["internet"], values["rest"] = protocol, fmt.Sprint(left.Network), fmt.Sprint(left.Transport-left.Network), fmt.Sprint(left.Len-left.Transport)
		data, given := p.Given()
		values["data"] = fmt.Sprint(data)
		switch {
		case protocol == "":
		case data > 0:
			told = append(told, n.words("down with bytes", values))
		case given:
			told = append(told, n.words("down with some bytes", values))
		case protocol == "TCP":
			told = append(told, n.words("down", values))
		}
	}
	if grown := p.Grown(); len(grown) > 1 && same(grown) {
		told = append(told, n.grown(grown))
	}
	switch {
	case arrived != nil && arrived.Says == "lo":
		told = append(told, n.words("lo", nil))
	case n.Cable && p.Function("packet_rcv") != nil:
		told = append(told, n.words("cable", nil))
		section := "cable passed"
		lies := map[string]string{"packet": n.Lies, "where": "First on", "next": "fd3 wire next"}
		if n.Lies != "" {
			section = "cable lies"
		}
		if n.Number > 0 {
			lies["where"], lies["next"] = "Behind others on", fmt.Sprint("fd3 wire next ", n.Number)
		}
		told = append(told, n.words(section, lies))
	}
	for _, v := range p.Visits {
		if v.Packet == 2 && v.Softirq && !v.Up {
			told = append(told, n.words("answer", map[string]string{"answer": fmt.Sprint(v.Packet)}))
			break
		}
	}
	n.text("meaning", told...)
}

// same reports whether the bytes of an sk_buff have stayed where they were, and have only got
// more in front of them.
func same(all []path.SkBuff) bool {
	return !slices.ContainsFunc(all, func(b path.SkBuff) bool { return b.Headroom+b.Len != all[0].Headroom+all[0].Len })
}

// grown says how the sk_buff of the first packet has grown on its way down.
func (n *Narrator) grown(all []path.SkBuff) string {
	var lengths []string
	for _, b := range all {
		lengths = append(lengths, fmt.Sprint(b.Len))
	}
	return n.words("grown", map[string]string{"lengths": strings.Join(lengths, ", "), "free": fmt.Sprint(all[0].Headroom), "left": fmt.Sprint(all[len(all)-1].Headroom)})
}

// drops tells of packets of the call that were thrown away.
func (n *Narrator) drops(p path.Path, call sockets.Call) {
	for _, v := range p.Visits {
		for _, h := range v.Hits {
			if h.Dropped() {
				variant := ""
				if !call.Returned {
					variant = "waits"
				}
				n.say("dropped", map[string]string{"function": v.Function, "reason": h.Says, "because": because(h.Says), "result": call.Result()}, variant)
			}
		}
	}
}

// every says which tracer has shown every function of a way, what it cannot show, and what
// it costs.
func (n *Narrator) every(p path.Path) {
	if n.Explain == lesson.None {
		return
	}
	distinct := make(map[string]bool)
	own := int64(0)
	for _, v := range p.Visits {
		distinct[v.Function] = true
		own += v.OwnNS
	}
	values := map[string]string{"tracer": p.Every, "kernel": p.Kernel, "table": p.Table, "on": lesson.Took(time.Duration(p.OnNS)),
		"functions": lesson.Counted(len(distinct), "function"), "calls": lesson.Counted(len(p.Visits), "call")}
	if p.TookNS > 0 { // else the call has not returned
		values["took"] = lesson.Took(time.Duration(p.TookNS))
	}
	n.say("every", values)
	if own > 0 {
		n.say("every own", values)
	} else {
		n.say("every untimed", values)
	}
	n.say("every cost", values)
	if p.PlainNS > 0 {
		values["timed"], values["plain"] = p.Timed, lesson.Took(time.Duration(p.PlainNS))
		n.say("every plain", values)
	}
}

// source says what has shown the way, what it cannot show, and where the times come from.
func (n *Narrator) source(p path.Path) {
	if n.Explain == lesson.None {
		return
	}
	values := map[string]string{"tracepoints": lesson.Counted(p.Tracepoints(), "tracepoint"), "kernel": p.Kernel, "table": p.Table, "took": lesson.Took(time.Duration(p.TookNS))}
	var strange []string
	for _, v := range p.Visits {
		if v.File == "" && !slices.Contains(strange, v.Function) {
			strange = append(strange, v.Function)
		}
	}
	n.say("source", values)
	if len(p.Missing) > 0 {
		values["missing"] = strings.Join(p.Missing, ", ")
		n.say("missing", values)
	}
	n.probed(p)
	n.structures(p)
	if len(strange) > 0 {
		values["functions"] = strings.Join(strange, ", ")
		n.say("some strange", values)
	}
	if p.Timed != "" {
		values["timed"], values["plain"] = p.Timed, lesson.Took(time.Duration(p.PlainNS))
		n.say("times", values)
	} else if p.TookNS > 0 {
		n.say("no times", values)
	}
}

// probed says what has told of the sk_buffs, what it cannot tell, and what it cost; or why
// there was none.
func (n *Narrator) probed(p path.Path) {
	values := map[string]string{"kernel": p.Kernel, "why": p.Unprobed}
	switch {
	case !slices.ContainsFunc(p.Visits, func(v path.Visit) bool {
		return v.Packet > 0 || slices.Contains(v.Structures(), "sk_buff")
	}): // then there are no bytes to tell of
	case p.Unprobed == path.NoMulti:
		n.say("unprobed", values)
	case p.Unprobed != "":
		n.say("unprobed denied", values)
	}
	if p.Probed == nil {
		return
	}
	values["functions"], values["entered"], values["told"] = lesson.Counted(p.Probed.Functions, "function"), fmt.Sprint(p.Probed.Entered), fmt.Sprint(p.Told())
	section := "probed"
	if p.Told() == 0 {
		section = "probed none"
	}
	n.say(section, values)
	if all := p.Probed.Unvisited; len(all) > 0 {
		values["count"], values["unvisited"] = lesson.Counted(len(all), "function"), strings.Join(all, ", ")
		n.say("probed unvisited", values)
	}
	if p.Probed.Lost > 0 {
		values["lost"] = fmt.Sprint(p.Probed.Lost)
		n.say("probed lost", values)
	}
	if p.Probed.OnNS > 0 {
		values["on"] = lesson.Took(time.Duration(p.Probed.OnNS))
		n.say("probed cost", values)
	}
}

// structures says where what the functions take comes from.
func (n *Narrator) structures(p path.Path) {
	if slices.ContainsFunc(p.Visits, func(v path.Visit) bool { return len(v.Takes) > 0 }) {
		n.say("structures", nil)
	}
}

// next says what to type next.
func (n *Narrator) next() {
	if n.Explain == lesson.None {
		return
	}
	other := "recv"
	if n.Step == other {
		other = "send"
	}
	section := "next"
	if n.All {
		section += " all"
	}
	if n.Program {
		section += " program"
	}
	n.commands(section, map[string]string{"step": n.Step, "other": other})
}

func (n *Narrator) commands(section string, values map[string]string) {
	raw, _ := page().Section(section)
	items, err := words.Commands(raw, values)
	n.complain(err)
	for _, item := range items {
		n.show(lesson.Event{Kind: lesson.KindText, Section: "next", Command: item.Name, Text: item.Text})
	}
}

// Saved tells that a recording was written.
func (n *Narrator) Saved(file string) { n.say("saved", map[string]string{"file": file}) }
