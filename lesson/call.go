package lesson

import "fd3/sockets"

// Entered returns the Event of a call that is about to be made.
func Entered(c sockets.Call) Event {
	return Event{Kind: KindEnter, Name: c.Name, Args: args(c), FD: descriptor(c), Strace: c.Strace(), C: c.C, Go: c.Go}
}

// Returned returns the Event of a call that has returned.
func Returned(c sockets.Call) Event {
	e := Entered(c)
	e.Kind = KindReturn
	ret := c.Ret
	e.Ret = &ret
	e.DurationNS = c.Duration.Nanoseconds()
	e.Took = Took(c.Duration)
	e.Result = c.Result()
	if c.Errno != 0 {
		e.Errno, e.ErrnoName, e.ErrnoText = int(c.Errno), c.ErrnoName(), sockets.Meaning(c.Errno)
	}
	return e
}

// descriptor is the one the call acts on; socket(2) acts on none.
func descriptor(c sockets.Call) *int {
	if c.FD < 0 {
		return nil
	}
	fd := c.FD
	return &fd
}

func args(c sockets.Call) []Arg {
	all := make([]Arg, len(c.Args))
	for i, a := range c.Args {
		all[i] = Arg{a.Name, a.Value, a.Out}
	}
	return all
}
