// Package course is what fd3 tour teaches: lessons, each with predictions,
// experiments on the live kernel, and exercises that the kernel checks.
//
//	listen/listen.md ──▶ question, predict, experiment, verdict, explain, exercise, recap
//	listen/listen.go ──▶ what an experiment does, and what an exercise waits for
//
// A lesson is a package of its own, in the folder of its name: words, Go and test.
// It says what it is in a lab.Lesson, and makes its calls through a lab.Lab, in
// processes of its own. This package puts the lessons in their order. A Walk goes
// through the parts of one and tells of them in Events.
package course
