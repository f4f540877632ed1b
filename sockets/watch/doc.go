// Package watch follows other programs and tells of their calls on sockets, each once
// entered and once returned: Command starts one and follows it with all that it
// starts, Process follows one that runs already.
//
//	w := watch.Watch{Tell: func(e *watch.Event) { … }}
//	end, err := w.Command("/usr/bin/curl", []string{"curl", "http://127.0.0.1:8080/"})
//
// Where root watches, it is eBPF: programs at the kernel's tracepoints raw_syscalls and sched
// copy what a program does, which never stops for it, and fd3 reads that a little later.
// Elsewhere, for Still and for All, it is ptrace(2). Then a program that is started here gets a
// seccomp(2) filter before its first instruction, which stops it at the calls of interest
// alone, and else lets it run at full speed; one that runs already stops at each of its calls.
//
// What a watched program does is what it would do unwatched: signals, stops, exit codes
// and job control pass through. Under ptrace two things differ, as under strace(1): it
// cannot be traced by another, and a program that would gain rights when it is executed
// (execve(2): set-user-ID, capabilities) does not gain them, unless root watches.
package watch
