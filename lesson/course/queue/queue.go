package queue

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/sockets"
	"fd3/sockets/stage"
)

//go:embed queue.md
var markdown string

// Lesson is the lesson queue.
var Lesson = lab.Lesson{
	ID:    "queue",
	Words: markdown,
	Experiments: lab.Experiments{
		"wait":    wait,
		"tail":    tail,
		"larger":  larger,
		"control": control,
	},
	Exercises: lab.Exercises{"fill": fill},
}

// port is the server's: nobody else is on its host.
const port = 8080

// A burst is datagrams with numbers, sent as fast as the client can.
type burst struct {
	lab          *lab.Lab
	net          *lab.Network
	receiver, fd int
	addr         sockets.Sockaddr
	many         int
	failed       int           // calls
	sending      time.Duration // in all the calls together
	empty        time.Duration // until nothing waits any more
}

const datagram = 1000 // bytes

// newBurst makes the network with its slow cable, and the two sockets.
func newBurst(l *lab.Lab, many int, rate uint64, queue uint32) *burst {
	b := &burst{lab: l, net: l.Network(), many: many}
	b.addr = lab.ServerAt(port)
	b.net.Flow()
	b.net.Slow(rate, queue)
	l.Setup(func() {
		b.receiver = l.Socket(lab.Server, unix.AF_INET, unix.SOCK_DGRAM)
		l.Must(l.Bind(lab.Server, b.receiver, b.addr))
		b.fd = l.Socket(lab.Client, unix.AF_INET, unix.SOCK_DGRAM)
	})
	l.Note("many", many)
	return b
}

// send sends all, of which the last call is told, and looks at the queue before that, and
// until it is empty.
func (b *burst) send() lesson.Chart {
	var g lab.Gauge
	b.net.Gauge(&g) // so that the chart has what is dropped while the calls go on
	begun := time.Now()
	for i := range b.many {
		call := b.lab.Quietly
		if i == b.many-1 {
			call = b.lab.Do
		}
		data := fmt.Sprintf("%03d %s", i+1, strings.Repeat("x", datagram-4))
		c := call(lab.Client, stage.Order{Do: "sendto", FD: b.fd, Data: []byte(data), Addr: b.addr})
		if c.Errno != 0 {
			b.failed++
		}
		b.sending += c.Duration
	}
	b.net.Watch(&g, func() bool {
		b.empty = time.Since(begun)
		chart := g.Chart()
		begins := most(chart) == 0 && b.empty < time.Second // the cable has not got them yet
		return !begins && chart.Samples[len(chart.Samples)-1].Waiting == 0
	})
	b.lab.Note("sending", lesson.Took(b.sending))
	b.lab.Note("drained", lesson.Took(b.empty))
	return b.net.ShowChart(&g)
}

// read reads what has arrived, of which the last call is told, and returns the numbers.
func (b *burst) read() (got []string) {
	recv := stage.Order{Do: "recvfrom", FD: b.receiver, Type: unix.SOCK_DGRAM, Size: datagram, Flags: unix.MSG_DONTWAIT}
	for {
		waits := b.lab.Ask(lab.Server, b.receiver).Unread > 0
		if !waits {
			b.lab.Do(lab.Server, recv)
			b.lab.Note("got", len(got))
			return got
		}
		number, _, _ := strings.Cut(string(b.lab.Must(b.lab.Quietly(lab.Server, recv)).Data), " ")
		got = append(got, number)
	}
}

func wait(l *lab.Lab) []lab.Step {
	var b *burst
	var chart lesson.Chart
	return []lab.Step{
		{Name: "slow", Do: func() {
			b = newBurst(l, 30, 200_000, 64<<10)
			q := b.net.ShowQueue(lab.Server)
			l.Note("rate", lesson.Rate(q.Rate))
			l.Note("room", q.Queue)
		}},
		{Name: "send", Do: func() {
			chart = b.send()
			l.Note("most", most(chart))
		}},
		{Name: "read", Do: func() {
			got := b.read()
			l.Show(lesson.Evidence{Fact: "arrived", Value: lesson.Counted(len(got), "datagram"), Source: "recvfrom(2), the calls that returned one"})
			switch {
			case len(got) < b.many:
				l.Answer("lost")
			case b.sending > b.empty/2:
				l.Answer("block")
			default:
				l.Answer("wait")
			}
		}},
	}
}

