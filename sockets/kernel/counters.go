package kernel

import (
	"fmt"
	"strconv"
	"strings"
)

// Counters are the numbers of /proc/net/snmp and netstat, by "Tcp.RetransSegs",
// "TcpExt.ListenOverflows" and so on (proc_pid_net(5), net/ipv4/proc.c; nstat(8)
// shows them as TcpRetransSegs). They count for a whole network namespace since it
// was made, so a difference may include the doing of other programs. TCP over IPv6
// is counted here as well.
//
// Nearly all only grow. Tcp.CurrEstab is the present number, and Tcp.RtoMin,
// Tcp.RtoMax, Tcp.MaxConn, Ip.Forwarding and Ip.DefaultTTL are settings.
type Counters map[string]int64

// Counters reads /proc/net/snmp and /proc/net/netstat.
func (n Net) Counters() (Counters, error) {
	counters := Counters{}
	for _, name := range []string{"snmp", "netstat"} {
		data, err := n.file(name)
		if err != nil {
			return nil, err
		}
		if err := parseCounters(string(data), counters); err != nil {
			return nil, fmt.Errorf("%s%s: %w", procNet, name, err)
		}
	}
	return counters, nil
}

// Sub returns the counters that differ from an earlier reading, with the differences.
// A missing one counts as 0: IcmpMsg names come up with the first message of a type.
func (c Counters) Sub(before Counters) Counters {
	moved := Counters{}
	for name, now := range c {
		if by := now - before[name]; by != 0 {
			moved[name] = by
		}
	}
	for name, then := range before {
		if _, ok := c[name]; !ok && then != 0 {
			moved[name] = -then
		}
	}
	return moved
}

// parseCounters reads pairs of lines, "Tcp: names" and "Tcp: values".
func parseCounters(text string, into Counters) error {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines)%2 != 0 {
		return fmt.Errorf("%d lines, not pairs of names and values", len(lines))
	}
	for i := 0; i < len(lines); i += 2 {
		names, values := strings.Fields(lines[i]), strings.Fields(lines[i+1])
		if len(names) == 0 || len(names) != len(values) || names[0] != values[0] || !strings.HasSuffix(names[0], ":") {
			return fmt.Errorf("lines %d and %d do not belong together", i+1, i+2)
		}
		group := strings.TrimSuffix(names[0], ":")
		for j := 1; j < len(names); j++ {
			value, err := parseCounter(values[j])
			if err != nil {
				return fmt.Errorf("%s.%s: %w", group, names[j], err)
			}
			into[group+"."+names[j]] = value
		}
	}
	return nil
}

// parseCounter reads an unsigned 64-bit counter, or Tcp.MaxConn, which is -1.
// One beyond 1<<63 wraps, so that a difference is still right.
func parseCounter(text string) (int64, error) {
	if strings.HasPrefix(text, "-") {
		return strconv.ParseInt(text, 10, 64)
	}
	value, err := strconv.ParseUint(text, 10, 64)
	return int64(value), err
}
