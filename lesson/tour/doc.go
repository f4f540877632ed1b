// Package tour goes through the course with a learner.
//
//	course.Walk ─▶ Event ─▶ Linear:  line by line, paced by Enter
//	                     ─▶ Screen:  the full screen
//	                     ─▶ JSON, Handout: nobody is asked
//
// The Walk says what is told and what happens; this package says when it goes on.
package tour
