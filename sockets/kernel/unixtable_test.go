package kernel

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParseUnixTable(t *testing.T) {
	rows, err := parseUnixTable(unixText)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range rows {
		got = append(got, fmt.Sprintf("%d %v %q", row.Inode, row.Listening(), row.Path))
	}
	want := []string{
		`7591 false ""`,
		`7594 false ""`,
		`1056 false ""`,
		`0 false "/tmp/tmp8dzagd1j/a b"`,
		`7590 false ""`,
		`7592 true "/tmp/tmp8dzagd1j/a b"`,
		`1057 false ""`,
		`7593 false "@fd3 two@x"`,
		`7595 false "@\nline\n"`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestParseUnixTableHostile(t *testing.T) {
	const header = "Num       RefCount Protocol Flags    Type St Inode Path\n"
	const plain = "00000000b9072dc3: 00000003 00000000 00000000 0001 03  7591\n"
	for _, text := range []string{
		"", "\n", plain, header + "\n", header + "garbage\n", header + plain + "short\n",
		header + "b907: 3 0 0 1\n", header + "b907 00000003 00000000 00000000 0001 03 7591\n",
		header + strings.Replace(plain, " 00000000 0001", " 100000000 0001", 1), header + strings.Replace(plain, "7591", "-7591", 1),
	} {
		if rows, err := parseUnixTable(text); err == nil {
			t.Errorf("%q gives %+v", text, rows)
		}
	}
	// A path that is nothing but blanks and newlines takes no row away.
	rows, err := parseUnixTable(header + strings.TrimSuffix(plain, "\n") + " \n\n  x\n" + plain)
	if err != nil || len(rows) != 2 || rows[0].Path != "\n\n  x" {
		t.Errorf("%+v, %v", rows, err)
	}
}

func FuzzUnixTable(f *testing.F) {
	f.Add(unixText)
	f.Fuzz(func(t *testing.T, text string) {
		rows, _ := parseUnixTable(text)
		for _, row := range rows {
			if !strings.Contains(text, row.Path) {
				t.Errorf("%+v", row)
			}
		}
	})
}

func TestUnixTable(t *testing.T) {
	fd := socket(t, unix.AF_UNIX, unix.SOCK_SEQPACKET)
	name := fmt.Sprintf("@fd3 test %d", fd)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: name}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 2); err != nil {
		t.Fatal(err)
	}
	rows, err := Own().UnixTable()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row.Inode == inode(t, fd) {
			if !row.Listening() || row.Path != name {
				t.Errorf("%+v", row)
			}
			return
		}
	}
	t.Errorf("not in %d rows", len(rows))
}
