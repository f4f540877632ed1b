package netlab

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"fd3/sockets/stage"
)

// guardRole is that of the guard among the background processes of a stage's name.
const guardRole = "network-guard"

// A guard is a process that ends what is left on the hosts when the keeper is gone,
// whatever has ended it: a program that fd3 on has started is no child of the keeper's, and
// keeps the network namespace that it is in. It knows of the keeper's end by a pipe, whose
// other end the kernel closes then.
//
// The network ends with its guard, too: one of the two is there to clean up.
type guard struct {
	cmd *exec.Cmd
	end *os.File // of the pipe
}

// startGuard starts the guard of a network, by the path of its control socket and the inode
// numbers of its namespaces.
func startGuard(path string, namespaces ...uint64) (*guard, error) {
	waits, end, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer waits.Close()
	var numbers []string
	for _, n := range namespaces {
		numbers = append(numbers, fmt.Sprint(n))
	}
	cmd := exec.Command("/proc/self/exe", stage.Command, guardRole, path, strings.Join(numbers, ","))
	cmd.Args[0] = os.Args[0]
	cmd.ExtraFiles = []*os.File{waits}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		end.Close()
		return nil, err
	}
	return &guard{cmd, end}, nil
}

// wait returns when the guard has ended.
func (g *guard) wait() { g.cmd.Wait() }

// clear has the guard do its work now, and end.
func (g *guard) clear() { g.end.Close() }

// stand is the whole life of a guard. The pipe is descriptor 3.
func stand(namespaces string) {
	signal.Ignore(unix.SIGHUP, unix.SIGINT, unix.SIGTERM)
	io.Copy(io.Discard, os.NewFile(3, "the keeper's life"))
	var all []uint64
	for number := range strings.SplitSeq(namespaces, ",") {
		if n, err := strconv.ParseUint(number, 10, 64); err == nil {
			all = append(all, n)
		}
	}
	clearHosts(os.Getppid(), all...) // of a keeper that still lives: it waits for this
}

// isGuard reports whether a process is the guard of a network.
func isGuard(pid int) bool {
	args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	words := strings.Split(string(args), "\x00")
	return len(words) > 2 && words[1] == stage.Command && words[2] == guardRole
}
