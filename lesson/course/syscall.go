package course

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/stage"
)

var syscallPractice = practice{
	experiments: map[string]experiment{
		"names": syscallNames,
		"cost":  syscallCost,
		"many":  syscallMany,
		"sleep": syscallSleep,
	},
	exercises: map[string]exercise{"wake": syscallWake},
}

// syscallTable are system calls of this machine by number.
var syscallTable = map[int]string{
	unix.SYS_READ:     "read",
	unix.SYS_WRITE:    "write",
	unix.SYS_SENDTO:   "sendto",
	unix.SYS_RECVFROM: "recvfrom",
	unix.SYS_SENDMSG:  "sendmsg",
	unix.SYS_RECVMSG:  "recvmsg",
}

// syscallHasSend are the machines whose table has a call send besides sendto, of
// those that Go knows.
var syscallHasSend = []string{"arm", "mips", "mipsle", "ppc", "ppc64", "ppc64le"}

func syscallNames(l *Lab) map[string]func() {
	var fd int
	var addr sockets.Sockaddr
	seen := make(map[string]int)
	return map[string]func(){
		"send": func() {
			fd = int(l.must(l.quietly(server, stage.Order{Do: "socket", Domain: unix.AF_INET, Type: unix.SOCK_STREAM | unix.SOCK_CLOEXEC})).Ret)
			l.must(l.quietly(server, stage.Order{Do: "setsockopt", FD: fd, Level: unix.SOL_SOCKET, Option: unix.SO_RCVBUF, Value: 4096}))
			l.must(l.quietly(server, stage.Order{Do: "bind", FD: fd, Addr: loopback(0)}))
			l.must(l.quietly(server, stage.Order{Do: "listen", FD: fd, Backlog: 8}))
			addr = l.asked(server, fd).Local
			seen["sendto"] = l.syscallStuck(addr, "sendto")
		},
		"write": func() { seen["write"] = l.syscallStuck(addr, "write") },
		"table": func() {
			send := "no number"
			if slices.Contains(syscallHasSend, runtime.GOARCH) {
				send = "a number of its own"
			}
			source := "asm/unistd.h for " + runtime.GOARCH + ", as fd3 was built with"
			l.show(lesson.Evidence{Fact: "numbers", Value: fmt.Sprintf("read %d, write %d, sendto %d, recvfrom %d, sendmsg %d, recvmsg %d", unix.SYS_READ, unix.SYS_WRITE, unix.SYS_SENDTO, unix.SYS_RECVFROM, unix.SYS_SENDMSG, unix.SYS_RECVMSG),
				Source: source})
			l.show(lesson.Evidence{Fact: "send", Value: send, Source: source})
			l.note("send", send)
			switch {
			case seen["write"] != unix.SYS_WRITE || seen["sendto"] != unix.SYS_SENDTO:
			case send == "no number":
				l.answer("write")
			default:
				l.answer("both")
			}
		},
	}
}

// syscallStuck has the client send more than there is room for, and gives the
// number of the call that it is blocked in. The client ends with it.
func (l *Lab) syscallStuck(addr sockets.Sockaddr, call string) (number int) {
	c := int(l.must(l.quietly(client, stage.Order{Do: "socket", Domain: unix.AF_INET, Type: unix.SOCK_STREAM | unix.SOCK_CLOEXEC})).Ret)
	l.must(l.quietly(client, stage.Order{Do: "setsockopt", FD: c, Level: unix.SOL_SOCKET, Option: unix.SO_SNDBUF, Value: 4096}))
	l.must(l.quietly(client, stage.Order{Do: "connect", FD: c, Addr: addr}))
	p := l.begin(client, stage.Order{Do: call, FD: c, Data: bytes.Repeat([]byte("x"), 512<<10), Flags: unix.MSG_NOSIGNAL})
	number = p.blocks().Syscall.Number
	path := fmt.Sprintf("/proc/%d/syscall", l.pid(client))
	l.show(lesson.Evidence{Fact: "number of the call", Value: fmt.Sprintf("%d, which is %s", number, syscallTable[number]), Source: path, Command: "cat " + path})
	l.note("number_"+call, number)
	l.kill(client)
	return number
}
