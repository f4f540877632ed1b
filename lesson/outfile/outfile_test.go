package outfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// nobody is another user.
const nobody = 65534

func write(t *testing.T, path, text string, over bool) error {
	t.Helper()
	f, err := Create(path, 0o644, over)
	if err != nil {
		return err
	}
	if _, err := f.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return f.Commit()
}

// holds checks what a folder has: names and contents.
func holds(t *testing.T, folder string, want map[string]string) {
	t.Helper()
	all, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		text, _ := os.ReadFile(filepath.Join(folder, e.Name()))
		if w, ok := want[e.Name()]; !ok || w != string(text) {
			t.Errorf("%s holds %q", e.Name(), text)
		}
	}
	if len(all) != len(want) {
		t.Errorf("%d names, not %d", len(all), len(want))
	}
}

// both runs a test with O_TMPFILE, and as on a file system that has none.
func both(t *testing.T, test func(t *testing.T, folder string)) {
	t.Run("tmpfile", func(t *testing.T) { test(t, t.TempDir()) })
	t.Run("beside", func(t *testing.T) {
		defer func(old func(string, fs.FileMode) (int, error)) { tmpfile = old }(tmpfile)
		tmpfile = func(string, fs.FileMode) (int, error) { return -1, unix.EOPNOTSUPP }
		test(t, t.TempDir())
	})
}

func TestNothingIsWrittenOverUnasked(t *testing.T) {
	both(t, func(t *testing.T, folder string) {
		path := filepath.Join(folder, "out")
		if err := write(t, path, "first", false); err != nil {
			t.Fatal(err)
		}
		if err := write(t, path, "second", false); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%v", err)
		}
		holds(t, folder, map[string]string{"out": "first"})

		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := write(t, path, "third", true); err != nil {
			t.Fatal(err)
		}
		holds(t, folder, map[string]string{"out": "third"})
		if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
	})
}

// Somebody else may take the name while the file is being written.
func TestTheNameIsTakenMeanwhile(t *testing.T) {
	both(t, func(t *testing.T, folder string) {
		path := filepath.Join(folder, "out")
		f, err := Create(path, 0o644, false)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("theirs"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := f.Commit(); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%v", err)
		}
		holds(t, folder, map[string]string{"out": "theirs"})
	})
}

// A file that is not finished is not there, and the old one is there still.
func TestAnUnfinishedFileIsNone(t *testing.T) {
	both(t, func(t *testing.T, folder string) {
		path := filepath.Join(folder, "out")
		for _, before := range []map[string]string{{}, {"out": "before"}} {
			for name, text := range before {
				if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			f, err := Create(path, 0o644, true)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteString("half"); err != nil {
				t.Fatal(err)
			}
			if err := f.Discard(); err != nil {
				t.Error(err)
			}
			holds(t, folder, before)
		}
	})
}

// A full disk: a file system of a few pages.
func TestAFullDiskKeepsTheOldFile(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may mount a small file system")
	}
	folder := t.TempDir()
	if err := unix.Mount("none", folder, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("no tmpfs can be mounted:", err)
	}
	defer unix.Unmount(folder, unix.MNT_DETACH)
	path := filepath.Join(folder, "out")
	if err := write(t, path, "before", false); err != nil {
		t.Fatal(err)
	}
	f, err := Create(path, 0o644, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(make([]byte, 1<<20)); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("%v", err)
	}
	f.Discard()
	holds(t, folder, map[string]string{"out": "before"})
}

func TestOnlyOwnLinksAreFollowed(t *testing.T) {
	folder := t.TempDir()
	target, link := filepath.Join(folder, "target"), filepath.Join(folder, "link")
	if err := errors.Join(os.WriteFile(target, []byte("old"), 0o644), os.Symlink("target", link)); err != nil {
		t.Fatal(err)
	}
	if err := write(t, link, "new", true); err != nil {
		t.Fatal(err)
	}
	if to, err := os.Readlink(link); to != "target" || err != nil {
		t.Errorf("the link is now %q, %v", to, err)
	}
	holds(t, folder, map[string]string{"link": "new", "target": "new"})

	if os.Geteuid() != 0 {
		t.Skip("only root can make a link of another user's")
	}
	if err := errors.Join(os.Chmod(folder, 0o777|os.ModeSticky), os.Lchown(link, nobody, nobody)); err != nil {
		t.Fatal(err)
	}
	_, appended := Append(link, 0o644)
	for _, err := range []error{write(t, link, "harm", true), write(t, link, "harm", false), appended} {
		if err == nil || !strings.Contains(err.Error(), "symbolic link of another user's (uid 65534)") {
			t.Errorf("%v", err)
		}
	}
	holds(t, folder, map[string]string{"link": "new", "target": "new"})
}

// A link that comes after the look is not followed either.
func TestALinkThatComesLateIsNotFollowed(t *testing.T) {
	folder := t.TempDir()
	path, target := filepath.Join(folder, "log"), filepath.Join(folder, "target")
	old, err := find(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(target, []byte("old"), 0o644), os.Symlink("target", path)); err != nil {
		t.Fatal(err)
	}
	if _, err := open(old.path, unix.O_WRONLY|unix.O_CREAT|old.flags, 0o644); !errors.Is(err, unix.ELOOP) {
		t.Errorf("%v", err)
	}
}

func TestAppend(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	for _, text := range []string{"one\n", "two\n"} {
		fd, err := Append(path, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := unix.Write(fd, []byte(text)); err != nil {
			t.Error(err)
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || flags&(unix.O_NONBLOCK|unix.O_APPEND) != unix.O_APPEND {
			t.Errorf("flags %#x, %v", flags, err)
		}
		unix.Close(fd)
	}
	if text, err := os.ReadFile(path); string(text) != "one\ntwo\n" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

// A pipe takes what is written, and one that nobody reads is said at once.
func TestPipes(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	_, appended := Append(fifo, 0o600)
	for _, err := range []error{write(t, fifo, "", false), appended} {
		if err == nil || !strings.Contains(err.Error(), "nobody reads") {
			t.Errorf("%v", err)
		}
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink("/proc/self/fd/"+strconv.Itoa(int(w.Fd())), link); err != nil {
		t.Fatal(err)
	}
	if err := write(t, link, "through", false); err != nil {
		t.Fatal(err)
	}
	w.Close()
	b := make([]byte, 100)
	if n, err := r.Read(b); string(b[:n]) != "through" {
		t.Errorf("%q, %v", b[:n], err)
	}
}

// A link that leads nowhere is said to be one: stat(2) would say that there is nothing
// of the name, which the user sees.
func TestLinkToNothing(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink("nothing", link); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(link, 0o644, true); err == nil || !strings.Contains(err.Error(), "symbolic link to what is not there") {
		t.Errorf("%v", err)
	}
}
