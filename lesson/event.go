package lesson

import (
	"fd3/sockets/kernel"
	"fd3/sockets/path"
	"fd3/sockets/wire"
)

// Kind says what an Event tells.
//
// The comments of the kinds and of the fields below are what fd3 help json says. A
// field's comment begins with the kinds that have it; without one, several have it.
type Kind string

const (
	KindStep     Kind = "step"     // a step begins: Title, Life
	KindText     Kind = "text"     // words: Section, Text; some have a Title or a Command
	KindEnter    Kind = "enter"    // a system call is entered
	KindReturn   Kind = "return"   // a system call has returned: what enter has, and
	KindArgument Kind = "argument" // an argument of the call: Name, Value, Text
	KindBytes    Kind = "bytes"    // bytes, and what each of them is: Title, Text
	KindEvidence Kind = "evidence" // a fact, read back from the kernel: Text is what it means
	KindProcess  Kind = "process"  // status: what follows is about this process: Title, Text
	KindSocket   Kind = "socket"   // status: what follows is about this descriptor: FD, Value, Text, Source, Command
	KindSnapshot Kind = "snapshot" // status, a step with --draw, and tour --accessible: what the kernel has, which a view draws

	KindPacket Kind = "packet" // wire: a packet on the cable; with Recap in short
	KindLadder Kind = "ladder" // wire: what happened between two hosts, which a view draws
	KindSample Kind = "sample" // wire: a queue at one moment: Chart has one sample
	KindChart  Kind = "chart"  // wire: a queue over time, which a view draws
	KindFrame  Kind = "frame"  // tour: a packet, which a view draws layer by layer

	KindWay     Kind = "way"     // hooks: a packet's way through two hosts, which a view draws
	KindProgram Kind = "program" // hooks: what was put at a place: Title
	KindMoments Kind = "moments" // hooks: when a program was called in the life of a connection: Title

	KindPath  Kind = "path"  // path: the way of a call through the kernel, which a view draws
	KindLife  Kind = "life"  // watch: what follows is about this socket of the program: Connection (the number of its life), FD, Value (what it is), Peer, Thread
	KindLives Kind = "lives" // watch --compare: the lives of the sockets of several programs side by side, which a view draws

	KindConnection Kind = "connection" // serve: what follows is about this connection: FD
	KindRequest    Kind = "request"    // serve: a request has its answer: FD, Peer, Value (the status in words), Text (why)
	KindLoad       Kind = "load"       // serve: what each loop did in the last second
	KindEnd        Kind = "end"        // serve, watch: the server, or the recording, has ended: Text

	KindLesson  Kind = "lesson"  // tour: a lesson begins: Step is its name, Title, Text what it asks, Life all lessons; lessons: Value (here, finished), Minutes
	KindSetup   Kind = "setup"   // tour: calls that are told in short: Text is all in a line
	KindChoice  Kind = "choice"  // tour: an answer that may be predicted: Name, Text
	KindVerdict Kind = "verdict" // tour: the kernel's answer: Name, Title is its words, Value the words of what was predicted, Text
)

