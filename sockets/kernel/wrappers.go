package kernel

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// The readings of Own by their earlier names. They go when their last user has.

// InetSockets asks for a family, a protocol and the states of a mask.
func InetSockets(family, protocol int, states uint32) ([]InetSocket, error) {
	if family == unix.AF_UNSPEC {
		return Own().inet(protocol, states)
	}
	return Own().inetFamily(family, protocol, states)
}

// UnixSockets is Own().Unix().
func UnixSockets() ([]UnixSocket, error) { return Own().Unix() }

// Table is Net.Table of a process.
func Table(pid int, name string) ([]Row, error) {
	n, err := Of(pid)
	if err != nil {
		return nil, err
	}
	defer n.Close()
	return n.Table(name)
}

// UnixTable is Net.UnixTable of a process.
func UnixTable(pid int) ([]UnixRow, error) {
	n, err := Of(pid)
	if err != nil {
		return nil, err
	}
	defer n.Close()
	return n.UnixTable()
}

// ReadCounters is Net.Counters of a process.
func ReadCounters(pid int) (Counters, error) {
	n, err := Of(pid)
	if err != nil {
		return nil, err
	}
	defer n.Close()
	return n.Counters()
}

// Sysctl is Own().Sysctl.
func Sysctl(name string) (string, error) { return Own().Sysctl(name) }

// SysctlInt is Own().SysctlInt.
func SysctlInt(name string) (int, error) { return Own().SysctlInt(name) }

// AcceptQueue is Own().AcceptQueue.
func AcceptQueue(listener int) (waiting, backlog int, source string, err error) {
	q, err := Own().AcceptQueue(listener)
	return q.Waiting, q.Backlog, q.Source, err
}

// Find is InetTable.Find.
func Find(rows []InetSocket, local, remote netip.AddrPort) (InetSocket, bool) {
	return found(InetTable(rows).Find(local, remote))
}

// FindListener is InetTable.Listener.
func FindListener(rows []InetSocket, local netip.AddrPort) (InetSocket, bool) {
	return found(InetTable(rows).Listener(local))
}

// FindInode is InetTable.Inode.
func FindInode(rows []InetSocket, inode uint64) (InetSocket, bool) {
	return found(InetTable(rows).Inode(inode))
}

func found(row *InetSocket) (InetSocket, bool) {
	if row == nil {
		return InetSocket{}, false
	}
	return *row, true
}
