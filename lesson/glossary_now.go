package lesson

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fd3/sockets"
	"fd3/sockets/kernel"
)

// now are the questions that each word of the glossary asks the kernel. Where it
// takes a socket to ask, the socket is made for that and closed again.
var now = map[string][]func() []Evidence{
	"kernel":          {kernelRelease},
	"process":         {ownProcess},
	"thread":          {ownThreads},
	"socket":          {socketsUsed, made("socket", "socket")},
	"file descriptor": {ownDescriptors, ownLimit},
	"fd table":        {ownDescriptors, ownLimit},
	"open file description": {
		duplicate,
	},
	"inode":             {freshInode},
	"system call":       {callTime, made("system call", "sendto")},
	"kernel space":      {kernelRelease},
	"user space":        {ownAddress},
	"errno":             {answered(unix.EBADF)},
	"signal":            {ownSignals},
	"sysctl":            {setting("somaxconn", "net.core.somaxconn", "")},
	"network namespace": {ownNamespace},

	"blocking":           {freshFlags, freshTimeout},
	"non-blocking":       {answered(unix.EAGAIN)},
	"endianness":         {ownOrder},
	"network byte order": {portBytes},
	"htons":              {withoutHtons},
	"address":            {freshAddress},
	"port":               {listeners},
	"ephemeral port":     {setting("port range", "net.ipv4.ip_local_port_range", "The first and the last port that the kernel chooses."), freshAddress},
	"privileged port":    {setting("first free port", "net.ipv4.ip_unprivileged_port_start", "Ports from here on are for everybody."), ownUser},
	"interface":          {interfaces(false)},
	"loopback":           {interfaces(true)},
	"localhost":          {hosts},
	"wildcard":           {wildcards},
	"sockaddr_in":        {freshStruct},
	"AF_INET":            {socketsOf(unix.AF_INET)},
	"AF_INET6":           {socketsOf(unix.AF_INET6), setting("bindv6only", "net.ipv6.bindv6only", "0: a socket bound to `::` takes IPv4 as well.")},
	"AF_UNIX":            {unixSockets},
	"SOCK_STREAM":        {freshKind(unix.SOCK_STREAM)},
	"SOCK_DGRAM":         {freshKind(unix.SOCK_DGRAM)},

	"stream":            {oneStream},
	"datagram":          {twoDatagrams},
	"TCP":               {counter("established", "Tcp.CurrEstab", "connections in ESTABLISHED or CLOSE_WAIT"), setting("congestion", "net.ipv4.tcp_congestion_control", "How TCP here decides how much may be under way.")},
	"UDP":               {udpSockets},
	"IP":                {setting("hops", "net.ipv4.ip_default_ttl", "How many machines may hand on a packet from here before it is thrown away (TTL).")},
	"packet":            {counter("packets in", "Ip.InReceives", "have come in over IPv4"), counter("packets out", "Ip.OutRequests", "were handed to IPv4 here to send")},
	"MTU":               {interfaces(false)},
	"segment":           {counter("segments in", "Tcp.InSegs", "have come in"), counter("segments out", "Tcp.OutSegs", "were sent")},
	"connection":        {counter("established", "Tcp.CurrEstab", "connections in ESTABLISHED or CLOSE_WAIT"), freshTuple},
	"peer":              {freshTuple},
	"handshake":         {counter("as a client", "Tcp.ActiveOpens", "begun from here"), counter("as a server", "Tcp.PassiveOpens", "that came to a listener here")},
	"SYN":               {setting("tcp_syn_retries", "net.ipv4.tcp_syn_retries", "How often a client sends its SYN again.")},
	"ACK":               {counter("ACKs", "TcpExt.TCPPureAcks", "segments have come in that carried an ACK and no bytes")},
	"FIN":               {inState(kernel.FinWait1, kernel.LastAck)},
	"RST":               {counter("resets sent", "Tcp.OutRsts", "segments with RST were sent"), answered(unix.ECONNREFUSED)},
	"sequence number":   {freshBytes},
	"retransmission":    {counter("sent again", "Tcp.RetransSegs", "segments"), setting("tcp_retries2", "net.ipv4.tcp_retries2", "How often the kernel tries before it gives up an open connection.")},
	"four-tuple":        {freshTuple},
	"backlog":           {clamped, setting("somaxconn", "net.core.somaxconn", "The most that any backlog here can be.")},
	"accept queue":      {oneWaiting, counter("overflows", "TcpExt.ListenOverflows", "times an accept queue was full when a connection was ready for it")},
	"SYN queue":         {inState(kernel.SynRecv), setting("max_syn_backlog", "net.ipv4.tcp_max_syn_backlog", "")},
	"somaxconn":         {setting("somaxconn", "net.core.somaxconn", "The most that any backlog here can be."), headerSomaxconn},
	"SYN cookie":        {setting("tcp_syncookies", "net.ipv4.tcp_syncookies", "0: never. 1: when the SYN queue overflows. 2: always."), counter("cookies sent", "TcpExt.SyncookiesSent", "so far")},
	"Recv-Q":            {unreadHere, oneWaiting},
	"Send-Q":            {unsentHere, oneWaiting},
	"send buffer":       {freshBuffer("SO_SNDBUF", unix.SO_SNDBUF), setting("tcp_wmem", "net.ipv4.tcp_wmem", "Bytes: the least, what a socket begins with, and the most that the kernel lets it grow to.")},
	"receive buffer":    {freshBuffer("SO_RCVBUF", unix.SO_RCVBUF), setting("tcp_rmem", "net.ipv4.tcp_rmem", "Bytes: the least, what a socket begins with, and the most that the kernel lets it grow to.")},
	"window":            {freshInfo("window", func(t *unix.TCPInfo) string { return fmt.Sprintf("%d bytes, the peer's", t.Snd_wnd) }), setting("window scaling", "net.ipv4.tcp_window_scaling", "1: a window may be larger than the 65535 that fit into its field.")},
	"congestion window": {freshInfo("cwnd", func(t *unix.TCPInfo) string { return fmt.Sprintf("%d segments", t.Snd_cwnd) }), setting("congestion", "net.ipv4.tcp_congestion_control", "")},
	"MSS":               {freshInfo("mss", func(t *unix.TCPInfo) string { return fmt.Sprintf("%d bytes, over loopback", t.Snd_mss) }), interfaces(true)},
	"RTT":               {freshInfo("rtt", func(t *unix.TCPInfo) string { return fmt.Sprintf("%.3f ms, over loopback", float64(t.Rtt)/1000) })},
	"partial read":      {fewBytes},
	"partial write":     {muchAtOnce},
	"EOF":               {endOfFile},
	"half-close":        {halfClosed},
	"close-on-exec":     {freshCloexec},
	"SIGPIPE":           {signalNumber, answered(unix.EPIPE)},
	"MSG_NOSIGNAL":      {answered(unix.EPIPE)},

	"LISTEN state": {listeners},
	"SYN_SENT":     {inState(kernel.SynSent), setting("tcp_syn_retries", "net.ipv4.tcp_syn_retries", "How often a client sends its SYN again.")},
	"SYN_RECV":     {inState(kernel.SynRecv)},
	"ESTABLISHED":  {inState(kernel.Established)},
	"FIN_WAIT1":    {inState(kernel.FinWait1)},
	"FIN_WAIT2":    {inState(kernel.FinWait2), setting("tcp_fin_timeout", "net.ipv4.tcp_fin_timeout", "Seconds until the kernel forgets an end that no process holds.")},
	"CLOSING":      {inState(kernel.Closing)},
	"TIME_WAIT":    {inState(kernel.TimeWait), counter("since the start", "TcpExt.TW", "times a TIME_WAIT has run out")},
	"CLOSE_WAIT":   {inState(kernel.CloseWait)},
	"LAST_ACK":     {inState(kernel.LastAck)},
	"CLOSED":       {freshState},

	"SO_REUSEADDR": {freshOption("SO_REUSEADDR", unix.SOL_SOCKET, unix.SO_REUSEADDR)},
	"SO_REUSEPORT": {freshOption("SO_REUSEPORT", unix.SOL_SOCKET, unix.SO_REUSEPORT)},
	"SO_LINGER":    {freshLinger},
	"SO_KEEPALIVE": {freshOption("SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE), setting("keepalive_time", "net.ipv4.tcp_keepalive_time", "Seconds of silence before the kernel asks.")},
	"TCP_NODELAY":  {freshOption("TCP_NODELAY", unix.SOL_TCP, unix.TCP_NODELAY)},
	"TCP_INFO": {freshInfo("TCP_INFO", func(t *unix.TCPInfo) string {
		return fmt.Sprintf("%s, rtt %.3f ms, mss %d, cwnd %d, window %d", kernel.State(t.State), float64(t.Rtt)/1000, t.Snd_mss, t.Snd_cwnd, t.Snd_wnd)
	})},

	"bind":          {made("bind", "bind")},
	"listen":        {made("listen", "listen")},
	"accept4":       {made("accept4", "accept4")},
	"connect":       {made("connect", "connect")},
	"recvfrom":      {made("recvfrom", "recvfrom")},
	"sendto":        {made("sendto", "sendto")},
	"shutdown":      {made("shutdown", "shutdown")},
	"close":         {made("close", "close")},
	"setsockopt":    {made("setsockopt", "setsockopt")},
	"epoll_create1": {made("epoll_create1", "epoll_create1")},
	"epoll_ctl":     {made("epoll_ctl", "epoll_ctl")},
	"epoll_wait":    {made("epoll_wait", "epoll_pwait")},
	"sendfile":      {made("sendfile", "sendfile")},
	"openat2":       {made("openat2", "openat2")},
	"dup":           {duplicate},
	"getsockopt":    {freshOption("SO_REUSEADDR", unix.SOL_SOCKET, unix.SO_REUSEADDR), freshBuffer("SO_SNDBUF", unix.SO_SNDBUF)},
	"getsockname":   {freshAddress},
	"getpeername":   {freshTuple},
	"fcntl":         {freshFlags, freshCloexec},
	"epoll":         {made("epoll", "epoll_pwait")},
	"event loop":    {made("event loop", "epoll_pwait")},
	"C10K":          {ownLimit, setting("nr_open", "fs.nr_open", "The most descriptors that any process here can have.")},
	"strace":        {program("strace"), traceScope},
	"ss":            {program("ss")},
	"curl":          {program("curl")},
	"nc":            {program("nc")},
	"wchan":         {sleepingThread},
	"sock_diag":     {asked},
	"procfs":        {ownTable},
	"EADDRINUSE":    {answered(unix.EADDRINUSE)},
	"EADDRNOTAVAIL": {answered(unix.EADDRNOTAVAIL)},
	"ECONNREFUSED":  {answered(unix.ECONNREFUSED)},
	"ECONNRESET":    {answered(unix.ECONNRESET)},
	"EPIPE":         {answered(unix.EPIPE)},
	"EAGAIN":        {answered(unix.EAGAIN)},
	"EINVAL":        {answered(unix.EINVAL)},
	"EBADF":         {answered(unix.EBADF)},
	"EMFILE":        {ownLimit},
	"ENOTCONN":      {answered(unix.ENOTCONN)},
	"EISCONN":       {answered(unix.EISCONN)},
	"EACCES":        {answered(unix.EACCES)},
	"EINPROGRESS":   {answered(unix.EINPROGRESS)},
	"EALREADY":      {answered(unix.EALREADY)},
	"ETIMEDOUT":     {setting("tcp_syn_retries", "net.ipv4.tcp_syn_retries", "How often a client sends its SYN again."), counter("timeouts", "TcpExt.TCPAbortOnTimeout", "connections were given up")},
	"ENOTSOCK":      {answered(unix.ENOTSOCK)},
	"EAFNOSUPPORT":  {answered(unix.EAFNOSUPPORT)},
	"EOPNOTSUPP":    {answered(unix.EOPNOTSUPP)},
	"EPROTONOSUPPORT": {
		answered(unix.EPROTONOSUPPORT),
	},
	"EMSGSIZE":     {answered(unix.EMSGSIZE)},
	"EDESTADDRREQ": {answered(unix.EDESTADDRREQ)},
	"ENOENT":       {answered(unix.ENOENT)},
}

// one is the evidence of a single reading, or none where it failed.
func one(e Evidence, err error) []Evidence {
	if err != nil {
		return nil
	}
	return []Evidence{e}
}

// setting reads a sysctl.
func setting(fact, name, note string) func() []Evidence {
	return func() []Evidence {
		value, err := kernel.Sysctl(name)
		return one(Evidence{Fact: fact, Value: strings.Join(strings.Fields(value), " "), Note: note,
			Source: "/proc/sys/" + strings.ReplaceAll(name, ".", "/"), Command: "sysctl " + name}, err)
	}
}

// counter reads what the kernel has counted in this network namespace.
func counter(fact, name, unit string) func() []Evidence {
	return func() []Evidence {
		all, err := kernel.ReadCounters(os.Getpid())
		n, there := all[name]
		if err != nil || !there {
			return nil
		}
		file := "snmp"
		if strings.HasPrefix(name, "TcpExt.") {
			file = "netstat"
		}
		command := "nstat -asz " + strings.Replace(name, ".", "", 1)
		if name == "Tcp.CurrEstab" { // the one that goes down as well, and nstat(8) leaves it out
			command = "ss -s"
		}
		return []Evidence{{Fact: fact, Value: fmt.Sprint(n) + " " + unit, Source: "/proc/net/" + file, Command: command}}
	}
}

func headerSomaxconn() []Evidence {
	return []Evidence{{Fact: "SOMAXCONN", Value: fmt.Sprintf("%d in Go's package syscall, %d in x/sys/unix", syscall.SOMAXCONN, unix.SOMAXCONN), Source: "the packages, as this program was built",
		Command: "echo SOMAXCONN | cpp -P -include sys/socket.h -", Note: "Constants of a program, whatever the kernel allows. The command shows that of C."}}
}

func signalNumber() []Evidence {
	return []Evidence{{Fact: "number", Value: fmt.Sprint(int(unix.SIGPIPE)), Source: "signal(7)", Command: "kill -l PIPE"}}
}

func kernelRelease() []Evidence {
	var u unix.Utsname
	err := unix.Uname(&u)
	return one(Evidence{Fact: "kernel", Value: unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:]) + " on " + unix.ByteSliceToString(u.Machine[:]),
		Source: "uname(2)", Command: "uname -srm"}, err)
}

