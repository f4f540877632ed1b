package wire

import "testing"

// A record of ten thousand packets is parsed each time that it is shown.
func BenchmarkParse(b *testing.B) {
	frame := tcpWith(2, 4, 5, 180, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7)
	var flows Flows
	for b.Loop() {
		p := Parse(frame)
		flows.Follow(&p)
	}
}
