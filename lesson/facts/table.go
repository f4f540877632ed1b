package facts

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets/kernel"
)

// Table returns the name of the table of /proc/net that has the TCP sockets of a
// family (proc_net_tcp(5)).
func Table(domain int) string {
	if domain == unix.AF_INET6 {
		return "tcp6"
	}
	return "tcp"
}

// Absent says that a socket is in no row of the table of connections.
func Absent(pid int, table string, inode uint64, rows int) lesson.Evidence {
	path := proc(pid, "net/"+table)
	return lesson.Evidence{Fact: "connections", Value: fmt.Sprintf("no row with inode %d among %d", inode, rows),
		Source: path, Command: fmt.Sprintf("grep -c %d %s", inode, path)}
}

// RawRow decodes a row of /proc/net/tcp, since its hex is a lesson. ok is false where
// the row has not the fields that it should have.
func RawRow(pid int, table string, row kernel.Row) (e lesson.Evidence, ok bool) {
	fields := strings.Fields(row.Raw)
	if len(fields) < 4 {
		return lesson.Evidence{}, false
	}
	path := proc(pid, "net/"+table)
	return lesson.Evidence{Fact: "raw row", Value: fmt.Sprintf("%s = %s, st %s = %s, inode %d", fields[1], row.Local, fields[3], row.State, row.Inode),
		Source: path, Command: fmt.Sprintf("grep %d %s", row.Inode, path)}, true
}
