package lesson

// A Way is the way of a packet through the kernels of two hosts, by the places where a rule
// or a program can be put: down from the sender's call, over the cable, and up to the
// receiver's.
type Way struct {
	Left     Side   `json:"left"` // the sender's
	Right    Side   `json:"right"`
	Stops    []Stop `json:"stops"`              // in the order of the way
	Sent     string `json:"sent,omitempty"`     // the sender's call with its result; empty: nothing was sent
	Cable    string `json:"cable,omitempty"`    // what was seen on the cable; empty: nothing came there
	Received string `json:"received,omitempty"` // the receiver's call with its result
}

// A Stop is one place on a Way.
type Stop struct {
	Place    string   `json:"place"`
	Host     string   `json:"host"`
	Layer    string   `json:"layer"`              // whose work is interrupted there
	Function string   `json:"function"`           // of the kernel, which asks what sits there
	Means    string   `json:"means,omitempty"`    // what was put there; empty: nothing
	How      string   `json:"how,omitempty"`      // where exactly, and by what
	Fate     StopFate `json:"fate,omitempty"`     // of the packet; empty: none was sent
	Length   int      `json:"length,omitempty"`   // bytes, as the packet was there
	Counted  int      `json:"counted,omitempty"`  // bytes, as a counter has them that leaves the frame's header out
	After    int64    `json:"after_ns,omitempty"` // how long after the first place that has a clock
	Sits     []string `json:"sits,omitempty"`     // where no packet was sent: what sits there
	Text     string   `json:"text"`               // all that in a few words
}

// A StopFate is what became of a packet at a place.
type StopFate string

// The fates.
const (
	Seen       StopFate = "seen"       // it was let pass
	Unseen     StopFate = "unseen"     // nothing could be put there that would see it
	Missed     StopFate = "missed"     // it did not come there
	Stopped    StopFate = "dropped"    // it was thrown away
	Rewritten  StopFate = "rewritten"  // it went on with another type of service
	Redirected StopFate = "redirected" // it left by another interface
)

// A Program is what was put at a place.
type Program struct {
	Place   string        `json:"place"`
	Means   string        `json:"means"`
	How     string        `json:"how,omitempty"`
	Lines   []ProgramLine `json:"lines"`
	Refused string        `json:"refused,omitempty"` // the errno with which the kernel refused it; empty: it took it
	Log     []string      `json:"log,omitempty"`     // the end of what its verifier said then
}

// A ProgramLine is an instruction, or a part of a rule.
type ProgramLine struct {
	Code string `json:"code"`
	Does string `json:"does,omitempty"` // what it does, with those below that have no such words
}
