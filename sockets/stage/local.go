package stage

import (
	"context"

	"fd3/sockets"
)

// Local is a stage in this process: its calls are made by the thread that runs
// the Machine.
type Local struct{ Machine *Machine }

// Do makes one call. It returns when the call does: the context does not end it.
func (l Local) Do(_ context.Context, o Order, observe func(sockets.Call)) (sockets.Call, error) {
	calls, err := l.Machine.start(o)
	if err != nil {
		return sockets.Call{}, err
	}
	var last sockets.Call
	for last = range calls {
		observe(last)
	}
	l.Machine.settle(last, true)
	return last, nil
}

// State tells what stands where.
func (l Local) State(context.Context) (State, error) { return l.Machine.state(), nil }

// Collect is State: nobody but Do waits for a result here, so none is unseen.
func (l Local) Collect(context.Context) (State, error) { return l.Machine.state(), nil }

// Wait is Collect, as soon as no call is in the kernel.
func (l Local) Wait(context.Context) (State, error) {
	l.Machine.wait()
	return l.Machine.state(), nil
}
