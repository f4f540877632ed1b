// Package step takes the steps of a socket's life on a stage and tells of them. For
// each step there is a file of Go, which says what it needs, what it orders and what
// there is to tell, and a Markdown file of words. The Runner knows none of them by
// name.
//
//	Runner ──Order──▶ stage ── system call
//	   │ look: what the kernel says, before and after
//	   ▼
//	Event, with the words of the step and its live values
package step
