package lesson

// A Moment is one in the life of a connection at which the kernel has called a program of
// eBPF at sockops.
type Moment struct {
	Host   string `json:"host"`             // whose end of the connection it is
	Name   string `json:"name"`             // of linux/bpf.h, without BPF_SOCK_OPS_ and _CB: TCP_CONNECT
	State  string `json:"state,omitempty"`  // of the socket; where the state changes, the old one
	To     string `json:"to,omitempty"`     // where the state changes: the new one
	Local  string `json:"local"`            // the address and port of this end
	Remote string `json:"remote,omitempty"` // and of the other; empty: there is none yet
	After  int64  `json:"after_ns"`         // how long after the first moment
}
