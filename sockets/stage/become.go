package stage

import (
	"os"
	"runtime"
	"time"
)

// Command is the first argument of a process that is to be a stage. The role, the
// path of the control socket and the idle time follow; a private stage has the
// path "".
const Command = "stage-process"

// A program that starts stages becomes one when it is executed again (see spawn).
// A stage makes its calls on the main thread, which only init can be sure of.
func init() {
	if meant() {
		runtime.LockOSThread()
	}
}

func meant() bool { return len(os.Args) == 5 && os.Args[1] == Command }

// Become is the whole life of a stage, where the arguments of this process say that
// it is one. Otherwise it does nothing. A program that starts stages calls it before
// anything else in main, and a test in TestMain.
func Become() {
	if !meant() {
		return
	}
	if idle, err := time.ParseDuration(os.Args[4]); err == nil {
		live(Role(os.Args[2]), os.Args[3], idle)
	}
}
