package stage

import (
	"fmt"
	"math"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

// maxAddr is _K_SS_MAXSIZE of include/uapi/linux/socket.h: an address of any family.
const maxAddr = 128

// check refuses an order that cannot become a system call: a call that is unknown, a
// number that its C type does not hold, more bytes than a line carries. What a call may
// be given and refuses itself, such as a descriptor that is not open, is the lesson.
func (o Order) check() error {
	if !known(o.Do) {
		return fmt.Errorf("%w: %q", ErrUnknownOrder, o.Do)
	}
	for _, f := range []struct {
		name        string
		value       int
		least, most int
	}{
		{"fd", o.FD, math.MinInt32, math.MaxInt32},
		{"domain", o.Domain, math.MinInt32, math.MaxInt32},
		{"type", o.Type, math.MinInt32, math.MaxInt32},
		{"protocol", o.Protocol, math.MinInt32, math.MaxInt32},
		{"backlog", o.Backlog, math.MinInt32, math.MaxInt32},
		{"level", o.Level, math.MinInt32, math.MaxInt32},
		{"option", o.Option, math.MinInt32, math.MaxInt32},
		{"value", o.Value, math.MinInt32, math.MaxInt32},
		{"flags", o.Flags, math.MinInt32, math.MaxInt32},
		{"how", o.How, math.MinInt32, math.MaxInt32},
		{"size", o.Size, 0, MaxData},
		{"the length of data", len(o.Data), 0, MaxData},
		{"the length of addr", len(o.Addr), 0, maxAddr},
		{"the length of path", len(o.Path), 0, unix.PathMax - 1},
	} {
		if f.value < f.least || f.value > f.most {
			return fmt.Errorf("%s: %s is from %d to %d, not %d", o.Do, f.name, f.least, f.most, f.value)
		}
	}
	if strings.ContainsRune(o.Path, 0) {
		return fmt.Errorf("%s: a path holds no NUL byte", o.Do)
	}
	// Another number would be the address of a handler.
	if d := sockets.Disposition(o.Value); o.Do == "sigaction" && d != sockets.SIG_DFL && d != sockets.SIG_IGN {
		return fmt.Errorf("sigaction: value is %d (SIG_DFL) or %d (SIG_IGN), not %d", sockets.SIG_DFL, sockets.SIG_IGN, o.Value)
	}
	return nil
}
