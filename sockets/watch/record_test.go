package watch

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
)

// Memory of which some pieces are known is read as far as one of them goes, the later ones
// first; pieces that are no whole ones end it.
func TestCaptured(t *testing.T) {
	piece := func(address uint64, b string) (p []byte) {
		p = binary.NativeEndian.AppendUint64(p, address)
		p = binary.NativeEndian.AppendUint64(p, uint64(len(b)))
		p = append(p, b...)
		return append(p, make([]byte, -len(b)&7)...)
	}
	c := captured{piece(100, "later"), slices.Concat(piece(100, "sooner"), piece(200, "elsewhere"))}
	for _, test := range []struct {
		address uint64
		n       int
		want    string
	}{{100, 5, "later"}, {102, 3, "ter"}, {100, 6, "sooner"}, {201, 30, "lsewhere"}, {99, 3, ""}, {209, 1, ""}, {1 << 63, 8, ""}} {
		b := make([]byte, test.n)
		if got := string(b[:c.ReadMemory(test.address, b)]); got != test.want {
			t.Errorf("%d at %d: %q, want %q", test.n, test.address, got, test.want)
		}
	}
	for range 10000 {
		any := make([]byte, rand.IntN(64))
		for i := range any {
			any[i] = byte(rand.IntN(3) * rand.IntN(256))
		}
		captured{any, any}.ReadMemory(uint64(rand.IntN(300)), make([]byte, rand.IntN(50)))
	}
}
