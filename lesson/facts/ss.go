package facts

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/sockets/stage"
)

// SS returns an ss(8) command: its options, perhaps a state, and a filter.
func SS(options, filter string) string {
	if filter == "" {
		return "ss " + options
	}
	return "ss " + options + " '" + filter + "'"
}

// From returns the filter of ss(8) for sockets whose own port this is.
func From(port uint16) string { return fmt.Sprintf("sport = :%d", port) }

// To returns the filter for sockets whose peer has this port.
func To(port uint16) string { return fmt.Sprintf("dport = :%d", port) }

// With returns the filter for sockets where either end has this port.
func With(port uint16) string { return "( " + From(port) + " or " + To(port) + " )" }

// Between returns the filter for both ends of one connection, by their ports.
func Between(a, b uint16) string {
	return fmt.Sprintf("( %s and %s ) or ( %s and %s )", From(a), To(b), From(b), To(a))
}

// Show returns the ss(8) command that shows a socket; it is empty where ss cannot
// find it.
func Show(x stage.Socket) string {
	switch {
	case x.Domain == unix.AF_UNIX:
		return SS("-xap", "")
	case !x.Stream():
		return SS("-uanp", From(x.Local.Port()))
	case x.Listening:
		return SS("-ltnp", From(x.Local.Port()))
	}
	port := x.Local.Port()
	if x.Became == "connect" { // the port that others know
		port = x.With.Port()
	}
	if port == 0 {
		return ""
	}
	return SS("-tanp", With(port))
}

// ShowInfo is Show with what TCP has measured.
func ShowInfo(x stage.Socket) string { return strings.Replace(Show(x), "ss -tan", "ss -tani", 1) }
