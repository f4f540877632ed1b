package step

import (
	"context"

	"golang.org/x/sys/unix"

	"fd3/sockets/stage"
)

// The drain is part of shutdown: it reads the bytes that the peer still sends.
var _ = add(Step{
	Name:    "drain",
	Call:    "recvfrom",
	Inner:   true,
	Answers: true,
	On:      talking,
	Order:   func(s *scene) stage.Order { return receive(s, unix.MSG_DONTWAIT) },
	Facts:   []fact{unread, states},
	Cases: func(s *scene, c *cases) {
		readCases(s, c)
		c.add(s.call.Ret > 0, "more")
	},
	Values: received,
})

// maxDrains bounds what drain reads from a peer that goes on sending.
const maxDrains = 64

// drain reads until the peer has finished or has nothing ready.
func drain(ctx context.Context, r *Runner, role stage.Role, o Options) error {
	for range maxDrains {
		call, err := r.step(ctx, by(role, "drain"), o)
		switch {
		case call.Errno == unix.EAGAIN: // the peer has not finished, which is no failure
			return nil
		case err != nil, call.Ret == 0:
			return err
		}
	}
	return nil
}
