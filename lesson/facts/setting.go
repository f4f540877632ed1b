package facts

import (
	"strings"

	"fd3/lesson"
)

// setting is a sysctl(8) under the name that the words have for it.
func setting(fact, name, value, note string) lesson.Evidence {
	return lesson.Evidence{Fact: fact, Value: value, Source: "/proc/sys/" + strings.ReplaceAll(name, ".", "/"), Command: "sysctl " + name, Note: note}
}

// Somaxconn is the most that any backlog can be.
func Somaxconn(value string) lesson.Evidence {
	return setting("somaxconn", "net.core.somaxconn", value, "The most that any backlog here can be.")
}

// FirstFreePort is the first port that anybody may bind.
func FirstFreePort(value string) lesson.Evidence {
	return setting("first free port", "net.ipv4.ip_unprivileged_port_start", value, "")
}

// NonlocalBind is whether an address of no interface can be bound.
func NonlocalBind(value string) lesson.Evidence {
	e := setting("ip_nonlocal_bind", "net.ipv4.ip_nonlocal_bind", value, "0: only an address of one of this machine's interfaces can be bound.")
	e.Command = "ip -br address" // which says what there is to bind
	return e
}

// Sysctl is a setting under the last word of its own name.
func Sysctl(name, value string) lesson.Evidence {
	return setting(name[strings.LastIndex(name, ".")+1:], name, value, "")
}
