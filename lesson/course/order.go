// The packages bear the lessons' names, also where Go has a package or a function
// of that name (bytes, close, http, syscall): this file alone imports them.

package course

import (
	"fd3/lesson/course/accept"
	"fd3/lesson/course/big"
	"fd3/lesson/course/bind"
	"fd3/lesson/course/bytes"
	"fd3/lesson/course/close"
	"fd3/lesson/course/dgram"
	"fd3/lesson/course/drops"
	"fd3/lesson/course/egress"
	"fd3/lesson/course/faults"
	"fd3/lesson/course/fd"
	"fd3/lesson/course/flood"
	"fd3/lesson/course/frameworks"
	"fd3/lesson/course/goodbye"
	"fd3/lesson/course/handshake"
	"fd3/lesson/course/hooks"
	"fd3/lesson/course/http"
	"fd3/lesson/course/ingress"
	"fd3/lesson/course/lab"
	"fd3/lesson/course/layers"
	"fd3/lesson/course/listen"
	"fd3/lesson/course/lost"
	"fd3/lesson/course/packets"
	"fd3/lesson/course/plug"
	"fd3/lesson/course/queue"
	"fd3/lesson/course/recv"
	"fd3/lesson/course/send"
	"fd3/lesson/course/serve"
	"fd3/lesson/course/socket"
	"fd3/lesson/course/stack"
	"fd3/lesson/course/syscall"
	"fd3/lesson/course/timewait"
	"fd3/lesson/course/window"
	"fd3/lesson/course/without"
)

// order is the course, from the first lesson to the last.
var order = []lab.Lesson{
	plug.Lesson,
	fd.Lesson,
	socket.Lesson,
	bytes.Lesson,
	bind.Lesson,
	listen.Lesson,
	handshake.Lesson,
	packets.Lesson,
	accept.Lesson,
	recv.Lesson,
	http.Lesson,
	send.Lesson,
	layers.Lesson,
	window.Lesson,
	lost.Lesson,
	close.Lesson,
	timewait.Lesson,
	goodbye.Lesson,
	serve.Lesson,
	frameworks.Lesson,
	without.Lesson,
	faults.Lesson,
	dgram.Lesson,
	flood.Lesson,
	big.Lesson,
	queue.Lesson,
	syscall.Lesson,
	egress.Lesson,
	ingress.Lesson,
	stack.Lesson,
	hooks.Lesson,
	drops.Lesson,
}
