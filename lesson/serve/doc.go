// Package serve makes the listening sockets of fd3 serve and tells what the server
// does, while it does it.
//
//	server.Server ──server.Event──▶ Narrator, with the words of serve.md ──▶ lesson.Event
package serve
