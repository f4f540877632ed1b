package sockets

import "fmt"

// A shape is how a system call looks, whoever makes it: one row of the table. It is
// read in two ways, when the call is entered and when it has returned.
type shape struct {
	name   string
	params []param
	onFD   bool // the first argument is the descriptor that the call acts on

	// c and golang are the statements that make the same call. {name} is the
	// argument of that name, as source. write gives both where they depend on the
	// arguments. Without either the statement goes through syscall(2).
	c, golang string
	write     func(*decoder) (c, golang string)

	// result is what strace(1) writes of a call that succeeded where that is not
	// just the number; it is nil elsewhere.
	result func(*decoder) string

	// endless says that the call does not return when it succeeds.
	endless bool

	// prompt reports that a Tracer makes the call without telling the Go scheduler where
	// its sockets are non-blocking, since it is over at once then.
	prompt bool
}

// A param is one argument: as the manual page calls it, and what its register means.
// The place in shape.params is the register, unless the kind is made by at.
type param struct {
	name string
	kind kind
}

// A kind reads register i and returns the argument as strace(1) prints it.
//
// It is called when the call is entered. If the kernel will change what it shows,
// it says so with decoder.out, and is called again after the return; with
// decoder.late if strace prints it only then. Errors of the memory are no errors of
// a kind: it shows the address.
type kind func(d *decoder, i int) string

// at is a kind that reads a register other than the one of its place.
func at(register int, k kind) kind {
	return func(d *decoder, _ int) string {
		d.register = register
		return k(d, register)
	}
}

// shapeOf returns the shape of a system call, or one without names for a number
// that is not in the table.
func shapeOf(number int) *shape {
	if number >= 0 && number < len(table) && table[number].name != "" {
		return &table[number]
	}
	s := &shape{name: fmt.Sprintf("syscall_%#x", uint64(number))}
	for range (Registers{}) {
		s.params = append(s.params, param{"", hexadecimal})
	}
	return s
}
