package path

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"

	"fd3/sockets/kernel/types"
)

// takes returns the parameters of a function of the running kernel, as C declares them:
// struct sock *sk. It is nil where the kernel does not tell them, or has several functions
// of that name. One that is not in the kernel itself may be in the module that is named as
// its source file.
func takes(function, file string) []string {
	var f *btf.Func
	module := strings.ReplaceAll(strings.TrimSuffix(path.Base(file), ".c"), "-", "_")
	for _, in := range []string{"", module} {
		if told, err := types.Module(in); err == nil && told.TypeByName(function, &f) == nil {
			break
		}
	}
	if f == nil {
		return nil
	}
	proto, ok := f.Type.(*btf.FuncProto)
	if !ok {
		return nil
	}
	var all []string
	for _, p := range proto.Params {
		all = append(all, declared(p.Type, p.Name))
	}
	return all
}

// declared is a name with its type, as C declares it.
func declared(t btf.Type, name string) string {
	switch t := t.(type) {
	case *btf.Pointer:
		if f, ok := t.Target.(*btf.FuncProto); ok {
			return declared(f.Return, "(*"+name+")(…)")
		}
		return declared(t.Target, "*"+name)
	case *btf.Array:
		return declared(t.Type, fmt.Sprintf("%s[%d]", name, t.Nelems))
	case *btf.Const:
		return "const " + declared(t.Type, name)
	case *btf.Volatile:
		return declared(t.Type, name)
	case *btf.Restrict:
		return declared(t.Type, name)
	case *btf.TypeTag:
		return declared(t.Type, name)
	case *btf.Void:
		return strings.TrimSpace("void " + name)
	case *btf.Struct:
		return strings.TrimSpace("struct " + t.Name + " " + name)
	case *btf.Union:
		return strings.TrimSpace("union " + t.Name + " " + name)
	case *btf.Enum:
		return strings.TrimSpace("enum " + t.Name + " " + name)
	case *btf.Fwd:
		return strings.TrimSpace(t.Kind.String() + " " + t.Name + " " + name)
	}
	return strings.TrimSpace(t.TypeName() + " " + name)
}

// mainStructures are those that the layers hand to each other on the main road, from the
// file behind a descriptor to the device.
var mainStructures = []string{"file", "socket", "sock", "tcp_sock", "sk_buff", "neighbour", "Qdisc", "net_device"}

// Structures returns which of the main structures the function was given, by a pointer.
func (v Visit) Structures() []string {
	var all []string
	for _, parameter := range v.Takes {
		words := strings.Fields(strings.TrimPrefix(parameter, "const "))
		if len(words) == 3 && words[0] == "struct" && strings.HasPrefix(words[2], "*") && slices.Contains(mainStructures, words[1]) && !slices.Contains(all, words[1]) {
			all = append(all, words[1])
		}
	}
	return all
}

// name says of each function of a way what is known of it besides.
func name(visits []Visit) {
	known := make(map[string][]string)
	for i := range visits {
		v := &visits[i]
		v.File = Functions().File(v.Function)
		v.Layer = LayerOf(v.File)
		parameters, seen := known[v.Function]
		if !seen {
			parameters = takes(v.Function, v.File)
			known[v.Function] = parameters
		}
		v.Takes = parameters
	}
}
