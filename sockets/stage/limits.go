package stage

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// limits are those of setrlimit(2) that keep a program from starting, with the option
// of ulimit that sets each.
var limits = []struct {
	resource     int
	name, ulimit string
	unit         uint64 // of ulimit, in those of the kernel
}{
	{unix.RLIMIT_NOFILE, "RLIMIT_NOFILE", "-n", 1},
	{unix.RLIMIT_NPROC, "RLIMIT_NPROC", "-u", 1},
	{unix.RLIMIT_AS, "RLIMIT_AS", "-v", 1024},
}

// LimitText returns the limits that may be behind an error: of descriptors, processes
// and threads, or memory. It is empty where none of them is set.
func LimitText(resources ...int) string {
	var found []string
	for _, l := range limits {
		var limit unix.Rlimit
		for _, resource := range resources {
			if l.resource == resource && unix.Getrlimit(resource, &limit) == nil && limit.Cur != unix.RLIM_INFINITY {
				found = append(found, fmt.Sprintf("%s is %d (ulimit %s %d)", l.name, limit.Cur, l.ulimit, limit.Cur/l.unit))
			}
		}
	}
	return strings.Join(found, ", ")
}

// A StartError says that a process ended before it was a stage.
type StartError struct {
	Said string // the first line that it wrote to stderr: what the Go runtime or the C library found
}

func (e *StartError) Error() string {
	said := e.Said
	if said == "" {
		said = "it did not say why"
	}
	text := "it ended at once: " + said
	if limits := LimitText(suspects(said)...); limits != "" {
		text += ". The limits here: " + limits
	}
	return text
}

// suspects are the limits that may make a program say so as it starts.
func suspects(said string) []int {
	switch {
	case strings.Contains(said, "thread"), strings.Contains(said, "newosproc"):
		return []int{unix.RLIMIT_NPROC, unix.RLIMIT_AS}
	case strings.Contains(said, "epoll"), strings.Contains(said, "eventfd"), strings.Contains(said, "descriptor"):
		return []int{unix.RLIMIT_NOFILE}
	case strings.Contains(said, "memory"):
		return []int{unix.RLIMIT_AS}
	}
	return []int{unix.RLIMIT_NOFILE, unix.RLIMIT_NPROC, unix.RLIMIT_AS}
}

// LimitBehind returns the limit that an errno speaks of, or "" where none is set.
func LimitBehind(err error) string {
	var start *StartError
	var file *os.PathError
	switch {
	case errors.As(err, &start): // it names its own
	case errors.Is(err, unix.EMFILE):
		return LimitText(unix.RLIMIT_NOFILE)
	case errors.Is(err, unix.EAGAIN) && errors.As(err, &file) && file.Op == "fork/exec":
		return LimitText(unix.RLIMIT_NPROC)
	case errors.Is(err, unix.ENOMEM):
		return LimitText(unix.RLIMIT_AS)
	}
	return ""
}
