package facts

import (
	"strings"

	"fd3/lesson"
)

// Setting is a sysctl(8) under the name that the words have for it. Its command is
// cat(1), since Debian has sysctl where the shells of ordinary users do not look.
func Setting(fact, name, value, note string) lesson.Evidence {
	path := "/proc/sys/" + strings.ReplaceAll(name, ".", "/")
	return lesson.Evidence{Fact: fact, Value: value, Source: path, Command: "cat " + path, Note: note}
}

// Somaxconn is the most that any backlog can be.
func Somaxconn(value string) lesson.Evidence {
	return Setting("somaxconn", "net.core.somaxconn", value, "The most that any backlog here can be.")
}

// FirstFreePort is the first port that anybody may bind.
func FirstFreePort(value string) lesson.Evidence {
	return Setting("first free port", "net.ipv4.ip_unprivileged_port_start", value, "")
}

// NonlocalBind says whether an address of no interface can be bound.
func NonlocalBind(value string) lesson.Evidence {
	return Setting("ip_nonlocal_bind", "net.ipv4.ip_nonlocal_bind", value, "0: only an address of one of this machine's interfaces can be bound.")
}

// Sysctl is a setting under the last word of its own name.
func Sysctl(name, value string) lesson.Evidence {
	return Setting(name[strings.LastIndex(name, ".")+1:], name, value, "")
}
