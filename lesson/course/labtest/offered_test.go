package labtest

import (
	"slices"
	"testing"

	"fd3/lesson"
)

// What ss(8) prints, of a listener whose queue is full and of its clients.
const listed = `State    Recv-Q Send-Q Local Address:Port  Peer Address:Port
LISTEN   2      1      127.0.0.1:4000      0.0.0.0:*          ino:77 sk:1
ESTAB    100    0      127.0.0.1:4000      127.0.0.1:5000     ino:0 sk:2
	 cubic segs_out:2 segs_in:1 data_segs_in:3
SYN-SENT 0      1      127.0.0.1:5001      127.0.0.1:4000     timer:(on,1sec,2) ino:78 sk:3
`

// What an Event says is found in what a command prints, and what is not so is not.
func TestComparisons(t *testing.T) {
	for _, c := range []struct{ command, fact, so, notSo, out string }{
		{"ss -ltn", "LISTEN row", "Recv-Q 2, Send-Q 1", "Recv-Q 1, Send-Q 1", listed},
		{"ss -ltn", "accept queue", "2 waiting, backlog 1", "2 waiting, backlog 2", listed},
		{"ss -tan", "the clients", "1 ESTABLISHED, 1 SYN_SENT, 0 refused", "2 ESTABLISHED, 1 SYN_SENT, 0 refused", listed},
		{"ss -tan", "server's end", "ESTABLISHED", "CLOSE_WAIT", listed},
		{"ss -tane", "socket", "LISTEN, inode 77", "LISTEN, inode 79", listed},
		{"ss -tan", "local address", "127.0.0.1:4000", "127.0.0.2:4000", listed},
		{"ss -tin", "client's packets", "2 sent, 1 received", "2 sent, 2 received", listed},
		{"ss -tin", "arrived at the server", "100 bytes, in 3 packets", "100 bytes, in 2 packets", listed},
		{"ss -tano", "client", "SYN_SENT, SYN sent again: 2", "SYN_SENT, SYN sent again: 3", listed},
		{"ss -tan", "unread", "100 bytes, in connections that nobody has accepted", "200 bytes, in connections that nobody has accepted", listed},
		{"ss -tan state established", "TIME_WAIT", "3 on port 4000", "2 on port 4000", listed},
		{"cat /proc/sys/net/x", "x", "1 to 9", "1 to 8", "1\t9\n"},
		{"cat /proc/7/wchan", "server", "sleeping in do_wait", "sleeping in do_read", "do_wait"},
		{"cat /proc/7/task/8/wchan", "second attempt", "sleeping in do_wait, system call 1", "sleeping in do_waits, system call 1", "do_wait"},
		{"grep State /proc/7/status", "server's process", "stopped", "sleeping", "State:\tT (stopped)\n"},
		{"ls -l /proc/7/fd", "fd table", "0=/dev/null, 3=socket:[5]", "0=/dev/null, 3=socket:[6]", "x 0 -> /dev/null\nx 3 -> socket:[5]\n"},
		{"readlink /proc/7/fd/3", "server's descriptor", "3 is socket:[5]", "3 is socket:[6]", "socket:[5]\n"},
		{"cat /proc/7/fdinfo/3", "flags of 3", "02000002 = O_RDWR|O_CLOEXEC", "02 = O_RDWR", "pos:\t0\nflags:\t02000002\n"},
		{"ls -l /tmp/x/talk", "the file", "a socket, 0 bytes", "a socket, 9 bytes", "srwxr-xr-x 1 u u 0 Nov 1 12:00 /tmp/x/talk\n"},
	} {
		i := slices.IndexFunc(comparisons, func(x comparison) bool { return x.command.MatchString(c.command) })
		if i < 0 {
			t.Errorf("nothing compares %s", c.command)
			continue
		}
		e := lesson.Event{Command: c.command, Fact: c.fact, Value: c.so}
		if err := comparisons[i].compare(e, c.out); err != nil {
			t.Errorf("%s, %s: %v", c.command, c.so, err)
		}
		e.Value = c.notSo
		if comparisons[i].compare(e, c.out) == nil {
			t.Errorf("%s, %s is taken for true", c.command, c.notSo)
		}
	}
}

// An end that is gone has no row, and the other end's is none of it.
func TestNothingLeft(t *testing.T) {
	for whose, left := range map[string]bool{"client": false, "server": true} {
		e := lesson.Event{Command: "ss -tano '( sport = :5001 or dport = :5001 )'", Fact: whose + "'s end", Value: "gone"}
		if err := compareSS(e, listed); (err == nil) != left {
			t.Errorf("the %s's end: %v", whose, err)
		}
	}
}

// A call that waits counts for the press that begins it, and not for that in which it
// returns.
func TestBegunCalls(t *testing.T) {
	call := func(kind lesson.Kind, name string) lesson.Event { return lesson.Event{Kind: kind, PID: 7, Name: name} }
	inside := make(map[string]bool)
	for i, press := range []struct {
		events []lesson.Event
		calls  int
	}{
		{[]lesson.Event{{Kind: lesson.KindSetup}, call(lesson.KindEnter, "accept4")}, 1},
		{[]lesson.Event{call(lesson.KindReturn, "connect"), call(lesson.KindReturn, "accept4")}, 1},
		{[]lesson.Event{call(lesson.KindReturn, "accept4"), call(lesson.KindReturn, "close")}, 2},
		{[]lesson.Event{{Kind: lesson.KindEvidence}}, 0},
	} {
		if got := begun(press.events, inside); len(got) != press.calls {
			t.Errorf("press %d: %d calls, not %d", i+1, len(got), press.calls)
		}
	}
}
