package glossary

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"fd3/lesson"
	"fd3/sockets/kernel"
)

// one returns the evidence of a single reading, or none where it failed.
func one(e lesson.Evidence, err error) []lesson.Evidence {
	if err != nil {
		return nil
	}
	return []lesson.Evidence{e}
}

// setting reads a sysctl, or says that this kernel has none of that name.
func setting(fact, name, note string) question {
	return func() []lesson.Evidence {
		value, err := kernel.Own().Sysctl(name)
		note := note
		if errors.Is(err, fs.ErrNotExist) {
			value, note, err = "not here", "", nil
		}
		return one(lesson.Evidence{Fact: fact, Value: strings.Join(strings.Fields(value), " "), Note: note,
			Source: "/proc/sys/" + strings.ReplaceAll(name, ".", "/"), Command: "sysctl " + name}, err)
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
		file := "snmp"
		if strings.HasPrefix(name, "TcpExt.") {
			file = "netstat"
		}
		command := "nstat -asz " + strings.Replace(name, ".", "", 1)
		if name == "Tcp.CurrEstab" { // the one that goes down as well, and nstat(8) leaves it out
			command = "ss -s"
		}
		return []lesson.Evidence{{Fact: fact, Value: strings.TrimSpace(value + " " + told), Source: "/proc/net/" + file, Command: command}}
	}
}