func ownProcess() []Evidence {
	return []Evidence{{Fact: "this process", Value: fmt.Sprintf("pid %d, its parent %d", os.Getpid(), os.Getppid()), Source: "getpid(2), getppid(2)",
		Command: "echo $$", Note: "The pid of fd3 is another one each time. The command shows the parent, if it is your shell."}}
}

func ownThreads() []Evidence {
	all, err := os.ReadDir("/proc/self/task")
	return one(Evidence{Fact: "this process", Value: counted(int64(len(all)), "thread"), Source: "/proc/self/task", Command: "ls /proc/PID/task",
		Note: "A Go program has several from the start. Look at a process of your own by its PID."}, err)
}

func socketsUsed() []Evidence {
	line, err := procLine("/proc/net/sockstat", "sockets:")
	return one(Evidence{Fact: "in this network", Value: strings.TrimPrefix(line, "sockets: "), Source: "/proc/net/sockstat", Command: "cat /proc/net/sockstat",
		Note: "All kinds of sockets that processes hold."}, err)
}

// procLine is the first line of a file that starts so.
func procLine(path, start string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, start) {
			return strings.TrimSpace(line), nil
		}
	}
	return "", fmt.Errorf("%s: no line %s", path, start)
}

func ownDescriptors() []Evidence {
	fds, err := kernel.FDs(os.Getpid())
	var shown []string
	for _, fd := range fds {
		shown = append(shown, fmt.Sprintf("%d=%s", fd.Number, fd.Target))
	}
	return one(Evidence{Fact: "this process", Value: strings.Join(shown, ", "), Source: "/proc/self/fd", Command: "ls -l /proc/self/fd",
		Note: "The command shows its own, with one more for the directory that it reads."}, err)
}

