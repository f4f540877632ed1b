package kernel

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// State is the number of a TCP state. UDP and Unix sockets borrow two of them:
// ESTABLISHED once connect(2) gave them a peer, CLOSE before (ss says UNCONN).
type State uint8

// The states of include/net/tcp_states.h; tcp(7) and RFC 9293, section 3.3.2.
const (
	Established State = iota + 1
	SynSent
	SynRecv
	FinWait1
	FinWait2
	TimeWait
	Close
	CloseWait
	LastAck
	Listen
	Closing
	NewSynRecv    // a connection request beside the listener; shown as SYN_RECV everywhere
	BoundInactive // bound, neither listening nor connected; to ask for it (Linux 6.8), the answer says CLOSE
)

// allStates is the mask for every state. On a kernel before 6.8 the bit of
// BoundInactive asks for nothing.
const allStates uint32 = 1<<(BoundInactive+1) - 1

var stateNames = [...]string{
	Established:   "ESTABLISHED",
	SynSent:       "SYN_SENT",
	SynRecv:       "SYN_RECV",
	FinWait1:      "FIN_WAIT1",
	FinWait2:      "FIN_WAIT2",
	TimeWait:      "TIME_WAIT",
	Close:         "CLOSE",
	CloseWait:     "CLOSE_WAIT",
	LastAck:       "LAST_ACK",
	Listen:        "LISTEN",
	Closing:       "CLOSING",
	NewSynRecv:    "NEW_SYN_RECV",
	BoundInactive: "BOUND_INACTIVE",
}

// String returns the kernel's name without TCP_, or "state N" for a number without a
// name. ss(8) shortens: ESTAB, SYN-SENT, FIN-WAIT-1.
func (s State) String() string {
	if int(s) < len(stateNames) && stateNames[s] != "" {
		return stateNames[s]
	}
	return "state " + strconv.Itoa(int(s))
}

// ParseState returns the state of a name, as the kernel or ss(8) writes it, in capitals or
// not, or 0 if there is none.
func ParseState(name string) State {
	name = bareName(name)
	switch name {
	case "ESTAB":
		return Established
	case "UNCONN":
		return Close
	}
	return State(max(slices.IndexFunc(stateNames[:], func(known string) bool { return known != "" && bareName(known) == name }), 0))
}

// bareName returns a name in capitals, without what joins its words: ss(8) has
// FIN-WAIT-1 for FIN_WAIT1.
func bareName(name string) string {
	return strings.NewReplacer("_", "", "-", "").Replace(strings.ToUpper(name))
}

// MarshalText writes the name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes, of a state that has a name.
func (s *State) UnmarshalText(text []byte) error {
	i := slices.Index(stateNames[:], string(text))
	if i < 1 {
		return fmt.Errorf("no TCP state: %q", text)
	}
	*s = State(i)
	return nil
}

// mask returns the bit of the state in the masks of sock_diag(7).
func (s State) mask() uint32 { return 1 << s }
