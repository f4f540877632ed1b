package course

// A practice is what a lesson does on the kernel, by the names in its words.
type practice struct {
	experiments map[string]experiment
	exercises   map[string]exercise
}

// An experiment gives what each of its steps does, by the step's name. The steps
// run in the order of the words; what one leaves for the next is in the closure.
type experiment func(*Lab) map[string]func()

// An exercise brings about the situation that it begins with, and gives a check of
// the kernel's state: whether the learner has done it, and how far he is, in a
// line. The check is made a few times a second. Some of them take part: they accept,
// answer and close as a server does.
type exercise func(*Lab) (check func() (done bool, now string))

// practices are all of them, by lesson.
var practices = map[string]practice{
	"plug":      plugPractice,
	"fd":        fdPractice,
	"socket":    socketPractice,
	"bytes":     bytesPractice,
	"bind":      bindPractice,
	"listen":    listenPractice,
	"handshake": handshakePractice,
	"accept":    acceptPractice,
	"recv":      recvPractice,
	"http":      httpPractice,
	"send":      sendPractice,
	"close":     closePractice,
	"timewait":  timewaitPractice,
	"serve":     servePractice,
	"dgram":     dgramPractice,
	"faults":    faultsPractice,
	"syscall":   syscallPractice,
}
