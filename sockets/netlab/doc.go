// Package netlab makes a network that stands on its own: two hosts, which are network
// namespaces with an interface each, and between them a cable that a process holds.
//
//	command ──▶ the keeper ─┬─ the thread of a host ──▶ processes on the host
//	                        ├─ the thread of the other
//	                        └─ the cable (package wire)
//
// One process, the keeper, owns all of it. It lives in a network namespace of its own
// and, for a user who is not root, in a user namespace of its own, so that no privilege
// is needed and nothing of the machine's own network is touched. When it ends, however
// that happens, the kernel ends the processes that it has started on the hosts
// (PR_SET_PDEATHSIG) and takes the namespaces and the interfaces away. What was started
// there by others, and would keep them, its guard ends: a second process, which waits for
// that alone.
//
// The keeper is reached as a stage is, by a control socket in the same folder.
package netlab
