package types

import (
	"os"
	"testing"
)

// Members are found in a struct, in nameless ones within it, and not elsewhere.
func TestOffset(t *testing.T) {
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err != nil {
		t.Skipf("this kernel does not tell its types: %v", err)
	}
	if at, err := Offset("list_head", "prev"); err != nil || at != 8 {
		t.Errorf("list_head.prev is at %d, %v", at, err)
	}
	next, err := Offset("sk_buff", "next") // both are in a union
	if err != nil {
		t.Fatal(err)
	}
	if prev, err := Offset("sk_buff", "prev"); err != nil || prev != next+8 {
		t.Errorf("sk_buff.next is at %d, and prev at %d, %v", next, prev, err)
	}
	if at, err := Offset("sk_buff", "network_header"); err != nil || at == 0 { // in a group
		t.Errorf("sk_buff.network_header is at %d, %v", at, err)
	}
	for _, no := range [][2]string{{"sk_buff", "nothing"}, {"nothing", "next"}} {
		if at, err := Offset(no[0], no[1]); err == nil {
			t.Errorf("%s.%s is at %d", no[0], no[1], at)
		}
	}
}
