package path

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// sender is a process that sends five bytes on a connection of its own, once.
const sender = "path-sender"

func sendOnce() {
	ends, err := connected(unix.SYS_SENDTO)
	if err == nil {
		err = unix.Sendto(ends[0], []byte("hello"), unix.MSG_NOSIGNAL, nil)
	}
	if err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// refereed are events on the way of a send of which perf(1) is asked, too.
var refereed = []string{"net_dev_queue", "net_dev_start_xmit", "netif_rx", "netif_receive_skb", "tcp_probe"}

// A seen is an event, and the functions that were active then, the outermost first.
type seen struct {
	Event string
	Stack string
}

// perf(1) is the referee: on the way of packet 1 of such a send it sees the same events in the
// same order, and in each the same functions.
func TestRefereedByPerf(t *testing.T) {
	trace := open(t)
	if _, err := exec.LookPath("perf"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("missing, and CI must have it: perf")
		}
		t.Skip("needs perf (apt-get install linux-perf)")
	}
	data := filepath.Join(t.TempDir(), "perf.data")
	args := []string{"record", "-q", "--call-graph", "fp", "-o", data}
	for _, e := range refereed {
		group := "net"
		if strings.HasPrefix(e, "tcp") {
			group = "tcp"
		}
		args = append(args, "-e", group+":"+e)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("perf", append(args, "--", self, sender)...).CombinedOutput(); err != nil {
		t.Skipf("perf cannot record here: %v\n%s", err, out)
	}
	out, err := exec.Command("perf", "script", "-i", data, "-F", "event,ip,sym").Output()
	if err != nil {
		t.Fatalf("perf script: %v", err)
	}
	client, _ := pair(t)
	p := way(t, trace, unix.SYS_SENDTO, func() { unix.Sendto(client, []byte("hello"), unix.MSG_NOSIGNAL, nil) })
	got, want := hits(p), perfSaw(string(out))
	if len(want) < len(refereed) || len(got) < len(refereed) || !reflect.DeepEqual(got[:len(refereed)], want[:len(refereed)]) {
		t.Errorf("the way is\n%s\nand perf saw\n%s", lines(got), lines(want))
	}
}

func lines(all []seen) string {
	var text strings.Builder
	for _, s := range all {
		text.WriteString(s.Event + ": " + s.Stack + "\n")
	}
	return text.String()
}

// hits are the refereed events of a way.
func hits(p Path) (all []seen) {
	for _, h := range p.Passed() {
		if !strings.Contains(strings.Join(refereed, " "), h.Event) {
			continue
		}
		for i, v := range p.Visits {
			for k := range v.Hits {
				if &p.Visits[i].Hits[k] == h {
					all = append(all, seen{h.Event, strings.Join(stackOf(p.Visits[:i+1]), " ")})
				}
			}
		}
	}
	return all
}

// stackOf are the functions that were active in the last of some visits.
func stackOf(visits []Visit) (stack []string) {
	depth := visits[len(visits)-1].Depth + 1
	for i := len(visits) - 1; i >= 0; i-- {
		if v := visits[i]; v.Depth == depth-1 {
			stack, depth = append([]string{v.Function}, stack...), v.Depth
		}
	}
	return stack
}

// perfSaw reads what perf script says of a send: a line with the event, then the functions,
// the innermost first, of the kernel and then of the program.
func perfSaw(text string) (all []seen) {
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		event, rest, _ := strings.Cut(block, "\n")
		var stack []string
		for line := range strings.Lines(rest) {
			if at, function, ok := strings.Cut(strings.TrimSpace(line), " "); ok && strings.HasPrefix(at, "ffff") {
				stack = append(stack, bare(function))
			}
		}
		_, event, _ = strings.Cut(strings.TrimSuffix(strings.TrimSpace(event), ":"), ":")
		if text := strings.Join(outermostFirst(stack), " "); strings.Contains(text, "__sys_sendto ") {
			all = append(all, seen{event, text})
		}
	}
	return all
}
