package glossary

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
)

func kernelRelease() []lesson.Evidence {
	var u unix.Utsname
	err := unix.Uname(&u)
	return one(lesson.Evidence{Fact: "kernel", Value: unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:]) + " on " + unix.ByteSliceToString(u.Machine[:]),
		Source: "uname(2)", Command: "uname -srm"}, err)
}

// callTime measures a system call that does next to nothing.
func callTime() []lesson.Evidence {
	const times = 100_000
	start := time.Now()
	for range times {
		unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
	}
	mean := time.Since(start) / times
	return []lesson.Evidence{{Fact: "there and back", Value: fmt.Sprintf("%d ns, the mean of %d calls", mean.Nanoseconds(), times), Source: "getppid(2), measured now",
		Command: "perf bench syscall basic", Note: "The call asks for the number of the parent process: hardly any work, so this is about the way alone."}}
}

// asInMemory returns the two bytes of 8080 as this processor keeps them.
func asInMemory() []byte { return binary.NativeEndian.AppendUint16(nil, 8080) }

func byteOrder() []lesson.Evidence {
	order := "big-endian"
	if asInMemory()[0] == 8080&0xff {
		order = "little-endian"
	}
	return []lesson.Evidence{{Fact: "this machine", Value: order, Source: "bytes of a number in memory", Command: "lscpu | grep Endian"}}
}

func inMemory() []lesson.Evidence {
	return []lesson.Evidence{{Fact: "8080 in memory", Value: fmt.Sprintf("% x", asInMemory()), Source: "two bytes of this process",
		Command: `perl -e 'print unpack("H*", pack("S", 8080)), "\n"'`}}
}

func onNetwork() []lesson.Evidence {
	return []lesson.Evidence{{Fact: "on the network", Value: fmt.Sprintf("% x", []byte(loopbackPort(8080)[2:4])), Source: "sin_port of a sockaddr_in",
		Command: `perl -e 'print unpack("H*", pack("n", 8080)), "\n"'`}}
}

// withoutHtons binds a port whose bytes were not turned around and asks the
// kernel what it understood.
func withoutHtons(fd int) []lesson.Evidence {
	addr := loopbackPort(0)
	copy(addr[2:4], asInMemory())
	value := fmt.Sprintf("port 8080 becomes port %d", addr.Port())
	var t sockets.Tracer
	if t.Bind(fd, addr).Err() == nil {
		value = fmt.Sprintf("bound port 8080, and the kernel says %d", sockets.Sockname(fd).Port())
	}
	return []lesson.Evidence{{Fact: "without htons", Value: value, Source: "bind(2), getsockname(2)", Command: `perl -e 'print unpack("n", pack("S", 8080)), "\n"'`}}
}

func headerSomaxconn() []lesson.Evidence {
	return []lesson.Evidence{{Fact: "SOMAXCONN", Value: fmt.Sprintf("%d in Go's package syscall, %d in x/sys/unix", syscall.SOMAXCONN, unix.SOMAXCONN), Source: "the packages, as this program was built",
		Command: "echo SOMAXCONN | cpp -P -include sys/socket.h -", Note: "Constants of a program, whatever the kernel allows. The command shows that of C."}}
}

func signalNumber(name string) question {
	return func() []lesson.Evidence {
		return []lesson.Evidence{{Fact: name, Value: fmt.Sprint(int(unix.SignalNum(name))), Source: "signal(7)", Command: "kill -l " + strings.TrimPrefix(name, "SIG")}}
	}
}

func hosts() []lesson.Evidence {
	data, err := os.ReadFile("/etc/hosts")
	var found []string
	for line := range strings.Lines(string(data)) {
		line, _, _ = strings.Cut(line, "#")
		if fields := strings.Fields(line); len(fields) > 1 && slices.Contains(fields[1:], "localhost") {
			found = append(found, fields[0])
		}
	}
	if len(found) == 0 {
		found = []string{"not there"}
	}
	return one(lesson.Evidence{Fact: "localhost", Value: strings.Join(found, ", "), Source: "/etc/hosts", Command: "grep -w localhost /etc/hosts"}, err)
}

func program(name string) question {
	return func() []lesson.Evidence {
		path, err := exec.LookPath(name)
		if err != nil {
			path = "it is not installed here"
		}
		return []lesson.Evidence{{Fact: "here", Value: path, Source: "the directories of PATH", Command: "command -v " + name}}
	}
}
