package glossary

import (
	"fmt"

	"golang.org/x/sys/unix"

	"fd3/lesson"
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
	"C10K":                  {ownLimit, setting("nr_open", "fs.nr_open", "The most descriptors that any process here can have.")},
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
	"strace":                {program("strace"), setting("ptrace_scope", "kernel.yama.ptrace_scope", "0: a user may trace all processes of his own. 1: only those that he started under strace, or that allow it.")},
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

	"IP":       {setting("hops", "net.ipv4.ip_default_ttl", "How many machines may hand on a packet from here before it is thrown away (TTL).")},
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
	"retransmission":    {counter("sent again", "Tcp.RetransSegs", "segment", ""), setting("tcp_retries2", "net.ipv4.tcp_retries2", "How often the kernel tries before it gives up an open connection.")},
	"ETIMEDOUT":         {synRetries, counter("timeouts", "TcpExt.TCPAbortOnTimeout", "connection", "given up")},
	"backlog":           {withPair(clamped), somaxconn},
	"somaxconn":         {somaxconn, headerSomaxconn},
	"accept queue":      {withPair(waiting), counter("overflows", "TcpExt.ListenOverflows", "time", "a SYN or the last ACK of a handshake met a full accept queue")},
	"SYN queue":         {inState(kernel.SynRecv), setting("max_syn_backlog", "net.ipv4.tcp_max_syn_backlog", "")},
	"SYN cookie":        {setting("tcp_syncookies", "net.ipv4.tcp_syncookies", "0: never. 1: when the SYN queue overflows. 2: always."), counter("cookies sent", "TcpExt.SyncookiesSent", "", "so far")},
	"Recv-Q":            {connected(unread), withPair(waiting)},
	"Send-Q":            {connected(unacknowledged), withPair(waiting)},
	"send buffer":       {sendBuffer, setting("tcp_wmem", "net.ipv4.tcp_wmem", bufferSizes)},
	"receive buffer":    {option("SO_RCVBUF", unix.SOL_SOCKET, unix.SO_RCVBUF, " bytes"), setting("tcp_rmem", "net.ipv4.tcp_rmem", bufferSizes)},
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
	"SIGPIPE":       {signalNumber, answered(unix.EPIPE)},
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

// Questions of several words.
var (
	somaxconn   = setting("somaxconn", "net.core.somaxconn", "The most that any backlog here can be.")
	synRetries  = setting("tcp_syn_retries", "net.ipv4.tcp_syn_retries", "How often a client sends its SYN again; newer kernels add tcp_syn_linear_timeouts.")
	congestion  = setting("congestion", "net.ipv4.tcp_congestion_control", "How TCP here decides how much may be under way.")
	established = counter("established", "Tcp.CurrEstab", "connection", "in ESTABLISHED or CLOSE_WAIT")
	reuseAddr   = option("SO_REUSEADDR", unix.SOL_SOCKET, unix.SO_REUSEADDR, "")
	sendBuffer  = option("SO_SNDBUF", unix.SOL_SOCKET, unix.SO_SNDBUF, " bytes")
)

const bufferSizes = "Bytes: the least, what a socket begins with, and the most that the kernel lets it grow to."
