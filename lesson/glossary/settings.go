package glossary

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"fd3/lesson"
	"fd3/lesson/facts"
	"fd3/sockets/kernel"
)

// one returns the evidence of a single reading, or none where it failed.
func one(e lesson.Evidence, err error) []lesson.Evidence {
	if err != nil {
		return nil
	}
	return []lesson.Evidence{e}
}

// setting reads a sysctl under a name of the glossary.
func setting(fact, name, note string) question {
	return sysctl(name, func(value string) lesson.Evidence { return facts.Setting(fact, name, value, note) })
}

// sysctl reads a sysctl, or says that this kernel has none of that name.
func sysctl(name string, say func(value string) lesson.Evidence) question {
	return func() []lesson.Evidence {
		value, err := kernel.Own().Sysctl(name)
		absent := errors.Is(err, fs.ErrNotExist)
		if absent {
			value, err = "not here", nil
		}
		e := say(strings.Join(strings.Fields(value), " "))
		if absent {
			e.Note = ""
		}
		return one(e, err)
	}
}

// counter reads a counter of this network namespace.
func counter(fact, name, noun, told string) question {
	return func() []lesson.Evidence {
		all, err := kernel.Own().Counters()
		n, there := all[name]
		if err != nil || !there {
			return nil
		}
		value := fmt.Sprint(n)
		if noun != "" {
			value = lesson.Counted(n, noun)
		}
		return []lesson.Evidence{facts.CounterNow(fact, name, strings.TrimSpace(value+" "+told))}
	}
}
