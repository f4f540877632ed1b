package sockets

import (
	"encoding/binary"
	"fmt"
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// ownBytes are some bytes at an address, and nothing around them.
type ownBytes struct {
	start uint64
	bytes []byte
}

func (m ownBytes) ReadMemory(address uint64, b []byte) int {
	if address < m.start || address-m.start >= uint64(len(m.bytes)) {
		return 0
	}
	return copy(b, m.bytes[address-m.start:])
}

// Whatever a program gives to the kernel, and whatever stands in its memory, it can
// be described.
func FuzzDescribe(f *testing.F) {
	for number := range table {
		if table[number].name != "" {
			f.Add(number, uint64(3), uint64(0x1000), uint64(0x1040), uint64(0x1080), uint64(0x10c0), uint64(16), int64(1), uint16(0), []byte("\x02\x00\x1f\x90\x7f\x00\x00\x01 and other bytes that a call may point to"))
		}
	}
	msg := make([]byte, 200)
	binary.NativeEndian.PutUint64(msg[16:], 0x1040)
	binary.NativeEndian.PutUint64(msg[24:], 1<<63)
	binary.NativeEndian.PutUint64(msg[32:], 0x1050)
	binary.NativeEndian.PutUint64(msg[40:], 100)
	binary.NativeEndian.PutUint64(msg[0x50:], 1<<64-1)
	f.Add(unix.SYS_SENDMSG, uint64(3), uint64(0x1000), uint64(0), uint64(0), uint64(0), uint64(0), int64(5), uint16(0), msg)
	f.Add(unix.SYS_RECVMMSG, uint64(3), uint64(0x1000), uint64(1<<63), uint64(1<<40), uint64(0x1000), uint64(0), int64(-1), uint16(11), msg)
	f.Fuzz(func(t *testing.T, number int, a0, a1, a2, a3, a4, a5 uint64, ret int64, errno uint16, memory []byte) {
		m := ownBytes{0x1000, memory}
		c := Describe(number, Registers{a0, a1, a2, a3, a4, a5}, m)
		_ = c.Strace()
		for _, back := range []Call{c.Return(ret, unix.Errno(errno), m), c.Return(ret, 0, ownBytes{}), c.Return(-1, unix.EINTR, nil)} {
			if len(back.Args) != len(c.Args) || !back.Returned {
				t.Errorf("%s became %s", c.Strace(), back.Strace())
			}
			_ = back.Strace()
		}
	})
}

// A call that is described can return more than once, and stays what it was.
func TestReturnTwice(t *testing.T) {
	m := ownBytes{0x1000, []byte("hello")}
	c := Describe(unix.SYS_READ, Registers{3, 0x1000, 100}, m)
	says(t, c.Return(5, 0, m), `read(3, "hello", 100) = 5`)
	says(t, c.Return(2, 0, m), `read(3, "he", 100) = 2`)
	says(t, c, "read(3, ")
	says(t, c.Return(-1, 512, m), "read(3, 0x1000, 100) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)")
	if got := c.Return(5, 0, m); string(got.Data) != "hello" || got.FD != 3 || got.Args[1].Number != 0x1000 {
		t.Errorf("%+v", got)
	}
}

// A call that nobody has made a row for is shown as it is.
func TestDescribeUnknown(t *testing.T) {
	says(t, Describe(unix.SYS_GETPID, Registers{}, ownBytes{}).Return(7, 0, nil), fmt.Sprintf("syscall_%#x(0, 0, 0, 0, 0, 0) = 7", unix.SYS_GETPID))
	says(t, Describe(unix.SYS_EXIT_GROUP, Registers{3}, ownBytes{}).Return(0, 0, nil), "exit_group(3) = ?")
	says(t, Describe(-1, Registers{}, ownBytes{}).Return(-1, 999, nil), "syscall_0xffffffffffffffff(0, 0, 0, 0, 0, 0) = -1 (errno 999)")
}

// Each call can be written in Go, and nothing of a template is left in it.
func TestStatements(t *testing.T) {
	m := ownBytes{0x1000, make([]byte, 4096)}
	for number := range table {
		if table[number].name == "" {
			continue
		}
		for _, r := range []Registers{{}, {1, 1, 1, 1, 1, 1}, {0x1000, 0x1000, 0x1000, 0x1000, 0x1000, 0x1000}, {99, 6, 1, 0x1000, 4, 4}, {99, 0x1000, 16, 0x1000, 0x1000, 16}} {
			c := Describe(number, r, m)
			if _, err := parser.ParseFile(token.NewFileSet(), "", "package p; func _() {"+c.Go+"}", 0); err != nil {
				t.Errorf("%s: %s: %v", c.Name, c.Go, err)
			}
			for _, p := range table[number].params {
				if hole := "{" + p.name + "}"; strings.Contains(c.C, hole) || strings.Contains(c.Go, hole) || c.C == "" {
					t.Errorf("%s: %s, %s", c.Name, c.C, c.Go)
				}
			}
		}
	}
}
