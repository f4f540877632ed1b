package path

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A record is one event as the kernel wrote it into the ring buffer.
type record struct {
	comm    string
	tid     int
	cpu     int
	soft    bool          // in a softirq
	at      time.Duration // by the clock of the instance
	event   string        // without its group: net_dev_queue
	fields  string        // as the kernel prints them
	on      string        // the CPU, as it is printed
	context byte          // . in a process, s in a softirq, h in an interrupt, H in one that came in a softirq
	stack   []string      // the functions that were active, the outermost first, without the tracing's own; nil where no stack was asked for
}

// A line of the trace file (ftrace.rst, "Output format"): COMM-TID [CPU] FLAGS TIME: EVENT: FIELDS.
// A stack has a line of its own, with the same beginning.
var stackLine = regexp.MustCompile(`^\s*.+-\d+\s+\[(\d+)\]\s+(\S+)\s+\d+\.\d{6}: <stack trace>$`)

var recordLine = regexp.MustCompile(`^\s*(.+)-(\d+)\s+\[(\d+)\]\s+(\S+)\s+(\d+)\.(\d{6}): (\w+): ?(.*)$`)

// parse reads the text of a trace file.
func parse(text string) []record {
	var all []record
	var of *record // that the lines of a stack belong to
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if function, ok := strings.CutPrefix(line, " => "); ok {
			if of != nil {
				of.stack = append(of.stack, bare(function))
			}
			continue
		}
		of = nil
		if m := stackLine.FindStringSubmatch(line); m != nil {
			of = without(all, m[1], context(m[2]))
			continue
		}
		m := recordLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		r := record{comm: strings.TrimSpace(m[1]), event: m[7], fields: m[8], on: m[3], context: context(m[4])}
		r.tid, _ = strconv.Atoi(m[2])
		r.cpu, _ = strconv.Atoi(m[3])
		seconds, _ := strconv.Atoi(m[5])
		micros, _ := strconv.Atoi(m[6])
		r.at = time.Duration(seconds)*time.Second + time.Duration(micros)*time.Microsecond
		r.soft = r.context == 's' || r.context == 'H'
		all = append(all, r)
	}
	for i := range all {
		r := &all[i]
		r.stack = outermostFirst(r.stack)
		for n := len(r.stack); n > 0 && isTool(r.event, r.stack[n-1]); n-- {
			r.stack = r.stack[:n-1]
		}
	}
	return all
}

// context is what ran, of the flags of a line: irqs-off, need-resched, hardirq or softirq,
// preempt-depth and more.
func context(flags string) byte {
	if len(flags) < 3 {
		return '.'
	}
	return flags[2]
}

// without returns the last record of a CPU and a context that has no stack yet, or nil.
// Between an event and its stack an interrupt may have come, with an event of its own.
func without(all []record, cpu string, in byte) *record {
	for i := len(all) - 1; i >= 0; i-- {
		if r := &all[i]; r.on == cpu && r.context == in {
			if r.stack != nil {
				return nil
			}
			return r
		}
	}
	return nil
}

// isTool reports whether a function only does what its caller wants: who asks for memory, or
// wakes somebody, or throws a packet away, is told, and not what does it.
func isTool(event, function string) bool {
	function = strings.TrimLeft(function, "_")
	switch event {
	case waking:
		return function == "try_to_wake_up" || strings.HasPrefix(function, "wake_up") || strings.HasSuffix(function, "wake_function")
	case allocation:
		return strings.HasPrefix(function, "kmem_cache_alloc")
	case drop:
		return strings.HasPrefix(function, "kfree_skb") || strings.HasPrefix(function, "skb_queue_purge") || function == "sk_skb_reason_drop"
	}
	return false
}

// bare is a function without what the compiler or the kernel has put behind its name:
// __netif_receive_skb_core.constprop.0, tcp_sendmsg+0x2e/0x40, veth_xmit [veth].
func bare(function string) string {
	function = strings.TrimSpace(function)
	if i := strings.IndexAny(function, ".+ "); i > 0 {
		function = function[:i]
	}
	return function
}

// tracing are the beginnings of the functions that write the record itself.
var tracing = []string{"trace_event_", "__traceiter_", "__ftrace_", "ftrace_", "perf_trace_", "stack_trace_", "__bpf_trace_", "trace_raw_", "do_trace_event_raw_", "__do_trace_", "trace_call_bpf", "call_trace_"}

func isTracing(function string) bool {
	for _, beginning := range tracing {
		if strings.HasPrefix(function, beginning) {
			return true
		}
	}
	return false
}

// outermostFirst turns a stack round, and leaves the functions of the tracing out.
func outermostFirst(stack []string) []string {
	var all []string
	for i := len(stack) - 1; i >= 0; i-- {
		if f := stack[i]; f != "" && !isTracing(f) {
			all = append(all, f)
		}
	}
	return all
}

// field returns what an event says of a key, as in len=71 or dev=lo.
func (r record) field(key string) string {
	for _, word := range strings.FieldsFunc(r.fields, func(c rune) bool { return c == ' ' || c == ',' }) {
		if v, ok := strings.CutPrefix(word, key+"="); ok {
			return v
		}
	}
	return ""
}

// packet is the address of the sk_buff that the event is about, or "".
func (r record) packet() string {
	if a := r.field("skbaddr"); strings.Trim(a, "0") != "" {
		return a
	}
	return ""
}

// has reports whether a function is active whose name is one of those.
func (r record) has(functions ...string) bool {
	for _, f := range r.stack {
		for _, name := range functions {
			if f == name {
				return true
			}
		}
	}
	return false
}

// reason is why a packet was thrown away, in the kernel's word (enum skb_drop_reason).
func (r record) reason() string {
	_, reason, _ := strings.Cut(r.fields, "reason: ")
	return reason
}

// length is what sock_send_length and sock_recv_length tell.
func (r record) length() int {
	_, rest, _ := strings.Cut(r.fields, "length = ")
	text, _, _ := strings.Cut(rest, ",")
	n, _ := strconv.Atoi(text)
	return n
}

// woken is the thread that is woken, by its name and number.
func (r record) woken() string {
	_, rest, _ := strings.Cut(r.fields, "comm=")
	name, rest, _ := strings.Cut(rest, " pid=")
	pid, _, _ := strings.Cut(rest, " ")
	return name + " " + pid
}
