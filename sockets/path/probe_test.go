package path

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// probed skips a test where the kernel has no kprobe.multi. Where it has a function of
// CONFIG_FPROBE it must have it.
func probed(t *testing.T, p Path) {
	t.Helper()
	if p.Probed != nil {
		return
	}
	if slices.ContainsFunc(symbols(), func(s symbol) bool { return string(s.name) == "register_fprobe" }) {
		t.Fatalf("this kernel has CONFIG_FPROBE, and %s", p.Unprobed)
	}
	t.Skip("needs a kernel with CONFIG_FPROBE:", p.Unprobed)
}

// On the way down each header stands in front of what was there, and on the way up it is
// taken off: the sk_buff says so in each function, and the tracepoints say the same.
func TestSkBuffs(t *testing.T) {
	trace := open(t)
	client, _ := pair(t)
	p := way(t, trace, unix.SYS_SENDTO, func() { unix.Sendto(client, []byte("hello"), unix.MSG_NOSIGNAL, nil) })
	probed(t, p)
	const data, tcp, ip, ethernet = 5, 32, 20, 14 // TCP's with the option of timestamps
	grown := p.Grown()
	if len(grown) != 4 {
		t.Fatalf("%+v", grown)
	}
	room := grown[0].Headroom
	if want := []SkBuff{{data, room}, {data + tcp, room - tcp}, {data + tcp + ip, room - tcp - ip}, {data + tcp + ip + ethernet, room - tcp - ip - ethernet}}; !slices.Equal(grown, want) {
		t.Errorf("down: %+v, want %+v", grown, want)
	}
	var up []int
	for _, v := range p.Visits {
		if v.Packet == 1 && v.Up && v.SkBuff != nil && !slices.Contains(up, v.SkBuff.Len) {
			up = append(up, v.SkBuff.Len)
		}
	}
	if !slices.Equal(up, []int{data + tcp + ip, data + tcp}) {
		t.Errorf("up: %v", up)
	}
	asked, err := takers()
	if err != nil || p.Probed.Functions != len(asked) || p.Probed.Entered < p.Told() || p.Told() < 12 || p.Probed.Lost != 0 {
		t.Errorf("%+v of %d, %d told, %v", p.Probed, len(asked), p.Told(), err)
	}
	if drawn := slices.ContainsFunc(p.Probed.Unvisited, func(f string) bool { return p.Function(f) != nil }); drawn || p.Told()+len(p.Probed.Unvisited) > p.Probed.Entered {
		t.Errorf("%d told, and not told of %q, of %d", p.Told(), p.Probed.Unvisited, p.Probed.Entered)
	}
	agreed := 0
	for _, v := range p.Visits {
		if slices.ContainsFunc(asked, func(f taker) bool { return f.function == v.Function }) != (v.SkBuff != nil) {
			t.Errorf("%s: %+v", v.Function, v)
		}
		for _, h := range v.Hits {
			if v.SkBuff != nil && slices.Contains([]string{"net_dev_queue", "net_dev_start_xmit", "netif_rx", "netif_receive_skb"}, h.Event) {
				agreed++
				if v.SkBuff.Len != h.Len {
					t.Errorf("%s was entered with %d bytes, and %s says %d", v.Function, v.SkBuff.Len, h.Event, h.Len)
				}
			}
		}
	}
	if agreed < 3 {
		t.Errorf("%d tracepoints say the same", agreed)
	}
	near, far := cable(t)
	client, server := across(t, near, far)
	defer unix.Close(client)
	defer unix.Close(server)
	p = way(t, trace, unix.SYS_SENDTO, func() { unix.Sendto(client, []byte("hello"), unix.MSG_NOSIGNAL, nil) })
	for _, function := range []string{"dev_hard_start_xmit", "veth_xmit"} {
		asked := slices.ContainsFunc(asked, func(f taker) bool { return f.function == function }) // a module may have come later
		if v := p.Function(function); v == nil || asked && (v.SkBuff == nil || v.SkBuff.Len != data+tcp+ip+ethernet) {
			t.Errorf("through a cable: %s %+v in %v", function, v, names(p))
		}
	}
}

// The kernel's verifier takes the program, also where it cannot be put anywhere.
func TestProbeLoads(t *testing.T) {
	if err := multi(); errors.Is(err, unix.EPERM) {
		t.Skip("needs root:", err)
	}
	p, err := loadProbe(unix.Gettid())
	defer p.close()
	if err != nil {
		t.Errorf("%+v", err)
	}
}

