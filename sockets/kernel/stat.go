package kernel

import (
	"fmt"
	"strconv"
	"strings"
)

// stat is the part of /proc/PID/stat that is used here (proc_pid_stat(5)).
type stat struct {
	state byte
	flags uint64 // PF_* of include/linux/sched.h
}

// kernelThread is PF_KTHREAD: it has no descriptors, and no program.
const kernelThread = 0x00200000

// parseStat reads one stat file. The name stands in parentheses and may itself
// hold spaces, parentheses and newlines, since a process chooses it: so it
// reaches to the last ")".
func parseStat(text string) (stat, error) {
	end := strings.LastIndexByte(text, ')')
	if end < 0 {
		return stat{}, fmt.Errorf("no (comm) in %q", text)
	}
	// state, ppid, pgrp, session, tty_nr, tpgid, flags
	fields := strings.Fields(text[end+1:])
	if len(fields) < 7 || len(fields[0]) != 1 {
		return stat{}, fmt.Errorf("no state and flags after the name in %q", text)
	}
	flags, err := strconv.ParseUint(fields[6], 10, 64)
	if err != nil {
		return stat{}, fmt.Errorf("flags: %w", err)
	}
	return stat{state: fields[0][0], flags: flags}, nil
}
