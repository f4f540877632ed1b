package lesson

// Lives are those of the sockets of several programs, side by side: which call of one is
// which of another.
type Lives struct {
	Programs []string    `json:"programs"` // their names
	Groups   []LifeGroup `json:"groups"`   // first what the programs have in common
}

// A LifeGroup is one life of each program, or what it has of that kind.
type LifeGroup struct {
	Title string    `json:"title"` // what these sockets are to their programs
	Lives []string  `json:"lives"` // by program: which life that is; empty: it has none, or the calls are on none
	Rest  []int     `json:"rest"`  // by program: how many such lives it has besides
	Rows  []LifeRow `json:"rows,omitempty"`
}

// Lived reports whether the calls are those of lives.
func (g LifeGroup) Lived() bool {
	for i, life := range g.Lives {
		if life != "" || g.Rest[i] > 0 {
			return true
		}
	}
	return false
}

// A LifeRow is one step of a life.
type LifeRow struct {
	Step  string      `json:"step"`  // of the course, or wait, ask, epoll_create
	Calls []*LifeCall `json:"calls"` // by program; null: it makes no such call there
}

// A LifeCall is a call that is this step.
type LifeCall struct {
	Name          string    `json:"name"`                     // as in section 2 of the manual
	Args          []LifeArg `json:"args"`                     // as strace(1) prints them
	Result        string    `json:"result"`                   // a number, or an errno
	Times         int       `json:"times"`                    // it is made so often, one after the other; this is the first
	Fact          string    `json:"fact,omitempty"`           // what the kernel has made of it
	Note          string    `json:"note,omitempty"`           // what it is for, where that was told
	Differs       bool      `json:"differs,omitempty"`        // not all programs make a call of this name
	EndsOtherwise bool      `json:"ends_otherwise,omitempty"` // not all end with the same errno, or without
}

// A LifeArg is an argument of such a call.
type LifeArg struct {
	Value   string `json:"value"`
	Differs bool   `json:"differs,omitempty"` // not all programs give the same
}

// All reports whether each program makes this step.
func (r LifeRow) All() bool {
	for _, c := range r.Calls {
		if c == nil {
			return false
		}
	}
	return true
}
