// Package facts words what the kernel said, once for all who tell it. A fact is a
// function of plain values of the kernel: it gives the fact's name, its value, where
// it was read, and the shell command that shows the same. It reads nothing itself.
//
//	facts.AcceptQueue(listener, queue).Event()
package facts
