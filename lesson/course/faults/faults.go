package faults

import (
	_ "embed"

	"fd3/lesson/course/lab"
)

//go:embed faults.md
var markdown string

// Lesson is the lesson faults.
var Lesson = lab.Lesson{
	ID:    "faults",
	Words: markdown,
	Experiments: lab.Experiments{
		"lock":      lock,
		"leak":      leak,
		"forgotten": forgotten,
		"address":   address,
		"constant":  constant,
		"empty":     empty,
		"unchecked": unchecked,
		"root":      root,
		"padding":   padding,
		"directory": directory,
		"split":     split,
		"large":     large,
		"restart":   restart,
		"idle":      idle,
		"overwrite": overwrite,
	},
	Exercises: lab.Exercises{"mend": findLeak},
}
