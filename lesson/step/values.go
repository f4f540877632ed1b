package step

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// values are the live values that the words of a step may name. A value that the
// kernel did not tell in this situation is not in the map.
func (s *scene) values() map[string]string {
	if s.known == nil {
		s.known = s.readValues()
	}
	return s.known
}

func (s *scene) readValues() map[string]string {
	v := map[string]string{
		"role":       string(s.role),
		"other_role": string(s.other()),
		"stage":      s.name,
		"pid":        fmt.Sprint(s.pid()),
		"call":       s.call.Name,
		"fd":         fmt.Sprint(s.fd()),
		"cpu_order":  byteOrder(),
		"count":      fmt.Sprint(max(s.opts.Count, 1)),
		"len":        fmt.Sprint(s.order.Size + len(s.order.Data)),
		"duration":   lesson.Took(s.call.Duration),
		"any_port":   s.opts.FreePort,
	}
	if s.call.Errno != 0 {
		v["errno"] = s.call.ErrnoName()
		v["errno_meaning"] = sockets.Meaning(s.call.Errno)
	}
	if s.call.Returned && s.call.Errno == 0 {
		switch s.call.Name {
		case "accept4":
			v["conn"] = fmt.Sprint(s.call.Ret)
			v["fd"] = fmt.Sprint(s.call.FD)
		case "recvfrom", "sendto":
			v["bytes"] = fmt.Sprint(s.call.Ret)
		}
	}
	if s.step == "listen" {
		v["backlog"] = fmt.Sprint(s.order.Backlog)
	}
	if s.step == "shutdown" {
		v["how"] = map[int]string{unix.SHUT_RD: "SHUT_RD", unix.SHUT_WR: "SHUT_WR", unix.SHUT_RDWR: "SHUT_RDWR"}[s.order.How]
	}
	if s.step == "timeout" {
		v["timeout"] = lesson.Took(s.order.Timeout)
	} else if x, ok := s.before.socket(s.role, s.call.FD); ok && x.RecvTimeo > 0 {
		v["timeout"] = lesson.Took(x.RecvTimeo)
	}
	if t, ok := s.sleeping(); ok {
		v["sleep"] = t.Wchan
	}
	if s.call.Returned {
		v["waited"] = lesson.Took(s.call.Duration)
	} else if !s.call.Start.IsZero() {
		v["waited"] = lesson.Took(time.Since(s.call.Start))
	}
	s.socketValues(v)
	s.addressValues(v)
	s.queueValues(v)
	s.machineValues(v)
	return v
}

func (s *scene) socketValues(v map[string]string) {
	x, ok := s.socket()
	if !ok {
		if s.step == "socket" {
			v["domain"] = sockets.DomainName(s.order.Domain)
			v["type"] = sockets.TypeName(s.order.Type)
		}
		return
	}
	v["domain"] = sockets.DomainName(x.Domain)
	v["type"] = sockets.TypeName(x.Type)
	v["protocol"] = protocol(x)
	v["unread"] = fmt.Sprint(x.Unread)
	v["unsent"] = fmt.Sprint(x.Unsent)
	v["send_buffer"] = fmt.Sprint(x.SendBuf)
	v["recv_buffer"] = fmt.Sprint(x.RecvBuf)
	if len(x.Local) > 0 {
		v["local"] = x.Local.String()
	}
	if x.Connected() {
		v["peer"] = x.Peer.String()
	}
	if len(s.call.Addr) > 0 && s.call.Name == "recvfrom" {
		v["peer"] = s.call.Addr.String()
	}
	if x.TCP != nil {
		v["state"] = x.State().String()
	}
	if x.Domain == unix.AF_UNIX {
		s.unixValues(v)
	} else {
		s.inetValues(v, x)
	}
	if inode, ok := s.inode(); ok {
		v["inode"] = fmt.Sprint(inode)
	}
}

// inetValues are the states of both ends, which outlive the descriptor.
func (s *scene) inetValues(v map[string]string, x stage.Socket) {
	own, peer, ownThere, peerThere := s.after.rows(x)
	if ownThere {
		v["state"] = own.State.String()
	} else if s.call.Name == "close" {
		delete(v, "state")
	}
	switch {
	case peerThere:
		v["peer_state"] = peer.State.String()
		v["peer_unread"] = fmt.Sprint(peer.RQueue)
	case x.With.AddrPort().Addr().IsLoopback():
		v["peer_state"] = "CLOSED" // the name of RFC 9293 section 3.3.2 for an end that is no more
	}
}

func (s *scene) unixValues(v map[string]string) {
	inode, ok := s.inode()
	if !ok {
		return
	}
	own, ok := s.after.unixByInode(inode)
	if !ok {
		return
	}
	v["state"] = own.State.String()
	if peer, ok := s.after.unixByInode(own.Peer); ok {
		v["peer_unread"] = fmt.Sprint(peer.RQueue)
	}
}

