package labtest

import (
	"fmt"
	"strings"

	"fd3/lesson"
	"fd3/lesson/course/lab"
)

// presses returns a function that looks at what the last press of Space has brought. It is
// called before each press, and after the last: a press makes one call that is told in
// full at most, and each command that it offers shows what fd3 says.
func (s *Learner) presses(p lab.Part) (pressed func()) {
	from, step := len(s.Events), 0
	inside := make(map[string]bool) // the calls that were begun and have not returned
	return func() {
		s.t.Helper()
		events := s.Events[from:]
		from = len(s.Events)
		if step++; step == 1 {
			return // nothing was pressed yet
		}
		name := fmt.Sprintf("%s, step %s", p.Name, p.Steps[step-2].Name)
		if calls := begun(events, inside); len(calls) > 1 {
			s.t.Errorf("%s: %d calls for one press:\n\t%s", name, len(calls), strings.Join(calls, "\n\t"))
		}
		for _, e := range events {
			if e.Kind == lesson.KindEvidence && e.Command != "" {
				s.offered(name, e)
			}
		}
	}
}

// begun returns the calls that begin among the events, and keeps those that are not over.
// One that has been waiting since an earlier press, and returns now, is none of them.
func begun(events []lesson.Event, inside map[string]bool) (calls []string) {
	for _, e := range events {
		call := fmt.Sprintf("%d %s", e.PID, e.Name)
		switch {
		case e.Kind == lesson.KindEnter:
			inside[call] = true
			calls = append(calls, e.Strace)
		case e.Kind == lesson.KindReturn && inside[call]:
			delete(inside, call)
		case e.Kind == lesson.KindReturn:
			calls = append(calls, e.Strace)
		}
	}
	return calls
}
