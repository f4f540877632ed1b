package path

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// told are the functions of visits, set in by their depth, those of a softirq with a star.
func told(all []Visit) (lines []string) {
	for _, v := range all {
		line := strings.Repeat(" ", v.Depth) + v.Function
		if v.Softirq {
			line += "*"
		}
		lines = append(lines, line)
	}
	return lines
}

// What comes before the call and behind it is none of its functions, and neither is what an
// interrupt does on its stack. What it needs is taken from nobody's own time.
func TestGraph(t *testing.T) {
	const text = `# tracer: function_graph
#
# CPU  DURATION                  FUNCTION CALLS
# |     |   |                     |   |   |   |
 0)               |  syscall_trace_enter() {
 0)               |  /* sys_enter: NR 44 (3, 7f, 5, 4000, 0, 0) */
 0)   9.000 us    |  }
 0)               |  x64_sys_call() {
 0)               |    __x64_sys_sendto() {
 0) + 12.329 us   |      irq_enter_rcu();
 0)               |      __sysvec_apic_timer_interrupt() {
 0)   4.007 us    |        ktime_get();
 0) ! 100.5 us    |      }
 0)               |      irq_exit_rcu() {
 0)   1.000 us    |        handle_softirqs();
 0)   3.000 us    |      }
 0)               |      veth_xmit [veth]() {
 0)   2.000 us    |        eth_type_trans();
 ------------------------------------------
 1)   fd3-12  =>    other-13
 ------------------------------------------
 1)   5.000 us    |      }
 1)               |      handle_softirqs() {
 1)   1.500 us    |        tcp_v4_rcv.isra.0();
 1)   2.500 us    |      }
 1) # 1200.829 us |    } /* __x64_sys_sendto */
 1) # 1201 us     |  }
 1)               |  /* sys_exit: NR 44 = 5 */
 1)   1.000 us    |  fpregs_assert_state_consistent();
`
	all, took := graph(text, "44")
	if want := []string{"x64_sys_call", " __x64_sys_sendto", "  veth_xmit", "   eth_type_trans", "  handle_softirqs*", "   tcp_v4_rcv*"}; !slices.Equal(told(all), want) {
		t.Errorf("%q, not %q", told(all), want)
	}
	if took != 1201000 {
		t.Errorf("it took %d ns", took)
	}
	var own []int64
	for _, v := range all {
		own = append(own, v.OwnNS)
	}
	if want := []int64{171, 1200829 - 12329 - 100500 - 3000 - 5000 - 2500, 3000, 2000, 1000, 1500}; !slices.Equal(own, want) {
		t.Errorf("own times %v, not %v", own, want)
	}
	if all[2].CPU != 0 || all[4].CPU != 1 {
		t.Errorf("%+v", all)
	}
}

// As Linux 6.1 writes it, with an interrupt and the softirq behind it.
func TestCalled(t *testing.T) {
	const text = `# tracer: function
            bash-97      [000] .....   109.450415: syscall_trace_enter.constprop.0 <-do_syscall_64
            bash-97      [000] .....   109.450418: sys_enter: NR 1 (1, 55c9, 6, 0, 7, a)
            bash-97      [000] .....   109.450421: x64_sys_call <-do_syscall_64
            bash-97      [000] d....   109.450422: irq_enter_rcu <-sysvec_apic_timer_interrupt
            bash-97      [000] d.h1.   109.450423: ktime_get <-tick_sched_timer
            bash-97      [000] d....   109.450424: irq_exit_rcu <-sysvec_apic_timer_interrupt
            bash-97      [000] ..s1.   109.450425: run_timer_softirq <-__do_softirq
            bash-97      [000] ...1.   109.450428: veth_xmit [veth] <-dev_hard_start_xmit
            bash-97      [000] b....   109.450430: __do_softirq <-do_softirq
            bash-97      [000] ..s1.   109.450431: tcp_v4_rcv <-ip_protocol_deliver_rcu
            bash-97      [000] .....   109.450518: sys_exit: NR 1 = 6
            bash-97      [000] .....   109.450519: x64_sys_call <-do_syscall_64
`
	all, took := called(text, "1")
	if want := []string{"x64_sys_call", "veth_xmit", "__do_softirq", "tcp_v4_rcv*"}; !slices.Equal(told(all), want) {
		t.Errorf("%q, not %q", told(all), want)
	}
	if took != 100000 {
		t.Errorf("it took %d ns", took)
	}
	p := Path{Visits: append(all, all[0])}
	p.Visits[1].Layer, p.Visits[1].OwnNS = Driver, 7
	if want := []Sum{{Layer: Driver, Functions: 1, Calls: 1, OwnNS: 7}, {Functions: 2, Calls: 3}, {Softirq: true, Functions: 1, Calls: 1}}; !slices.Equal(p.Sums(), want) {
		t.Errorf("%+v", p.Sums())
	}
	if of := p.Called()["x64_sys_call"]; of.Calls != 2 {
		t.Errorf("%+v", of)
	}
}

func FuzzGraph(f *testing.F) {
	f.Add(" 0)               |  /* sys_enter: NR 44 (3) */\n 0)   1.2 us    |  f();\n 0)               |  }\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, read := range []func(string, string) ([]Visit, int64){graph, called} {
			all, _ := read(text, "44")
			for _, v := range all {
				if v.Depth < 0 || v.OwnNS < 0 {
					t.Errorf("%+v", v)
				}
			}
		}
	})
}

// Where every function tells there are more than tracepoints have seen, and those are among
// them; where none does, the error says what there is.
func TestEvery(t *testing.T) {
	every, err := OpenEvery()
	var none *NoTracerError
	var denied *DeniedError
	switch {
	case errors.As(err, &none):
		if !strings.Contains(err.Error(), strings.Join(none.Has, ", ")) || !strings.Contains(err.Error(), "function") {
			t.Error(err)
		}
		t.Skip(err)
	case errors.As(err, &denied):
		t.Skip("needs root and tracefs:", err)
	case err != nil:
		t.Fatal(err)
	}
	defer every.Close()
	client, _ := pair(t)
	send := func() { unix.Sendto(client, []byte("hello"), unix.MSG_NOSIGNAL, nil) }
	p := way(t, every, unix.SYS_SENDTO, send)
	for _, f := range []string{"tcp_sendmsg_locked", "loopback_xmit", "tcp_v4_rcv"} {
		if p.Function(f) == nil {
			t.Errorf("no %s in %v", f, names(p))
		}
	}
	if n := p.Called()["__x64_sys_sendto"].Calls; n > 1 {
		t.Errorf("%d calls are in the way", n)
	}
	top, err := read(every.in.fs.dir, "current_tracer")
	if strings.TrimSpace(string(top)) != "nop" {
		t.Errorf("the machine's own tracer is %s, %v", top, err)
	}
}