func ownLimit() []Evidence {
	var limit unix.Rlimit
	err := unix.Prlimit(0, unix.RLIMIT_NOFILE, nil, &limit)
	return one(Evidence{Fact: "RLIMIT_NOFILE", Value: fmt.Sprintf("%d of at most %d", limit.Cur, limit.Max), Source: "prlimit(2)", Command: "ulimit -Sn; ulimit -Hn",
		Note: "A Go program raises the first to the second when it starts, so a shell may show less."}, err)
}

func duplicate() []Evidence {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	second, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(second)
	value := fmt.Sprintf("fd %d made from fd %d: two numbers", second, fd)
	if same, err := kernel.SameFile(os.Getpid(), fd, os.Getpid(), second); err == nil && same {
		value += ", one open file description"
	}
	return []Evidence{{Fact: "a duplicate", Value: value, Source: "fcntl(2) F_DUPFD_CLOEXEC, kcmp(2)", Command: "strace -f -e trace=fcntl,kcmp fd3 explain dup"}}
}

func freshInode() []Evidence {
	return newSocket(unix.SOCK_STREAM, func(fd int) []Evidence {
		var st unix.Stat_t
		err := unix.Fstat(fd, &st)
		return one(Evidence{Fact: "a new socket", Value: fmt.Sprintf("fd %d, inode %d", fd, st.Ino), Source: "fstat(2)", Command: "ls -l /proc/PID/fd"}, err)
	})
}

