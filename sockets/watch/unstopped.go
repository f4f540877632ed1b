package watch

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// tracepoints are those that are to tell of the processes. They are nil where they may not be
// loaded, or where the processes are to stand still.
func (w *Watch) tracepoints() *tracepoints {
	if w.All || w.Still {
		return nil
	}
	t, err := openTracepoints(!w.attached)
	if err != nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.traced, w.clock = t, newClock()
	return t
}

// untraced removes them.
func (w *Watch) untraced() {
	w.mu.Lock()
	t := w.traced
	w.traced = nil
	w.mu.Unlock()
	t.close()
}

// unstopped follows processes that run already, as the kernel's tracepoints tell of them.
// They never stop.
func (w *Watch) unstopped(pids []int) error {
	defer w.untraced()
	for _, pid := range pids {
		if err := w.begins(pid); err != nil {
			return err
		}
	}
	w.list()
	return w.listen()
}

// started follows a process that waits at its gate to become the command, as the kernel's
// tracepoints tell of it.
func (w *Watch) started(pid, gate int) error {
	defer w.untraced()
	release, err := w.traced.guard()
	if err != nil {
		unix.Close(gate)
		unix.Wait4(pid, nil, 0, nil)
		return err
	}
	defer release()
	p := &process{pid: pid, fds: &table{users: 1}}
	w.processes[pid] = p
	w.scan(w.threadOf(pid, p))
	w.list()
	err = w.traced.processes.Put(uint32(pid), uint32(isFollowed))
	if err == nil {
		_, err = unix.Write(gate, []byte{withoutFilter})
	}
	unix.Close(gate)
	ended := make(chan unix.WaitStatus, 1)
	go func() { ended <- w.await(pid) }()
	if err == nil {
		err = w.listen()
	}
	if err == nil {
		w.end = <-ended
	}
	return err
}

// await waits until a process has ended, and returns how.
func (w *Watch) await(pid int) unix.WaitStatus {
	for {
		var status unix.WaitStatus
		_, err := unix.Wait4(pid, &status, unix.WUNTRACED, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return Unknown
		case !status.Stopped():
			return status
		case status.StopSignal() != unix.SIGSTOP && w.Suspend != nil:
			w.Suspend()
		}
	}
}

// listen is told what the kernel's programs say, until no process is left.
func (w *Watch) listen() error {
	t := w.traced
	lost := make(map[uint32]uint32) // by CPU
	var got ringbuf.Record
	for len(w.processes) > 0 && !w.over.Load() {
		if t.reader.AvailableBytes() == 0 {
			t.reader.SetDeadline(time.Now().Add(patience))
		}
		if err := t.reader.ReadInto(&got); errors.Is(err, ringbuf.ErrFlushed) {
			break // Stop has been called
		} else if errors.Is(err, os.ErrDeadlineExceeded) {
			w.said = nil
			w.endsUnsaid()
			continue
		} else if err != nil {
			return fmt.Errorf("the ring of the kernel's programs: %w", err)
		}
		r := record(got.RawSample)
		if len(r) < sizeHead {
			continue
		}
		w.said = r
		if n := r.u32(atLost) - lost[r.u32(atCPU)]; n > 0 {
			lost[r.u32(atCPU)] += n
			w.missed(int(n))
		}
		w.hears(r)
	}
	w.counted()
	told := 0
	for _, n := range lost {
		told += int(n)
	}
	if n := t.lost() - told; n > 0 {
		w.missed(n)
	}
	return nil
}

// rest has the kernel's programs count calls of which nothing would be told, until a time.
func (w *Watch) rest(until time.Time) {
	if w.traced == nil || !until.After(w.resting) {
		return
	}
	w.resting = until
	w.traced.pause.Put(uint32(0), uint64(w.clock.at+int64(until.Sub(w.clock.wall))))
}

// countedOn tells of the calls on a socket that have been counted and not told of yet.
func (w *Watch) countedOn(socket uint64) {
	var n uint64
	if w.resting.IsZero() || w.traced.counted.LookupAndDelete(socket, &n) != nil {
		return
	}
	w.Counted(socket, int(n))
}

// counted tells of all calls that have been counted and not told of yet.
func (w *Watch) counted() {
	var socket, n uint64
	for all := w.traced.counted.Iterate(); all.Next(&socket, &n); {
		w.Counted(socket, int(n))
	}
}

