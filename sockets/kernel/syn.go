package kernel

// SYNsAgain returns how often a client whose SYN nobody answers sends it again before
// connect(2) fails with ETIMEDOUT: by net.ipv4.tcp_syn_retries and, since Linux 6.5,
// net.ipv4.tcp_syn_linear_timeouts, which is 0 for an older kernel.
//
// The first pause is a second. So many of the next ones as linear says are as long as the
// one before, and the others twice as long, up to 120 s (tcp_retransmit_timer). It is over
// after both numbers together, or when as much time has passed as one pause more than
// retries take if all of them double (tcp_write_timeout, retransmits_timed_out).
func SYNsAgain(retries, linear int) int {
	const longest = 120 // seconds: TCP_RTO_MAX
	limit, pause := 0, 1
	for range retries + 1 {
		limit += pause
		pause = min(2*pause, longest)
	}
	again, elapsed := 0, 1
	for pause = 1; again < retries+linear && elapsed < limit; elapsed += pause {
		if again++; again > linear {
			pause = min(2*pause, longest)
		}
	}
	return again
}