// callTime measures a system call that does next to nothing.
func callTime() []Evidence {
	const times = 100_000
	start := time.Now()
	for range times {
		unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
	}
	mean := time.Since(start) / times
	return []Evidence{{Fact: "there and back", Value: fmt.Sprintf("%d ns, the mean of %d calls", mean.Nanoseconds(), times), Source: "getppid(2), measured now",
		Command: "perf bench syscall basic", Note: "The call asks for the number of the parent process: hardly any work, so this is about the way alone."}}
}

func ownAddress() []Evidence {
	maps, err := os.ReadFile("/proc/self/maps")
	last := ""
	for line := range strings.Lines(string(maps)) {
		if !strings.Contains(line, "[vsyscall]") {
			last, _, _ = strings.Cut(line, " ")
		}
	}
	_, end, _ := strings.Cut(last, "-")
	return one(Evidence{Fact: "this process", Value: "its memory ends at 0x" + strings.TrimLeft(end, "0"), Source: "/proc/self/maps", Command: "cat /proc/self/maps",
		Note: "Above that the addresses belong to the kernel, and the process cannot read them."}, err)
}

func ownSignals() []Evidence {
	line, err := procLine("/proc/self/status", "SigCgt:")
	_, mask, _ := strings.Cut(line, "\t")
	bits, parsed := strconv.ParseUint(mask, 16, 64)
	if err == nil {
		err = parsed
	}
	n := 0
	for ; bits != 0; bits &= bits - 1 {
		n++
	}
	return one(Evidence{Fact: "this process", Value: "handlers for " + counted(int64(n), "signal"), Source: "/proc/self/status, SigCgt", Command: "grep Sig /proc/self/status",
		Note: "The Go runtime sets them. The command shows its own, which are fewer."}, err)
}

