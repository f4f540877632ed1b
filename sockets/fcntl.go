package sockets

import (
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// fcntlArgument is the third argument of fcntl(2), which each command reads in its
// own way, or not at all.
func fcntlArgument(d *decoder, i int) string {
	arg := d.registers[i]
	switch int32(d.registers[1]) {
	case unix.F_SETFD:
		return d.named(i, several(descriptorFlags, int(uint32(arg)), "FD_"))
	case unix.F_SETFL:
		return openFlagsKind(d, i)
	case unix.F_DUPFD, unix.F_DUPFD_CLOEXEC, unix.F_SETPIPE_SZ:
		return fmt.Sprint(int64(arg))
	case unix.F_SETOWN:
		return signed(d, i)
	case unix.F_SETSIG:
		return signal(d, i)
	case unix.F_SETLEASE:
		name := lookup(lockTypes, int(arg))
		if name == "" {
			return hex(arg) + " /* F_??? */"
		}
		return d.named(i, name)
	case unix.F_ADD_SEALS:
		return d.named(i, several(seals, int(arg), "F_SEAL_"))
	case unix.F_SETLK, unix.F_SETLKW, unix.F_OFD_SETLK, unix.F_OFD_SETLKW:
		return d.lock(arg, false)
	case unix.F_GETLK, unix.F_OFD_GETLK:
		if !d.returned {
			return d.changes("")
		}
		return d.lock(arg, true)
	case unix.F_SETOWN_EX, unix.F_GETOWN_EX:
		if int32(d.registers[1]) == unix.F_GETOWN_EX && !d.returned {
			return d.changes("")
		}
		return d.owner(arg)
	case unix.F_GETFD, unix.F_GETFL, unix.F_GETOWN, unix.F_GETPIPE_SZ, unix.F_GETLEASE, unix.F_GET_SEALS, unix.F_GETSIG:
		return d.absent()
	}
	return hex(arg)
}

// lock shows a struct flock.
func (d *decoder) lock(p uint64, asked bool) string {
	b, ok := d.fetch(p, 32) // short l_type, l_whence; off_t l_start, l_len; pid_t l_pid
	if !ok {
		return address(p)
	}
	parts := []string{
		"l_type=" + one(lockTypes, int(binary.NativeEndian.Uint16(b)), "F_"),
		"l_whence=" + one(whences, int(binary.NativeEndian.Uint16(b[2:])), "SEEK_"),
		fmt.Sprint("l_start=", int64(binary.NativeEndian.Uint64(b[8:]))),
		fmt.Sprint("l_len=", int64(binary.NativeEndian.Uint64(b[16:]))),
	}
	if asked {
		parts = append(parts, fmt.Sprint("l_pid=", int32(binary.NativeEndian.Uint32(b[24:]))))
	}
	return joined(parts...)
}

// owner shows a struct f_owner_ex.
func (d *decoder) owner(p uint64) string {
	b, ok := d.fetch(p, 8)
	if !ok {
		return address(p)
	}
	names := []flag{{0, "F_OWNER_TID"}, {1, "F_OWNER_PID"}, {2, "F_OWNER_PGRP"}}
	return fmt.Sprintf("{type=%s, pid=%d}", one(names, int(binary.NativeEndian.Uint32(b)), "F_OWNER_"), int32(binary.NativeEndian.Uint32(b[4:])))
}

// fcntlResult is the result of the commands that ask for flags or names.
func fcntlResult(d *decoder) string {
	ret := d.call.Ret
	switch int32(d.registers[1]) {
	case unix.F_GETFD:
		if ret != 0 {
			return named(ret, "flags ", descriptorFlags)
		}
	case unix.F_GETFL:
		return fmt.Sprintf("%s (flags %s)", hex(uint64(ret)), openFlagNames(uint64(uint32(ret))))
	case unix.F_GETLEASE:
		return fmt.Sprintf("%s (%s)", hex(uint64(ret)), lookup(lockTypes, int(ret)))
	case unix.F_GET_SEALS:
		if ret != 0 {
			return named(ret, "seals ", seals)
		}
	case unix.F_GETSIG:
		if ret != 0 {
			return fmt.Sprintf("%d (%s)", ret, signalName(int(ret)))
		}
	}
	return ""
}

func named(ret int64, what string, names []flag) string {
	parts, rest := split(names, int(ret))
	if rest != 0 {
		parts = append(parts, hex(uint64(rest)))
	}
	return fmt.Sprintf("%s (%s%s)", hex(uint64(ret)), what, strings.Join(parts, "|"))
}
