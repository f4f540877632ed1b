package step

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// A fact reads one kind of evidence for a scene. It gives none where the kernel
// has nothing to say.
type fact func(*scene) []lesson.Evidence

// facts are the evidence that each step shows when its call succeeded.
var facts = map[string][]fact{
	"socket":     {descriptors, openFile, socketKind, absence},
	"setsockopt": {reuseAddr},
	"timeout":    {timeouts},
	"bind":       {localName, socketFile, absence},
	"listen":     {accepting, listenRow, procRow, clamp, threadState},
	"connect":    {localName, peerName, states, acceptQueue, unaccepted, overflows, clientStates, pathInfo},
	"accept":     {descriptors, fourTuple, localName, acceptQueue, states},
	"recv":       {unread, states, pathInfo},
	"drain":      {unread, states},
	"send":       {unsent, sendBuffer, peerUnread, pathInfo},
	"shutdown":   {states, unread},
	"close":      {descriptors, afterClose, listenerGone},
}

// failures are the evidence for the likely cause of an errno.
var failures = map[unix.Errno][]fact{
	unix.EADDRINUSE:    {addressHolder, timeWaiting, socketFile},
	unix.EACCES:        {privilegedPorts, processUser},
	unix.EADDRNOTAVAIL: {nonlocalBind},
	unix.EINVAL:        {localName, accepting},
	unix.EAFNOSUPPORT:  {socketKind},
	unix.ECONNREFUSED:  {nobodyListens},
	unix.ENOTCONN:      {noPeer, states},
	unix.EPIPE:         {noPeer, states},
	unix.ECONNRESET:    {states},
	unix.EISCONN:       {peerName, states},
	unix.EALREADY:      {states},
	unix.EINPROGRESS:   {states, acceptQueue, timeouts},
	unix.EAGAIN:        {timeouts, unread, acceptQueue},
	unix.EMFILE:        {descriptorLimit},
	unix.EOPNOTSUPP:    {socketKind},
	unix.EDESTADDRREQ:  {noPeer},
	unix.ENOTSOCK:      {descriptors},
	unix.EBADF:         {descriptors},
}

func descriptors(s *scene) []lesson.Evidence {
	end := s.after.ends[s.role]
	fds, hidden, err := end.Descriptors()
	if err != nil {
		return nil
	}
	var shown []string
	for _, fd := range fds {
		shown = append(shown, fmt.Sprintf("%d=%s", fd.Number, fd.Target))
	}
	e := lesson.Evidence{Fact: "fd table", Value: strings.Join(shown, ", "), Source: procPath(s, "fd"), Command: "ls -l " + procPath(s, "fd")}
	if hidden > 0 {
		e.Note = fmt.Sprintf("%d more from %d up: the channel that fd3 drives this process by, and the Go runtime's own.", hidden, end.Reserved)
	}
	return []lesson.Evidence{e}
}

func openFile(s *scene) []lesson.Evidence {
	path := procPath(s, fmt.Sprintf("fdinfo/%d", s.fd()))
	f, err := kernel.FDInfo(s.pid(), s.fd())
	if err != nil {
		return nil
	}
	return []lesson.Evidence{{Fact: "open file", Value: fmt.Sprintf("flags 0%o = %s, pos %d, ino %d", f.Flags, strings.Join(f.Names, "|"), f.Pos, f.Inode),
		Source: path, Command: "cat " + path}}
}

func socketKind(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	if !ok {
		return nil
	}
	return []lesson.Evidence{{Fact: "kind", Value: fmt.Sprintf("SO_DOMAIN %s, SO_TYPE %s, SO_PROTOCOL %s", sockets.DomainName(x.Domain), sockets.TypeName(x.Type), protocol(x)),
		Source: "getsockopt(2)"}}
}

// absence shows that a socket which neither listens nor is connected is in no
// table of connections.
func absence(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	inode, known := s.inode()
	if !ok || !known || x.Protocol != unix.IPPROTO_TCP {
		return nil
	}
	name := "tcp"
	if x.Domain == unix.AF_INET6 {
		name = "tcp6"
	}
	rows, err := kernel.Table(s.pid(), name)
	if err != nil || slices.ContainsFunc(rows, func(r kernel.Row) bool { return r.Inode == inode }) {
		return nil
	}
	path := procPath(s, "net/"+name)
	return []lesson.Evidence{{Fact: "connections", Value: fmt.Sprintf("no row with inode %d among %d", inode, len(rows)),
		Source: path, Command: fmt.Sprintf("grep -c %d %s", inode, path)}}
}