func ownNamespace() []Evidence {
	target, err := os.Readlink("/proc/self/ns/net")
	return one(Evidence{Fact: "this process", Value: target, Source: "/proc/self/ns/net", Command: "readlink /proc/self/ns/net"}, err)
}

func ownUser() []Evidence {
	return []Evidence{{Fact: "you", Value: fmt.Sprintf("uid %d", os.Geteuid()), Source: "geteuid(2)", Command: "id -u"}}
}

func ownOrder() []Evidence {
	var memory [2]byte
	binary.NativeEndian.PutUint16(memory[:], 8080)
	order := "big-endian"
	if memory[0] == 8080&0xff {
		order = "little-endian"
	}
	return []Evidence{
		{Fact: "this machine", Value: order, Source: "bytes of a number in memory", Command: "lscpu | grep Endian"},
		{Fact: "8080 in memory", Value: fmt.Sprintf("% x", memory), Source: "two bytes of this process", Command: `perl -e 'print unpack("H*", pack("S", 8080)), "\n"'`},
	}
}

func portBytes() []Evidence {
	addr := sockets.InetSockaddr(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 8080))
	return append(ownOrder()[1:], Evidence{Fact: "on the network", Value: fmt.Sprintf("% x", []byte(addr[2:4])), Source: "sin_port of a sockaddr_in",
		Command: `perl -e 'print unpack("H*", pack("n", 8080)), "\n"'`})
}

// withoutHtons binds a port whose bytes were not turned around and asks the
// kernel what it understood.
func withoutHtons() []Evidence {
	addr := sockets.InetSockaddr(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0))
	binary.NativeEndian.PutUint16(addr[2:4], 8080)
	return newSocket(unix.SOCK_STREAM, func(fd int) []Evidence {
		var t sockets.Tracer
		value := fmt.Sprintf("port 8080 becomes port %d", addr.Port())
		if c := t.Bind(fd, addr); c.Err() == nil {
			value = fmt.Sprintf("bound port 8080, and the kernel says %d", sockets.Sockname(fd).Port())
		}
		return []Evidence{{Fact: "without htons", Value: value, Source: "bind(2), getsockname(2)", Command: `perl -e 'print unpack("n", pack("S", 8080)), "\n"'`}}
	})
}

// newSocket makes a socket over IPv4, asks something about it and closes it.
func newSocket(typ int, ask func(fd int) []Evidence) []Evidence {
	fd, err := unix.Socket(unix.AF_INET, typ|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	return ask(fd)
}

// freshBound is newSocket with a port of the kernel's choice on loopback.
func freshBound(ask func(fd int) []Evidence) []Evidence {
	return newSocket(unix.SOCK_STREAM, func(fd int) []Evidence {
		var t sockets.Tracer
		if t.Bind(fd, anyPort).Err() != nil {
			return nil
		}
		return ask(fd)
	})
}

var anyPort = sockets.InetSockaddr(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0))

func freshFlags() []Evidence {
	return newSocket(unix.SOCK_STREAM, func(fd int) []Evidence {
		f, err := kernel.FDInfo(os.Getpid(), fd)
		note := "No `O_NONBLOCK` among them: it blocks."
		if slices.Contains(f.Names, "O_NONBLOCK") {
			note = ""
		}
		return one(Evidence{Fact: "a new socket", Value: fmt.Sprintf("flags 0%o = %s", f.Flags, strings.Join(f.Names, "|")),
			Source: fmt.Sprintf("/proc/self/fdinfo/%d", fd), Command: "cat /proc/PID/fdinfo/FD", Note: note}, err)
	})
}

