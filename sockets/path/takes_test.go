package path

import (
	"slices"
	"testing"

	"github.com/cilium/ebpf/btf"

	"fd3/sockets/kernel/types"
)

// The kernel tells what its functions take, and of one that there is not it tells nothing.
func TestTakes(t *testing.T) {
	if _, err := types.Kernel(); err != nil {
		t.Skip("this kernel does not tell its types:", err)
	}
	if got := takes("tcp_v4_rcv", "net/ipv4/tcp_ipv4.c"); !slices.Equal(got, []string{"struct sk_buff *skb"}) {
		t.Errorf("tcp_v4_rcv takes %q", got)
	}
	if got := (Visit{Takes: takes("dev_hard_start_xmit", "net/core/dev.c")}).Structures(); !slices.Equal(got, []string{"sk_buff", "net_device"}) {
		t.Errorf("dev_hard_start_xmit is given %q", got)
	}
	if got := takes("no_such_function", ""); got != nil {
		t.Errorf("%q", got)
	}
}

// It tells what a module's functions take, too, where the module is not built in.
func TestTakesOfModule(t *testing.T) {
	if _, err := types.Module("veth"); err != nil {
		t.Skip("this kernel has veth built in, or tells no types of it:", err)
	}
	if got := takes("veth_xmit", "drivers/net/veth.c"); !slices.Equal(got, []string{"struct sk_buff *skb", "struct net_device *dev"}) {
		t.Errorf("veth_xmit takes %q", got)
	}
}

func TestDeclared(t *testing.T) {
	word := &btf.Int{Name: "int"}
	sock := &btf.Struct{Name: "sock"}
	for want, of := range map[string]btf.Type{
		"int x":                  word,
		"struct sock *x":         &btf.Pointer{Target: sock},
		"const struct sock *x":   &btf.Pointer{Target: &btf.Const{Type: sock}},
		"void **x":               &btf.Pointer{Target: &btf.Pointer{Target: &btf.Void{}}},
		"int x[4]":               &btf.Array{Type: word, Nelems: 4},
		"int (*x)(…)":            &btf.Pointer{Target: &btf.FuncProto{Return: word}},
		"size_t x":               &btf.Typedef{Name: "size_t", Type: word},
		"enum skb_drop_reason x": &btf.Enum{Name: "skb_drop_reason"},
		"struct other *x":        &btf.Pointer{Target: &btf.Fwd{Name: "other", Kind: btf.FwdStruct}},
		"union bpf_attr *x":      &btf.Pointer{Target: &btf.TypeTag{Type: &btf.Union{Name: "bpf_attr"}}},
		"struct sock *x[2]":      &btf.Array{Type: &btf.Pointer{Target: sock}, Nelems: 2},
	} {
		if got := declared(of, "x"); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
