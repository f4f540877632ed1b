package facts

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets/stage"
)

// noThreshold is the ssthresh of a connection that has lost nothing yet
// (TCP_INFINITE_SSTHRESH).
const noThreshold = 0x7fffffff

// Sending is what TCP reckons with while it sends, in segments and in the words of ss(8),
// which leaves out what is 0 as well.
func Sending(whose stage.Role, t *unix.TCPInfo, command string) lesson.Evidence {
	parts := []string{fmt.Sprintf("cwnd %d", t.Snd_cwnd)}
	add := func(name string, n uint32) {
		if n > 0 && n != noThreshold {
			parts = append(parts, fmt.Sprintf("%s %d", name, n))
		}
	}
	add("ssthresh", t.Snd_ssthresh)
	add("unacked", t.Unacked)
	add("sacked", t.Sacked)
	add("lost", t.Lost)
	if t.Total_retrans > 0 {
		parts = append(parts, fmt.Sprintf("retrans %d/%d", t.Retrans, t.Total_retrans))
	}
	return lesson.Evidence{Fact: string(whose) + "'s TCP", Value: strings.Join(parts, ", "), Source: "getsockopt(2) TCP_INFO", Command: command}
}

// OutOfOrder is how many segments have come to an end before one that is missing.
func OutOfOrder(whose stage.Role, segments uint32, command string) lesson.Evidence {
	return lesson.Evidence{Fact: string(whose) + "'s TCP", Value: fmt.Sprintf("rcv_ooopack %d", segments), Source: "getsockopt(2) TCP_INFO", Command: command,
		Note: "Segments that came out of order."}
}