func freshTimeout() []Evidence {
	return newSocket(unix.SOCK_STREAM, func(fd int) []Evidence {
		a, err := kernel.Ask(fd)
		value := a.RecvTimeo.String()
		if a.RecvTimeo == 0 {
			value = "0: it waits for ever"
		}
		return one(Evidence{Fact: "SO_RCVTIMEO", Value: value, Source: "getsockopt(2)"}, err)
	})
}

func freshAddress() []Evidence {
	return freshBound(func(fd int) []Evidence {
		return []Evidence{{Fact: "bound to port 0", Value: sockets.Sockname(fd).String(), Source: "getsockname(2)", Command: "fd3 bind 127.0.0.1:0",
			Note: "A new socket, bound just now: the port is the kernel's choice."}}
	})
}

func freshStruct() []Evidence {
	return freshBound(func(fd int) []Evidence {
		name := sockets.Sockname(fd)
		return []Evidence{
			{Fact: "16 bytes", Value: fmt.Sprintf("% x", []byte(name)), Source: "getsockname(2)", Command: "fd3 bind 127.0.0.1:0"},
			{Fact: "they mean", Value: fmt.Sprintf("family %d, port %d, address %s", name.Family(), name.Port(), name.AddrPort().Addr()), Source: "the same bytes"},
		}
	})
}

func freshKind(typ int) func() []Evidence {
	return func() []Evidence {
		return newSocket(typ, func(fd int) []Evidence {
			a, err := kernel.Ask(fd)
			return one(Evidence{Fact: "SO_PROTOCOL", Value: sockets.ProtocolName(a.Domain, a.Protocol), Source: "getsockopt(2)", Command: "fd3 socket",
				Note: "What the kernel made of protocol 0."}, err)
		})
	}
}

func freshOption(name string, level, option int) func() []Evidence {
	return func() []Evidence {
		return newSocket(unix.SOCK_STREAM, func(fd int) []Evidence {
			value, err := unix.GetsockoptInt(fd, level, option)
			return one(Evidence{Fact: name, Value: onOff(value != 0) + " on a new TCP socket", Source: "getsockopt(2)"}, err)
		})
	}
}

func freshBuffer(name string, option int) func() []Evidence {
	return func() []Evidence {
		return newSocket(unix.SOCK_STREAM, func(fd int) []Evidence {
			value, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, option)
			return one(Evidence{Fact: name, Value: fmt.Sprintf("%d bytes on a new TCP socket", value), Source: "getsockopt(2)"}, err)
		})
	}
}

func freshLinger() []Evidence {
	return newSocket(unix.SOCK_STREAM, func(fd int) []Evidence {
		var memory [8]byte // struct linger: two ints
		text, err := unix.GetsockoptString(fd, unix.SOL_SOCKET, unix.SO_LINGER)
		copy(memory[:], text)
		return one(Evidence{Fact: "SO_LINGER", Value: fmt.Sprintf("%s on a new TCP socket", onOff(binary.NativeEndian.Uint32(memory[:]) != 0)), Source: "getsockopt(2)"}, err)
	})
}

func freshCloexec() []Evidence {
	return newSocket(unix.SOCK_STREAM, func(fd int) []Evidence {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		return one(Evidence{Fact: "FD_CLOEXEC", Value: onOff(flags&unix.FD_CLOEXEC != 0) + " on a socket made with SOCK_CLOEXEC", Source: "fcntl(2) F_GETFD"}, err)
	})
}

func freshState() []Evidence {
	return newSocket(unix.SOCK_STREAM, func(fd int) []Evidence {
		a, err := kernel.Ask(fd)
		if err != nil || a.TCP == nil {
			return nil
		}
		return []Evidence{{Fact: "a new socket", Value: kernel.State(a.TCP.State).String(), Source: "getsockopt(2) TCP_INFO", Command: "ss -tan state unconnected"}}
	})
}

// tcpSockets are those of both families in some states.
func tcpSockets(mask uint32) ([]kernel.InetSocket, error) {
	all, err := kernel.InetSockets(unix.AF_INET, unix.IPPROTO_TCP, mask)
	if err != nil {
		return nil, err
	}
	if six, err := kernel.InetSockets(unix.AF_INET6, unix.IPPROTO_TCP, mask); err == nil {
		all = append(all, six...)
	}
	return all, nil
}

// stateNames are the names that ss(8) takes.
var stateNames = map[kernel.State]string{
	kernel.Established: "established", kernel.SynSent: "syn-sent", kernel.SynRecv: "syn-recv", kernel.FinWait1: "fin-wait-1",
	kernel.FinWait2: "fin-wait-2", kernel.TimeWait: "time-wait", kernel.CloseWait: "close-wait", kernel.LastAck: "last-ack", kernel.Closing: "closing",
}

