package path

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// tracers are those by which every function tells, the best first: function_graph tells how
// long each of them ran. An instance has it from Linux 6.11 on, and function always, where
// the kernel has them at all (ftrace.rst, "The Tracers").
var tracers = []string{"function_graph", "function"}

// A NoTracerError says that this kernel does not let every function tell in an instance.
type NoTracerError struct {
	Has    []string   // the tracers that an instance has
	Tracer string     // that was denied; empty: none of tracers is among them
	Errno  unix.Errno // with which
}

func (e *NoTracerError) Error() string {
	why := "neither is " + strings.Join(tracers, " nor ")
	if e.Tracer != "" {
		why = fmt.Sprintf("it answers %s to %s", unix.ErrnoName(e.Errno), e.Tracer)
	}
	return fmt.Sprintf("Linux %s does not have every function tell in a ring buffer of fd3's own: that has the tracers %s, and %s", release(), strings.Join(e.Has, ", "), why)
}

func (e *NoTracerError) Unwrap() error {
	if e.Errno == 0 {
		return nil
	}
	return e.Errno
}

// OpenEvery makes a Trace for which every function of the kernel tells that it was called,
// and no tracepoint does. While it is between Begin and End the whole machine is slower. The
// error is a *DeniedError as that of Open, or a *NoTracerError.
func OpenEvery() (*Trace, error) {
	in, err := newInstance()
	if err != nil {
		return nil, err
	}
	t := &Trace{in: in}
	if err := t.openEvery(); err != nil {
		in.close()
		return nil, err
	}
	return t, nil
}

func (t *Trace) openEvery() error {
	text, err := read(t.in.dir, "available_tracers")
	if err != nil {
		return deniedAt("an instance of tracefs", err)
	}
	has := strings.Fields(string(text))
	i := slices.IndexFunc(tracers, func(name string) bool { return slices.Contains(has, name) })
	if i < 0 {
		return &NoTracerError{Has: has}
	}
	t.tracer = tracers[i]
	if err := clear(t.in.dir, "set_ftrace_pid"); err != nil { // before the call is prepared
		return &NoTracerError{has, t.tracer, err.(unix.Errno)}
	}
	for _, e := range []string{"raw_syscalls:sys_enter", "raw_syscalls:sys_exit"} {
		if err := t.in.enable(e); err != nil {
			return deniedAt("an event of tracefs", err)
		}
	}
	if len(t.in.missing) > 0 {
		return fmt.Errorf("this kernel does not tell where a call begins: it has no event %s", t.in.missing[0])
	}
	return nil
}

// beginEvery has every function tell that a thread comes to, where that was asked for.
func (t *Trace) beginEvery(tid int) error {
	if t.tracer == "" {
		return nil
	}
	start := time.Now()
	for _, s := range [][2]string{{"set_ftrace_pid", strconv.Itoa(tid)}, {"current_tracer", t.tracer}} {
		if err := write(t.in.dir, s[0], s[1]); err != nil {
			return deniedAt("the tracer "+t.tracer, err)
		}
	}
	t.on = time.Since(start)
	return nil
}

// endEvery is End.
func (t *Trace) endEvery() (Path, error) {
	text, err := t.written()
	p := Path{Kernel: release(), Made: time.Now(), Source: "tracefs, the tracer " + t.tracer, Table: Functions().Version, Every: t.tracer, OnNS: t.on.Nanoseconds()}
	if err := errors.Join(err, write(t.in.dir, "current_tracer", "nop"), clear(t.in.dir, "trace")); err != nil {
		return p, fmt.Errorf("tracefs: %w", err)
	}
	if t.tracer == "function" {
		p.Visits, p.TookNS = called(text, t.number)
	} else {
		p.Visits, p.TookNS = graph(text, t.number)
	}
	if len(p.Visits) == 0 {
		return p, ErrUnseen
	}
	name(p.Visits)
	return p, nil
}

// The functions between which an interrupt is handled, on the stack of whoever ran. What
// they call is no part of a call's way, nor is a softirq that the last one still works off.
const (
	interruptBegins = "irq_enter_rcu"
	interruptEnds   = "irq_exit_rcu"
)

// callLine is a line of the tracer function, in the place of an event: tcp_push <-tcp_sendmsg_locked.
var callLine = regexp.MustCompile(`^\s*.+-\d+\s+\[(\d+)\]\s+(\S+)\s+\d+\.\d{6}: (\S+)(?: \[\w+\])? <-`)

// called reads what the tracer function has written of a system call, by its number, and how
// long that took. Who was called by whom is not always known, and so no depth.
func called(text, number string) (all []Visit, took int64) {
	var enter time.Duration
	inside, aside := false, false // aside: in the softirq of an interrupt
	for line := range strings.Lines(text) {
		if m := callLine.FindStringSubmatch(line); m != nil {
			context, function := context(m[2]), bare(m[3])
			soft := context == 's'
			aside = aside && soft
			switch {
			case function == interruptEnds:
				aside = aside || context == '.'
			case inside && !aside && function != interruptBegins && (soft || context == '.' || context == 'b'):
				v := Visit{Function: function, Softirq: soft}
				v.CPU, _ = strconv.Atoi(m[1])
				all = append(all, v)
			}
			continue
		}
		for _, r := range parse(line) {
			switch r.call(number) {
			case "sys_enter":
				inside, all, enter = true, nil, r.at
			case "sys_exit":
				if inside {
					return all, (r.at - enter).Nanoseconds()
				}
			}
		}
	}
	return all, 0
}

