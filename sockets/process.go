package sockets

import (
	"encoding/binary"
	"fmt"
	"math"

	"golang.org/x/sys/unix"
)

// cloneFlagsKind are the flags of clone(2), with the signal of the child's end in the
// lowest byte.
func cloneFlagsKind(d *decoder, i int) string {
	flags, sig := d.registers[i]&^0xff, int(d.registers[i]&0xff)
	name := signalName(sig)
	if name == "" {
		name = fmt.Sprint(sig)
	}
	switch {
	case flags == 0:
		return "flags=" + name
	case sig == 0:
		return "flags=" + several(cloneFlags, int(flags), "CLONE_")
	}
	return "flags=" + several(cloneFlags, int(flags), "CLONE_") + "|" + name
}

// childStack is that of clone(2).
func childStack(d *decoder, i int) string { return "child_stack=" + d.address(i) }

// parentTID is where clone(2) writes the child's number, or a descriptor of the child.
// It is there only with flags that ask for it, as are the next two; strace(1) writes
// all three after the return.
func parentTID(d *decoder, i int) string {
	if d.registers[0]&(unix.CLONE_PARENT_SETTID|unix.CLONE_PIDFD) == 0 {
		return d.absent()
	}
	if !d.returned {
		return d.changes("")
	}
	return "parent_tid=" + d.integer(d.registers[i])
}

func threadStorage(d *decoder, i int) string {
	if d.registers[0]&unix.CLONE_SETTLS == 0 {
		return d.absent()
	}
	return d.again("tls=" + d.address(i))
}

func childTID(d *decoder, i int) string {
	if d.registers[0]&(unix.CLONE_CHILD_SETTID|unix.CLONE_CHILD_CLEARTID) == 0 {
		return d.absent()
	}
	return d.changes("child_tidptr=" + d.address(i))
}

// cloneArgs is the struct clone_args of clone3(2), whose size is in the next register.
// It has grown: set_tid since Linux 5.5, cgroup since 5.7.
func cloneArgs(d *decoder, i int) string {
	p, n := d.registers[i], d.registers[i+1]
	known := min(n, sizeCloneArgs)
	if known < minCloneArgs {
		return d.address(i)
	}
	if d.returned {
		return d.entered + d.cloned(p, known, n)
	}
	b, ok := d.fetch(p, int(known))
	if !ok {
		return d.address(i)
	}
	b = append(b[:known:known], make([]byte, sizeCloneArgs-known)...)
	parts := d.cloneParts(b, known)
	if n > known {
		if rest := d.nonzero(p, known, min(n, pageSize)); rest != "" {
			parts = append(parts, rest)
		}
	}
	text := joined(parts...)
	if cloneWord(b, 0)&(unix.CLONE_PIDFD|unix.CLONE_PARENT_SETTID) != 0 || n > known {
		return d.changes(text)
	}
	return text
}

// Sizes of struct clone_args: the first that there was, and that of Linux 5.7.
const (
	minCloneArgs  = 64
	sizeCloneArgs = 88
)

// cloneWord returns a member of a struct clone_args: flags, pidfd, child_tid,
// parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup.
func cloneWord(b []byte, i int) uint64 { return binary.NativeEndian.Uint64(b[8*i:]) }

func (d *decoder) cloneParts(b []byte, known uint64) []string {
	flags := cloneWord(b, 0)
	names := append(append([]flag(nil), cloneFlags...), clone3Flags...)
	parts := []string{"flags=" + several(names, int(flags), "CLONE_")}
	add := func(there bool, text string) {
		if there {
			parts = append(parts, text)
		}
	}
	add(flags&unix.CLONE_PIDFD != 0, "pidfd="+address(cloneWord(b, 1)))
	add(flags&(unix.CLONE_CHILD_SETTID|unix.CLONE_CHILD_CLEARTID) != 0, "child_tid="+address(cloneWord(b, 2)))
	add(flags&unix.CLONE_PARENT_SETTID != 0, "parent_tid="+address(cloneWord(b, 3)))
	sig := cloneWord(b, 4)
	name := fmt.Sprint(sig)
	if s := signalName(int(min(sig, math.MaxInt32))); s != "" {
		name = s
	}
	add(true, "exit_signal="+name)
	add(true, "stack="+address(cloneWord(b, 5)))
	add(true, "stack_size="+hex(cloneWord(b, 6)))
	add(flags&unix.CLONE_SETTLS != 0, "tls="+address(cloneWord(b, 7)))
	if tids, n := cloneWord(b, 8), cloneWord(b, 9); tids != 0 || n != 0 {
		if tids == 0 || n == 0 || n > 32 {
			add(true, "set_tid="+address(tids))
		} else {
			add(true, "set_tid="+d.array(tids, n, 4, func(b []byte) string { return fmt.Sprint(int32(binary.NativeEndian.Uint32(b))) }))
		}
		add(true, fmt.Sprint("set_tid_size=", n))
	}
	cgroup := cloneWord(b, 10)
	add(known > 80 && (cgroup != 0 || flags&unix.CLONE_INTO_CGROUP != 0), fmt.Sprint("cgroup=", cgroup))
	return parts
}

// cloned shows what clone3(2) has written, behind an arrow.
func (d *decoder) cloned(p, known, n uint64) string {
	if d.failed() {
		return ""
	}
	b, ok := d.fetch(p, int(known))
	if !ok {
		return " => " + address(p)
	}
	var parts []string
	if cloneWord(b, 0)&unix.CLONE_PIDFD != 0 {
		parts = append(parts, "pidfd="+d.integer(cloneWord(b, 1)))
	}
	if cloneWord(b, 0)&unix.CLONE_PARENT_SETTID != 0 {
		parts = append(parts, "parent_tid="+d.integer(cloneWord(b, 3)))
	}
	if n > known {
		if rest := d.nonzero(p, known, min(n, pageSize)); rest != "" {
			parts = append(parts, rest)
		}
	}
	if parts == nil {
		return ""
	}
	return " => " + joined(parts...)
}
