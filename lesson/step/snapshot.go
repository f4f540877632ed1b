package step

import (
	"context"
	"errors"
	"net/netip"

	"fd3/lesson"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// A Lookout takes Snapshots of the processes of a stage, each with the one before what
// changed last. It asks a process for its number only, and once: the rest is read from
// outside.
type Lookout struct {
	Parties []Party
	Cable   func() (*kernel.Cable, error) // between their hosts; nil: there is none

	found   []kernel.Party
	history kernel.History
}

// Look takes a Snapshot and returns the Event that shows it.
func (l *Lookout) Look(ctx context.Context) (lesson.Event, error) {
	if err := l.find(ctx, nil); err != nil {
		return lesson.Event{}, err
	}
	return l.look()
}

// look takes a Snapshot of what has been found.
func (l *Lookout) look() (lesson.Event, error) {
	var cable *kernel.Cable
	if l.Cable != nil {
		var err error
		if cable, err = l.Cable(); err != nil {
			return lesson.Event{}, err
		}
	}
	if err := l.history.Look(l.found, cable); err != nil {
		return lesson.Event{}, err
	}
	now := l.history.Now
	return lesson.Event{Kind: lesson.KindSnapshot, Step: status.Name, Snapshot: &now, Before: l.history.Before}, nil
}

// find looks for the processes that have not been found yet, or are gone. One that is
// silent, which has been told already or is found here, has its descriptors in the
// usual places.
func (l *Lookout) find(ctx context.Context, silent *stage.SilentError) error {
	var found []kernel.Party
	for _, p := range l.Parties {
		if old, ok := l.alive(string(p.Name)); ok {
			found = append(found, old)
			continue
		}
		mute := silent
		if mute == nil || mute.Role != p.Name {
			state, err := p.Stage.State(ctx)
			if err == nil {
				party := kernel.Party{Name: string(p.Name), PID: state.PID, Net: p.Net, Own: state.Reserved}
				for _, x := range state.Left {
					party.Left = append(party.Left, [2]netip.AddrPort{x.Local.AddrPort(), x.Peer.AddrPort()})
				}
				found = append(found, party)
				continue
			}
			if !errors.As(err, &mute) && !errors.Is(err, stage.ErrNone) {
				return err
			}
		}
		if mute != nil && mute.Role == p.Name && mute.PID != 0 {
			found = append(found, kernel.Party{Name: string(p.Name), PID: mute.PID, Net: p.Net, Own: stage.FirstControlFD})
		}
	}
	l.found = found
	return nil
}

// alive returns a process that was found, if it runs still.
func (l *Lookout) alive(name string) (kernel.Party, bool) {
	for _, p := range l.found {
		if p.Name != name {
			continue
		}
		task, err := kernel.Thread(p.PID, p.PID)
		return p, err == nil && task.State != 'Z'
	}
	return kernel.Party{}, false
}
