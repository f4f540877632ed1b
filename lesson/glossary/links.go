package glossary

import (
	"fmt"
	"strings"

	"fd3/lesson"
	"fd3/sockets/kernel"
)

// interfaces lists those of this network namespace, loopback that one alone.
func interfaces() []lesson.Evidence { return listed(anyLink, addresses, "ip address") }
func loopback() []lesson.Evidence   { return listed(kernel.Link.Loopback, addresses, "ip address") }

// qdiscs and offloads say how each interface sends.
func qdiscs() []lesson.Evidence {
	return listed(anyLink, func(l kernel.Link) string { return l.Qdisc }, "tc qdisc")
}

func offloads() []lesson.Evidence {
	return listed(anyLink, func(l kernel.Link) string {
		return fmt.Sprintf("takes up to %s at once, MTU %d", lesson.Counted(l.GSO, "byte"), l.MTU)
	}, "ip -d link")
}

func anyLink(kernel.Link) bool { return true }

// listed says something of each wanted interface, if there is something to say.
func listed(wanted func(kernel.Link) bool, say func(kernel.Link) string, command string) []lesson.Evidence {
	links, err := kernel.Own().Links()
	if err != nil {
		return nil
	}
	var found []lesson.Evidence
	for _, l := range links {
		if !wanted(l) {
			continue
		}
		if value := say(l); value != "" {
			found = append(found, lesson.Evidence{Fact: l.Name, Value: value, Source: "rtnetlink(7)", Command: command})
		}
	}
	return found
}

func addresses(l kernel.Link) string {
	value := "down"
	if l.Up() {
		value = "up"
	}
	value += fmt.Sprintf(", MTU %d", l.MTU)
	for _, addr := range l.Addrs {
		value += ", " + addr.String()
	}
	return value
}

// privateAddresses says which IPv4 addresses are for networks behind a NAT.
func privateAddresses() []lesson.Evidence {
	links, err := kernel.Own().Links()
	var found []string
	for _, l := range links {
		for _, p := range l.Addrs {
			switch a := p.Addr(); {
			case !a.Is4() || a.IsLoopback():
			case a.IsPrivate():
				found = append(found, a.String()+" (private)")
			default:
				found = append(found, a.String())
			}
		}
	}
	if len(found) == 0 {
		found = []string{"none beside loopback"}
	}
	return one(lesson.Evidence{Fact: "IPv4 here", Value: strings.Join(found, ", "), Source: "rtnetlink(7)", Command: "ip -4 address",
		Note: "Private: from a range of RFC 1918, which no router of the Internet knows."}, err)
}