// patience is how long nothing is said before the kernel is asked who is left.
const patience = time.Second

// endsUnsaid tells of processes whose end is among what is lost.
func (w *Watch) endsUnsaid() {
	for pid, p := range w.processes {
		var followed uint32
		unsaid := errors.Is(w.traced.processes.Lookup(uint32(pid), &followed), ebpf.ErrKeyNotExist) || !readable(pid)
		if unsaid && w.traced.reader.AvailableBytes() == 0 {
			w.ended(w.threadOf(pid, p), Unknown)
		}
	}
}

// unseen returns a process whose beginning is among what is lost; nil: it is none.
func (w *Watch) unseen(pid int) *process {
	var followed uint32
	parent := status(pid)["PPid"]
	if parent == 0 || w.traced.processes.Lookup(uint32(pid), &followed) != nil {
		return nil
	}
	p := &process{pid: pid, name: comm(pid)}
	w.processes[pid] = p
	w.list()
	w.began(w.threadOf(pid, p), parent)
	return p
}

// missed tells that records of the kernel are lost.
func (w *Watch) missed(n int) { w.Tell(&Event{Kind: Lost, Time: w.now(), Lost: n, Late: true}) }

// begins follows a process with all its threads. What they are doing already is a call
// that they have entered.
func (w *Watch) begins(pid int) error {
	tgid := status(pid)["Tgid"]
	switch {
	case tgid == 0:
		return fmt.Errorf("there is no process %d", pid)
	case ofKernel(tgid):
		return denied(tgid, unix.EPERM, fmt.Sprint("-p ", tgid))
	case !readable(tgid) && !ended(tgid):
		return unreadable(tgid)
	case !readable(tgid):
		return fmt.Errorf("process %d has ended already: its parent has not asked yet how (wait(2))", tgid)
	case w.processes[tgid] != nil:
		return nil
	}
	if err := w.traced.processes.Put(uint32(tgid), uint32(1)); err != nil {
		return fmt.Errorf("process %d cannot be watched: bpf(2): %w", tgid, err)
	}
	p := &process{pid: tgid, name: comm(tgid)}
	names, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", tgid))
	var waiting []func()
	for _, name := range names {
		tid, _ := strconv.Atoi(name.Name())
		number, registers, waits := callOf(tgid, tid)
		if waits && w.traced.pending.Put(uint32(tid), uint64(number)) == nil {
			waiting = append(waiting, func() {
				w.memory = sockets.ProcessMemory(tid)
				w.entered(w.threadOf(tid, p), number, registers)
			})
		}
	}
	s := status(tgid)
	if s["Tgid"] == 0 { // nobody may have told of its end
		return fmt.Errorf("there is no process %d", pid)
	}
	w.processes[tgid] = p
	w.began(w.threadOf(tgid, p), s["PPid"])
	for _, enter := range waiting {
		if !p.foreign {
			enter()
		}
	}
	return nil
}

// callOf returns the call of interest that a thread is in, if it waits in one
// (/proc/PID/syscall, proc_pid_syscall(5)).
func callOf(tgid, tid int) (number int, r sockets.Registers, waits bool) {
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/syscall", tgid, tid))
	fields := strings.Fields(string(line))
	if len(fields) < 1+len(r) {
		return 0, r, false
	}
	number, err := strconv.Atoi(fields[0])
	for i := range r {
		r[i], _ = strconv.ParseUint(fields[1+i], 0, 64)
	}
	_, known := interests[number]
	return number, r, err == nil && known
}

// threadOf returns a thread of a process.
func (w *Watch) threadOf(tid int, p *process) *thread {
	t := w.threads[tid]
	if t == nil || t.process != p {
		t = &thread{tid: tid, process: p}
		w.threads[tid] = t
	}
	return t
}

