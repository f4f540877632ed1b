package watch_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"fd3/sockets"
	"fd3/sockets/watch"
)

// Processes that run already are followed by the kernel's tracepoints, where root watches:
// strace(1) is the referee in the same run. The same calls on sockets with the same
// arguments, thread by thread. A shell waits until both are there.
func TestTracepointsAgree(t *testing.T) {
	byTracepoints(t)
	odd := compile(t)
	port := freePort(t)
	get := func(t *testing.T) {
		for range 3 {
			fetch(t, "127.0.0.1:"+strconv.Itoa(port))
		}
	}
	for _, s := range []scenario{
		{name: "a C server that forks", argv: []string{odd, "forking", strconv.Itoa(port)}, during: get},
		{name: "descriptors in a message", argv: []string{odd, "pass"}},
		{name: "nginx", argv: nginx(t, port), during: get, end: true, port: port},
	} {
		t.Run(s.name, func(t *testing.T) { s.bothAgree(t) })
	}
}

var unstopped = sync.OnceValue(watch.Unstopped)

// byTracepoints ends a test where the kernel lets nobody use them.
func byTracepoints(t testing.TB) {
	t.Helper()
	if err := unstopped(); err != nil {
		t.Skip("needs root, and eBPF at tracepoints: ", err)
	}
}

func (s scenario) bothAgree(t *testing.T) {
	cmd := exec.Command("/bin/sh", append([]string{"-c", `read go; exec "$@"`, "sh"}, s.argv...)...)
	gate, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	dir := t.TempDir()
	var names []string
	for _, number := range watch.Numbers() {
		if name, _, _ := strings.Cut(sockets.Describe(number, sockets.Registers{}, nil).Strace(), "("); !strings.HasPrefix(name, "syscall_") {
			names = append(names, name)
		}
	}
	referee := exec.Command(tool(t, "strace"), "-ff", "-y", "-a1", "-e", "trace="+strings.Join(names, ","), "-o", dir+"/s", "-p", strconv.Itoa(pid))
	if err := referee.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "strace", func() bool {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		return strings.Contains(string(status), fmt.Sprintf("TracerPid:\t%d\n", referee.Process.Pid))
	})
	ours := make(map[int][]string)
	began, done := make(chan bool, 1), make(chan error, 1)
	late, lost, ended := true, 0, unix.WaitStatus(0xffff)
	w := watch.Watch{Tell: func(e *watch.Event) {
		late = late && e.Late
		switch {
		case e.Kind == watch.Began && e.PID == pid:
			began <- true
		case e.Kind == watch.Returned:
			ours[e.TID] = append(ours[e.TID], e.Call.Strace())
		case e.Kind == watch.Lost:
			lost += e.Lost
		case e.Kind == watch.Ended && e.PID == pid:
			ended = e.Status
		}
	}}
	go func() { done <- w.Process(pid) }()
	<-began
	fmt.Fprintln(gate)
	s.happen(t, func() int { return pid })
	how := cmd.Wait()
	referee.Wait()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it has not been told that all have ended")
	}
	if !late || lost > 0 {
		t.Errorf("late %v, %d lost", late, lost)
	}
	if got := cmd.ProcessState.Sys().(interface{ ExitStatus() int }).ExitStatus(); ended.ExitStatus() != got {
		t.Errorf("%v: %d, and it was %v", ended, ended.ExitStatus(), how)
	}
	files, _ := filepath.Glob(dir + "/s.*")
	calls := 0
	for _, file := range files {
		tid, _ := strconv.Atoi(strings.TrimPrefix(filepath.Ext(file), "."))
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var theirs []string
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSuffix(line, "\n"); concerns(line) && !strings.Contains(line, " = ?") {
				theirs = append(theirs, annotation.ReplaceAllString(line, "$1"))
			}
		}
		mine := slices.DeleteFunc(ours[tid], func(line string) bool { return strings.Contains(line, " = ?") })
		if last := len(mine) - 1; last == len(theirs) && s.end { // killed on its way out of the call, which strace(1) leaves open
			mine = mine[:last]
		}
		if calls += len(mine); !slices.Equal(mine, theirs) {
			same := 0
			for same < min(len(mine), len(theirs)) && mine[same] == theirs[same] {
				same++
			}
			t.Errorf("thread %d, after %d calls:\n%s\nstrace:\n%s", tid, same, strings.Join(mine[same:], "\n"), strings.Join(theirs[same:], "\n"))
		}
	}
	if calls < 5 {
		t.Errorf("only %d calls", calls)
	}
}

