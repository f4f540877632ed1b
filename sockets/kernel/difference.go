package kernel

import (
	"reflect"
	"slices"
)

// A Difference is what is not as it was in an earlier Snapshot.
type Difference struct {
	Sockets     []Change
	Descriptors []Opened
	Processes   []Process // those that are in another state, or sleep in another call; each as it is now
	Born        []int     // the numbers of processes that the earlier one has not
	Came, Left  []int     // the numbers of packets that lie on the cable since; and of those that do no more
}

// A Change is what became of a socket.
type Change struct {
	Before *Socket // nil: it is new
	After  *Socket // nil: the kernel has it no more
}

// Empty reports whether all is as it was.
func (d Difference) Empty() bool {
	return len(d.Sockets)+len(d.Descriptors)+len(d.Processes)+len(d.Born)+len(d.Came)+len(d.Left) == 0
}

// Opened is a descriptor that one of two Snapshots has and the other has not.
type Opened struct {
	PID int
	Descriptor
	Closed bool // the earlier one has it
}

// Since returns what is not as it was before. The time that a timer has left is
// not compared: it is never as it was.
func (s Snapshot) Since(before Snapshot) Difference {
	var d Difference
	was, is := before.sockets(), s.sockets()
	for _, a := range is {
		b := same(was, a)
		if b == nil || !b.equal(*a) {
			d.Sockets = append(d.Sockets, Change{b, a})
		}
	}
	for _, b := range was {
		if same(is, b) == nil {
			d.Sockets = append(d.Sockets, Change{Before: b})
		}
	}
	for _, p := range s.processes() {
		i := slices.IndexFunc(before.processes(), func(q Process) bool { return q.PID == p.PID && q.Party == p.Party })
		if i < 0 {
			d.Born = append(d.Born, p.PID)
			d.opened(p.PID, p.Descriptors, nil, false)
			continue
		}
		q := before.processes()[i]
		if p.stands() != q.stands() {
			d.Processes = append(d.Processes, p)
		}
		d.opened(p.PID, p.Descriptors, q.Descriptors, false)
		d.opened(p.PID, q.Descriptors, p.Descriptors, true)
	}
	d.Came, d.Left = s.Cable.since(before.Cable)
	return d
}

// opened adds the descriptors of one list that the other has not.
func (d *Difference) opened(pid int, of, not []Descriptor, closed bool) {
	for _, x := range of {
		if !slices.Contains(not, x) {
			d.Descriptors = append(d.Descriptors, Opened{pid, x, closed})
		}
	}
}

// stands is what Since compares of a process. Running and sleeping are the same: a
// process that waits for orders changes between them.
func (p Process) stands() [3]any {
	state := p.State
	if state == taskStates['R'] {
		state = taskStates['S']
	}
	return [3]any{state, p.Call, p.CallFD}
}

func (s Socket) equal(t Socket) bool {
	s.Expires = t.Expires
	return reflect.DeepEqual(s, t)
}

// same returns the socket that is the same as another, by its cookie, or by its inode
// where one of the two has no cookie yet, or by its client where it has neither.
func same(all []*Socket, as *Socket) *Socket {
	i := slices.IndexFunc(all, func(s *Socket) bool {
		if s.Cookie != 0 && as.Cookie != 0 {
			return s.Cookie == as.Cookie
		}
		if s.Inode != 0 || as.Inode != 0 {
			return s.Inode == as.Inode
		}
		return s.Cookie == as.Cookie && s.Listener == as.Listener && s.Peer == as.Peer
	})
	if i < 0 {
		return nil
	}
	return all[i]
}

func (s Snapshot) sockets() []*Socket {
	var all []*Socket
	for i := range s.Hosts {
		for j := range s.Hosts[i].Sockets {
			all = append(all, &s.Hosts[i].Sockets[j])
		}
	}
	return all
}

func (s Snapshot) processes() []Process {
	var all []Process
	for _, h := range s.Hosts {
		all = append(all, h.Processes...)
	}
	return all
}
