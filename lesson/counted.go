package lesson

import "fmt"

// Counted returns a number with its noun: "1 byte", "2 bytes".
func Counted[N int | int32 | int64 | uint8 | uint16 | uint32 | uint64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
