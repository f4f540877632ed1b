package hooks_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fd3/sockets/hooks"
	"fd3/sockets/netlab"
	"fd3/sockets/netlab/netlabtest"
)

// connect makes a connection with a program at sockops, which is for root.
func connect(t *testing.T, n *netlab.Network, o hooks.Order) *hooks.Connection {
	t.Helper()
	o.At = hooks.Sockops.Name
	c, err := hooks.Connect(t.Context(), n, o)
	var denied *hooks.DeniedError
	var unable *hooks.UnableError
	switch {
	case errors.As(err, &denied) && os.Geteuid() != 0, errors.As(err, &unable) && cgroups() == "":
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
	return c
}

// moments are those of one end, in a few words.
func moments(c *hooks.Connection, end string) (all []string) {
	for _, m := range c.Moments {
		if m.Local.Addr().String() == end {
			all = append(all, strings.TrimRight(m.Name+" "+m.State+" "+m.To, " "))
		}
	}
	return all
}

// in reports whether words come in a list in this order, whatever stands between.
func in(list []string, words ...string) bool {
	for _, w := range words {
		i := slices.Index(list, w)
		if i < 0 {
			return false
		}
		list = list[i+1:]
	}
	return true
}

// marked counts the segments of a host with the type of service of Rewrite.
func marked(c *hooks.Connection, host string) (marked, all int) {
	for _, p := range c.Packets {
		if p.From == host {
			all++
			if p.Layer("IPv4").Field("DSCP").Value == fmt.Sprint(hooks.Service>>2) {
				marked++
			}
		}
	}
	return marked, all
}

// A program at sockops is called at moments of the connection, at both ends. Whatever it
// answers, there is a connection.
func TestSockops(t *testing.T) {
	t.Parallel()
	n := netlabtest.Up(t)
	for _, v := range hooks.Verbs {
		t.Run(string(v), func(t *testing.T) {
			c := connect(t, n, hooks.Order{Verb: v})
			for _, m := range c.Calls {
				if m.Errno != 0 {
					t.Error(m.Host, m.Strace())
				}
			}
			if i := slices.IndexFunc(c.Calls, func(m hooks.Made) bool { return m.Name == "recvfrom" }); string(c.Calls[i].Data) != "hello" {
				t.Error(c.Calls[i].Strace())
			}
			service := 0
			if v == hooks.Rewrite {
				service = hooks.Service
			}
			from, of := marked(c, netlab.Client)
			back, _ := marked(c, netlab.Server)
			if c.Service != service || of < 4 || from != map[bool]int{true: of}[service != 0] || back != 0 {
				t.Errorf("the client's socket has %#x; %d of its %d segments have it, and %d of the server's", c.Service, from, of, back)
			}
			put := c.Puts[netlab.Client]
			denied := &hooks.DeniedError{Place: hooks.Sockops, Verb: v, Errno: unix.EPERM}
			if strings.Contains(denied.Error(), "the verifier refuses") != (put.Refused != 0) {
				t.Errorf("the verifier says %s, and without root it says: %s", put.Refused, denied)
			}
			if v == hooks.Redirect {
				if len(c.Moments) > 0 || !strings.Contains(strings.Join(put.Log, "\n"), "redirect") {
					t.Errorf("%v, %v", c.Moments, put.Log)
				}
				return
			}
			if all := moments(c, netlab.ClientAddr); !in(all, "TCP_CONNECT SYN_SENT", "STATE SYN_SENT ESTABLISHED", "ACTIVE_ESTABLISHED ESTABLISHED", "STATE ESTABLISHED FIN_WAIT1", "STATE FIN_WAIT2 CLOSE") {
				t.Errorf("client: %q", all)
			}
			if all := moments(c, netlab.ServerAddr); !in(all, "TCP_LISTEN LISTEN", "PASSIVE_ESTABLISHED SYN_RECV", "STATE SYN_RECV ESTABLISHED", "STATE ESTABLISHED CLOSE_WAIT", "STATE LAST_ACK CLOSE") {
				t.Errorf("server: %q", all)
			}
			ports := map[uint16]bool{}
			for _, m := range c.Moments {
				ports[m.Local.Port()] = true
				if m.Name != "TCP_LISTEN" && m.Remote.Port() == 0 {
					t.Errorf("%+v: whose is the other end?", m)
				}
			}
			if len(ports) != 2 {
				t.Errorf("the ports %v", ports)
			}
		})
	}
}