// inState counts the connections that are in a state now.
func inState(states ...kernel.State) func() []Evidence {
	return func() []Evidence {
		var found []Evidence
		for _, s := range states {
			mask := s.Mask()
			if s == kernel.SynRecv { // an IPv4 or IPv6 request is one of these beside its listener
				mask |= kernel.NewSynRecv.Mask()
			}
			rows, err := tcpSockets(mask)
			found = append(found, one(Evidence{Fact: s.String() + " now", Value: counted(int64(len(rows)), "connection"), Source: "sock_diag(7)", Command: "ss -tan state " + stateNames[s]}, err)...)
		}
		return found
	}
}

func listeners() []Evidence {
	rows, err := tcpSockets(kernel.Listen.Mask())
	var ports []int
	for _, r := range rows {
		ports = append(ports, int(r.Local.Port()))
	}
	slices.Sort(ports)
	ports = slices.Compact(ports)
	var shown []string
	for _, port := range ports[:min(8, len(ports))] {
		shown = append(shown, strconv.Itoa(port))
	}
	value := counted(int64(len(rows)), "listener")
	if len(shown) > 0 {
		value += ", on port " + strings.Join(shown, ", ")
	}
	if more := len(ports) - len(shown); more > 0 {
		value += fmt.Sprintf(" and %d more", more)
	}
	return one(Evidence{Fact: "TCP here", Value: value, Source: "sock_diag(7)", Command: "ss -ltn"}, err)
}

func wildcards() []Evidence {
	rows, err := tcpSockets(kernel.Listen.Mask())
	n := 0
	for _, r := range rows {
		if r.Local.Addr().IsUnspecified() {
			n++
		}
	}
	return one(Evidence{Fact: "TCP here", Value: fmt.Sprintf("%d of %s", n, counted(int64(len(rows)), "listener")), Source: "sock_diag(7)", Command: "ss -ltn",
		Note: "These are bound to 0.0.0.0 or `::`, and take connections for every address."}, err)
}

func socketsOf(family int) func() []Evidence {
	return func() []Evidence {
		tcp, err := kernel.InetSockets(family, unix.IPPROTO_TCP, kernel.AllStates)
		if err != nil {
			return nil
		}
		udp, err := kernel.InetSockets(family, unix.IPPROTO_UDP, kernel.AllStates)
		version := map[int]string{unix.AF_INET: "4", unix.AF_INET6: "6"}[family]
		return one(Evidence{Fact: "now", Value: fmt.Sprintf("%d of TCP, %d of UDP", len(tcp), len(udp)), Source: "sock_diag(7)", Command: "ss -tuan -" + version}, err)
	}
}

func udpSockets() []Evidence {
	n := 0
	for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
		rows, err := kernel.InetSockets(family, unix.IPPROTO_UDP, kernel.AllStates)
		if err != nil && family == unix.AF_INET {
			return nil
		}
		n += len(rows)
	}
	return []Evidence{{Fact: "now", Value: counted(int64(n), "socket"), Source: "sock_diag(7)", Command: "ss -uan"}}
}

func unixSockets() []Evidence {
	rows, err := kernel.UnixSockets()
	return one(Evidence{Fact: "now", Value: counted(int64(len(rows)), "socket"), Source: "sock_diag(7)", Command: "ss -xa"}, err)
}

func asked() []Evidence {
	start := time.Now()
	rows, err := tcpSockets(kernel.AllStates)
	return one(Evidence{Fact: "asked just now", Value: fmt.Sprintf("%s of TCP, in %d microseconds", counted(int64(len(rows)), "socket"), time.Since(start).Microseconds()), Source: "sock_diag(7)", Command: "ss -tan"}, err)
}

func ownTable() []Evidence {
	rows, err := kernel.Table(os.Getpid(), "tcp")
	return one(Evidence{Fact: "IPv4 over TCP", Value: counted(int64(len(rows)), "row"), Source: "/proc/net/tcp", Command: "cat /proc/net/tcp"}, err)
}

func hosts() []Evidence {
	data, err := os.ReadFile("/etc/hosts")
	var found []string
	for line := range strings.Lines(string(data)) {
		line, _, _ = strings.Cut(line, "#")
		if fields := strings.Fields(line); len(fields) > 1 && slices.Contains(fields[1:], "localhost") {
			found = append(found, fields[0])
		}
	}
	if len(found) == 0 {
		found = []string{"not there"}
	}
	return one(Evidence{Fact: "localhost", Value: strings.Join(found, ", "), Source: "/etc/hosts", Command: "grep -w localhost /etc/hosts"}, err)
}

