package step

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/facts"
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
	if s.call.Returned {
		v["result"] = s.call.Strace()
	}
	if s.call.Errno != 0 {
		v["errno"] = s.call.ErrnoName()
		v["errno_meaning"] = sockets.Meaning(s.call.Errno)
	}
	if limit := s.was().RecvTimeo; limit > 0 {
		v["timeout"] = lesson.Took(limit)
	}
	if s.lies != nil {
		v["packet"], v["number"] = s.lies.summary, fmt.Sprint(s.lies.number)
	}
	if s.task.Wchan != "" {
		v["sleep"] = s.task.Wchan
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
	s.otherValues(v)
	if s.step.Values != nil {
		s.step.Values(s, v)
	}
	for name, noun := range map[string]string{"bytes": "byte", "len": "byte", "unread": "byte", "message": "byte", "queue_room": "connection"} {
		if n, err := strconv.Atoi(v[name]); err == nil {
			_, v[name+"_noun"], _ = strings.Cut(lesson.Counted(n, noun), " ")
		}
	}
	return v
}

func (s *scene) socketValues(v map[string]string) {
	x, ok := s.socket()
	if !ok {
		return
	}
	v["domain"] = sockets.DomainName(x.Domain)
	v["type"] = sockets.TypeName(x.Type)
	v["protocol"] = facts.Protocol(x.Protocol)
	v["unread"] = fmt.Sprint(x.Unread)
	_, sent := s.after.queues(s.role, x)
	v["unsent"] = fmt.Sprint(sent.Bytes)
	if waiting, ok := s.atPeer(x); ok {
		v["peer_unread"] = fmt.Sprint(waiting.Bytes)
	}
	v["send_buffer"] = fmt.Sprint(x.SendBuf)
	v["recv_buffer"] = fmt.Sprint(x.RecvBuf)
	if len(x.Local) > 0 {
		v["local"] = x.Local.String()
	}
	if x.Connected() {
		v["peer"] = x.Peer.String()
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
	own, peer := s.rows(x)
	if own != nil {
		v["state"] = own.State.String()
	}
	switch {
	case peer != nil:
		v["peer_state"] = peer.State.String()
	case x.With.AddrPort().Addr().IsLoopback():
		v["peer_state"] = "CLOSED" // the name of RFC 9293 section 3.3.2 for an end that is no more
	}
}

func (s *scene) unixValues(v map[string]string) {
	inode, ok := s.inode()
	if !ok {
		return
	}
	own := s.after.unixByInode(s.role, inode)
	if own == nil {
		return
	}
	v["state"] = own.State.String()
}

// atPeer is what waits to be read at the other end, where that is on this machine.
func (s *scene) atPeer(x stage.Socket) (q kernel.Queued, ok bool) {
	if x.Domain != unix.AF_UNIX {
		_, peer := s.rows(x)
		if peer == nil {
			return q, false
		}
		return peer.Unread(), true
	}
	inode, _ := s.inode()
	own := s.after.unixByInode(s.role, inode)
	if own == nil {
		return q, false
	}
	peer := s.after.unixByInode(s.role, own.Peer)
	if peer == nil {
		return q, false
	}
	return kernel.Queued{Bytes: int(peer.RQueue)}, true
}

// inode is the inode number of the socket that the step is about.
func (s *scene) inode() (uint64, bool) { return s.after.inode(s.role, s.fd()) }

func (s *scene) addressValues(v map[string]string) {
	addr := s.order.Addr
	x, bound := s.socket()
	if bound && x.Local.Path() != "" {
		v["path"] = x.Local.Path()
		v["name"] = strings.TrimPrefix(x.Local.Path(), "@")
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
		v["name"] = strings.TrimPrefix(addr.Path(), "@")
		return
	}
	v["ip"] = addr.AddrPort().Addr().String()
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
	established, synSent := s.clients()
	v["established"], v["syn_sent"] = fmt.Sprint(established), fmt.Sprint(synSent)
	x, role, ok := s.listener()
	if !ok {
		return
	}
	if q, ok := s.after.queue(role, x); ok {
		v["queue"] = fmt.Sprint(q.Waiting)
		v["backlog"] = fmt.Sprint(q.Backlog)
		v["backlog_real"] = fmt.Sprint(q.Backlog)
		v["queue_room"] = fmt.Sprint(q.Backlog + 1)
	}
	if q, ok := s.before.queue(role, x); ok {
		v["queue_before"] = fmt.Sprint(q.Waiting)
	}
	if moved := s.moved(); s.after.net(s.role).counters != nil {
		v["overflows"] = fmt.Sprint(moved["TcpExt.ListenOverflows"])
		v["drops"] = fmt.Sprint(moved["TcpExt.ListenDrops"])
	}
}

// clients counts the client's sockets by state.
func (s *scene) clients() (established, synSent int) {
	for _, x := range s.after.ends[client].Sockets {
		switch state := x.State(); {
		case state == kernel.Established, x.TCP == nil && x.Connected():
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
		"dgram_queue":       "net.unix.max_dgram_qlen",
	} {
		if value, err := s.setting(key); err == nil {
			v[name] = value
		}
	}
	if value, err := s.setting("net.ipv4.tcp_fin_timeout"); err == nil {
		v["fin_timeout"] = value + " s"
	}
	if value, err := s.setting("net.ipv4.ip_local_port_range"); err == nil {
		v["ephemeral"] = strings.Join(strings.Fields(value), " to ")
	}
	if value, err := s.setting("net.ipv4.ping_group_range"); err == nil {
		v["ping_groups"] = strings.Join(strings.Fields(value), " to ")
	}
	switch s.call.Errno {
	case unix.ECONNREFUSED:
		if t, ok := s.atTarget(); ok {
			v["file_kind"] = t.kind()
		}
	case unix.EADDRINUSE:
		v["holder"] = s.holder()
		if t, ok := s.taken(); ok && t.mode != 0 {
			v["file_kind"], v["file_mode"] = t.kind(), facts.Mode(t.mode)
		}
	case unix.EMFILE:
		var limit unix.Rlimit
		if unix.Prlimit(s.pid(), unix.RLIMIT_NOFILE, nil, &limit) == nil {
			v["limit"] = fmt.Sprint(limit.Cur)
		}
	}
}

// otherValues are what to type for the other end.
func (s *scene) otherValues(v map[string]string) {
	for value, command := range map[string]string{"other_send": "fd3 send", "other_recv": "fd3 recv"} {
		if s.role != client {
			command += " --client"
		}
		v[value] = command
	}
}

func byteOrder() string {
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return "little-endian"
	}
	return "big-endian"
}
