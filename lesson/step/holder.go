package step

import (
	"fmt"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets/kernel"
)

// holder says who has the address that bind(2) asked for.
func (s *scene) holder() string {
	addr := s.order.Addr
	if addr.Family() == unix.AF_UNIX {
		if row, ok := s.pathHolder(); ok {
			return owner(row.Inode, "another user")
		}
		if t, ok := s.taken(); ok {
			return t.holder()
		}
		return "a socket that this user may not see"
	}
	rows := s.net().tcp
	if x, _ := s.socket(); x.Protocol == unix.IPPROTO_UDP {
		rows = s.net().udp
	}
	waiting := 0
	for _, row := range rows {
		if row.Local.Port() != addr.Port() {
			continue
		}
		if row.State == kernel.TimeWait {
			waiting++
			continue
		}
		if row.Inode == 0 {
			continue
		}
		return row.Local.String() + " in state " + row.State.String() + ", held by " + owner(row.Inode, fmt.Sprintf("user %d", row.UID))
	}
	if waiting > 0 {
		return lesson.Counted(waiting, "connection") + " in TIME_WAIT, of no process any more"
	}
	for _, p := range s.before.parties {
		for _, x := range s.before.ends[p.Name].Sockets {
			if x.FD != s.call.FD && x.Local.Port() == addr.Port() {
				return fmt.Sprintf("descriptor %d of the %s process %d", x.FD, p.Name, s.before.ends[p.Name].PID)
			}
		}
	}
	return "a socket that this user may not see: perhaps one that is bound and does not listen"
}

// owner names the process that has a socket open, else says whose it is.
func owner(inode uint64, user string) string {
	owners, hidden, err := kernel.Owners(inode)
	switch {
	case err == nil && len(owners) > 0:
		return fmt.Sprintf("process %d (%s), descriptor %d", owners[0].PID, owners[0].Comm, owners[0].FD)
	case hidden > 0:
		return "a process of " + user + " that this user may not look into"
	}
	return "a process of " + user
}
