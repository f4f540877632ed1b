package path

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/sockets/kernel/types"
)

// An instance is a ring buffer of one's own, with switches of its own, beside the one that
// the machine's owner may be using: a directory below instances (ftrace.rst, "Instances").
type instance struct {
	fs      *tracefs
	dir     string
	guard   *guard
	missing []string // events that this kernel does not have
}

// prefix begins the names of our instances. The pid of the process that made it follows.
const prefix = "fd3-"

// newInstance makes an instance, and a guard that removes it should this process be
// killed. What dead processes have left is swept.
func newInstance() (*instance, error) {
	fs, err := openTracefs()
	if err != nil {
		return nil, err
	}
	go types.Kernel() // which are read while the call is prepared
	sweep(fs)
	i := &instance{fs: fs}
	name := prefix + strconv.Itoa(os.Getpid())
	for n := 2; unix.Access(fs.dir+"/instances/"+name, unix.F_OK) == nil; n++ {
		name = fmt.Sprintf("%s%d-%d", prefix, os.Getpid(), n)
	}
	i.dir = fs.dir + "/instances/" + name
	if i.guard, err = newGuard(name); err != nil { // before there is anything to remove
		fs.close()
		return nil, err
	}
	if err = unix.Mkdir(i.dir, 0o700); err != nil {
		i.close()
		return nil, deniedAt("an instance of tracefs", err)
	}
	for _, s := range [][2]string{{"tracing_on", "0"}, {"trace_clock", "mono"}} {
		if err := write(i.dir, s[0], s[1]); err != nil {
			i.close()
			return nil, deniedAt("an instance of tracefs", err)
		}
	}
	return i, nil
}

// sweep removes the instances of processes that are no more.
func sweep(fs *tracefs) {
	entries, _ := os.ReadDir(fs.dir + "/instances")
	for _, e := range entries {
		if rest, ours := strings.CutPrefix(e.Name(), prefix); ours {
			pid, _, _ := strings.Cut(rest, "-")
			if n, err := strconv.Atoi(pid); err == nil && unix.Kill(n, 0) == unix.ESRCH {
				unix.Rmdir(fs.dir + "/instances/" + e.Name())
			}
		}
	}
}

// enable turns an event on, or keeps in mind that this kernel lacks it.
func (i *instance) enable(event string) error {
	err := write(i.dir, "events/"+strings.Replace(event, ":", "/", 1)+"/enable", "1")
	if errors.Is(err, unix.ENOENT) {
		i.missing = append(i.missing, event)
		return nil
	}
	return err
}

// close has the guard remove the instance, with its events and its tracer. It does not wait
// for that: the kernel lets it last until nothing that runs can write there any more.
func (i *instance) close() {
	i.guard.dismiss()
	i.fs.close()
}
