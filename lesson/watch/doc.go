// Package watch tells of the sockets of another program: each from its birth to its close,
// by the calls that the program makes on it, while it makes them.
//
//	sockets/watch ──Event──▶ Narrator, with the words of watch.md ──▶ lesson.Event
package watch
