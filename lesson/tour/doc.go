// Package tour goes through the course with a learner.
//
//	course.Walk ─▶ Event ─▶ Linear:  line by line, paced by Enter
//	                     ─▶ Screen:  the full screen
//	                     ─▶ JSON, Handout: nobody is asked
//
// What is said and what happens is the Walk's; here it is when it goes on.
package tour
