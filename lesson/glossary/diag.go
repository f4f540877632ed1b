package glossary

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/facts"
	"fd3/sockets/kernel"
)

// inState counts the connections that are in a state now.
func inState(s kernel.State) question {
	return func() []lesson.Evidence {
		rows, err := kernel.Own().TCP(s)
		return one(lesson.Evidence{Fact: s.String() + " now", Value: lesson.Counted(len(rows), "connection"), Source: "sock_diag(7)", Command: facts.SS("-tan state "+ssName(s), "")}, err)
	}
}

// ssName returns a state as ss(8) takes it: fin-wait-1.
func ssName(s kernel.State) string {
	return strings.ToLower(strings.NewReplacer("_", "-", "WAIT1", "WAIT-1", "WAIT2", "WAIT-2").Replace(s.String()))
}

func listeners() []lesson.Evidence {
	rows, err := kernel.Own().TCP(kernel.Listen)
	var ports []int
	for _, r := range rows {
		ports = append(ports, int(r.Local.Port()))
	}
	slices.Sort(ports)
	ports = slices.Compact(ports)
	var shown []string
	for _, port := range ports[:min(8, len(ports))] {
		shown = append(shown, strconv.Itoa(port))
	}
	value := lesson.Counted(len(rows), "listener")
	if len(shown) > 0 {
		value += ", on port " + strings.Join(shown, ", ")
	}
	if more := len(ports) - len(shown); more > 0 {
		value += fmt.Sprintf(" and %d more", more)
	}
	return one(lesson.Evidence{Fact: "TCP here", Value: value, Source: "sock_diag(7)", Command: "ss -ltn"}, err)
}

// listenersOn counts the listeners on one port.
func listenersOn(port uint16) question {
	return func() []lesson.Evidence {
		rows, err := kernel.Own().TCP(kernel.Listen)
		rows = slices.DeleteFunc(rows, func(s kernel.InetSocket) bool { return s.Local.Port() != port })
		return one(lesson.Evidence{Fact: fmt.Sprintf("on port %d", port), Value: lesson.Counted(len(rows), "listener"), Source: "sock_diag(7)", Command: facts.SS("-ltn", facts.From(port))}, err)
	}
}

func wildcards() []lesson.Evidence {
	rows, err := kernel.Own().TCP(kernel.Listen)
	n := 0
	for _, r := range rows {
		if r.Local.Addr().IsUnspecified() {
			n++
		}
	}
	return one(lesson.Evidence{Fact: "TCP here", Value: fmt.Sprintf("%d of %s", n, lesson.Counted(len(rows), "listener")), Source: "sock_diag(7)", Command: "ss -ltn",
		Note: "These are bound to 0.0.0.0 or `::`, and take connections for every address."}, err)
}

func socketsOf(family int) question {
	return func() []lesson.Evidence {
		tcp, err := kernel.Own().TCP()
		if err != nil {
			return nil
		}
		udp, err := kernel.Own().UDP()
		other := func(s kernel.InetSocket) bool { return s.Local.Addr().Is4() != (family == unix.AF_INET) }
		tcp, udp = slices.DeleteFunc(tcp, other), slices.DeleteFunc(udp, other)
		version := map[int]string{unix.AF_INET: "4", unix.AF_INET6: "6"}[family]
		return one(lesson.Evidence{Fact: "now", Value: fmt.Sprintf("%d of TCP, %d of UDP", len(tcp), len(udp)), Source: "sock_diag(7)", Command: "ss -tuan -" + version}, err)
	}
}

func udpSockets() []lesson.Evidence {
	rows, err := kernel.Own().UDP()
	return one(lesson.Evidence{Fact: "now", Value: lesson.Counted(len(rows), "socket"), Source: "sock_diag(7)", Command: "ss -uan"}, err)
}

func unixSockets() []lesson.Evidence {
	rows, err := kernel.Own().Unix()
	return one(lesson.Evidence{Fact: "now", Value: lesson.Counted(len(rows), "socket"), Source: "sock_diag(7)", Command: "ss -xa"}, err)
}

func askedAtOnce() []lesson.Evidence {
	start := time.Now()
	rows, err := kernel.Own().TCP()
	return one(lesson.Evidence{Fact: "asked just now", Value: fmt.Sprintf("%s of TCP, in %d microseconds", lesson.Counted(len(rows), "socket"), time.Since(start).Microseconds()), Source: "sock_diag(7)", Command: "ss -tan"}, err)
}

// ownTable reads the same from the table in /proc.
func ownTable() []lesson.Evidence {
	rows, err := kernel.Own().Table("tcp")
	return one(lesson.Evidence{Fact: "IPv4 over TCP", Value: lesson.Counted(len(rows), "row"), Source: "/proc/net/tcp", Command: "cat /proc/net/tcp"}, err)
}
