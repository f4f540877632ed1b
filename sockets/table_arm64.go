package sockets

// cloneParams are the arguments of clone(2), which strace(1) prints in an order of
// its own. The kernel's order differs from machine to machine: the thread storage is
// the fourth here, and the address for the child's number the fifth.
var cloneParams = []param{{"stack", at(1, childStack)}, {"flags", at(0, cloneFlagsKind)}, {"parent_tid", at(2, parentTID)},
	{"tls", at(3, threadStorage)}, {"child_tid", at(4, childTID)}}
