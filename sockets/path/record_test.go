package path

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const traceText = `# tracer: nop
     fd3-client-811   [001] .....  2371.000100: sys_enter: NR 44 (3, c0, 5, 4000, 0, 0)
     fd3-client-811   [001] b....  2371.000123: net_dev_queue: dev=lo skbaddr=00000000a1b2 len=71
     fd3-client-811   [001] b....  2371.000124: <stack trace>
 => trace_event_raw_event_net_dev_template
 => __dev_queue_xmit
 => ip_finish_output2.isra.0
 => do_syscall_64+0x84/0x280
     fd3-client-811   [001] ..s1.  2371.000130: netif_receive_skb: dev=eth0 skbaddr=00000000ffff len=1500
     fd3-client-811   [001] ..s1.  2371.000131: <stack trace>
 => __netif_receive_skb_core.constprop.0
 => handle_softirqs
     fd3-client-811   [001] ..s1.  2371.000140: inet_sock_set_state: oldstate=TCP_LISTEN newstate=TCP_SYN_RECV
     fd3-client-811   [001] ..s1.  2371.000141: <stack trace>
 => inet_sk_set_state
 => __netif_receive_skb_core.constprop.0
 => handle_softirqs
     fd3-client-811   [001] .....  2371.000150: sys_exit: NR 44 = 5
     fd3-client-811   [001] .....  2371.000160: sys_enter: NR 44 (3, c0, 5, 4000, 0, 0)
`

func TestParse(t *testing.T) {
	all := parse(traceText)
	if len(all) != 6 {
		t.Fatalf("%d records: %+v", len(all), all)
	}
	r := all[1]
	if r.comm != "fd3-client" || r.tid != 811 || r.cpu != 1 || r.soft || r.event != "net_dev_queue" || r.field("len") != "71" || r.at != 2371*time.Second+123*time.Microsecond {
		t.Errorf("%+v", r)
	}
	if want := []string{"do_syscall_64", "ip_finish_output2", "__dev_queue_xmit"}; !slices.Equal(r.stack, want) {
		t.Errorf("stack %v, want %v", r.stack, want)
	}
	if !all[2].soft {
		t.Error("a softirq is not known")
	}
}

// An interrupt that comes between an event and its stack keeps its own.
func TestInterruptedStack(t *testing.T) {
	all := parse(`  fd3-7 [001] ..s1. 1.000001: netif_receive_skb: dev=lo skbaddr=01 len=57
  fd3-7 [001] ..H1. 1.000002: sched_waking: comm=x pid=9 prio=120 target_cpu=001
  fd3-7 [001] ..H1. 1.000003: <stack trace>
 => try_to_wake_up
 => asm_sysvec_apic_timer_interrupt
  fd3-7 [001] ..s1. 1.000004: <stack trace>
 => __netif_receive_skb_core
`)
	if len(all) != 2 || !slices.Equal(all[0].stack, []string{"__netif_receive_skb_core"}) || !interrupted(all[1]) {
		t.Errorf("%+v", all)
	}
}

// What a softirq does for others on the stack of the call is no part of its way.
func TestFollow(t *testing.T) {
	inside, enter, leave := within(parse(traceText), "44")
	if enter == nil || leave == nil || leave.at-enter.at != 50*time.Microsecond {
		t.Fatalf("entered %v, left %v", enter, leave)
	}
	kept := follow(inside)
	if len(kept) != 1 || kept[0].event != "net_dev_queue" || kept[0].number != 1 {
		t.Errorf("%+v", kept)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(traceText)
	f.Add(" => x\n: <stack trace>\n")
	f.Fuzz(func(t *testing.T, text string) {
		all := parse(text)
		if len(all) > strings.Count(text, "\n")+1 {
			t.Errorf("%d records", len(all))
		}
		inside, _, _ := within(all, "44")
		for _, v := range visits(follow(inside), nil) {
			if v.Function == "" {
				t.Error("a function without a name")
			}
		}
	})
}

// The table knows the functions of the main road, and which layer each of them is in.
func TestFunctions(t *testing.T) {
	table := Functions()
	if !strings.Contains(table.Version, ".") {
		t.Errorf("version %q", table.Version)
	}
	for function, want := range map[string]struct {
		file  string
		layer Layer
	}{
		"do_syscall_64":        {"arch/x86/entry/common.c", SystemCall},
		"vfs_write":            {"fs/read_write.c", SystemCall},
		"__sys_sendto":         {"net/socket.c", Sockets},
		"sock_def_readable":    {"net/core/sock.c", Sockets},
		"tcp_sendmsg":          {"net/ipv4/tcp.c", Transport},
		"__udp4_lib_rcv":       {"net/ipv4/udp.c", Transport},
		"ip_output":            {"net/ipv4/ip_output.c", Internet},
		"neigh_resolve_output": {"net/core/neighbour.c", Neighbour},
		"tcf_classify":         {"net/sched/cls_api.c", Traffic},
		"__dev_queue_xmit":     {"net/core/dev.c", Device},
		"loopback_xmit":        {"drivers/net/loopback.c", Driver},
		"veth_xmit":            {"drivers/net/veth.c", Driver},
		"handle_softirqs":      {"kernel/softirq.c", Softirq},
		"no_such_function":     {"", ""},
	} {
		file := table.File(function)
		if layer := LayerOf(file); file != want.file || layer != want.layer {
			t.Errorf("%s is in %q, layer %q", function, file, layer)
		}
	}
}

// What a call has put off until the way back to the program belongs to it.
func TestPutOff(t *testing.T) {
	inside, _, leave := within(parse(`  fd3-7 [001] ..... 1.000001: sys_enter: NR 3 (4, 0, 0, 0, 0, 0)
  fd3-7 [001] ..... 1.000002: sys_exit: NR 3 = 0
  fd3-7 [001] ..... 1.000003: inet_sock_set_state: oldstate=TCP_ESTABLISHED newstate=TCP_FIN_WAIT1
  fd3-7 [001] ..... 1.000004: <stack trace>
 => inet_sk_state_store
 => sock_close
 => task_work_run
  fd3-7 [001] ..... 1.000005: kmem_cache_alloc: name=other bytes_req=8
  fd3-7 [001] ..... 1.000006: <stack trace>
 => do_futex
`), "3")
	if leave == nil || len(inside) != 1 || inside[0].event != "inet_sock_set_state" {
		t.Errorf("%+v", inside)
	}
}
