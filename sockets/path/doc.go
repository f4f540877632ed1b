// Package path sees the way of one system call through the kernel: which functions it went
// through, in which order, in which layer of the kernel's source each of them stands, and
// what was in the packet's sk_buff as it went by.
//
// The source is tracefs. The kernel's own tracepoints on the way write their stacks into a
// ring buffer that is nobody else's, for one thread alone:
//
//	trace, err := path.Open()
//	err = trace.Begin(tid, unix.SYS_SENDTO, true)
//	…                          // the thread makes the call
//	way, err := trace.End()
//	trace.Close()
//
// OpenEvery makes a Trace by which every function tells that it was called, where the kernel
// has a tracer for that.
//
// Where the kernel has kprobe.multi an eBPF program stands meanwhile at the functions of the
// network that take an sk_buff, and notes for that thread what it says of its bytes.
//
// A function that the compiler has put into its caller has no frame of its own and is never
// seen; nor is one that has no tracepoint below it.
//
// Why a packet was thrown away the kernel tells at one tracepoint, skb:kfree_skb. Drops
// reads it, by an eBPF program.
package path
