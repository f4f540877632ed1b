// Package course is what fd3 tour teaches: lessons, each with predictions,
// experiments on the live kernel, and exercises that the kernel checks.
//
//	lesson/content/course/listen.md ──▶ Lesson ──▶ Parts: question, predict,
//	experiment, verdict, explain, exercise, recap
//
// A Walk goes through the parts and tells of them in Events. The words are data;
// what an experiment does and what an exercise waits for is Go, in a file of the
// lesson's name, and both meet by the names in the words. The Lab makes the calls
// of an experiment, in two processes of its own, and reads the evidence.
package course
