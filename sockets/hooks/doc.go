// Package hooks puts rules and programs on a packet's way through the kernel, and tells
// what each of them saw of one packet.
//
//	trial, err := hooks.Try(ctx, network, hooks.Order{Verb: hooks.Drop, At: "tc-egress"})
//
// The packet goes from one host of a network of package netlab to the other, and nothing
// is put anywhere else: no interface and no cgroup of the machine's own is touched. On each
// host an agent, a process of this program that the network's keeper starts, makes the
// calls, and holds what is put there: that is gone when the agent is. It is an eBPF
// program where the user may load one, and otherwise what needs no privilege in one's own
// network namespace: an nftables rule, or a program of classic BPF.
package hooks
