package kernel

import (
	"fmt"
	"strconv"
	"strings"
)

// UnixRow is one socket of /proc/net/unix (proc_pid_net(5), unix_seq_show in
// net/unix/af_unix.c).
type UnixRow struct {
	Flags uint32 // 0x10000 (__SO_ACCEPTCON) when it listens, else 0
	Inode uint64 // as in /proc/PID/fd; 0 for a connection not accepted yet
	Path  string // "" without a name; each NUL as "@", so an abstract name begins with "@"
	Raw   string // the line
}

// acceptCon is __SO_ACCEPTCON of include/linux/socket.h.
const acceptCon = 0x10000

// Listening reports whether listen(2) was called on the socket.
func (r UnixRow) Listening() bool { return r.Flags&acceptCon != 0 }

// UnixTable reads /proc/net/unix. Abstract names belong to a network namespace as
// ports do.
//
// The kernel prints a name as it is, and any process may choose one with a
// newline in it, and so forge a row. Unix cannot be fooled like that.
func (n Net) UnixTable() ([]UnixRow, error) {
	data, err := n.file("unix")
	if err != nil {
		return nil, err
	}
	rows, err := parseUnixTable(string(data))
	if err != nil {
		return nil, fmt.Errorf("%sunix: %w", procNet, err)
	}
	return rows, nil
}

// parseUnixTable reads a header and rows. A line that is no row goes on with
// the name of the row before: otherwise one socket named "\n" would take the
// whole table away.
func parseUnixTable(text string) ([]UnixRow, error) {
	header, body, _ := strings.Cut(text, "\n")
	if !strings.HasPrefix(header, "Num ") {
		return nil, fmt.Errorf("no header line: %q", header)
	}
	var rows []UnixRow
	var named bool
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		row, name, err := parseUnixRow(line)
		switch {
		case err == nil:
			rows, named = append(rows, row), name
		case named:
			last := &rows[len(rows)-1]
			last.Path += "\n" + line
			last.Raw += "\n" + line
		default:
			return nil, fmt.Errorf("line %d: %w", len(rows)+2, err)
		}
	}
	return rows, nil
}

// parseUnixRow reads "pointer: refcount protocol flags type st inode path". The
// path comes after exactly one space and may hold more of them; named says that there
// is one, which the first line of a path that begins with a newline does not show.
func parseUnixRow(line string) (row UnixRow, named bool, err error) {
	row.Raw = line
	var field [7]string
	rest := line
	for i := range field {
		rest = strings.TrimLeft(rest, " ")
		field[i], rest, named = strings.Cut(rest, " ")
	}
	row.Path = rest

	if !strings.HasSuffix(field[0], ":") {
		return UnixRow{}, false, fmt.Errorf("no row: %q", line)
	}
	flags, err := strconv.ParseUint(field[3], 16, 32)
	if err != nil {
		return UnixRow{}, false, fmt.Errorf("%q: %w", line, err)
	}
	row.Flags = uint32(flags)
	if row.Inode, err = strconv.ParseUint(field[6], 10, 64); err != nil {
		return UnixRow{}, false, fmt.Errorf("%q: %w", line, err)
	}
	return row, named, nil
}
