package lesson

import "time"

// A Chart is a queue over time, with what fills it.
type Chart struct {
	Host    string   `json:"host"`    // where the queue is: client, server, or cable
	Device  string   `json:"device"`  // before which interface there: net0; of the cable by the name of the host that it leads to
	Rate    uint64   `json:"rate"`    // bits a second that leave it
	Room    uint32   `json:"room"`    // bytes that may wait
	Before  uint32   `json:"before"`  // packets that had found it full when it was first looked at
	Samples []Sample `json:"samples"` // the earliest first; of a sample one
}

// A Sample is a queue at one moment.
type Sample struct {
	At      time.Duration `json:"at_ns"`          // since the first
	Waiting uint32        `json:"waiting"`        // bytes
	Packets uint32        `json:"packets"`        // that those are
	Dropped uint32        `json:"dropped"`        // packets that found it full, since there is this queue
	Flow    *Flow         `json:"flow,omitempty"` // none: no connection has anything under way
}

// A Flow is the TCP connection that has most under way through a queue.
type Flow struct {
	From       string        `json:"from"`       // the sender's address
	To         string        `json:"to"`         // the receiver's
	Congestion string        `json:"congestion"` // its congestion control: reno, cubic, bbr
	Cwnd       uint32        `json:"cwnd"`       // segments that may be under way
	RTT        time.Duration `json:"rtt_ns"`     // from a segment to its acknowledgment, smoothed
	Unacked    uint32        `json:"unacked"`    // bytes that are written and not acknowledged
}