// inode is the socket's inode number, from the link in /proc/PID/fd.
func (s *scene) inode() (uint64, bool) {
	fds, err := kernel.FDs(s.pid())
	if err != nil {
		return 0, false
	}
	for _, fd := range fds {
		if fd.Number == s.fd() && fd.Inode != 0 {
			return fd.Inode, true
		}
	}
	return 0, false
}

func (s *scene) addressValues(v map[string]string) {
	addr := s.order.Addr
	x, bound := s.socket()
	if bound && x.Local.Path() != "" {
		v["path"] = x.Local.Path()
	}
	if len(addr) == 0 {
		if bound && len(x.Local) > 0 && x.Domain != unix.AF_UNIX {
			v["port"] = fmt.Sprint(x.Local.Port())
		}
		return
	}
	v["addr"] = addr.String()
	v["addr_family"] = sockets.DomainName(addr.Family())
	v["addrlen"] = fmt.Sprint(len(addr))
	v["struct"] = addr.CType()
	if addr.Family() == unix.AF_UNIX {
		v["path"] = addr.Path()
		return
	}
	port := addr.Port()
	v["port_hex"] = fmt.Sprintf("0x%04X", port)
	v["port_bytes"] = fmt.Sprintf("%02x %02x", addr[2], addr[3])
	var memory [2]byte
	binary.NativeEndian.PutUint16(memory[:], port)
	v["port_memory"] = fmt.Sprintf("%02x %02x", memory[0], memory[1])
	v["port_swapped"] = fmt.Sprint(bits.ReverseBytes16(port))
	if bound && s.call.Errno == 0 && x.Local.Port() != 0 {
		port = x.Local.Port() // what the kernel chose where the port was 0; a client's own port
	}
	v["port"] = fmt.Sprint(port)
}

func (s *scene) queueValues(v map[string]string) {
	x, ok := s.listener()
	if !ok {
		return
	}
	if length, backlog, ok := s.after.queue(x); ok {
		v["queue"] = fmt.Sprint(length)
		v["backlog_real"] = fmt.Sprint(backlog)
		v["queue_room"] = fmt.Sprint(backlog + 1)
		if s.step != "listen" {
			v["backlog"] = fmt.Sprint(backlog)
		}
	}
	if length, _, ok := s.before.queue(x); ok {
		v["queue_before"] = fmt.Sprint(length)
	}
	established, synSent := s.clients()
	v["established"], v["syn_sent"] = fmt.Sprint(established), fmt.Sprint(synSent)
	if moved := s.after.counters.Sub(s.before.counters); s.after.counters != nil {
		v["overflows"] = fmt.Sprint(moved["TcpExt.ListenOverflows"])
		v["drops"] = fmt.Sprint(moved["TcpExt.ListenDrops"])
	}
}

// clients counts the client's sockets by state.
func (s *scene) clients() (established, synSent int) {
	for _, x := range s.after.ends[stage.Client].Sockets {
		switch state := x.State(); {
		case state == kernel.Established, x.Domain == unix.AF_UNIX && x.Connected():
			established++
		case state == kernel.SynSent:
			synSent++
		}
	}
	return established, synSent
}

// machineValues are settings of this machine.
func (s *scene) machineValues(v map[string]string) {
	for name, key := range map[string]string{
		"somaxconn":         "net.core.somaxconn",
		"unprivileged_port": "net.ipv4.ip_unprivileged_port_start",
	} {
		if value, err := kernel.Sysctl(key); err == nil {
			v[name] = value
		}
	}
	if value, err := kernel.Sysctl("net.ipv4.tcp_fin_timeout"); err == nil {
		v["fin_timeout"] = value + " s"
	}
	if value, err := kernel.Sysctl("net.ipv4.ip_local_port_range"); err == nil {
		v["ephemeral"] = strings.Join(strings.Fields(value), " to ")
	}
	switch s.call.Errno {
	case unix.EADDRINUSE:
		v["holder"] = s.holder()
		if t, ok := s.taken(); ok && t.mode != 0 {
			v["file_kind"], v["file_mode"] = t.kind(), lsMode(t.mode)
		}
	case unix.EMFILE:
		var limit unix.Rlimit
		if unix.Prlimit(s.pid(), unix.RLIMIT_NOFILE, nil, &limit) == nil {
			v["limit"] = fmt.Sprint(limit.Cur)
		}
	}
}

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
	rows := s.before.tcp
	if x, _ := s.socket(); x.Protocol == unix.IPPROTO_UDP {
		rows = s.before.udp
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
	for role, end := range s.before.ends {
		for _, x := range end.Sockets {
			if x.FD != s.call.FD && x.Local.Port() == addr.Port() {
				return fmt.Sprintf("descriptor %d of the %s process %d", x.FD, role, end.PID)
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

func protocol(x stage.Socket) string {
	switch x.Protocol {
	case unix.IPPROTO_TCP:
		return "6 (TCP)"
	case unix.IPPROTO_UDP:
		return "17 (UDP)"
	case unix.IPPROTO_MPTCP:
		return "262 (MPTCP)"
	}
	return fmt.Sprint(x.Protocol)
}

func byteOrder() string {
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return "little-endian"
	}
	return "big-endian"
}