// A process that runs already goes on as if nobody were there: nobody traces it, a call that
// it waits in is told when it returns, and so is the next one after it was let go.
func TestUnstopped(t *testing.T) {
	byTracepoints(t)
	odd := compile(t)
	port := freePort(t)
	at := "127.0.0.1:" + strconv.Itoa(port)
	server := exec.Command(odd, "forking", strconv.Itoa(port))
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer server.Process.Kill()
	pid := server.Process.Pid
	until(t, "accept", func() bool {
		call, _ := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", pid))
		return strings.HasPrefix(string(call), fmt.Sprint(unix.SYS_ACCEPT, " "))
	})
	began, accepted := make(chan int, 10), make(chan string, 10)
	w := watch.Watch{Tell: func(e *watch.Event) {
		switch {
		case e.Kind == watch.Began:
			began <- len(e.Sockets)
		case e.Kind == watch.Returned && strings.HasPrefix(e.Call.Name, "accept"):
			accepted <- e.Call.Strace()
		}
	}}
	done := make(chan error, 1)
	go func() { done <- w.Process(pid) }()
	if got := <-began; got != 1 {
		t.Errorf("%d sockets", got)
	}
	fetch(t, at)
	select {
	case got := <-accepted:
		if !strings.Contains(got, "= 4") {
			t.Error(got)
		}
	case <-time.After(30 * time.Second):
		t.Error("accept is not told")
	}
	if by := tracer(pid); by != 0 {
		t.Errorf("traced by %d", by)
	}
	w.Stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	fetch(t, at)
	fetch(t, at)
	if server.Wait(); server.ProcessState.ExitCode() != 3 {
		t.Error(server.ProcessState)
	}
}

// A server of Go, which waits in epoll(7), is told of from where it is on, on any kernel.
func TestUnstoppedServer(t *testing.T) {
	byTracepoints(t)
	at := "127.0.0.1:" + strconv.Itoa(freePort(t))
	self, _ := os.Executable()
	server := exec.Command(self, "-test.run=^$", goServer, at)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	fetch(t, at)
	pid := server.Process.Pid
	began, said := make(chan bool, 1), []string{}
	w := watch.Watch{Tell: func(e *watch.Event) {
		switch e.Kind {
		case watch.Began:
			began <- true
		case watch.Returned:
			said = append(said, e.Call.Strace())
		case watch.Lost:
			t.Errorf("%d lost", e.Lost)
		case watch.Ended:
			said = append(said, fmt.Sprint("ended by ", e.Status.Signal()))
		}
	}}
	done := make(chan error, 1)
	go func() { done <- w.Process(pid) }()
	<-began
	fetch(t, at)
	server.Process.Kill()
	server.Wait()
	if err := <-done; err != nil {
		t.Error(err)
	}
	all := strings.Join(said, "\n")
	for _, want := range []string{`accept4(3, {sa_family=AF_INET, sin_port=htons(`, `"GET / HTTP/1.0\r\n\r\n", 4096) = 18`, `"HTTP/1.0 200 OK\r\n`, "close(", "ended by killed"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %s in\n%s", want, all)
		}
	}
}

// programsOf are those that a process has descriptors of.
func programsOf(pid int) (all []ebpf.ProgramID) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		if _, after, found := strings.Cut(string(text), "prog_id:\t"); found {
			line, _, _ := strings.Cut(after, "\n")
			id, _ := strconv.Atoi(line)
			all = append(all, ebpf.ProgramID(id))
		}
	}
	return all
}

