// Package lab is what lessons are made of: a Lesson, the Parts that its words have,
// and the Lab where an experiment or an exercise happens.
//
//	//go:embed listen.md
//	var markdown string
//
//	var Lesson = lab.Lesson{
//		ID:          "listen",
//		Words:       markdown,
//		Experiments: lab.Experiments{"wait": wait},
//		Exercises:   lab.Exercises{"fill": fill},
//	}
//
//	func wait(l *lab.Lab) []lab.Step {
//		var fd int
//		return []lab.Step{
//			{Name: "bind", Do: func() { fd, _ = l.Bound() }},
//			{Name: "listen", Do: func() { l.Note("took", l.Must(l.Listen(lab.Server, fd, 5)).Duration) }},
//		}
//	}
package lab