// most is how many bytes have waited at the most.
func most(c lesson.Chart) (bytes uint32) {
	for _, s := range c.Samples {
		bytes = max(bytes, s.Waiting)
	}
	return bytes
}

func tail(l *lab.Lab) []lab.Step {
	var b *burst
	return []lab.Step{
		{Name: "send", Do: func() {
			b = newBurst(l, 30, 50_000, 10_000)
			b.send()
			l.Note("dropped", b.net.ShowQueue(lab.Server).Dropped)
			l.Note("failed", b.failed)
		}},
		{Name: "read", Do: func() {
			got := b.read()
			l.Show(lesson.Evidence{Fact: "arrived", Value: strings.Join(got, " "), Source: "recvfrom(2), the number in each"})
			l.Note("first", "none")
			l.Note("last", "none")
			if len(got) > 0 {
				l.Note("first", got[0])
				l.Note("last", got[len(got)-1])
			}
			switch {
			case b.failed > 0:
				l.Answer("error")
			case slices.Contains(got, "001"):
				l.Answer("newest")
			default:
				l.Answer("oldest")
			}
		}},
	}
}

// A transfer is bytes over one connection that fill the queue of the cable.
type transfer struct {
	chart   lesson.Chart
	took    time.Duration
	rtt     time.Duration // in the middle of it
	waiting float64       // bytes in the queue, likewise
	other   sockets.Call  // connect(2) of somebody else meanwhile
}

// visitor is somebody else on the client's host.
const visitor stage.Role = "visitor"

// run sends bytes over a connection of its own, with a congestion control. Where somebody
// else is to connect meanwhile, that call is told.
func run(l *lab.Lab, n *lab.Network, at uint16, control string, size int, others bool) (t transfer) {
	c := n.Connection(at, func(_, fd int) { l.Must(l.Congestion(lab.Client, fd, control)) })
	n.Flow()
	knock := -1
	if others {
		l.Setup(func() { knock = l.Stream(visitor) })
	}
	var g lab.Gauge
	var connect *lab.Pending
	begun := time.Now()
	read := l.Begin(lab.Server, stage.Order{Do: "recvfrom", FD: c.Conn, Type: unix.SOCK_STREAM, Size: size, Flags: unix.MSG_WAITALL})
	sent := l.Begin(lab.Client, stage.Order{Do: "sendto", FD: c.FD, Data: make([]byte, size), Flags: unix.MSG_NOSIGNAL})
	n.Watch(&g, func() bool {
		if others && connect == nil && time.Since(begun) > time.Second {
			connect = l.Begin(visitor, stage.Order{Do: "connect", FD: knock, Addr: sockets.InetSockaddr(c.At)})
		}
		select {
		case <-read.Done():
			t.took = time.Since(begun)
			return true
		default:
			return false
		}
	})
	l.Setup(func() {
		l.Must(sent.Wait())
		l.Must(read.Wait())
	})
	if connect != nil {
		t.other = l.Must(connect.Wait())
	}
	t.chart = n.ShowChart(&g)
	t.rtt, t.waiting = middle(t.chart)
	l.Show(lesson.Evidence{Fact: "transfer", Value: fmt.Sprintf("%d bytes in %s", size, lesson.Took(t.took)), Source: "recvfrom(2), when it returned"})
	return t
}

// middle returns the round trip of a transfer and what waited, on average between two fifths
// and four fifths of its time: when it is on its way, and not over.
func middle(c lesson.Chart) (rtt time.Duration, waiting float64) {
	end := c.Samples[len(c.Samples)-1].At
	n := 0
	for _, s := range c.Samples {
		if s.At > end*2/5 && s.At < end*4/5 && s.Flow != nil {
			rtt += s.Flow.RTT
			waiting += float64(s.Waiting)
			n++
		}
	}
	n = max(n, 1)
	return rtt / time.Duration(n), waiting / float64(n)
}

