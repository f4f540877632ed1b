package stage

import (
	"cmp"
	"runtime/debug"
	"slices"
	"time"

	"fd3/sockets"
	"fd3/sockets/kernel"
)

// An Order is what a command asks of a stage: one system call by its name, with
// the arguments that it needs, or one of the orders below.
type Order struct {
	Do      string `json:"do"`
	Version string `json:"version"`

	FD       int              `json:"fd,omitempty"`
	Domain   int              `json:"domain,omitempty"`
	Type     int              `json:"type,omitempty"`
	Protocol int              `json:"protocol,omitempty"`
	Addr     sockets.Sockaddr `json:"addr,omitempty"`
	Backlog  int              `json:"backlog,omitempty"`
	Level    int              `json:"level,omitempty"`   // setsockopt: SOL_SOCKET, SOL_TCP …
	Option   int              `json:"option,omitempty"`  // setsockopt
	Value    int              `json:"value,omitempty"`   // setsockopt: the int, or l_linger of an SO_LINGER that is on; sigaction: a sockets.Disposition
	Timeout  time.Duration    `json:"timeout,omitempty"` // setsockopt: the value of SO_RCVTIMEO or SO_SNDTIMEO
	Flags    int              `json:"flags,omitempty"`
	How      int              `json:"how,omitempty"`
	Size     int              `json:"size,omitempty"`
	Data     []byte           `json:"data,omitempty"` // setsockopt: the value of TCP_CONGESTION, a name
	Path     string           `json:"path,omitempty"` // openat; from / on if it is relative
	Mode     uint32           `json:"mode,omitempty"` // openat that makes a file
}

// Orders that are not system calls. The form of quit never changes, so that any
// version can end any other.
const (
	state   = "state"   // what stands where
	collect = "collect" // the same, and forget the calls that ended unseen
	wait    = "wait"    // collect, as soon as the main thread is in no call
	history = "history" // the calls so far
	quit    = "quit"
)

// A Report is what a stage answers, one line of JSON each. Exactly one field of Call
// to Bye is set, or none in the answer to history of a stage that has made no call.
type Report struct {
	Version string         `json:"version"`
	PID     int            `json:"pid"`
	Call    *sockets.Call  `json:"call,omitempty"`  // the ordered call: entered, then returned
	State   *State         `json:"state,omitempty"` // the answer to state and collect
	Calls   []sockets.Call `json:"calls,omitempty"` // the answer to history
	Busy    *sockets.Call  `json:"busy,omitempty"`  // refused: the main thread is inside this call
	Error   string         `json:"error,omitempty"` // refused: the order makes no sense
	Bye     bool           `json:"bye,omitempty"`   // the answer to quit
	Files   []Removal      `json:"files,omitempty"` // with Bye: what became of the files of its unix sockets
}

// State is what a stage knows of itself.
type State struct {
	PID      int            `json:"pid"`
	TID      int            `json:"tid"` // the thread that makes the calls: the first, whose number is the PID, in a process of its own
	Started  time.Time      `json:"started"`
	EndsIdle time.Time      `json:"ends_idle"`          // when it ends by itself if nothing is asked of it; zero: never
	Reserved int            `json:"reserved,omitempty"` // descriptors from this number up are fd3's own; 0: none are
	Sockets  []Socket       `json:"sockets"`            // its open sockets, in the order of their numbers
	Blocked  *sockets.Call  `json:"blocked,omitempty"`  // the call that the main thread is inside
	Last     *sockets.Call  `json:"last,omitempty"`     // the newest call that has returned
	Left     []Ends         `json:"left,omitempty"`     // the last conversations that were closed; the kernel may not be done with these
	Unseen   []sockets.Call `json:"unseen,omitempty"`   // calls that returned when no command was waiting any more
}

// Descriptors lists what the process has open (proc_pid_fd(5)), without fd3's own;
// reserved counts those.
func (s State) Descriptors() (open []kernel.FD, reserved int, err error) {
	all, err := kernel.FDs(s.PID)
	if s.Reserved == 0 {
		return all, 0, err
	}
	n, _ := slices.BinarySearchFunc(all, s.Reserved, func(f kernel.FD, first int) int { return cmp.Compare(f.Number, first) })
	return all[:n], len(all) - n, err
}

// Ends are the addresses of a conversation: of this process, and of the other end.
type Ends struct {
	Local sockets.Sockaddr `json:"local"`
	Peer  sockets.Sockaddr `json:"peer"`
}

// A Socket is an open socket of a stage: what the kernel says of it, and the
// call that made it what it is: socket, accept4 or connect.
type Socket struct {
	kernel.Asked
	Became string           `json:"became"`
	With   sockets.Sockaddr `json:"with,omitempty"` // the peer that accept4 returned or connect was given, also when it is gone; for the wildcard what the kernel took
	Since  time.Time        `json:"since"`          // when that call was made
}

// Conversation reports whether the socket is, or was, one end of a conversation: it
// came from accept4(2), or connect(2) was made on it. That stays true when the
// connection is reset and getpeername(2) knows no peer any more.
func (s Socket) Conversation() bool { return s.Became != "socket" }

// Version returns the text that tells builds of fd3 apart: the module's version, or the
// commit where the build recorded it.
func Version() string {
	version := "devel"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return version
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		version = v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 && version == "devel" {
			version += " " + s.Value[:12]
		}
	}
	return version
}