// hears is told what the kernel's programs say.
func (w *Watch) hears(r record) {
	p := w.processes[int(r.u32(atProcess))]
	if p == nil {
		if p = w.unseen(int(r.u32(atProcess))); p == nil {
			return
		}
	}
	t := w.threadOf(int(r.u32(atThread)), p)
	number, result := int(int32(r.u32(atNumber))), int64(r.u64(atResult))
	kind := r.u32(atKind)
	if calls := kind == callEntered || kind == callReturned; calls && (p.foreign || !w.live) {
		return
	}
	switch kind {
	case callEntered:
		w.learn(t, r)
		if n := r.u64(atCounted); n > 0 {
			w.Counted(r.socket(), int(n))
		}
		w.memory = captured{r.pieces()}
		if t.before != nil {
			t.before = r.before()
		}
		w.entered(t, number, r.registers())
		if t.call != nil {
			t.call.pieces = bytes.Clone(r.pieces())
		}
	case callReturned:
		w.memory = captured{r.pieces()}
		if t.call != nil {
			w.memory = captured{r.pieces(), t.call.pieces}
			if r.u32(atMissed) != 0 {
				start := t.call.call.Start
				t.call.call = w.describe(number, t.call.registers, w.memory)
				t.call.call.Start = start
			}
		}
		w.returned(t, result, result < 0 && result >= -4095)
	case processForked:
		w.forked(t, number, result == 1)
	case processExecuted:
		delete(w.threads, number)
		w.becomes(t, r)
	case threadEnded:
		delete(w.threads, t.tid)
		if r.u32(atLast) == 1 {
			w.ended(t, unix.WaitStatus(result))
		}
	}
}

// learn takes from a call which of its descriptors lead to which sockets: some may have
// come or gone unseen.
func (w *Watch) learn(t *thread, r record) {
	for i := range 2 {
		fd := int(int32(r.u32(atFDs + 4*i)))
		inode, said := r.inode(fd)
		was := t.fds.sockets[fd]
		if !said || inode == was {
			continue
		}
		if was != 0 {
			delete(t.fds.sockets, fd)
			w.holders[was]--
			w.closed(t, was)
		}
		if inode != 0 {
			t.fds.sockets[fd] = inode
			w.holders[inode]++
		}
	}
}

// forked tells of a process that another has started.
func (w *Watch) forked(from *thread, pid int, shares bool) {
	p := &process{pid: pid, name: from.name, uring: from.uring, foreign: from.foreign, fds: from.fds}
	w.counts(p)
	w.processes[pid] = p
	w.list()
	var all []Descriptor
	if shares {
		p.fds.users++
	} else {
		p.fds = from.fds.copied(w.holders)
	}
	for _, d := range p.fds.list() {
		d.Shared = true
		all = append(all, d)
	}
	w.tell(w.threadOf(pid, p), &Event{Kind: Began, Parent: from.pid, Sockets: all})
}

// counts has the calls of a process counted until its first one on a socket, as the kernel's
// programs do.
func (w *Watch) counts(p *process) {
	p.before = nil
	if w.traced.before != nil {
		p.before = make(map[int]int)
	}
}

// becomes tells that a process has become another program. The descriptors that were to be
// closed then are (FD_CLOEXEC, fcntl(2)).
func (w *Watch) becomes(t *thread, r record) {
	for tid, other := range w.threads {
		if other.process == t.process && other != t {
			delete(w.threads, tid)
		}
	}
	t.call, t.last = nil, nil
	if t.fds.users > 1 { // execve(2) gives it a table of its own
		t.fds.users--
		t.fds = t.fds.copied(w.holders)
	}
	name, open := r[sizeHead:], []byte(nil)
	if len(name) > sizeName+sizeELF {
		name, open = name[:sizeName], name[sizeName+sizeELF:]
	}
	name, _, _ = bytes.Cut(name, []byte{0})
	t.name, t.uring = string(name), false
	w.counts(t.process)
	if !w.live {
		w.live = true
		w.tell(t, &Event{Kind: Began, Parent: unix.Getpid()})
	}
	var gone []uint64
	for fd, inode := range t.fds.sockets {
		if fd/8 < len(open) && open[fd/8]>>(fd%8)&1 == 0 {
			delete(t.fds.sockets, fd)
			w.holders[inode]--
			gone = append(gone, inode)
		}
	}
	slices.Sort(gone)
	for _, inode := range gone {
		w.closed(t, inode)
	}
	path, strange := program(t.pid)
	strange &= Foreign // nothing keeps it from gaining rights
	if is, known := foreign(r.executable()); is {
		strange = Foreign
	} else if known { // what was read is another program by now
		strange = 0
	}
	t.foreign = strange != 0
	w.tell(t, &Event{Kind: Executed, Path: path, Strange: strange, Sockets: t.fds.list()})
}
