package watch

import (
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// Kind says what an Event tells.
type Kind uint8

const (
	Began    Kind = iota + 1 // a process is followed from here on
	Executed                 // a process has become another program
	Entered                  // a call is entered
	Returned                 // a call has returned
	Ended                    // a process has ended
	Closed                   // no process that is followed has a descriptor of the socket any more
	Lost                     // of some calls nothing is known: there was no room for what the kernel had to say
)

// An Event is one thing that happened. While it is told, the thread that it is about
// stands still, unless it is Late.
type Event struct {
	Kind Kind
	Time time.Time
	PID  int
	TID  int    // the thread: Entered, Returned
	Name string // of the process: /proc/PID/comm

	Call   sockets.Call // Entered, Returned
	Number int          // of the call, as in asm/unistd.h: Entered, Returned
	Socket uint64       // the inode of the socket that the call acts on, or that is closed; 0: none. A call that makes one has it once it has returned
	FD     int          // the descriptor of Socket: Entered, Returned
	Sort   Sort         // of Socket: Returned, Late
	Flags  int          // Entered, Late: of its open file, such as O_NONBLOCK; of one that stands still the kernel can be asked
	Queue  int          // Returned, Late, of listen(2): what the kernel has made of the backlog
	Left   int          // how many descriptors of Socket there are still, in all processes that are followed: Returned

	Parent  int             // Began: the process that started it
	Sockets []Descriptor    // Began, Executed: descriptors of sockets that it has; Ended: that it had, but for those that it shares with another; Returned: those that it has since the call
	Before  map[int]int     // Entered, the first on a socket since the process began or was executed: how many calls it had made before, by number; nil: not counted
	Path    string          // Executed: the program
	Late    bool            // it does not stand still: what the kernel says of it now may be later than this
	Lost    int             // Lost: how many records of the kernel; each call has two
	Strange Strange         // Began, Executed: what keeps it from being followed as others are
	Status  unix.WaitStatus // Ended: how
}

// A Descriptor is one that leads to a socket.
type Descriptor struct {
	FD     int
	Inode  uint64 // as in /proc/PID/fd: the same for all descriptors of one socket
	Shared bool   // a process that is followed has had the socket before
	Sort   Sort   // Late, of one that a call has made or brought
}

// A Sort is what a socket is, as in the arguments of socket(2). Without a Type it is not
// known: of a process that stands still the kernel can be asked.
type Sort struct{ Domain, Type, Protocol int }

// Strange is what there is to say of a program from the first.
type Strange uint8

const (
	Foreign    Strange = 1 << iota // another machine's calls, such as of 32 bits: none of them is told
	Ring                           // it has a ring of io_uring(7): what it does through that is not seen
	Unentitled                     // its file gives rights that it has not got, since it is watched
)
