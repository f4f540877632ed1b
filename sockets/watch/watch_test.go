package watch_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets/watch"
)

// Whatever becomes of a program, its exit code comes through, and nothing is left of it.
func TestEnds(t *testing.T) { byBoth(t, ends) }

func ends(t *testing.T, still bool) {
	odd := compile(t)
	for _, test := range []struct {
		exit int
		argv []string
	}{
		{0, []string{"true"}},
		{7, []string{"sh", "-c", "exit 7"}},
		{128 + 9, []string{"sh", "-c", "kill -9 $$"}},
		{128 + 11, []string{"sh", "-c", "kill -SEGV $$"}},
		{5, []string{"sh", "-c", "trap 'exit 5' TERM; kill $$; sleep 9"}},
		{3, []string{"sh", "-c", "(sleep 0.2; kill -CONT $$) & kill -STOP $$; wait; exit 3"}},
		{4, []string{"sh", "-c", "(sleep 0.2; kill -CONT $$) & kill -TSTP $$; wait; exit 4"}},
		{0, []string{"sh", "-c", "yes | head -n 1000 | wc -l >/dev/null"}},
		{6, []string{odd, "thread"}},
		{0, []string{"setsid", "-f", "sh", "-c", "sleep 0.1"}},
	} {
		told, exit := follow(t, &watch.Watch{Still: still}, test.argv...)
		began, ended := 0, 0
		for _, e := range told {
			switch e.Kind {
			case watch.Began:
				began++
			case watch.Ended:
				ended++
			}
		}
		if exit != test.exit || began != ended || began == 0 {
			t.Errorf("%q: exit code %d; %d processes began, %d ended", test.argv, exit, began, ended)
		}
	}
	if left, _ := exec.Command("ps", "--ppid", strconv.Itoa(os.Getpid()), "-o", "stat=").Output(); strings.Contains(string(left), "Z") {
		t.Errorf("zombies: %s", left)
	}
}

// A program that cannot be executed is no program that ends.
func TestNotExecuted(t *testing.T) { byBoth(t, notExecuted) }

func notExecuted(t *testing.T, still bool) {
	path := filepath.Join(t.TempDir(), "no-program")
	if err := os.WriteFile(path, []byte("nothing"), 0o755); err != nil {
		t.Fatal(err)
	}
	w := watch.Watch{Still: still, Tell: func(e *watch.Event) { t.Errorf("told: %+v", e) }}
	if _, err := w.Command(path, []string{path}, false); !errors.Is(err, unix.ENOEXEC) {
		t.Error(err)
	}
}

func TestShortProcesses(t *testing.T) { byBoth(t, shortProcesses) }

func shortProcesses(t *testing.T, still bool) {
	told, exit := follow(t, &watch.Watch{Still: still}, "sh", "-c", "i=0; while [ $i -lt 1000 ]; do /bin/true & i=$((i+1)); done; wait; exit 8")
	ended := 0
	for _, e := range told {
		if e.Kind == watch.Ended {
			ended++
		}
	}
	if exit != 8 || ended != 1001 {
		t.Errorf("exit code %d, %d processes have ended", exit, ended)
	}
}

func TestManyDescriptors(t *testing.T) { byBoth(t, manyDescriptors) }

func manyDescriptors(t *testing.T, still bool) {
	var limit unix.Rlimit
	unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	n := int(min(limit.Max, 10_200)) - 200
	told, exit := follow(t, &watch.Watch{Still: still}, compile(t), "many", strconv.Itoa(n))
	made, closed, last := 0, 0, false
	for _, e := range told {
		switch {
		case e.Kind == watch.Returned && e.Call.Name == "socket" && e.Socket != 0:
			made++
		case e.Kind == watch.Closed:
			closed++
		case e.Kind == watch.Returned && e.Call.Name == "close_range":
			last = e.Socket != 0
		}
	}
	if exit != 0 || made != n || closed != n || !last {
		t.Errorf("exit code %d, %d sockets of %d made, %d closed; close_range is about one: %t", exit, made, n, closed, last)
	}
}