// Event is one record of what happened. It is the line of --json as it stands:
// fields are only ever added, and keep their meaning.
//
// The flat fields stay as they are. A new kind of fact brings a struct of its own,
// behind a pointer that is nil in all other kinds:
//
//	KindPacket Kind = "packet" // wire: a packet on the cable
//	…
//	Packet *wire.Packet `json:"packet,omitempty"` // packet: its bytes, and what each of them is
//
// A test of view fails until its draw has a case for the kind, and no view builds
// without the method that the case calls (view.renderer).
type Event struct {
	Kind    Kind   `json:"kind"`
	Step    string `json:"step,omitempty"`    // the step that it belongs to: socket, bind, listen, …
	Process string `json:"process,omitempty"` // whose: server or client; watch: the name of the program; network, which keeps a cable; fd3 for calls of its own
	PID     int    `json:"pid,omitempty"`     // of that process
	Recap   bool   `json:"recap,omitempty"`   // true: the step is a prerequisite, told in short

	Section string   `json:"section,omitempty"` // text: born, before, meaning, errno, try, next, blocked, held, left, busy, …; wire; path; moments; recording, lost, watch, watched; tour: recall, recalled, question, predict, experiment, step, observe, observed, whatif, outcome, explain, exercise, hint, done, recap, references, failed, answer, tour, now; explain: word
	Title   string   `json:"title,omitempty"`   // a heading, without marks
	Text    string   `json:"text,omitempty"`    // words, in Markdown
	Life    []string `json:"life,omitempty"`    // step: the steps of this end's life, in their order

	Name       string `json:"name,omitempty"`        // enter, return: the call
	Args       []Arg  `json:"args,omitempty"`        // enter, return: its arguments, by their names in the manual
	FD         *int   `json:"fd,omitempty"`          // enter, return: the descriptor that it acts on
	Ret        *int64 `json:"ret,omitempty"`         // return: what it gave back, -1 when it failed
	Errno      int    `json:"errno,omitempty"`       // return: the number, when it failed
	ErrnoName  string `json:"errno_name,omitempty"`  // return: its symbol
	ErrnoText  string `json:"errno_text,omitempty"`  // return: strerror(3)
	DurationNS int64  `json:"duration_ns,omitempty"` // return: wall time inside the call
	Took       string `json:"took,omitempty"`        // return: the same for a reader
	Result     string `json:"result,omitempty"`      // return: the end of the strace line, after the =; enter: "?", if the process ended in the call
	Strace     string `json:"strace,omitempty"`      // enter, return: the line as strace(1) prints it
	C          string `json:"c,omitempty"`           // enter, return: the statement that makes the same call, in C
	Go         string `json:"go,omitempty"`          // enter, return: and in Go
	Unseen     bool   `json:"unseen,omitempty"`      // return: true when no command was waiting for it any more

	Events int `json:"events,omitempty"` // end: of a recording: how many events stand before it

	CallsBefore int `json:"calls_before,omitempty"` // text: of watch: how many calls the process had made before its first one on a socket

	Fact    string `json:"fact,omitempty"`    // evidence: what it is about
	Value   string `json:"value,omitempty"`   // evidence: what the kernel said
	Source  string `json:"source,omitempty"`  // evidence: where it was read: getsockname(2), /proc/PID/fd, sock_diag(7), …
	Command string `json:"command,omitempty"` // evidence: the shell command that shows the same; text: what to type

	Connection uint64 `json:"connection,omitempty"` // connection, request, life: its number, from 1
	Peer       string `json:"peer,omitempty"`       // connection: the client's address; life: the other end's
	Loop       string `json:"loop,omitempty"`       // connection: which loop or thread, if there are several
	Thread     int    `json:"thread,omitempty"`     // connection: the number of the thread that serves it; life: of the thread that makes the calls, where it is not the first
	Request    string `json:"request,omitempty"`    // request: its first line
	Status     int    `json:"status,omitempty"`     // request: the code of the answer
	Length     int64  `json:"length,omitempty"`     // request: bytes of content in the answer
	Loads      []Load `json:"loads,omitempty"`      // load: of each loop

	Have int64 `json:"have,omitempty"` // evidence: how much there is, where a bar says it best
	Full int64 `json:"full,omitempty"` // evidence: of how much

	Calls []Made `json:"calls,omitempty"` // setup: each

	Predicted string `json:"predicted,omitempty"` // verdict: the Name of the choice that the learner made
	Right     bool   `json:"right,omitempty"`     // verdict: true when it is the kernel's

	Minutes *Minutes `json:"minutes,omitempty"` // lesson: of lessons, about how long it takes

	Snapshot *kernel.Snapshot `json:"snapshot,omitempty"` // snapshot: what the kernel has
	Before   *kernel.Snapshot `json:"before,omitempty"`   // snapshot: what it had before, where that is known: what has changed stands out

	Packet *wire.Packet `json:"packet,omitempty"` // packet, frame: its bytes, what each of them is, and what became of it
	Ladder *Ladder      `json:"ladder,omitempty"` // ladder: calls at both sides, and the packets between them
	Chart  *Chart       `json:"chart,omitempty"`  // chart: a queue, and what fills it; sample: the same with one sample

	Way     *Way     `json:"way,omitempty"`     // way: the places that it leads by, and what became of a packet there
	Program *Program `json:"program,omitempty"` // program: its instructions, and what the kernel said of it

	Moments []Moment `json:"moments,omitempty"` // moments: on both hosts, in the order of time

	Path *path.Path `json:"path,omitempty"` // path: the functions that the call went through, in their order

	Lives *Lives `json:"lives,omitempty"` // lives: a row for each step, with the call of each program

	Form  string `json:"form,omitempty"`  // bytes: struct or message
	Data  []byte `json:"data,omitempty"`  // bytes: all of them, in base64
	Spans []Span `json:"spans,omitempty"` // bytes: what each stretch is
}

// Made is a call that is told in short.
type Made struct {
	Process string `json:"process"`
	PID     int    `json:"pid"`
	Strace  string `json:"strace"`
}

// Minutes is about how long a lesson takes.
type Minutes struct {
	Reading int `json:"reading"` // to read its words
	Doing   int `json:"doing"`   // to predict, to look at the experiments and to solve the exercise
}

// Arg is one argument of a call, as strace(1) prints it.
type Arg struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Out   bool   `json:"out,omitempty"` // the kernel has filled or changed it
}

// Span says what a stretch of bytes is.
type Span struct {
	Name  string `json:"name"`
	Start int    `json:"start"`
	End   int    `json:"end"` // exclusive
	Value string `json:"value,omitempty"`
}

// Evidence is one fact read back from the kernel.
type Evidence struct {
	Fact    string // what it is about
	Value   string // what the kernel said
	Source  string // where it was read
	Command string // the shell command that shows the same; empty where there is none
	Note    string // what it means, where the value alone does not say; Markdown

	Have, Full int64 // how much of how much, where a bar says it best
}

// Event returns the Event that shows the fact.
func (e Evidence) Event() Event {
	return Event{Kind: KindEvidence, Fact: e.Fact, Value: e.Value, Source: e.Source, Command: e.Command, Text: e.Note, Have: e.Have, Full: e.Full}
}

// Load is what a loop did in the last second, and what waits for it.
type Load struct {
	Loop        int   `json:"loop"` // from 1
	Connections int64 `json:"connections"`
	Requests    int64 `json:"requests"` // a second
	Bytes       int64 `json:"bytes"`    // a second
	Listener    int   `json:"listener"` // the descriptor; loops may share one
	Queue       int   `json:"queue"`    // finished handshakes that wait for accept; -1: not known
	Backlog     int   `json:"backlog"`
}
