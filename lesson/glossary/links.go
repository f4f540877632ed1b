package glossary

import (
	"fmt"

	"fd3/lesson"
	"fd3/sockets/kernel"
)

// interfaces lists those of this network namespace, loopback that one alone.
func interfaces() []lesson.Evidence { return listed(func(kernel.Link) bool { return true }) }
func loopback() []lesson.Evidence   { return listed(kernel.Link.Loopback) }

func listed(wanted func(kernel.Link) bool) []lesson.Evidence {
	links, err := kernel.Own().Links()
	if err != nil {
		return nil
	}
	var found []lesson.Evidence
	for _, l := range links {
		if !wanted(l) {
			continue
		}
		value := "down"
		if l.Up() {
			value = "up"
		}
		value += fmt.Sprintf(", MTU %d", l.MTU)
		for _, addr := range l.Addrs {
			value += ", " + addr.String()
		}
		found = append(found, lesson.Evidence{Fact: l.Name, Value: value, Source: "rtnetlink(7)", Command: "ip address"})
	}
	return found
}