// The cable of the transfers, and a queue that is ten times another.
const (
	rate  = 2_000_000
	small = 20_000
	large = 10 * small
)

func larger(l *lab.Lab) []lab.Step {
	var n *lab.Network
	var less, more transfer
	return []lab.Step{
		{Name: "alone", Do: func() {
			n = l.NetworkInRealTime()
			n.Guest(visitor, lab.Client)
			n.Flow()
			n.Slow(rate, small)
			_, addr := n.Listener(port + 2)
			var fd int
			l.Setup(func() { fd = l.Stream(visitor) })
			c := l.Must(l.Do(visitor, stage.Order{Do: "connect", FD: fd, Addr: addr}))
			l.Note("alone", lesson.Took(c.Duration))
		}},
		{Name: "small", Do: func() {
			less = run(l, n, port, "reno", 600_000, true)
			l.Note("small_took", lesson.Took(less.took))
			l.Note("small_rtt", lesson.Took(less.rtt))
			l.Note("small_connect", lesson.Took(less.other.Duration))
		}},
		{Name: "large", Do: func() {
			n.Slow(rate, large)
			more = run(l, n, port+1, "reno", 600_000, true)
			l.Note("large_took", lesson.Took(more.took))
			l.Note("large_rtt", lesson.Took(more.rtt))
			l.Note("large_connect", lesson.Took(more.other.Duration))
			switch {
			case more.took < less.took*3/5:
				l.Answer("sooner")
			case more.rtt > 2*less.rtt:
				l.Answer("late")
			default:
				l.Answer("same")
			}
		}},
	}
}

// controls are what may be compared with reno, the best first.
var controls = []string{"bbr", "cubic"}

func control(l *lab.Lab) []lab.Step {
	var n *lab.Network
	var first transfer
	return []lab.Step{
		{Name: "reno", Do: func() {
			n = l.NetworkInRealTime()
			n.Slow(rate, large)
			first = run(l, n, port, "reno", 1_000_000, false)
			l.Note("reno_waiting", int(first.waiting))
			l.Note("reno_rtt", lesson.Took(first.rtt))
		}},
		{Name: "other", Do: func() {
			name := ""
			l.Setup(func() {
				fd := l.Stream(lab.Client)
				for _, control := range controls {
					if name == "" && l.Congestion(lab.Client, fd, control).Errno == 0 {
						name = control
					}
				}
				l.Must(l.Close(lab.Client, fd))
			})
			if name == "" {
				name = "reno" // the kernel has no other one
			}
			l.Note("other", name)
			second := run(l, n, port+1, name, 1_000_000, false)
			l.Note("other_waiting", int(second.waiting))
			l.Note("other_rtt", lesson.Took(second.rtt))
			switch {
			case second.waiting < first.waiting*2/3:
				l.Answer("other")
			case first.waiting < second.waiting*2/3:
				l.Answer("reno")
			default:
				l.Answer("alike")
			}
		}},
	}
}

// fill wants half of a queue of the cable filled. The kernel alone takes what comes to the
// server: nobody reads it.
func fill(l *lab.Lab) lab.Check {
	n := l.Network()
	_, addr := n.Listener(port)
	n.Flow()
	n.Slow(50_000, 60_000)
	l.Note("host", addr.AddrPort().Addr())
	q := n.ShowQueue(lab.Server)
	l.Note("waiting", 0)
	return func() (bool, string) {
		now := n.Queue(lab.Server)
		l.Note("waiting", now.Waiting)
		if now.Waiting >= q.Queue/2 {
			return true, fmt.Sprintf("%d bytes wait", now.Waiting)
		}
		if now.Waiting > 0 {
			return false, fmt.Sprintf("%d of %d bytes wait", now.Waiting, q.Queue/2)
		}
		return false, "nothing waits"
	}
}