// A user who may not load programs is told so.
func TestProbeDenied(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root is not denied: this is for a plain user")
	}
	if err := multi(); !errors.Is(err, unix.EPERM) {
		t.Error(err)
	}
}

// holder is a process that has a program at the functions until it is killed.
const holder = "path-holder"

func hold() {
	t, err := Open()
	if err == nil {
		err = t.Begin(os.Getpid(), unix.SYS_SENDTO, true)
	}
	if err == nil {
		err = t.unprobed
	}
	fmt.Println("held:", err)
	for {
		unix.Pause()
	}
}

// Nothing is left at the functions, whether the call has ended or the process was killed.
func TestProbeIsGone(t *testing.T) {
	before := atFunctions(t)
	trace := open(t)
	client, _ := pair(t)
	probed(t, way(t, trace, unix.SYS_SENDTO, func() { unix.Sendto(client, []byte("hello"), unix.MSG_NOSIGNAL, nil) }))
	if now := atFunctions(t); now.functions != before.functions {
		t.Errorf("before the call %+v, and now %+v", before, now)
	}
	again(t, before)
	cmd := exec.Command("/proc/self/exe", holder)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "held: <nil>\n" {
		t.Fatalf("%q, %v", line, err)
	}
	if held := atFunctions(t); held.programs != before.programs+1 || held.functions < before.functions+500 {
		t.Errorf("before %+v, and held %+v", before, held)
	}
	cmd.Process.Kill()
	cmd.Wait()
	again(t, before)
}

// again waits until no more is at the functions than before. The memory of a program is given
// back a little later than it has ended.
func again(t *testing.T, before attached) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); atFunctions(t) != before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("before %+v, and left %+v", before, atFunctions(t))
		}
	}
}

// attached is what is at the kernel's functions.
type attached struct {
	programs  int // of fd3's
	functions int // at which something is
}

func atFunctions(t *testing.T) (a attached) {
	t.Helper()
	for id := ebpf.ProgramID(0); ; {
		var err error
		if id, err = ebpf.ProgramGetNextID(id); errors.Is(err, os.ErrNotExist) {
			break
		} else if err != nil {
			t.Skip("needs root:", err)
		}
		p, err := ebpf.NewProgramFromID(id)
		if err != nil { // it has just gone
			continue
		}
		if info, err := p.Info(); err == nil && info.Name == enters(nil).Name {
			a.programs++
		}
		p.Close()
	}
	fs, err := openTracefs()
	if err != nil {
		t.Skip("needs tracefs:", err)
	}
	defer fs.close()
	text, _ := read(fs.dir, "enabled_functions")
	a.functions = strings.Count(string(text), "\n")
	return a
}

// Of several times that a function was entered that counts in which it was active, and none
// from before the record before.
func TestActive(t *testing.T) {
	entered := []entry{
		{"outer", 1000, SkBuff{1, 9}},
		{"inner", 1100, SkBuff{2, 8}},
		{"inner", 2600, SkBuff{3, 7}},
		{"outer", 4000, SkBuff{4, 6}},
		{"inner", 5400, SkBuff{5, 5}}, // the record is written as of 5 µs
		{"inner", 5600, SkBuff{6, 4}},
	}
	for _, c := range []struct {
		functions    string
		after, until time.Duration
		want         []int // bytes; 0: not told
	}{
		{"outer inner", 0, 3000, []int{1, 3}},
		{"outer silent inner", 3000, 5000, []int{4, 0, 5}},
		{"outer inner", 5000, 6000, []int{0, 6}},
		{"inner outer", 0, 2000, []int{0, 1}},
		{"silent", 0, 9000, []int{0}},
	} {
		var got []int
		for _, b := range active(entered, strings.Fields(c.functions), c.after, c.until) {
			if b == nil {
				b = &SkBuff{}
			}
			got = append(got, b.Len)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s after %v until %v: %v, want %v", c.functions, c.after, c.until, got, c.want)
		}
	}
	if n := len(distinct(entered, 3*time.Microsecond)); n != 2 {
		t.Errorf("%d functions within the call", n)
	}
	if n := len(distinct(entered[3:4], 3*time.Microsecond)); n != 0 {
		t.Errorf("%d functions after the call", n)
	}
}
