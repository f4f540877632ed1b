package kernel

import (
	"fmt"
	"slices"
	"strconv"
)

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

var timerNames = [...]string{"off", "on", "keepalive", "timewait", "persist"}

// String returns the name that ss -o has for the timer; ss leaves "off" out.
func (t Timer) String() string {
	if int(t) < len(timerNames) {
		return timerNames[t]
	}
	return "timer " + strconv.Itoa(int(t))
}

// MarshalText writes the name.
func (t Timer) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what MarshalText writes, of a timer that has a name.
func (t *Timer) UnmarshalText(text []byte) error {
	i := slices.Index(timerNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("no timer of a TCP socket: %q", text)
	}
	*t = Timer(i)
	return nil
}
