// Package lesson is the contract between those who tell of sockets and those who show
// it: an Event is one thing that is told, and Evidence is one fact read back from the
// kernel. Entered, Took, Counted and Rate say how a call, a time, an amount
// and a rate are written.
//
//	step · course · serve · glossary ──Event──▶ view
//
// Data flows one way. Nothing here makes a call, and nothing prints.
package lesson
