package lesson

import "fmt"

// Rate returns bits a second in the largest unit that leaves no fraction: 1 Mbit/s.
func Rate(bits uint64) string {
	for _, u := range []struct {
		unit string
		size uint64
	}{{"Gbit", 1e9}, {"Mbit", 1e6}, {"kbit", 1e3}} {
		if bits >= u.size && bits%u.size == 0 {
			return fmt.Sprintf("%d %s/s", bits/u.size, u.unit)
		}
	}
	return fmt.Sprintf("%d bit/s", bits)
}
