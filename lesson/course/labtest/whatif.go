package labtest

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/lesson/words"
)

// bound is how long an experiment may take, whatever its parameters are.
const bound = time.Minute

// whatIf makes an experiment with each of its parameters at its least and at its greatest
// value, and with all of them there: it never fails, and says what came out.
func whatIf(t *testing.T, l lab.Lesson, p lab.Part) {
	usual, least, most := make(map[string]int), make(map[string]int), make(map[string]int)
	for _, param := range p.Params {
		usual[param.Name], least[param.Name], most[param.Name] = param.Usual, param.Least, param.Most
	}
	all := []map[string]int{least, most}
	for _, param := range p.Params {
		for _, value := range []int{param.Least, param.Most} {
			values := maps.Clone(usual)
			values[param.Name] = value
			all = append(all, values)
		}
	}
	if len(p.Params) == 1 {
		all = all[:2]
	}
	for _, values := range all {
		s := Begin(t, l)
		ctx, stop := context.WithTimeout(t.Context(), bound)
		err := s.WhatIf(ctx, p, values)
		stop()
		if err != nil {
			t.Errorf("%v: %v", values, err)
		}
		if !slices.ContainsFunc(s.Events, func(e lesson.Event) bool { return e.Section == "outcome" && len(e.Text) > 1 }) && err == nil {
			t.Errorf("%v: nothing came out", values)
		}
		for _, e := range s.Events {
			if e.Section == "experiment" || slices.ContainsFunc(p.Steps, func(step words.Item) bool { return step.Text == e.Text }) {
				t.Errorf("%v: words of the lesson are told: %s", values, e.Text)
			}
		}
		s.End()
	}
}
