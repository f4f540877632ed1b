package kernel

import (
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestThreadBlockedInAccept(t *testing.T) {
	fd, _ := listener(t, unix.AF_INET, 1)
	tid, ended := make(chan int), make(chan error)
	go func() {
		// Never unlocked: the thread, which bears another name now, ends with the goroutine.
		runtime.LockOSThread()
		name := []byte("a) (b\nR 1\x00")
		unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&name[0])), 0, 0, 0)
		tid <- unix.Gettid()
		for {
			_, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
			if err != unix.EINTR {
				ended <- err
				return
			}
		}
	}()
	id := <-tid

	var task Task
	until(t, "blocked in accept4 in a named kernel function", func() bool {
		var err error
		if task, err = Thread(unix.Getpid(), id); err != nil {
			t.Fatal(err)
		}
		return task.Syscall.Form == SyscallBlocked && task.Syscall.Number == unix.SYS_ACCEPT4 && task.Wchan != ""
	})
	t.Logf("%+v", task)
	if task.State != 'S' || task.StateName != "sleeping" {
		t.Errorf("state %c %s", task.State, task.StateName)
	}
	if !strings.Contains(task.Wchan, "csk") {
		t.Errorf("sleeps in %s: no function of an inet connection socket", task.Wchan)
	}
	if task.Syscall.Args[0] != uint64(fd) || task.Syscall.Args[3] != unix.SOCK_CLOEXEC {
		t.Errorf("arguments %#x", task.Syscall.Args)
	}

	// shutdown(2) wakes an accept on Linux, with EINVAL.
	if err := unix.Shutdown(fd, unix.SHUT_RD); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != unix.EINVAL {
		t.Errorf("accept4 said %v", err)
	}
}

func TestThreadRunning(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	task, err := Thread(unix.Getpid(), unix.Gettid())
	if err != nil {
		t.Fatal(err)
	}
	// A thread that looks at itself is in read(2), and running.
	if task.State != 'R' || task.Syscall.Form != SyscallRunning && task.Syscall.Form != SyscallBlocked {
		t.Errorf("%+v", task)
	}
	t.Logf("%+v", task)
}

// A plain user may not see where a process of root is blocked: no error, but
// said to be unknown.
func TestThreadNotShown(t *testing.T) {
	if unix.Getuid() == 0 {
		t.Skip("root may look")
	}
	task, err := Thread(1, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", task)
	if task.Syscall.Form != SyscallUnknown || task.Wchan != "" {
		t.Errorf("%+v", task)
	}
	if task.State == 0 {
		t.Errorf("%+v", task)
	}
	if _, err := FDs(1); !denied(err) {
		t.Errorf("FDs: %v", err)
	}
}

func TestParseStat(t *testing.T) {
	for _, test := range []struct {
		text  string
		state byte
	}{
		{"3028 (cat) R 3024 3024 2454 0 -1 4194304 98 0\n", 'R'},
		{"1 (a) R 1) S 3024 3024 2454 0 -1 4194304 98 0\n", 'S'},
		{"1 (x\n(y)) D 0 0 0 0 -1 0", 'D'},
		{"1 () t 0 0 0 0 -1 0", 't'},
	} {
		stat, err := parseStat(test.text)
		if err != nil || stat.state != test.state {
			t.Errorf("%q: %+v, %v", test.text, stat, err)
		}
	}
	for _, text := range []string{
		"", "1", "1 (", "1 )(", "1 )", "1 (a)", "1 (a) ", "1 (a) R 0 0 0 0 -1", "1 (a) RR 0 0 0 0 -1 0", "1 (a) R 0 0 0 0 -1 x",
	} {
		if stat, err := parseStat(text); err == nil {
			t.Errorf("%q gives %+v", text, stat)
		}
	}
}

func TestParseSyscall(t *testing.T) {
	call, err := parseSyscall("288 0x3 0x0 0x0 0x80000 0x0 0xffffffffffffffff 0x7ffe7f872778 0x7f78978b02ad\n")
	want := Syscall{Form: SyscallBlocked, Number: 288, Args: [6]uint64{3, 0, 0, 0x80000, 0, 1<<64 - 1}}
	if err != nil || call != want {
		t.Errorf("%+v, %v", call, err)
	}
	if call, err := parseSyscall("running\n"); err != nil || call.Form != SyscallRunning {
		t.Errorf("%+v, %v", call, err)
	}
	if call, err := parseSyscall("-1 0x7ffc 0x55\n"); err != nil || call.Form != SyscallOutside {
		t.Errorf("%+v, %v", call, err)
	}
	for _, text := range []string{
		"", "\n", "walking", "-1", "-1 0x1", "5 0x1 0x2", "0 0x3 0x0", "x 0 0 0 0 0 0 0 0",
		"0 0 0 0 0 0 0 0 zz", "0 0 0 0 0 0 0 0 0 0", "0 0x10000000000000000 0 0 0 0 0 0 0",
	} {
		if call, err := parseSyscall(text); err == nil {
			t.Errorf("%q gives %+v", text, call)
		}
	}
}

func TestParseWchan(t *testing.T) {
	for text, want := range map[string]string{"0": "", "": "", "inet_csk_accept": "inet_csk_accept", "x\n": "x"} {
		if got := parseWchan(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}