// A socket is the same one by whatever descriptor, in whatever process, and is closed when
// the last of them is.
func TestPassedOn(t *testing.T) { byBoth(t, passedOn) }

func passedOn(t *testing.T, still bool) {
	told, exit := follow(t, &watch.Watch{Still: still}, compile(t), "pass")
	var inode uint64
	var made, own, passed, kept, gone, left []string
	for _, e := range told {
		switch {
		case e.Kind == watch.Returned && e.Call.Name == "socket":
			inode = e.Socket
			made = append(made, e.Call.Strace())
		case e.Kind == watch.Began && e.Parent != os.Getpid():
			for _, d := range e.Sockets {
				if d.Inode == inode && d.Shared {
					own = append(own, fmt.Sprint(d.FD))
				}
			}
		case e.Kind == watch.Returned && e.Call.Name == "recvmsg":
			for _, d := range e.Sockets {
				if d.Inode == inode && d.Shared {
					passed = append(passed, fmt.Sprint(d.FD))
				}
			}
		case e.Kind == watch.Returned && e.Socket == inode && e.FD == 50:
			kept = append(kept, e.Call.Name)
		case e.Kind == watch.Returned && e.Socket == inode && e.Call.Name == "close":
			left = append(left, fmt.Sprint(e.Left))
		case e.Kind == watch.Closed && e.Socket == inode:
			gone = append(gone, fmt.Sprint(len(kept)))
		}
	}
	if exit != 0 || len(made) != 1 || len(own) != 1 || len(passed) != 1 || strings.Join(kept, " ") != "setsockopt" || strings.Join(gone, " ") != "1" || len(left) != 3 || slices.Contains(left, "0") {
		t.Errorf("exit code %d: made %q, with the child %q, with the message %q, by 50 %q, closed after %q; left by each close %q", exit, made, own, passed, kept, gone, left)
	}
}

// Memory that another thread changes at any moment is told as it is found.
func TestRace(t *testing.T) { byBoth(t, race) }

func race(t *testing.T, still bool) {
	told, exit := follow(t, &watch.Watch{Still: still}, compile(t), "race")
	calls := 0
	for _, e := range told {
		if e.Kind == watch.Returned {
			calls++
			_ = e.Call.Strace()
		}
		calls += e.Lost // where the machine is busy
	}
	if exit != 9 || calls < 4000 {
		t.Errorf("exit code %d, %d calls", exit, calls)
	}
}

func TestKilledAtAnyMoment(t *testing.T) { byBoth(t, killedAtAnyMoment) }

func killedAtAnyMoment(t *testing.T, still bool) {
	times := 60
	if !still { // which have to be made ready each time
		times = 5
	}
	for range times {
		killed := false
		pids := make(chan int, 1)
		w := watch.Watch{Still: still}
		w.Tell = func(e *watch.Event) {
			if !killed {
				killed = true
				pids <- e.PID
			}
		}
		go func() {
			pid := <-pids
			time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
			unix.Kill(pid, unix.SIGKILL)
		}()
		status, err := w.Command(tool(t, "sh"), []string{"sh", "-c", "while :; do : | cat; done"}, false)
		if err != nil || !status.Signaled() || status.Signal() != unix.SIGKILL {
			t.Fatalf("%v, %x", err, status)
		}
	}
}

// Calls before the first on a socket are counted.
func TestBefore(t *testing.T) { byBoth(t, before) }

func before(t *testing.T, still bool) {
	told, _ := follow(t, &watch.Watch{Still: still}, "curl", "-s", "http://127.0.0.1:9/")
	var first []int
	for _, e := range told {
		if e.Before != nil {
			sum := 0
			for _, n := range e.Before {
				sum += n
			}
			first = append(first, sum)
		}
	}
	out := filepath.Join(t.TempDir(), "out")
	exec.Command(tool(t, "strace"), "-o", out, "curl", "-s", "http://127.0.0.1:9/").Run()
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(string(text), "\nsocket")
	// strace has execve(2) itself besides, and where memory lies is another time another place.
	if want := strings.Count(before, "\n"); len(first) != 1 || first[0] < want-5 || first[0] > want+5 {
		t.Errorf("%d calls, and strace has %d", first, want)
	}
}

