package lesson

import "testing"

func TestCounted(t *testing.T) {
	for n, want := range map[int]string{0: "0 bytes", 1: "1 byte", 2: "2 bytes"} {
		if got := Counted(n, "byte"); got != want {
			t.Errorf("%d: %s, not %s", n, got, want)
		}
	}
}