func reuseAddr(s *scene) []lesson.Evidence {
	was, _ := s.before.socket(s.role, s.call.FD)
	is, ok := s.after.socket(s.role, s.call.FD)
	if !ok {
		return nil
	}
	return []lesson.Evidence{{Fact: "SO_REUSEADDR", Value: fmt.Sprintf("%s before, %s now", onOff(was.ReuseAddr), onOff(is.ReuseAddr)), Source: "getsockopt(2)"}}
}

func onOff(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

func timeouts(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	if !ok {
		return nil
	}
	var found []lesson.Evidence
	for _, t := range []struct {
		name  string
		value time.Duration
	}{{"SO_RCVTIMEO", x.RecvTimeo}, {"SO_SNDTIMEO", x.SendTimeo}} {
		if t.value > 0 {
			found = append(found, lesson.Evidence{Fact: t.name, Value: lesson.Took(t.value), Source: "getsockopt(2)"})
		}
	}
	if x.NonBlock {
		found = append(found, lesson.Evidence{Fact: "non-blocking", Value: "O_NONBLOCK is set", Source: "fcntl(2) F_GETFL", Command: "cat " + procPath(s, fmt.Sprintf("fdinfo/%d", x.FD))})
	}
	return found
}

func localName(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	if !ok || len(x.Local) == 0 {
		return nil
	}
	e := lesson.Evidence{Fact: "local address", Value: x.Local.String(), Source: "getsockname(2)"}
	if x.Listening || x.Connected() {
		e.Command = ssCommand(x)
	}
	return []lesson.Evidence{e}
}

func peerName(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	if !ok || !x.Connected() {
		return nil
	}
	return []lesson.Evidence{{Fact: "peer address", Value: x.Peer.String(), Source: "getpeername(2)", Command: ssCommand(x)}}
}

func noPeer(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	if !ok || x.Connected() {
		return nil
	}
	return []lesson.Evidence{{Fact: "peer address", Value: "none: ENOTCONN", Source: "getpeername(2)"}}
}

// socketFile is the file that bind(2) makes for an AF_UNIX path, or what lies
// there already.
func socketFile(s *scene) []lesson.Evidence {
	path := s.order.Addr.Path()
	var st unix.Stat_t
	if !strings.HasPrefix(path, "/") || unix.Lstat(path, &st) != nil {
		return nil
	}
	command := "ls -l "
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		command = "ls -ld "
	}
	return []lesson.Evidence{{Fact: "file", Value: lsMode(st.Mode) + " " + path, Source: "lstat(2)", Command: command + path}}
}

func accepting(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	if !ok {
		return nil
	}
	return []lesson.Evidence{{Fact: "SO_ACCEPTCONN", Value: onOff(x.Listening), Source: "getsockopt(2)", Note: map[bool]string{
		true: "1: a passive socket, for `accept4` only.", false: "0: not a listening socket."}[x.Listening]}}
}

func listenRow(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	length, backlog, known := s.after.queue(x)
	if !ok || !known {
		return nil
	}
	return []lesson.Evidence{{Fact: "LISTEN row", Value: fmt.Sprintf("Recv-Q %d, Send-Q %d", length, backlog), Source: "sock_diag(7)", Command: ssCommand(x),
		Note: "On a LISTEN row these two count connections, not bytes: waiting for `accept4`, and the backlog."}}
}

// procRow decodes the row of /proc/net/tcp by hand, since its hex is a lesson.
func procRow(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	inode, known := s.inode()
	if !ok || !known || x.Domain == unix.AF_UNIX {
		return nil
	}
	name := "tcp"
	if x.Domain == unix.AF_INET6 {
		name = "tcp6"
	}
	rows, err := kernel.Table(s.pid(), name)
	i := slices.IndexFunc(rows, func(r kernel.Row) bool { return r.Inode == inode })
	if err != nil || i < 0 {
		return nil
	}
	fields := strings.Fields(rows[i].Raw)
	if len(fields) < 4 {
		return nil
	}
	return []lesson.Evidence{{Fact: "raw row", Value: fmt.Sprintf("%s = %s, st %s = %s, inode %d", fields[1], rows[i].Local, fields[3], rows[i].State, inode),
		Source: procPath(s, "net/"+name), Command: fmt.Sprintf("grep %d %s", inode, procPath(s, "net/"+name))}}
}