// All are told, also those that are of no interest.
func TestAll(t *testing.T) {
	told, _ := follow(t, &watch.Watch{All: true}, "cat", "/dev/null")
	names := make(map[string]bool)
	for _, e := range told {
		names[e.Call.Name] = true
	}
	if !names["openat"] || !names["read"] || !names["exit_group"] {
		t.Errorf("%v", names)
	}
}

func TestUring(t *testing.T) {
	told, exit := follow(t, &watch.Watch{}, compile(t), "uring")
	if exit != 0 {
		t.Skipf("io_uring_setup(2) gives errno %d here", exit)
	}
	for _, e := range told {
		if e.Kind == watch.Returned && strings.HasPrefix(e.Call.Strace(), "io_uring_setup(4, 0x") {
			return
		}
	}
	t.Error("nothing is told of it")
}

// Another machine's program runs on, and is told to be one.
func TestForeign(t *testing.T) { byBoth(t, foreign) }

func foreign(t *testing.T, still bool) {
	source, path := filepath.Join(t.TempDir(), "a.s"), filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(source, []byte(".globl _start\n_start: movl $1,%eax\nmovl $42,%ebx\nint $0x80\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tool(t, "gcc")
	if out, err := exec.Command("gcc", "-m32", "-nostdlib", "-static", "-o", path, source).CombinedOutput(); err != nil {
		t.Skipf("no program of 32 bits can be made here: %s", out)
	}
	if err := exec.Command(path).Run(); err == nil || err.Error() != "exit status 42" {
		t.Skipf("nor executed: %v", err)
	}
	told, exit := follow(t, &watch.Watch{Still: still}, path)
	if exit != 42 || len(told) != 3 || told[1].Kind != watch.Executed || told[1].Strange != watch.Foreign {
		t.Errorf("exit code %d: %+v", exit, told)
	}
}

// A program that does not get the rights that its file would give it is told to be one.
func TestUnentitled(t *testing.T) {
	self := tool(t, "setpriv")
	need(t, os.Geteuid() == 0, "root")
	if os.Getenv("FD3_UNENTITLED") == "" {
		dir, err := os.MkdirTemp("/tmp", "fd3")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		os.Chmod(dir, 0o755)
		exe, _ := os.Executable()
		for _, file := range []struct{ from, to, mode string }{{exe, dir + "/test", "0755"}, {tool(t, "true"), dir + "/true", "4755"}} {
			if out, err := exec.Command("install", "-m", file.mode, file.from, file.to).CombinedOutput(); err != nil {
				t.Fatalf("%s", out)
			}
		}
		cmd := exec.Command(self, "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", dir+"/test", "-test.run=^TestWatchForOthers$")
		cmd.Env = append(os.Environ(), "FD3_WATCH="+dir+"/true")
		cmd.Dir = "/"
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "executed 4") {
			t.Errorf("%v: %s", err, out)
		}
	}
}

// TestWatchForOthers is a watcher in a process of its own, for the tests above and below.
func TestWatchForOthers(t *testing.T) {
	path := os.Getenv("FD3_WATCH")
	if path == "" {
		return
	}
	w := watch.Watch{Tell: func(e *watch.Event) {
		switch e.Kind {
		case watch.Began:
			fmt.Println("began", e.PID)
		case watch.Executed:
			fmt.Println("executed", e.Strange)
		}
	}}
	w.Still = os.Getenv("FD3_WATCH_STILL") != ""
	if pid, err := strconv.Atoi(path); err == nil {
		fmt.Println(w.Process(pid))
		return
	}
	w.Command(path, append([]string{path}, strings.Fields(os.Getenv("FD3_WATCH_ARGS"))...), false)
}

// watcher starts one, and returns the process that it tells of.
func watcher(t *testing.T, env ...string) (cmd *exec.Cmd, pid int) {
	t.Helper()
	exe, _ := os.Executable()
	cmd = exec.Command(exe, "-test.run=^TestWatchForOthers$")
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fscanf(out, "began %d\n", &pid); err != nil {
		t.Fatal(err)
	}
	return cmd, pid
}

// A command ends with its watcher, and so does all that it has started. A process that ran
// already runs on.
func TestWatcherKilled(t *testing.T) { byBoth(t, watcherKilled) }

func watcherKilled(t *testing.T, still bool) {
	how := "FD3_WATCH_STILL="
	if still {
		how += "yes"
	}
	cmd, pid := watcher(t, how, "FD3_WATCH="+tool(t, "timeout"), "FD3_WATCH_ARGS=100 sleep 100")
	child, programs := firstChild(t, pid), programsOf(cmd.Process.Pid)
	if still != (len(programs) == 0) {
		t.Errorf("programs %v", programs)
	}
	cmd.Process.Kill()
	cmd.Wait()
	for _, pid := range []int{pid, child} {
		until(t, "the command's end", func() bool { return unix.Kill(pid, 0) == unix.ESRCH || state(pid) == "Z" })
	}
	programsEnd(t, programs)
}

// A script does not go on to its next command when its watcher is killed.
func TestWatcherOfScriptsKilled(t *testing.T) {
	byTracepoints(t)
	const scripts = 60
	dir := t.TempDir()
	script, began, ran := filepath.Join(dir, "script"), filepath.Join(dir, "began"), filepath.Join(dir, "ran")
	text := fmt.Sprintf("for i in $(seq %d); do (echo >> %s; sleep 100; echo >> %s) & done; wait", scripts, began, ran)
	if err := os.WriteFile(script, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd, _ := watcher(t, "FD3_WATCH="+tool(t, "sh"), "FD3_WATCH_ARGS="+script)
	programs := programsOf(cmd.Process.Pid)
	until(t, "the scripts", func() bool { b, _ := os.ReadFile(began); return len(b) == scripts })
	cmd.Process.Kill()
	cmd.Wait()
	programsEnd(t, programs)
	if b, err := os.ReadFile(ran); err == nil {
		t.Errorf("of %d scripts %d went on", scripts, len(b))
	}
}

func TestWatcherOfProcessKilled(t *testing.T) {
	sleep := sleeper(t)
	cmd, _ := watcher(t, "FD3_WATCH="+strconv.Itoa(sleep), "FD3_WATCH_STILL=yes")
	until(t, "the tracer", func() bool { return tracer(sleep) == cmd.Process.Pid })
	cmd.Process.Kill()
	cmd.Wait()
	until(t, "no tracer", func() bool { return tracer(sleep) == 0 })
	if unix.Kill(sleep, 0) != nil {
		t.Error("the process is gone, too")
	}
}

// A process that runs already is followed until it is let go, and runs on. All of its calls
// are told by ptrace(2).
func TestProcess(t *testing.T) {
	port := freePort(t)
	at := fmt.Sprintf("127.0.0.1:%d", port)
	self, _ := os.Executable()
	server := exec.Command(self, "-test.run=^$", goServer, at)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { server.Process.Kill(); server.Wait() }()
	fetch(t, at)
	pid := server.Process.Pid

	accepted, attached := make(chan string, 10), make(chan bool, 1)
	w := watch.Watch{All: true, Tell: func(e *watch.Event) {
		switch {
		case e.Kind == watch.Began && len(e.Sockets) == 1:
			attached <- true
		case e.Kind == watch.Returned && e.Call.Name == "accept4" && e.Call.Errno == 0:
			accepted <- e.Call.Strace()
		}
	}}
	done := make(chan error, 1)
	go func() { done <- w.Process(pid) }()
	<-attached
	until(t, "the tracer of every thread", func() bool {
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
		for _, task := range tasks {
			if tid, _ := strconv.Atoi(filepath.Base(task)); tracer(tid) != os.Getpid() {
				return false
			}
		}
		return true
	})
	fetch(t, at)
	if got := <-accepted; !strings.HasPrefix(got, "accept4(3, {sa_family=AF_INET, ") {
		t.Error(got)
	}

	other := watch.Watch{All: true, Tell: func(*watch.Event) {}}
	var denied *watch.DeniedError
	if err := other.Process(pid); !errors.As(err, &denied) || !strings.Contains(err.Error(), "fd3 watches it already") {
		t.Error(err)
	}
	w.Stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if by := tracer(pid); by != 0 {
		t.Errorf("traced by %d", by)
	}
	fetch(t, at)
}

// One that is stopped is let go as it is.
func TestStoppedProcess(t *testing.T) {
	pid := sleeper(t)
	began := make(chan bool, 1)
	w := watch.Watch{All: true, Tell: func(e *watch.Event) {
		if e.Kind == watch.Began {
			began <- true
		}
	}}
	done := make(chan error, 1)
	go func() { done <- w.Process(pid) }()
	<-began
	unix.Kill(pid, unix.SIGSTOP)
	until(t, "the stop", func() bool { return strings.Contains(state(pid), "T") || strings.Contains(state(pid), "t") })
	time.Sleep(50 * time.Millisecond)
	w.Stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	until(t, "the stop without a tracer", func() bool { return tracer(pid) == 0 && state(pid) == "T" })
}

func TestNoProcess(t *testing.T) {
	w := watch.Watch{Tell: func(*watch.Event) {}}
	if err := w.Process(1 << 30); err == nil || !strings.Contains(err.Error(), "there is no process") {
		t.Error(err)
	}
}

// Another user's process is root's to watch, and so is one that has forbidden to be looked
// into. Both are told from each other.
func TestDenied(t *testing.T) {
	need(t, os.Geteuid() == 0, "root")
	exe, _ := os.Executable()
	dir, err := os.MkdirTemp("/tmp", "fd3")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	os.Chmod(dir, 0o755)
	if out, err := exec.Command("install", "-m", "0755", exe, dir+"/test").CombinedOutput(); err != nil {
		t.Fatalf("%s", out)
	}
	nobody := func(argv ...string) *exec.Cmd {
		cmd := exec.Command(tool(t, "setpriv"), append([]string{"--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"}, argv...)...)
		cmd.Dir = "/"
		return cmd
	}
	secret := nobody(tool(t, "python3"), "-c", "import ctypes,time; ctypes.CDLL(None).prctl(4,0); print(flush=True); time.sleep(100)")
	ready, err := secret.StdoutPipe()
	if err == nil {
		err = secret.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer secret.Wait()
	defer secret.Process.Kill()
	ready.Read(make([]byte, 1))
	for pid, want := range map[int]string{
		sleeper(t):         "It belongs to the user 0, and you are 65534",
		secret.Process.Pid: "belong to the user 0: it may not be looked into",
	} {
		cmd := nobody(dir+"/test", "-test.run=^TestWatchForOthers$")
		cmd.Env = append(os.Environ(), "FD3_WATCH="+strconv.Itoa(pid))
		if out, _ := cmd.CombinedOutput(); !bytes.Contains(out, []byte(want)) {
			t.Errorf("%s: no %q", out, want)
		}
	}
}

// sleeper is a process that does nothing.
func sleeper(t *testing.T) int {
	cmd := exec.Command(tool(t, "sleep"), "100")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Signal(syscall.SIGKILL); cmd.Wait() })
	return cmd.Process.Pid
}

func until(t *testing.T, what string, there func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !there(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long for %s", what)
		}
	}
}

func field(tid int, name string) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", tid))
	_, after, _ := strings.Cut(string(b), "\n"+name+":")
	line, _, _ := strings.Cut(after, "\n")
	return strings.TrimSpace(line)
}

// tracer is the process that traces a thread, or 0.
func tracer(tid int) int {
	thread, _ := strconv.Atoi(field(tid, "TracerPid"))
	if thread == 0 {
		return 0
	}
	process, _ := strconv.Atoi(field(thread, "Tgid"))
	return process
}

func state(pid int) string { return strings.Fields(field(pid, "State") + " ?")[0] }
