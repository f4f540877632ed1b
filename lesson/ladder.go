package lesson

import (
	"time"

	"fd3/sockets/wire"
)

// A Ladder is what happened between two hosts, in the order in which it happened.
type Ladder struct {
	Left  Side   `json:"left"`
	Right Side   `json:"right"`
	Rungs []Rung `json:"rungs"` // from the first on

	Router *Side `json:"router,omitempty"` // what stands between the cable and the host at the right; nil: nothing
}

// A Side is a host at one side of a Ladder.
type Side struct {
	Name    string `json:"name"`              // as From and To of a packet have it
	Address string `json:"address,omitempty"` // of its interface
}

// A Rung is one thing that happened: a packet, or a call that was entered, or has
// returned, or both with nothing in between.
type Rung struct {
	At time.Time `json:"at,omitzero"` // when it happened: the other end had the packet, the call was entered or returned

	Packet *wire.Packet `json:"packet,omitempty"` // a packet

	Host     string `json:"host,omitempty"`     // a call: the name of the side
	Process  string `json:"process,omitempty"`  // a call: the name of the process
	PID      int    `json:"pid,omitempty"`      // a call: of the process
	Call     string `json:"call,omitempty"`     // as strace(1) prints it up to the result; empty: the call returns that was entered before
	Returned string `json:"returned,omitempty"` // the result, as strace(1) prints it behind the =; empty: it has not returned yet
}
