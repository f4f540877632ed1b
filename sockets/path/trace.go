package path

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// events are the tracepoints on the way of a packet. A kernel may lack some.
var events = []string{
	"raw_syscalls:sys_enter", "raw_syscalls:sys_exit", // where the call begins and ends
	"net:net_dev_queue", "net:net_dev_start_xmit", "net:netif_rx", "net:netif_receive_skb",
	"sock:inet_sock_set_state", "sock:sk_data_ready", "sock:sock_send_length", "sock:sock_recv_length",
	"skb:skb_copy_datagram_iovec", "skb:kfree_skb",
	"tcp:tcp_probe", "tcp:tcp_send_reset", "tcp:tcp_receive_reset", "tcp:tcp_retransmit_skb", "tcp:tcp_rcv_space_adjust", "tcp:tcp_destroy_sock",
	"qdisc:qdisc_enqueue", "qdisc:qdisc_dequeue",
	"fib:fib_table_lookup", "neigh:neigh_create", "neigh:neigh_update",
	"sched:sched_waking",    // who slept, and is woken
	"kmem:kmem_cache_alloc", // which structures are made, and by whom
}

// A Trace is a ring buffer of one's own, in which the kernel writes down what a thread comes
// through. It sees one call after the other, between Begin and End.
type Trace struct {
	in       *instance
	tid      int           // of the thread; those before it may still be written down
	number   string        // of the system call
	last     time.Duration // when the last record was written that End has read
	tracer   string        // by which every function tells; empty: tracepoints do
	on       time.Duration // that it took to have the tracer begin
	probe    *probe        // between Begin and End, where stacks are written; nil: there is none
	unprobed error         // why
}

// Open makes the ring buffer. Where this user may not trace, or the kernel cannot, the error
// is a *DeniedError. Close has to follow.
func Open() (*Trace, error) {
	in, err := newInstance()
	if err != nil {
		return nil, err
	}
	t := &Trace{in: in}
	for _, e := range events {
		if err := t.in.enable(e); err != nil {
			in.close()
			return nil, deniedAt("an event of tracefs", err)
		}
	}
	go takers() // which are found while the call is prepared
	return t, nil
}

// Close has the ring buffer removed, and does not wait for it.
func (t *Trace) Close() {
	t.probe.close()
	t.in.close()
}

// Begin has the kernel write down from now on what a thread comes through; the call of
// interest is the first one of that number. With stacks each tracepoint tells which
// functions are active, which takes time, and where the kernel can put a program at many
// functions those that take an sk_buff tell what it says.
func (t *Trace) Begin(tid, number int, stacks bool) error {
	if err := t.beginEvery(tid); err != nil {
		return err
	}
	t.tid = tid
	if stacks && t.tracer == "" {
		t.probe.close()
		t.probe, t.unprobed = newProbe(tid)
	}
	settings := [][2]string{
		{"set_event_pid", strconv.Itoa(tid)},
		{"options/stacktrace", map[bool]string{false: "0", true: "1"}[stacks && t.tracer == ""]},
	}
	if id := strconv.Itoa(number); id != t.number { // to set a filter takes as long as to set a thread
		t.number = id
		settings = append(settings, [][2]string{{"events/raw_syscalls/sys_enter/filter", "id == " + id}, {"events/raw_syscalls/sys_exit/filter", "id == " + id}}...)
	}
	for _, s := range append(settings, [2]string{"tracing_on", "1"}) {
		if err := write(t.in.dir, s[0], s[1]); err != nil && !(errors.Is(err, unix.ENOENT) && strings.HasPrefix(s[0], "events/")) {
			return deniedAt("an instance of tracefs", err)
		}
	}
	return nil
}

// ErrUnseen says that the call was not made between Begin and End.
var ErrUnseen = errors.New("the call was not made while the kernel wrote down what the thread comes through")

// End returns the way of the call since Begin.
func (t *Trace) End() (Path, error) {
	if t.tracer != "" {
		return t.endEvery()
	}
	kept, began, took, err := t.end()
	p := Path{Kernel: release(), Made: time.Now(), Source: "tracefs, events with stacks", Table: Functions().Version, Missing: t.in.missing, TookNS: took.Nanoseconds()}
	entered, failed := t.entered(&p, began, took)
	if err := errors.Join(err, failed); err != nil {
		return p, err
	}
	p.Visits = visits(kept, entered)
	if p.Probed != nil {
		p.Probed.Unvisited = slices.DeleteFunc(distinct(entered, took), func(function string) bool { return p.Function(function) != nil })
	}
	return p, nil
}

// entered returns the functions that have told of their sk_buffs, their times counted from
// when the call began, and says in a Path how that was seen.
func (t *Trace) entered(p *Path, began, took time.Duration) ([]entry, error) {
	if t.probe == nil {
		if denied := new(DeniedError); errors.As(t.unprobed, &denied) {
			p.Unprobed = denied.says()
		} else if t.unprobed != nil { // nil: no stacks were asked for
			p.Unprobed = t.unprobed.Error()
		}
		return nil, nil
	}
	defer func() {
		t.probe.close()
		t.probe = nil
	}()
	all, lost, err := t.probe.end()
	if err != nil {
		return nil, err
	}
	for i := range all {
		all[i].at -= began
	}
	p.Source += ", kprobe.multi"
	p.Probed = &Probed{Functions: len(t.probe.at), Entered: len(distinct(all, took)), Lost: lost, OnNS: t.probe.on.Nanoseconds()}
	return all, nil
}

// end returns the records of the call, counted from when it began, when that was, and how
// long it took; 0 where it has not returned.
func (t *Trace) end() (kept []followed, began, took time.Duration, err error) {
	all, err := t.records()
	if err != nil {
		return nil, 0, 0, err
	}
	return call(all, t.number)
}

// records returns what the kernel has written down since they were last read, and has it
// write no more.
func (t *Trace) records() ([]record, error) {
	text, err := t.written()
	if err != nil {
		return nil, err
	}
	last := t.last
	var all []record
	for _, r := range parse(text) {
		if t.last = max(t.last, r.at); r.at > last && r.tid == t.tid {
			all = append(all, r)
		}
	}
	return all, nil
}

// call returns those of the first call of a number, as end does.
func call(all []record, number string) (kept []followed, began, took time.Duration, err error) {
	inside, enter, leave := within(all, number)
	if enter == nil && len(inside) == 0 {
		return nil, 0, 0, ErrUnseen
	}
	kept = follow(inside)
	if enter != nil {
		began = enter.at
		for i := range kept {
			kept[i].at -= began
		}
		if leave != nil {
			took = leave.at - began
		}
	}
	return kept, began, took, nil
}

// written returns what the ring buffer has.
func (t *Trace) written() (string, error) {
	if err := write(t.in.dir, "tracing_on", "0"); err != nil {
		return "", fmt.Errorf("tracefs: %w", err)
	}
	text, err := read(t.in.dir, "trace")
	if err != nil {
		return "", fmt.Errorf("tracefs: %w", err)
	}
	return string(text), nil
}

// clear empties a file of a directory in tracefs: the ring buffer, or a list of threads. That
// is what an open(2) with O_TRUNC means there. It takes longer than to read or to add.
func clear(dir, file string) error {
	fd, err := unix.Open(dir+"/"+file, unix.O_WRONLY|unix.O_TRUNC|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

// release is that of the running kernel, as uname -r prints it.
func release() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}