func acceptQueue(s *scene) []lesson.Evidence {
	x, ok := s.listener()
	if !ok {
		return nil
	}
	length, backlog, known := s.after.queue(x)
	if !known {
		return nil
	}
	e := lesson.Evidence{Fact: "accept queue", Value: fmt.Sprintf("%d waiting, backlog %d", length, backlog), Source: "sock_diag(7)", Command: ssCommand(x)}
	if before, _, ok := s.before.queue(x); ok && before != length {
		e.Value = fmt.Sprintf("%d waiting (%d before), backlog %d", length, before, backlog)
	}
	if length > backlog {
		e.Note = fmt.Sprintf("Full: a backlog of %d holds %d.", backlog, backlog+1)
	}
	return []lesson.Evidence{e}
}

func clamp(s *scene) []lesson.Evidence {
	value, err := kernel.Sysctl("net.core.somaxconn")
	if err != nil {
		return nil
	}
	return []lesson.Evidence{{Fact: "somaxconn", Value: value, Source: "/proc/sys/net/core/somaxconn", Command: "sysctl net.core.somaxconn", Note: "The most that any backlog here can be."}}
}

// threadState shows that the call did not leave the server blocked.
func threadState(s *scene) []lesson.Evidence {
	t, err := kernel.Thread(s.pid(), s.after.ends[s.role].TID)
	if err != nil {
		return nil
	}
	path := procPath(s, "wchan")
	value := t.StateName
	if t.Wchan != "" {
		value += " in " + t.Wchan
	}
	return []lesson.Evidence{{Fact: "main thread", Value: value, Source: path, Command: "cat " + path, Note: "Not in `" + s.call.Name + "`: that call is over."}}
}

func states(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	if !ok || x.Listening || x.Domain == unix.AF_UNIX || !x.Stream() {
		return nil
	}
	own, peer, ownThere, peerThere := s.after.rows(x)
	state := x.State().String()
	if ownThere {
		state = own.State.String()
	}
	value := fmt.Sprintf("%s: %s", s.role, state)
	if peerThere {
		value += fmt.Sprintf(", %s: %s", s.other(), peer.State)
	}
	return []lesson.Evidence{{Fact: "states", Value: value, Source: "TCP_INFO and sock_diag(7)", Command: ssCommand(x)}}
}

// unaccepted shows that a connection waiting in the accept queue belongs to no
// process yet.
func unaccepted(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	_, peer, _, peerThere := s.after.rows(x)
	if !ok || !peerThere || peer.Inode != 0 || peer.State != kernel.Established {
		return nil
	}
	return []lesson.Evidence{{Fact: "server's end", Value: fmt.Sprintf("%s to %s, inode %d", peer.Local, peer.Remote, peer.Inode), Source: "sock_diag(7)", Command: ssCommand(x),
		Note: "Inode 0: no process has a descriptor for it. It waits in the accept queue."}}
}

func overflows(s *scene) []lesson.Evidence {
	moved := s.after.counters.Sub(s.before.counters)
	var found []lesson.Evidence
	for _, name := range []string{"ListenOverflows", "ListenDrops"} {
		if n := moved["TcpExt."+name]; n > 0 {
			found = append(found, lesson.Evidence{Fact: name, Value: fmt.Sprintf("+%d since this step began", n), Source: procPath(s, "net/netstat"), Command: "nstat -az TcpExt" + name})
		}
	}
	return found
}

// clientStates lists the client's connections when there are several.
func clientStates(s *scene) []lesson.Evidence {
	all := s.after.ends[stage.Client].Sockets
	if len(all) < 2 {
		return nil
	}
	var found []lesson.Evidence
	for _, x := range all {
		if x.TCP != nil && x.Conversation() {
			found = append(found, lesson.Evidence{Fact: fmt.Sprintf("client fd %d", x.FD), Value: fmt.Sprintf("%s from %s", x.State(), x.Local), Source: "TCP_INFO"})
		}
	}
	return found
}

