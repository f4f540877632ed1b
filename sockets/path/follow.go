package path

import "strings"

// softirqs are the functions in which the kernel works softirqs off.
var softirqs = []string{"handle_softirqs", "__do_softirq"}

// deliveries are those in which it hands a packet to its protocol.
var deliveries = []string{"__netif_receive_skb_core", "__netif_receive_skb_one_core", "__netif_receive_skb_list_core", "__netif_receive_skb", "netif_receive_skb_list_internal"}

// wakers are the functions of a socket that wake who waits for it. A kernel wakes threads of
// its own, too.
var wakers = []string{"sock_def_readable", "sock_def_write_space", "sock_def_wakeup", "sock_def_error_report", "sk_stream_write_space", "unix_write_space"}

// follow returns the records of one call of a thread, each with the number of the packet
// that it is about, counted from 1; 0 if it is about none, or about one that came before
// the call and is only read.
//
// That the ring buffer is for one thread alone is not enough. A softirq that runs at the
// end of a call works off what others have sent, too, and an interrupt may land anywhere:
// both borrow the stack of the call. So the packets that the call itself has touched are
// kept in mind, and in a softirq only these are followed, and what they bring about.
//
// Without stacks a record of a softirq is told by its flags alone, so that the work of
// others is kept out by their packets only.
func follow(all []record) []followed {
	ours := make(map[string]int) // the number of each packet, by the address of its sk_buff
	gone := make(map[string]bool)
	count, current := 0, 0 // current: the packet that the softirq handles now, if it is ours
	var kept []followed
	for _, r := range all {
		soft := r.soft || r.has(softirqs...)
		if interrupted(r) || r.event == waking && !r.has(wakers...) {
			continue
		}
		address := r.packet()
		number, known := ours[address]
		known = known && address != ""
		switch {
		case r.event == "netif_receive_skb":
			if current = 0; known {
				current = number
			}
			if !known {
				continue
			}
			gone[address] = true
		case soft && current == 0, soft && r.stack != nil && !r.has(deliveries...):
			continue
		case r.event == drop && !known && soft:
			continue
		case address != "" && r.event == "net_dev_queue" && (!known || gone[address]):
			// Down again with an address that has been down before: its memory has been given
			// back, and is another packet now.
			count++
			ours[address], number, known = count, count, true
			delete(gone, address)
		}
		if !known {
			number = 0
			if soft {
				number = current
			}
		}
		if address != "" && !known && !soft && r.event != "tcp_probe" && r.event != drop && r.event != copied {
			count++
			ours[address], number = count, count
		}
		kept = append(kept, followed{r, number})
	}
	return kept
}

// A followed record is one that belongs to the call.
type followed struct {
	record
	number int // of the packet
}

// interrupted reports whether a hardware interrupt has borrowed the stack.
func interrupted(r record) bool {
	for _, f := range r.stack {
		if strings.HasPrefix(f, "asm_") && f != "asm_exc_page_fault" || strings.HasPrefix(f, "sysvec_") || f == "common_interrupt" || strings.HasPrefix(f, "el1_interrupt") || f == "el1h_64_irq" {
			return true
		}
	}
	return false
}

// later is the function in which a thread does, on its way back to the program, what a call
// has put off. Up to Linux 6.5 close(2) ends a socket there.
const later = "task_work_run"

// within returns the records of a system call, by its number: those between its first
// entry and its return, and what it has left to do on the way back to the program. Where the kernel has no events for that they are all.
func within(all []record, number string) (inside []record, enter, leave *record) {
	for i := range all {
		r := &all[i]
		switch {
		case enter == nil && r.call(number) == "sys_enter":
			enter, inside = r, nil
		case enter != nil && leave == nil && r.call(number) == "sys_exit":
			leave = r
		case r.event == "sys_enter" && leave != nil: // the next call
			return inside, enter, leave
		case r.event != "sys_enter" && r.event != "sys_exit" && (leave == nil || r.has(later)):
			inside = append(inside, *r)
		}
	}
	return inside, enter, leave
}
