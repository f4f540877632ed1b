package lab

import (
	"fmt"
	"maps"
	"net/netip"
	"time"

	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// A Motion is why an experiment may not stay as it is while nobody does anything.
type Motion struct {
	Why string
	By  time.Duration // by when it will have happened once; 0 if nobody knows
}

// Moves returns what may change the experiment within that time, and whether there
// is anything. A learner who thinks for so long finds it as it was if there is
// nothing: time changes sockets by the timers of the kernel alone, and sock_diag(7)
// tells of them.
func (l *Lab) Moves(within time.Duration) (m Motion, moves bool) {
	l.mu.Lock()
	programs, parties := l.programs, maps.Clone(l.parties)
	l.mu.Unlock()
	if programs > 0 {
		return Motion{fmt.Sprintf("%d programs besides the parties", programs), within}, true
	}
	for name, p := range parties {
		s, err := p.State(l.ctx)
		if err != nil {
			continue // it has ended, or is stopped: it does nothing
		}
		if l.remember(s); s.Blocked != nil {
			m, moves = Motion{Why: fmt.Sprintf("the %s is in %s", name, s.Blocked.Name)}, true
		}
	}
	rows := l.TCP()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, row := range rows {
		ours := l.seen[row.Local] || l.seen[row.Remote]
		if ours && row.Timer != kernel.TimerOff && row.Expires <= within && row.Expires >= m.By {
			m, moves = Motion{fmt.Sprintf("%s %s to %s: a timer", row.State, row.Local, row.Remote), row.Expires}, true
		}
	}
	return m, moves
}

// remember keeps the addresses of a party's sockets: the rows that closed sockets leave
// in the kernel have them still.
func (l *Lab) remember(s stage.State) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil {
		l.seen = make(map[netip.AddrPort]bool)
	}
	for _, x := range s.Sockets {
		if addr := x.Local.AddrPort(); addr.Port() != 0 {
			l.seen[addr] = true
		}
	}
}
