// Command fd3 narrates the life of a socket while a real HTTP server goes through
// it, one real system call at a time.
package main

import (
	"os"
	"runtime"

	"fd3/lesson/course/hello"
	"fd3/sockets/hooks"
	"fd3/sockets/netlab"
	"fd3/sockets/path"
	"fd3/sockets/stage"
	"fd3/sockets/watch"
)

// fd3 serve makes its calls on the main thread, which only init can be sure of.
func init() { runtime.LockOSThread() }

func main() {
	hooks.Become()
	netlab.Become()
	stage.Become()
	watch.Become()
	path.Become()
	hello.Become()
	os.Exit(run(os.Args[1:]))
}