func program(name string) func() []Evidence {
	return func() []Evidence {
		path, err := exec.LookPath(name)
		if err != nil {
			path = "it is not installed here"
		}
		return []Evidence{{Fact: "here", Value: path, Source: "the directories of PATH", Command: "command -v " + name}}
	}
}

func traceScope() []Evidence {
	return setting("ptrace_scope", "kernel.yama.ptrace_scope", "0: a user may trace all processes of his own. 1: only those that he started under strace, or that allow it.")()
}

// sleepingThread finds a thread that waits: of this process one always does, for
// a Go program has more threads than work.
func sleepingThread() []Evidence {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return nil
	}
	for _, entry := range tasks {
		tid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if t, err := kernel.Thread(os.Getpid(), tid); err == nil && t.Wchan != "" {
			return []Evidence{{Fact: "a thread of fd3", Value: fmt.Sprintf("%s in %s", t.StateName, t.Wchan), Source: fmt.Sprintf("/proc/self/task/%d/wchan", tid), Command: "cat /proc/PID/wchan"}}
		}
	}
	return []Evidence{{Fact: "threads of fd3", Value: "none sleeps, or the kernel does not tell", Source: "/proc/self/task/TID/wchan", Command: "cat /proc/PID/wchan"}}
}

// A link is a network interface with its addresses.
type link struct {
	name      string
	mtu       uint32
	up, loops bool
	addresses []string
}

// links asks rtnetlink(7), as ip(8) does.
func links() ([]link, error) {
	messages := func(kind int) ([]syscall.NetlinkMessage, error) {
		answer, err := syscall.NetlinkRIB(kind, unix.AF_UNSPEC)
		if err != nil {
			return nil, err
		}
		return syscall.ParseNetlinkMessage(answer)
	}
	found, err := messages(unix.RTM_GETLINK)
	if err != nil {
		return nil, err
	}
	var all []link
	places := make(map[uint32]int)
	for _, m := range found {
		if m.Header.Type != unix.RTM_NEWLINK || len(m.Data) < unix.SizeofIfInfomsg {
			continue
		}
		index, flags := binary.NativeEndian.Uint32(m.Data[4:]), binary.NativeEndian.Uint32(m.Data[8:]) // ifi_index, ifi_flags
		l := link{up: flags&unix.IFF_UP != 0, loops: flags&unix.IFF_LOOPBACK != 0}
		attrs, err := syscall.ParseNetlinkRouteAttr(&m)
		if err != nil {
			return nil, err
		}
		for _, a := range attrs {
			switch {
			case a.Attr.Type == unix.IFLA_IFNAME:
				l.name = unix.ByteSliceToString(a.Value)
			case a.Attr.Type == unix.IFLA_MTU && len(a.Value) == 4:
				l.mtu = binary.NativeEndian.Uint32(a.Value)
			}
		}
		places[index] = len(all)
		all = append(all, l)
	}
	found, err = messages(unix.RTM_GETADDR)
	if err != nil {
		return nil, err
	}
	for _, m := range found {
		if m.Header.Type != unix.RTM_NEWADDR || len(m.Data) < unix.SizeofIfAddrmsg {
			continue
		}
		bits, index := int(m.Data[1]), binary.NativeEndian.Uint32(m.Data[4:]) // ifa_prefixlen, ifa_index
		attrs, err := syscall.ParseNetlinkRouteAttr(&m)
		if err != nil {
			return nil, err
		}
		own := netip.Addr{} // IFA_LOCAL where it is there: with a peer, IFA_ADDRESS is the peer's
		for _, a := range attrs {
			if addr, ok := netip.AddrFromSlice(a.Value); ok && (a.Attr.Type == unix.IFA_LOCAL || a.Attr.Type == unix.IFA_ADDRESS && !own.IsValid()) {
				own = addr
			}
		}
		if i, ok := places[index]; ok && own.IsValid() {
			all[i].addresses = append(all[i].addresses, netip.PrefixFrom(own, bits).String())
		}
	}
	return all, nil
}

// interfaces lists those of this network namespace, or the loopback alone.
func interfaces(loopback bool) func() []Evidence {
	return func() []Evidence {
		all, err := links()
		if err != nil {
			return nil
		}
		var found []Evidence
		for _, l := range all {
			if loopback && !l.loops {
				continue
			}
			state := "down"
			if l.up {
				state = "up"
			}
			value := fmt.Sprintf("%s, MTU %d", state, l.mtu)
			if len(l.addresses) > 0 {
				value += ", " + strings.Join(l.addresses, ", ")
			}
			found = append(found, Evidence{Fact: l.name, Value: value, Source: "rtnetlink(7)", Command: "ip address"})
		}
		return found
	}
}
