// Package lesson turns the steps of a socket's life into teaching. A Runner makes
// the calls on a stage, reads the kernel's evidence, and tells all of it as a
// stream of Events; the words are Markdown, with the live values
// filled in.
//
//	runner ──Order──▶ stage ── system call
//	   │ look: what the kernel says, before and after
//	   ▼
//	Event ──▶ view
//
// Data flows one way. Nothing here prints.
package lesson
