package stage

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A command that waits for the lock may get that of a folder which is gone: Tidy has
// removed it. Then it makes the folder again, and locks that.
func TestFolderThatIsRemovedUnderTheLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "fd3")
	unlock, err := lockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	second := make(chan error)
	var release func()
	go func() {
		var err error
		release, err = lockFolder(dir)
		second <- err
	}()
	for deadline := time.Now().Add(20 * time.Second); !inFlock(t); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody waits for the lock")
		}
	}
	if err := unix.Rmdir(dir); err != nil {
		t.Fatal(err)
	}
	unlock()
	if err := <-second; err != nil {
		t.Fatal(err)
	}
	defer release()
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatalf("the folder was not made again: %v", err)
	}
	defer unix.Close(fd)
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != unix.EWOULDBLOCK {
		t.Errorf("the folder that lies there is not locked: %v", err)
	}
}

// inFlock reports whether a thread of this process waits in flock(2).
func inFlock(t *testing.T) bool {
	calls, _ := filepath.Glob("/proc/self/task/*/syscall")
	if len(calls) == 0 {
		t.Skip("this kernel does not tell where a thread waits")
	}
	for _, call := range calls {
		if text, _ := os.ReadFile(call); bytes.HasPrefix(text, fmt.Appendf(nil, "%d ", unix.SYS_FLOCK)) {
			return true
		}
	}
	return false
}

// A folder that others may enter, or turn, is not trusted.
func TestFolderThatIsNotTrusted(t *testing.T) {
	base := t.TempDir()
	at := func(name string) string { return filepath.Join(base, name) }
	for _, name := range []string{"group", "others", "own", "nobodys"} {
		if err := os.Mkdir(at(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	os.Chmod(at("group"), 0o710)
	os.Chmod(at("others"), 0o701)
	os.Symlink(at("own"), at("link"))
	os.WriteFile(at("file"), nil, 0o600)
	bad := []string{"group", "others", "link", "file"}
	if os.Geteuid() == 0 {
		os.Chown(at("nobodys"), 65534, 65534)
		bad = append(bad, "nobodys")
	}
	for _, name := range bad {
		if _, ok := trusted(at(name)).(*FolderError); !ok {
			t.Errorf("%s is trusted", name)
		}
		if _, err := lockFolder(at(name)); err == nil {
			t.Errorf("%s is locked", name)
		}
	}
	if err := trusted(at("own")); err != nil {
		t.Error(err)
	}
}

// Of what lies at the path of the control socket only that is swept which nobody
// listens on: another command may have started the stage meanwhile.
func TestSweepKeepsALiveStage(t *testing.T) {
	r := Remote{Name: "sweep", Role: Server}
	if _, _, err := r.Start(IdleEnd); err != nil {
		t.Fatal(err)
	}
	r.sweep()
	if _, err := r.State(t.Context()); err != nil {
		t.Errorf("after sweep: %v", err)
	}
	if _, err := r.Quit(t.Context()); err != nil {
		t.Error(err)
	}
}
