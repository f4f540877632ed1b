// Package types has the types of the running kernel, as it tells them of itself (BTF,
// /sys/kernel/btf): how its structures are laid out, and what its functions take.
package types

import (
	"fmt"

	"github.com/cilium/ebpf/btf"
)

// all are the types of the kernel and of its modules. To read them takes longer than a call.
var all = btf.NewCache()

// Kernel returns the types of the kernel itself.
func Kernel() (*btf.Spec, error) { return all.Kernel() }

// Module returns the types of a module, or where it has no name of the kernel itself.
func Module(name string) (*btf.Spec, error) {
	if name == "" {
		return Kernel()
	}
	return all.Module(name)
}

// Offset returns where in a struct of the kernel a member is, in bytes. It may stand in a
// nameless struct there.
func Offset(structure, member string) (uint32, error) {
	kernel, err := Kernel()
	if err != nil {
		return 0, err
	}
	var s *btf.Struct
	if err := kernel.TypeByName(structure, &s); err != nil {
		return 0, err
	}
	at, found := offset(s.Members, member)
	if !found {
		return 0, fmt.Errorf("struct %s has no %s", structure, member)
	}
	return at, nil
}

// offset is where among members one is, also in those that have no name.
func offset(members []btf.Member, name string) (at uint32, found bool) {
	for _, m := range members {
		if m.Name == name {
			return m.Offset.Bytes(), true
		}
		if m.Name != "" {
			continue
		}
		var inner []btf.Member
		switch t := btf.UnderlyingType(m.Type).(type) {
		case *btf.Struct:
			inner = t.Members
		case *btf.Union:
			inner = t.Members
		}
		if at, found := offset(inner, name); found {
			return m.Offset.Bytes() + at, true
		}
	}
	return 0, false
}
