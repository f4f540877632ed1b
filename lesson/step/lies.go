package step

import (
	"context"
	"net/netip"

	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// lies tells what lies on the cable of a network that stands still when a step is over:
// mostly it is what the step has sent.
func (r *Runner) lies(ctx context.Context, s *scene) {
	if s.lies = r.lyingOf(ctx, s); s.lies != nil {
		s.known = nil
		r.list(s, "next", "blocked", s.lies.heading("lies"))
		s.lies, s.known = nil, nil
	}
}

// A waiting packet lies on the cable, and is the first there of a connection.
type waiting struct {
	summary string
	number  int
	behind  bool // others lie before it
}

// heading is that of the words about it.
func (w *waiting) heading(of string) string {
	if w.behind {
		return of + " behind"
	}
	return of
}

// Lies returns what the first packet on the cable says that belongs to the connection of a
// socket, or of what that was when the call closed it, and its number where others lie before
// it. It is empty where none lies there.
func (r *Runner) Lies(ctx context.Context, role stage.Role, fd int, was stage.Socket) (packet string, number int) {
	w := r.lying(ctx, role, fd, was)
	switch {
	case w == nil:
		return "", 0
	case w.behind:
		return w.summary, w.number
	}
	return w.summary, 0
}

func (r *Runner) lyingOf(ctx context.Context, s *scene) *waiting {
	was, _ := s.socket()
	return r.lying(ctx, s.role, s.fd(), was)
}

// lying returns the first packet on the cable of a network that stands still that belongs to
// the connection of a socket, or nil.
func (r *Runner) lying(ctx context.Context, role stage.Role, fd int, was stage.Socket) *waiting {
	if r.Cable == nil {
		return nil
	}
	cable, err := r.Cable()
	if err != nil {
		return nil
	}
	lie := cable.Lying()
	if len(lie) == 0 {
		return nil
	}
	now, err := look(ctx, r.Parties) // a socket has got its address in the call that waits
	if err != nil {
		return nil
	}
	x, ok := now.socket(role, fd)
	if !ok {
		x = was
	}
	if x.Local.AddrPort().Port() == 0 {
		return nil
	}
	for i, p := range lie {
		if a, b, told := p.Between(); told && now.carries(a, b, x) {
			return &waiting{p.Summary, p.Number, i > 0}
		}
	}
	return nil
}

// carries reports whether a packet between two ends belongs to what a socket is an end of. To
// a listener belong the handshakes that are under way.
func (s sight) carries(a, b netip.AddrPort, x stage.Socket) bool {
	if !isEnd(a, x.Local.AddrPort()) {
		a, b = b, a
	}
	if !isEnd(a, x.Local.AddrPort()) || !isEnd(b, x.With.AddrPort()) {
		return false
	}
	return !x.Listening || a.Port() == 0 || s.handshake(a, b)
}

// isEnd reports whether what a packet says of an end can be an address that a socket has.
func isEnd(told, has netip.AddrPort) bool {
	addr := has.Addr().Unmap()
	return (!addr.IsValid() || addr.IsUnspecified() || addr == told.Addr()) &&
		(has.Port() == 0 || told.Port() == 0 || has.Port() == told.Port())
}

// handshake reports whether one of two ends waits for the connection between them to open.
func (s sight) handshake(a, b netip.AddrPort) bool {
	for _, n := range s.nets {
		for _, row := range []*kernel.InetSocket{n.tcp.Find(a, b), n.tcp.Find(b, a)} {
			if row != nil && (row.State == kernel.SynSent || row.State == kernel.SynRecv) {
				return true
			}
		}
	}
	return false
}
