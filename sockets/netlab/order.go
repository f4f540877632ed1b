package netlab

import (
	"time"

	"fd3/sockets/stage"
	"fd3/sockets/wire"
)

// An order is what a command asks of a keeper. The form of quit is a stage's, so that
// any version can end any other.
type order struct {
	Do      string `json:"do"`
	Version string `json:"version"`

	Host    string      `json:"host,omitempty"`    // start
	Command *command    `json:"command,omitempty"` // start
	Cable   *wire.Order `json:"cable,omitempty"`   // cable
	Shape   *Shape      `json:"shape,omitempty"`   // shape
}

// The orders.
const (
	state = "state" // what stands where
	nets  = "nets"  // the Net of each host, and of the router, follows as descriptors
	start = "start" // a command on a host: after a first answer its files follow as descriptors, then comes the second
	cable = "cable" // something that is done with the cable
	shape = "shape" // of the interfaces
	links = "links" // how the interfaces are
	quit  = "quit"
)

// A command is an exec.Cmd as it is sent. Its standard error is the first file that
// follows, its extra files are the others, and it has no input and no output.
type command struct {
	Args []string `json:"args"` // of the program that runs
	Env  []string `json:"env"`
	Dir  string   `json:"dir"`
}

// A report is what a keeper answers.
type report struct {
	Version string       `json:"version"`
	PID     int          `json:"pid"`
	Error   string       `json:"error,omitempty"` // refused, or failed
	Bye     bool         `json:"bye,omitempty"`   // the answer to quit
	State   *State       `json:"state,omitempty"` // the answer to state
	Started int          `json:"started,omitempty"`
	Cable   *wire.Report `json:"cable,omitempty"` // the answer to cable
	Links   []Link       `json:"links,omitempty"` // the answer to links and shape
}

// State is what a keeper knows of its network.
type State struct {
	PID       int       `json:"pid"` // of the keeper
	Started   time.Time `json:"started"`
	EndsIdle  time.Time `json:"ends_idle"`            // when it ends by itself if nothing is asked of it
	Hosts     []Host    `json:"hosts"`                // the client, the server
	Cable     Host      `json:"cable"`                // where the ends of the cable are interfaces, each with the name of the host that it leads to
	Router    *Host     `json:"router,omitempty"`     // what stands between the cable and the server, if anything does
	RouterMTU int       `json:"router_mtu,omitempty"` // of its route to the server: it forwards no larger packet
	Calm      bool      `json:"calm"`                 // the timers of TCP wait for a person
	Own       bool      `json:"own"`                  // it has a user namespace of its own, since its user is not root
}

// Host returns the host of a role of a stage, for AtCable where the cable is, for Router the
// router, or nil.
func (s *State) Host(name stage.Role) *Host {
	switch name {
	case AtCable:
		return &s.Cable
	case Router:
		return s.Router
	}
	for i := range s.Hosts {
		if s.Hosts[i].Name == string(name) {
			return &s.Hosts[i]
		}
	}
	return nil
}
