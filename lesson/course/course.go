package course

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"fd3/lesson/course/lab"
)

// All returns the lessons in their order.
var All = sync.OnceValue(func() []lab.Lesson {
	var lessons []lab.Lesson
	for _, l := range order {
		lessons = append(lessons, l.Read())
	}
	return lessons
})

// Find returns the lesson of that name, or an error that names all.
func Find(id string) (lab.Lesson, error) {
	i := slices.IndexFunc(All(), func(l lab.Lesson) bool { return l.ID == id })
	if i < 0 {
		return lab.Lesson{}, fmt.Errorf("%q is no lesson. The lessons are: %s", id, strings.Join(IDs(), ", "))
	}
	return All()[i], nil
}

// IDs returns the names of the lessons in their order.
func IDs() []string {
	var ids []string
	for _, l := range order {
		ids = append(ids, l.ID)
	}
	return ids
}