// pathInfo is what TCP has measured on this connection.
func pathInfo(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	if !ok || x.TCP == nil || x.State() == kernel.SynSent || !x.Connected() || s.opts.Count > 1 {
		return nil
	}
	t := x.TCP
	value := fmt.Sprintf("rtt %.3f ms, mss %d, cwnd %d, bytes received %d, bytes acked %d", float64(t.Rtt)/1000, t.Snd_mss, t.Snd_cwnd, t.Bytes_received, t.Bytes_acked)
	return []lesson.Evidence{{Fact: "TCP_INFO", Value: value, Source: "getsockopt(2) TCP_INFO", Command: strings.Replace(ssCommand(x), "ss -tan", "ss -tani", 1),
		Note: "rtt: there and back. mss: most data in one segment. cwnd: segments that may be under way. A SYN and a FIN count as a byte each."}}
}

func fourTuple(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	if !ok || x.Domain == unix.AF_UNIX || !x.Connected() {
		return nil
	}
	return []lesson.Evidence{{Fact: "four-tuple", Value: fmt.Sprintf("%s %d, %s %d", x.Local.AddrPort().Addr(), x.Local.Port(), x.Peer.AddrPort().Addr(), x.Peer.Port()),
		Source: "getsockname(2), getpeername(2)", Command: ssCommand(x), Note: "Same local port as the listener. The four numbers together are what tells connections apart."}}
}

func unread(s *scene) []lesson.Evidence {
	was, ok := s.before.socket(s.role, s.call.FD)
	is, still := s.after.socket(s.role, s.call.FD)
	if !ok || !still || is.Listening {
		return nil
	}
	return []lesson.Evidence{{Fact: "unread here", Value: fmt.Sprintf("%d bytes (%d before)", is.Unread, was.Unread), Source: "ioctl(2) SIOCINQ", Command: ssCommand(is)}}
}

func unsent(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	if !ok || x.Listening || x.Domain == unix.AF_UNIX { // there it counts kernel memory
		return nil
	}
	value := fmt.Sprintf("%d bytes not acknowledged", x.Unsent)
	if !x.Stream() {
		value = fmt.Sprintf("%d bytes of memory not sent yet", x.Unsent)
	}
	return []lesson.Evidence{{Fact: "send queue", Value: value, Source: "ioctl(2) SIOCOUTQ", Command: ssCommand(x)}}
}

func sendBuffer(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	if !ok {
		return nil
	}
	return []lesson.Evidence{{Fact: "send buffer", Value: fmt.Sprintf("%d bytes", x.SendBuf), Source: "getsockopt(2) SO_SNDBUF"}}
}

func peerUnread(s *scene) []lesson.Evidence {
	x, ok := s.socket()
	waiting, there := s.values()["peer_unread"]
	if !ok || !there || !x.Stream() {
		return nil
	}
	return []lesson.Evidence{{Fact: "at the peer", Value: waiting + " bytes received and not read", Source: "sock_diag(7)", Command: ssCommand(x)}}
}

// afterClose looks for what is left of a connection that has no descriptor here
// any more.
func afterClose(s *scene) []lesson.Evidence {
	x, ok := s.before.socket(s.role, s.call.FD)
	if !ok || !x.Conversation() || x.Domain == unix.AF_UNIX || !x.Stream() {
		return nil
	}
	own, peer, ownThere, peerThere := s.after.rows(x)
	var found []lesson.Evidence
	add := func(who stage.Role, row kernel.InetSocket, there bool) {
		e := lesson.Evidence{Fact: string(who) + "'s end", Value: "gone", Source: "sock_diag(7)", Command: ssCommand(x)}
		if there {
			e.Value = fmt.Sprintf("%s, inode %d", row.State, row.Inode)
			if row.State == kernel.TimeWait {
				e.Note = fmt.Sprintf("This end has TIME_WAIT, for another %s.", lesson.Took(row.Expires.Round(time.Second)))
			}
		}
		found = append(found, e)
	}
	add(s.role, own, ownThere)
	add(s.other(), peer, peerThere)
	return found
}

func listenerGone(s *scene) []lesson.Evidence {
	x, ok := s.before.socket(s.role, s.call.FD)
	if !ok || !x.Listening || x.Domain == unix.AF_UNIX {
		return nil
	}
	if _, there := kernel.FindListener(s.after.tcp, x.Local.AddrPort()); there {
		return nil
	}
	return []lesson.Evidence{{Fact: "LISTEN row", Value: "none for " + x.Local.String(), Source: "sock_diag(7)", Command: ssCommand(x)}}
}