// call is the event of a record, where that is about a system call of a number: sys_enter or
// sys_exit.
func (r record) call(number string) string {
	if strings.HasPrefix(r.fields, "NR "+number+" ") {
		return r.event
	}
	return ""
}

// A line of the tracer function_graph (ftrace.rst, "function graph tracer"): the CPU, how
// long a function ran when it ends, and the function, its end or an event, set in.
var graphLine = regexp.MustCompile(`^\s*(\d+)\)\s+(?:[^\d\s|]?\s*(\d+)(?:\.(\d{1,3}))? us)?\s*\|(\s+)(.*?)\s*$`)

// eventInGraph is an event among its functions.
var eventInGraph = regexp.MustCompile(`^/\* (\w+): (.*) \*/$`)

// graph reads what the tracer function_graph has written of a system call, by its number,
// and how long all its functions ran.
func graph(text, number string) (all []Visit, took int64) {
	type active struct {
		visit  int   // of all; -1: it is left out
		inside int64 // how long those ran that it has called
		ends   bool  // an interrupt
	}
	var stack []active
	begun := false
	base, aside := 0, 0 // aside: how many interrupts deep
	for line := range strings.Lines(text) {
		m := graphLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if e := eventInGraph.FindStringSubmatch(m[5]); e != nil {
			switch (record{event: e[1], fields: e[2]}).call(number) {
			case "sys_enter":
				begun, aside, all, stack, took = true, 0, nil, nil, 0
			case "sys_exit":
				if begun {
					return all, took
				}
			}
			continue
		}
		if !begun {
			continue
		}
		ran, _ := strconv.ParseInt(cmp.Or(m[2], "0")+(m[3] + "000")[:3], 10, 64)
		function, rest, entered := strings.Cut(m[5], "(")
		switch {
		case entered && !strings.HasPrefix(m[5], "}"):
			function = bare(function)
			if function == interruptBegins {
				aside++
			}
			a := active{visit: -1, ends: function == interruptEnds}
			if aside == 0 {
				v := Visit{Function: function, Depth: len(m[4]) / 2}
				if len(all) == 0 {
					base = v.Depth
				}
				v.Depth = max(v.Depth-base, 0)
				v.CPU, _ = strconv.Atoi(m[1])
				v.Softirq = slices.Contains(softirqs, function) || len(stack) > 0 && stack[len(stack)-1].visit >= 0 && all[stack[len(stack)-1].visit].Softirq
				a.visit = len(all)
				all = append(all, v)
			}
			stack = append(stack, a)
			if !strings.HasSuffix(rest, ";") {
				continue
			}
		case !strings.HasPrefix(m[5], "}") || len(stack) == 0:
			continue
		}
		last := stack[len(stack)-1] // which ends
		stack = stack[:len(stack)-1]
		if last.visit >= 0 {
			all[last.visit].OwnNS = max(ran-last.inside, 0)
		}
		if last.ends {
			aside = max(aside-1, 0)
		}
		if len(stack) > 0 {
			stack[len(stack)-1].inside += ran
		} else if last.visit >= 0 {
			took += ran
		}
	}
	return all, took
}

// A Sum is what one layer had to do with a call.
type Sum struct {
	Layer     Layer // empty: none of the network's
	Softirq   bool  // in a softirq, and else as the process
	Functions int   // each counted once
	Calls     int   // of these
	OwnNS     int64 // how long they ran, without what they called in other layers; 0: that was not told
}

// Sums folds the functions of a Path by layer, each of them once for the process and once for
// softirqs, in the order of Layers.
func (p *Path) Sums() []Sum {
	type key struct {
		layer Layer
		soft  bool
	}
	sums := make(map[key]*Sum)
	seen := make(map[key]map[string]bool)
	for _, v := range p.Visits {
		k := key{v.Layer, v.Softirq}
		if sums[k] == nil {
			sums[k], seen[k] = &Sum{Layer: v.Layer, Softirq: v.Softirq}, make(map[string]bool)
		}
		sums[k].Calls++
		sums[k].OwnNS += v.OwnNS
		seen[k][v.Function] = true
	}
	var all []Sum
	for _, layer := range append(slices.Clone(Layers), "") {
		for _, soft := range []bool{false, true} {
			if k := (key{layer, soft}); sums[k] != nil {
				sums[k].Functions = len(seen[k])
				all = append(all, *sums[k])
			}
		}
	}
	return all
}

// Called returns for each function of a Path how often it was called, and how long it ran
// itself.
func (p *Path) Called() map[string]Sum {
	all := make(map[string]Sum)
	for _, v := range p.Visits {
		s := all[v.Function]
		s.Functions, s.Calls, s.OwnNS = 1, s.Calls+1, s.OwnNS+v.OwnNS
		all[v.Function] = s
	}
	return all
}
