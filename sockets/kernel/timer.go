package kernel

// Timer is the timer that runs for a TCP socket (get_tcp4_sock, inet_sk_diag_fill).
// ss -o shows the same.
type Timer uint8

const (
	TimerOff       Timer = iota
	TimerOn              // to send again what was not acknowledged, or a loss probe
	TimerKeepalive       // to probe a silent peer; also the wait in FIN_WAIT2
	TimerTimeWait        // until TIME_WAIT ends
	TimerPersist         // to probe a closed window
)
