package syscall

import (
	"bytes"
	_ "embed"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/sockets"
	"fd3/sockets/stage"
)

//go:embed syscall.md
var markdown string

// Lesson is the lesson syscall.
var Lesson = lab.Lesson{
	ID:    "syscall",
	Words: markdown,
	Experiments: lab.Experiments{
		"names": names,
		"cost":  cost,
		"many":  many,
		"sleep": sleep,
	},
	Exercises: lab.Exercises{"wake": wake},
}

// table are system calls of this machine by number.
var table = map[int]string{
	unix.SYS_READ:     "read",
	unix.SYS_WRITE:    "write",
	unix.SYS_SENDTO:   "sendto",
	unix.SYS_RECVFROM: "recvfrom",
	unix.SYS_SENDMSG:  "sendmsg",
	unix.SYS_RECVMSG:  "recvmsg",
}

// hasSend are the machines whose table has a call send besides sendto, of
// those that Go knows.
var hasSend = []string{"arm", "mips", "mipsle", "ppc", "ppc64", "ppc64le"}

func names(l *lab.Lab) []lab.Step {
	var fd int
	var addr sockets.Sockaddr
	seen := make(map[string]int)
	return []lab.Step{
		{Name: "send", Do: func() {
			l.Setup(func() {
				fd = l.Stream(lab.Server)
				l.SetOption(lab.Server, fd, unix.SO_RCVBUF, 4096)
				l.Must(l.Bind(lab.Server, fd, lab.Loopback(0)))
				l.Must(l.Listen(lab.Server, fd, 8))
			})
			addr = l.Ask(lab.Server, fd).Local
			seen["sendto"] = stuck(l, addr, "sendto")
		}},
		{Name: "write", Do: func() {
			l.Kill(lab.Client)
			seen["write"] = stuck(l, addr, "write")
		}},
		{Name: "table", Do: func() {
			send := "no number"
			if slices.Contains(hasSend, runtime.GOARCH) {
				send = "a number of its own"
			}
			source := "asm/unistd.h for " + runtime.GOARCH + ", as fd3 was built with"
			l.Show(lesson.Evidence{Fact: "numbers", Value: fmt.Sprintf("read %d, write %d, sendto %d, recvfrom %d, sendmsg %d, recvmsg %d", unix.SYS_READ, unix.SYS_WRITE, unix.SYS_SENDTO, unix.SYS_RECVFROM, unix.SYS_SENDMSG, unix.SYS_RECVMSG),
				Source: source})
			l.Show(lesson.Evidence{Fact: "send", Value: send, Source: source})
			l.Note("send", send)
			switch {
			case seen["write"] != unix.SYS_WRITE || seen["sendto"] != unix.SYS_SENDTO:
			case send == "no number":
				l.Answer("write")
			default:
				l.Answer("both")
			}
		}},
	}
}

// stuck has the client send more than there is room for, and gives the
// number of the call that it is blocked in. It stays there.
func stuck(l *lab.Lab, addr sockets.Sockaddr, call string) (number int) {
	var c int
	l.Setup(func() {
		c = l.Stream(lab.Client)
		l.SetOption(lab.Client, c, unix.SO_SNDBUF, 4096)
		l.Must(l.ConnectFD(c, addr))
	})
	p := l.Begin(lab.Client, stage.Order{Do: call, FD: c, Data: bytes.Repeat([]byte("x"), 512<<10), Flags: unix.MSG_NOSIGNAL})
	number = p.Blocks().Syscall.Number
	path := fmt.Sprintf("/proc/%d/syscall", l.PID(lab.Client))
	l.Show(lesson.Evidence{Fact: "number of the call", Value: fmt.Sprintf("%d, which is %s", number, table[number]), Source: path, Command: "cat " + path})
	l.Note("number_"+call, number)
	return number
}