func addressHolder(s *scene) []lesson.Evidence {
	e := lesson.Evidence{Fact: "held by", Value: s.holder(), Source: "sock_diag(7), /proc/PID/fd", Command: fmt.Sprintf("ss -tanp 'sport = :%d'", s.order.Addr.Port())}
	if s.order.Addr.Family() == unix.AF_UNIX {
		e.Command = "ss -xlp"
	}
	if t, ok := s.taken(); ok && t.orphan() {
		e.Source = "connect(2): ECONNREFUSED"
	} else if ok && !t.socket() {
		e.Source, e.Command = "lstat(2)", ""
	}
	return []lesson.Evidence{e}
}

func timeWaiting(s *scene) []lesson.Evidence {
	n := s.inTimeWait(s.order.Addr)
	if n == 0 {
		return nil
	}
	return []lesson.Evidence{{Fact: "TIME_WAIT", Value: fmt.Sprintf("%d on port %d", n, s.order.Addr.Port()), Source: "sock_diag(7)",
		Command: fmt.Sprintf("ss -tan state time-wait 'sport = :%d'", s.order.Addr.Port())}}
}

func privilegedPorts(s *scene) []lesson.Evidence {
	value, err := kernel.Sysctl("net.ipv4.ip_unprivileged_port_start")
	if err != nil || s.order.Addr.Family() == unix.AF_UNIX {
		return nil
	}
	return []lesson.Evidence{{Fact: "first free port", Value: value, Source: "/proc/sys/net/ipv4/ip_unprivileged_port_start", Command: "sysctl net.ipv4.ip_unprivileged_port_start"}}
}

func processUser(s *scene) []lesson.Evidence {
	return []lesson.Evidence{{Fact: "user", Value: fmt.Sprintf("uid %d", os.Geteuid()), Source: "geteuid(2)", Command: "id -u"}}
}

func nonlocalBind(s *scene) []lesson.Evidence {
	value, err := kernel.Sysctl("net.ipv4.ip_nonlocal_bind")
	if err != nil {
		return nil
	}
	return []lesson.Evidence{{Fact: "ip_nonlocal_bind", Value: value, Source: "/proc/sys/net/ipv4/ip_nonlocal_bind", Command: "ip -br address",
		Note: "0: only an address of one of this machine's interfaces can be bound."}}
}

func nobodyListens(s *scene) []lesson.Evidence {
	addr := s.order.Addr
	if addr.Family() == unix.AF_UNIX || len(addr) == 0 {
		return nil
	}
	if _, there := kernel.FindListener(s.after.tcp, addr.AddrPort()); there {
		return nil
	}
	return []lesson.Evidence{{Fact: "listeners", Value: fmt.Sprintf("none on port %d", addr.Port()), Source: "sock_diag(7)", Command: fmt.Sprintf("ss -ltn 'sport = :%d'", addr.Port())}}
}

func descriptorLimit(s *scene) []lesson.Evidence {
	var limit unix.Rlimit
	if unix.Prlimit(s.pid(), unix.RLIMIT_NOFILE, nil, &limit) != nil {
		return nil
	}
	return []lesson.Evidence{{Fact: "RLIMIT_NOFILE", Value: fmt.Sprint(limit.Cur), Source: "prlimit(2)", Command: "grep files " + procPath(s, "limits")}}
}

func procPath(s *scene, name string) string { return fmt.Sprintf("/proc/%d/%s", s.pid(), name) }

// ssCommand is the ss(8) command that shows this socket.
func ssCommand(x stage.Socket) string {
	switch {
	case x.Domain == unix.AF_UNIX:
		return "ss -xap"
	case !x.Stream():
		return fmt.Sprintf("ss -uanp 'sport = :%d'", x.Local.Port())
	case x.Listening:
		return fmt.Sprintf("ss -ltnp 'sport = :%d'", x.Local.Port())
	}
	port := x.Local.Port()
	if x.Became == "connect" {
		port = x.With.Port()
	}
	if port == 0 {
		return ""
	}
	return fmt.Sprintf("ss -tanp '( sport = :%d or dport = :%d )'", port, port)
}