// Each call of every process runs the programs, which find out that it is none of theirs.
func TestTracepointsOfAll(t *testing.T) {
	byTracepoints(t)
	stats, err := ebpf.EnableStats(unix.BPF_STATS_RUN_TIME)
	if err != nil {
		t.Skip("needs a kernel that counts: ", err)
	}
	defer stats.Close()
	began, done := make(chan bool, 1), make(chan error, 1)
	w := watch.Watch{Tell: func(e *watch.Event) { began <- true }}
	pid := sleeper(t)
	go func() { done <- w.Process(pid) }()
	<-began
	const calls = 1000
	runs := func() (n uint64) {
		for _, id := range programsOf(os.Getpid()) {
			if p, err := ebpf.NewProgramFromID(id); err == nil {
				if info, err := p.Info(); err == nil && info.Name == "fd3_sys_enter" {
					s, _ := p.Stats()
					n = s.RunCount
				}
				p.Close()
			}
		}
		return n
	}
	before := runs()
	for range calls {
		unix.Getppid()
	}
	if after := runs(); after < before+calls {
		t.Errorf("%d runs, then %d", before, after)
	}
	w.Stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Nothing is left of the kernel's programs when who watches is killed.
func TestTracepointsEnd(t *testing.T) {
	byTracepoints(t)
	sleep := sleeper(t)
	cmd, _ := watcher(t, "FD3_WATCH="+strconv.Itoa(sleep))
	programs := programsOf(cmd.Process.Pid)
	if len(programs) < 5 {
		t.Errorf("programs %v", programs)
	}
	cmd.Process.Kill()
	cmd.Wait()
	programsEnd(t, programs)
	if unix.Kill(sleep, 0) != nil {
		t.Error("the process is gone, too")
	}
}

func programsEnd(t *testing.T, programs []ebpf.ProgramID) {
	for _, id := range programs {
		until(t, "the end of the programs", func() bool {
			p, err := ebpf.NewProgramFromID(id)
			p.Close()
			return err != nil
		})
	}
}

// Calls of which nothing would be told are counted by the kernel's programs: none is missing
// in the sum, and the count comes before the socket's end.
func TestUnstoppedCounted(t *testing.T) {
	byTracepoints(t)
	odd := compile(t)
	const times = 5000
	cmd := exec.Command("/bin/sh", "-c", fmt.Sprintf("read go; $0 busy 1; read go; exec $0 busy %d", times), odd)
	gate, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	began, done, rests := make(chan bool, 2), make(chan error, 1), make(chan bool, 1)
	told, closed, counted, skipped := make(map[string]int), 0, make(map[uint64]int), make(map[uint64]int)
	w := watch.Watch{
		Tell: func(e *watch.Event) {
			switch e.Kind {
			case watch.Began:
				began <- true
			case watch.Returned:
				told[e.Call.Name]++
			case watch.Ended:
				select {
				case rests <- true: // the first has ended
				default:
				}
			case watch.Closed:
				n := counted[e.Socket]
				if closed++; closed > 2 && (n < times/2 || n+skipped[e.Socket] != times) {
					t.Errorf("at the end of a socket %d have been counted, and %d skipped", n, skipped[e.Socket])
				}
			}
		},
		Skip: func(_ int, socket uint64) (bool, time.Time) {
			skipped[socket]++
			return true, time.Now().Add(time.Hour)
		},
		Counted: func(socket uint64, calls int) { counted[socket] += calls },
	}
	go func() { done <- w.Process(cmd.Process.Pid) }()
	<-began
	fmt.Fprintln(gate)
	<-rests
	fmt.Fprintln(gate)
	cmd.Wait()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if closed != 4 || told["socketpair"] != 2 || told["sendto"]+told["recvfrom"] != 0 {
		t.Errorf("%v told, %v counted, %d sockets closed", told, counted, closed)
	}
}

// Who does not keep up is told how much is lost, and that all have ended.
func TestTracepointsLose(t *testing.T) {
	byTracepoints(t)
	odd := compile(t)
	const times = 40000
	cmd := exec.Command("/bin/sh", "-c", `read go; exec "$@"`, "sh", odd, "busy", strconv.Itoa(times))
	gate, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	began, done, over := make(chan bool, 1), make(chan error, 1), make(chan bool)
	told, lost, ended := 0, 0, 0
	w := watch.Watch{Tell: func(e *watch.Event) {
		switch e.Kind {
		case watch.Began:
			began <- true
		case watch.Entered, watch.Returned:
			if told++; e.Call.Name == "sendto" {
				<-over
			}
		case watch.Lost:
			lost += e.Lost
		case watch.Ended:
			ended++
		}
	}}
	go func() { done <- w.Process(cmd.Process.Pid) }()
	<-began
	fmt.Fprintln(gate)
	cmd.Wait()
	close(over)
	if err := <-done; err != nil || ended != 1 {
		t.Errorf("%v, %d have ended", err, ended)
	}
	if all := told + lost; lost == 0 || all < 4*times || all > 4*times+100 {
		t.Errorf("%d told and %d lost of %d", told, lost, 4*times)
	}
}
