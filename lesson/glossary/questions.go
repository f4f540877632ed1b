package glossary

import (
	"fmt"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/facts"
	"fd3/sockets/kernel"
)

// A question is asked of the kernel; without an answer there is no evidence.
type question func() []lesson.Evidence

// questions has the questions of each word. The calls that bring an errno about are in
// failures.
var questions = map[string][]question{
	"kernel":                {kernelRelease},
	"kernel space":          {kernelRelease},
	"user space":            {ownMemory},
	"process":               {ownProcess},
	"mode switch":           {callTime},
	"context switch":        {ownSwitches},
	"vDSO":                  {ownVDSO},
	"thread":                {ownThreads},
	"signal":                {ownSignals},
	"network namespace":     {ownNamespace},
	"file descriptor":       {ownDescriptors, ownLimit},
	"fd table":              {ownDescriptors, ownLimit},
	"C10K":                  {ownLimit, mostDescriptors},
	"EMFILE":                {ownLimit},
	"system call":           {callTime, made("sendto")},
	"sysctl":                {somaxconn},
	"errno":                 {answered(unix.EBADF)},
	"endianness":            {byteOrder, inMemory},
	"network byte order":    {inMemory, onNetwork},
	"htons":                 {newSocket(unix.SOCK_STREAM, withoutHtons)},
	"socket":                {socketsUsed, made("socket")},
	"open file description": {newSocket(unix.SOCK_STREAM, duplicate)},
	"dup":                   {newSocket(unix.SOCK_STREAM, duplicate)},
	"inode":                 {newSocket(unix.SOCK_STREAM, inode)},
	"blocking":              {newSocket(unix.SOCK_STREAM, openFlags), newSocket(unix.SOCK_STREAM, recvTimeout)},
	"non-blocking":          {answered(unix.EAGAIN)},
	"fcntl":                 {newSocket(unix.SOCK_STREAM, openFlags), newSocket(unix.SOCK_STREAM, closeOnExec)},
	"close-on-exec":         {newSocket(unix.SOCK_STREAM, closeOnExec)},
	"strace":                {program("strace"), ptraceScope},
	"ss":                    {program("ss")},
	"curl":                  {program("curl")},
	"nc":                    {program("nc")},
	"wchan":                 {sleepingThread},
	"sock_diag":             {askedAtOnce},
	"procfs":                {ownTable},

	"address":         {newSocket(unix.SOCK_STREAM, chosenAddress)},
	"getsockname":     {newSocket(unix.SOCK_STREAM, chosenAddress)},
	"port":            {listeners},
	"server":          {listeners},
	"ephemeral port":  {setting("port range", "net.ipv4.ip_local_port_range", "The first and the last port that the kernel chooses."), newSocket(unix.SOCK_STREAM, chosenAddress)},
	"privileged port": {setting("first free port", "net.ipv4.ip_unprivileged_port_start", "Ports from here on are for everybody."), ownUser},
	"interface":       {interfaces},
	"MTU":             {interfaces},
	"loopback":        {loopback},
	"localhost":       {hosts},
	"wildcard":        {wildcards},
	"sockaddr_in":     {newSocket(unix.SOCK_STREAM, addressBytes)},
	"AF_INET":         {socketsOf(unix.AF_INET)},
	"AF_INET6":        {socketsOf(unix.AF_INET6), setting("bindv6only", "net.ipv6.bindv6only", "0: a socket bound to `::` takes IPv4 as well.")},
	"AF_UNIX":         {unixSockets},
	"SOCK_STREAM":     {newSocket(unix.SOCK_STREAM, protocol)},
	"SOCK_DGRAM":      {newSocket(unix.SOCK_DGRAM, protocol)},

	"IP":       {hops},
	"packet":   {counter("packets in", "Ip.InReceives", "", "came in over IPv4"), counter("packets out", "Ip.OutRequests", "", "handed to IPv4 here to send")},
	"ICMP":     {counter("unreachable", "Icmp.InDestUnreachs", "message", "came in to say so")},
	"UDP":      {udpSockets},
	"datagram": {withPair(twoDatagrams)},

	"TCP":               {established, congestion},
	"connection":        {established, connected(bothNames)},
	"peer":              {connected(bothNames)},
	"getpeername":       {connected(bothNames)},
	"four-tuple":        {connected(bothNames)},
	"segment":           {counter("segments in", "Tcp.InSegs", "", "came in"), counter("segments out", "Tcp.OutSegs", "", "sent")},
	"handshake":         {counter("as a client", "Tcp.ActiveOpens", "", "begun from here"), counter("as a server", "Tcp.PassiveOpens", "", "that came to a listener here")},
	"SYN":               {synRetries},
	"ACK":               {counter("ACKs", "TcpExt.TCPPureAcks", "segment", "came in with an ACK and no bytes")},
	"FIN":               {inState(kernel.FinWait1), inState(kernel.LastAck)},
	"RST":               {counter("resets sent", "Tcp.OutRsts", "segment", "with RST sent"), answered(unix.ECONNREFUSED)},
	"sequence number":   {connected(acknowledged)},
	"retransmission":    {counter("sent again", "Tcp.RetransSegs", "segment", ""), setting("tcp_retries2", "net.ipv4.tcp_retries2", "It sets a time: as long as so many tries last when the first pause is the shortest there is. Then the kernel gives up an open connection.")},
	"SACK":              {setting("tcp_sack", "net.ipv4.tcp_sack", "1: connections from here offer it."), counter("by SACK", "TcpExt.TCPSackRecovery", "time", "a loss was seen here")},
	"fast retransmit":   {counter("sent again", "TcpExt.TCPFastRetrans", "segment", "before the timer")},
	"RTO":               {tcpInfo("rto", func(t *unix.TCPInfo) string { return fmt.Sprintf("%s, over loopback", milliseconds(t.Rto)) }), counter("fired", "TcpExt.TCPTimeouts", "time", "")},
	"slow start":        {tcpInfo("cwnd", func(t *unix.TCPInfo) string { return lesson.Counted(t.Snd_cwnd, "segment") + ", of a new connection" })},
	"ETIMEDOUT":         {synRetries, counter("timeouts", "TcpExt.TCPAbortOnTimeout", "connection", "given up")},
	"backlog":           {withPair(clamped), somaxconn},
	"somaxconn":         {somaxconn, headerSomaxconn},
	"accept queue":      {withPair(waiting), counter("overflows", "TcpExt.ListenOverflows", "time", "a SYN or the last ACK of a handshake met a full accept queue")},
	"SYN queue":         {inState(kernel.SynRecv), setting("max_syn_backlog", "net.ipv4.tcp_max_syn_backlog", "")},
	"SYN cookie":        {setting("tcp_syncookies", "net.ipv4.tcp_syncookies", "0: never. 1: when the SYN queue overflows. 2: always."), counter("cookies sent", "TcpExt.SyncookiesSent", "", "so far")},
	"Recv-Q":            {connected(unread), withPair(waiting)},
	"Send-Q":            {connected(unacknowledged), withPair(waiting)},
	"send buffer":       {sendBuffer, sendSizes},
	"receive buffer":    {option("SO_RCVBUF", unix.SOL_SOCKET, unix.SO_RCVBUF, " bytes"), receiveSizes},
	"window":            {tcpInfo("window", func(t *unix.TCPInfo) string { return lesson.Counted(t.Snd_wnd, "byte") + ", the peer's" }), setting("window scaling", "net.ipv4.tcp_window_scaling", "1: a window may be larger than the 65535 that fit into its field.")},
	"congestion window": {tcpInfo("cwnd", func(t *unix.TCPInfo) string { return lesson.Counted(t.Snd_cwnd, "segment") }), congestion},
	"MSS":               {tcpInfo("mss", func(t *unix.TCPInfo) string { return fmt.Sprintf("%d bytes, over loopback", t.Snd_mss) }), loopback},
	"RTT":               {tcpInfo("rtt", func(t *unix.TCPInfo) string { return fmt.Sprintf("%s, over loopback", milliseconds(t.Rtt)) })},
	"TCP_INFO": {tcpInfo("TCP_INFO", func(t *unix.TCPInfo) string {
		return fmt.Sprintf("%s, rtt %s, mss %d, cwnd %d, window %d", kernel.State(t.State), milliseconds(t.Rtt), t.Snd_mss, t.Snd_cwnd, t.Snd_wnd)
	})},

	"stream":        {connected(oneStream)},
	"partial read":  {connected(fewBytes)},
	"partial write": {connected(muchAtOnce)},
	"EOF":           {connected(endOfFile)},
	"half-close":    {connected(halfClosed)},
	"SIGPIPE":       {signalNumber("SIGPIPE"), answered(unix.EPIPE)},
	"MSG_NOSIGNAL":  {answered(unix.EPIPE)},
	"MSG_DONTWAIT":  {answered(unix.EAGAIN)},

	"LISTEN state": {listeners},
	"SYN_SENT":     {inState(kernel.SynSent), synRetries},
	"SYN_RECV":     {inState(kernel.SynRecv)},
	"ESTABLISHED":  {inState(kernel.Established)},
	"FIN_WAIT1":    {inState(kernel.FinWait1)},
	"FIN_WAIT2":    {inState(kernel.FinWait2), setting("tcp_fin_timeout", "net.ipv4.tcp_fin_timeout", "Seconds until the kernel forgets an end that no process holds.")},
	"CLOSING":      {inState(kernel.Closing)},
	"TIME_WAIT":    {inState(kernel.TimeWait), counter("since the start", "TcpExt.TW", "connection", "counted in it")},
	"CLOSE_WAIT":   {inState(kernel.CloseWait)},
	"LAST_ACK":     {inState(kernel.LastAck)},
	"CLOSED":       {newSocket(unix.SOCK_STREAM, state)},

	"SO_REUSEADDR": {reuseAddr},
	"SO_REUSEPORT": {option("SO_REUSEPORT", unix.SOL_SOCKET, unix.SO_REUSEPORT, "")},
	"SO_LINGER":    {option("SO_LINGER", unix.SOL_SOCKET, unix.SO_LINGER, "")}, // l_onoff, the first int of the struct
	"SO_RCVTIMEO":  {newSocket(unix.SOCK_STREAM, recvTimeout)},
	"IP_RECVERR":   {option("IP_RECVERR", unix.SOL_IP, unix.IP_RECVERR, "")},
	"SO_KEEPALIVE": {option("SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, ""), setting("keepalive_time", "net.ipv4.tcp_keepalive_time", "Seconds of silence before the kernel asks.")},
	"TCP_NODELAY":  {option("TCP_NODELAY", unix.SOL_TCP, unix.TCP_NODELAY, "")},
	"getsockopt":   {reuseAddr, sendBuffer},
	"SO_PROTOCOL":  {newSocket(unix.SOCK_STREAM, protocol), newSocket(unix.SOCK_DGRAM, protocol)},
	"SO_ERROR":     {withPair(errorTaken)},

	"TCP_DEFER_ACCEPT":  {option("TCP_DEFER_ACCEPT", unix.SOL_TCP, unix.TCP_DEFER_ACCEPT, "")},
	"TCP_USER_TIMEOUT":  {option("TCP_USER_TIMEOUT", unix.SOL_TCP, unix.TCP_USER_TIMEOUT, "")},
	"Nagle's algorithm": {option("TCP_NODELAY", unix.SOL_TCP, unix.TCP_NODELAY, "")},

	"SIGSTOP":        {signalNumber("SIGSTOP"), signalNumber("SIGCONT"), signalNumber("SIGTSTP")},
	"fork":           {forks},
	"RLIMIT_NOFILE":  {ownLimit, mostDescriptors},
	"eBPF":           {setting("unprivileged", "kernel.unprivileged_bpf_disabled", "0: any user may load some kinds of programs. 1 and 2: that takes a right.")},
	"poll":           {withPair(polled)},
	"select":         {withPair(selected), setSize},
	"edge-triggered": {withPair(askedTwice)},
	"timeout":        {withPair(waitedShortly), newSocket(unix.SOCK_STREAM, recvTimeout)},

	"sockaddr_un":      {unixAddressSize, autobound(abstractName)},
	"abstract address": {autobound(abstractName)},
	"SCM_RIGHTS":       {newSocket(unix.SOCK_STREAM, handedOver)},
	"MSG_PEEK":         {connected(peeked)},

	"getaddrinfo":    {resolver, hosts},
	"DNS":            {nameservers},
	"failed connect": {answered(unix.ECONNREFUSED)},
	"empty reply":    {connected(closedUnanswered)},
	"HTTPS":          {listenersOn(443)},
	"TLS":            {setting("kernel's own", "net.ipv4.tcp_available_ulp", "`tls` in this list: the kernel can encrypt for a program that asks for it.")},

	"delayed ACK":        {counter("delayed ACKs", "TcpExt.DelayedACKs", "", "sent")},
	"autotuning":         {setting("moderate_rcvbuf", "net.ipv4.tcp_moderate_rcvbuf", "1: receive buffers grow by themselves."), receiveSizes, sendSizes},
	"zero window":        {counter("closed here", "TcpExt.TCPToZeroWindowAdv", "time", "an end here had no more room"), counter("probes", "TcpExt.TCPWinProbe", "", "sent to a closed window")},
	"congestion control": {congestion, setting("ready to use", "net.ipv4.tcp_available_congestion_control", "")},

	"qdisc":         {qdiscs, setting("default_qdisc", "net.core.default_qdisc", "What a new interface gets.")},
	"bufferbloat":   {qdiscs},
	"TSO":           {offloads},
	"checksum":      {counter("wrong in TCP", "Tcp.InCsumErrors", "segment", "dropped"), counter("wrong in UDP", "Udp.InCsumErrors", "datagram", "dropped")},
	"fragmentation": {counter("cut", "Ip.FragCreates", "piece", "made here"), counter("joined", "Ip.ReasmOKs", "packet", "put together here"), setting("ip_no_pmtu_disc", "net.ipv4.ip_no_pmtu_disc", "0: TCP finds out the smallest MTU of the way, and cuts its segments for it.")},
	"TTL":           {hops},
	"ARP":           {neighbours},
	"NAT":           {privateAddresses},
	"conntrack":     {setting("remembered", "net.netfilter.nf_conntrack_count", "Connections, now."), setting("at most", "net.netfilter.nf_conntrack_max", "")},

	"tcp_tw_reuse":          {setting("tcp_tw_reuse", "net.ipv4.tcp_tw_reuse", "0: never. 1: for any connection. 2: over loopback only.")},
	"tcp_syn_retries":       {synRetries, setting("linear timeouts", "net.ipv4.tcp_syn_linear_timeouts", "")},
	"tcp_abort_on_overflow": {setting("on overflow", "net.ipv4.tcp_abort_on_overflow", "0: the ACK is dropped. 1: a RST is sent.")},
	"ip_nonlocal_bind":      {sysctl("net.ipv4.ip_nonlocal_bind", facts.NonlocalBind)},
	"tcp_mtu_probing":       {setting("tcp_mtu_probing", "net.ipv4.tcp_mtu_probing", "0: never. 1: when full segments keep getting lost. 2: always.")},
	"ip_forward":            {setting("ip_forward", "net.ipv4.ip_forward", "0: what is for another address is thrown away. 1: it is passed on.")},
	"ping_group_range":      {setting("ping_group_range", "net.ipv4.ping_group_range", "The first and the last group.")},
	"max_dgram_qlen":        {setting("max_dgram_qlen", "net.unix.max_dgram_qlen", "")},
	"ptrace_scope":          {ptraceScope},
	"MPTCP":                 {setting("enabled", "net.mptcp.enabled", "1: a program can have it.")},

	"bind":          {made("bind")},
	"listen":        {made("listen")},
	"accept4":       {made("accept4")},
	"connect":       {made("connect")},
	"recvfrom":      {made("recvfrom")},
	"sendto":        {made("sendto")},
	"sendfile":      {made("sendfile")},
	"shutdown":      {made("shutdown")},
	"close":         {made("close")},
	"setsockopt":    {made("setsockopt")},
	"openat2":       {made("openat2")},
	"epoll":         {made("epoll_pwait")},
	"epoll_create1": {made("epoll_create1")},
	"epoll_ctl":     {made("epoll_ctl")},
	"epoll_wait":    {made("epoll_pwait")},
	"event loop":    {made("epoll_pwait")},
}

// These are the questions of more than one word.
var (
	somaxconn   = sysctl("net.core.somaxconn", facts.Somaxconn)
	synRetries  = setting("tcp_syn_retries", "net.ipv4.tcp_syn_retries", "It decides how often a client sends its SYN again, in newer kernels together with tcp_syn_linear_timeouts.")
	hops        = setting("hops", "net.ipv4.ip_default_ttl", "How many machines may hand on a packet from here before it is thrown away (TTL).")
	congestion  = setting("congestion", "net.ipv4.tcp_congestion_control", "How TCP here decides how much may be under way.")
	established = counter("established", "Tcp.CurrEstab", "connection", "in ESTABLISHED or CLOSE_WAIT")
	reuseAddr   = option("SO_REUSEADDR", unix.SOL_SOCKET, unix.SO_REUSEADDR, "")
	sendBuffer  = option("SO_SNDBUF", unix.SOL_SOCKET, unix.SO_SNDBUF, " bytes")

	sendSizes       = setting("tcp_wmem", "net.ipv4.tcp_wmem", bufferSizes)
	receiveSizes    = setting("tcp_rmem", "net.ipv4.tcp_rmem", bufferSizes)
	mostDescriptors = setting("nr_open", "fs.nr_open", "The most descriptors that any process here can have.")
	ptraceScope     = setting("ptrace_scope", "kernel.yama.ptrace_scope", "0: a user may trace all processes of theirs. 1: only those that they started under strace, or that allow it.")
)

const bufferSizes = "Bytes: the least, what a socket begins with, and the most that the kernel lets it grow to."
