package step

import (
	"context"
	"slices"

	"fd3/sockets/stage"
)

// A Step is one call of a socket's life: what has to come before it, the order
// that makes it, and what there is to tell of it. Its words are in the Markdown
// file of its name. A field that a step has no use for is left out. Every Step is made
// in this package.
type Step struct {
	Name string     // of its command, of its words, and of its events in --json
	Role stage.Role // the party that takes it unless told otherwise; empty: the server

	Call   string // the system call that it makes
	Blocks int    // the number of that call, if it may wait for the other end
	Makes  bool   // the call returns a new descriptor, which the step is about
	Inner  bool   // the step is only ever taken within another one

	// Named is set where an address that a learner names concerns the step also as
	// a prerequisite: a socket's family comes of it.
	Named bool
	// Struct is set where the bytes to show are those of the address.
	Struct bool
	// Answers is set where a refusal is an answer too: what comes next is told all
	// the same.
	Answers bool

	On     choice                          // the sockets that it may act on when none is named
	Needs  func(plan) (todo, bool)         // the first step that has to come before it
	Order  func(*scene) stage.Order        // the call with its arguments
	Again  func(*scene) bool               // reports whether the call is to be made once more, as the scene's order now says
	Facts  []fact                          // the evidence when the call succeeded
	Cases  func(*scene, *cases)            // the variants of its words, the most telling first
	Values func(*scene, map[string]string) // the live values of its words, beside those of every step

	// Take takes the step where that is more than its call.
	Take func(context.Context, *Runner, todo, Options, sight) error
}

// A todo is a step that a party has to take.
type todo struct {
	step *Step
	role stage.Role
}

// The parties of a conversation.
const (
	server = stage.Server
	client = stage.Client
)

var steps []*Step

// add makes a step known by its name and by its call.
func add(s Step) *Step {
	steps = append(steps, &s)
	return &s
}

// named returns the step of a name, or nil. A step names others by it, since their
// values may need each other.
func named(name string) *Step {
	return first(func(s *Step) bool { return s.Name == name })
}

// making returns the step that makes a call, or nil.
func making(call string) *Step {
	return first(func(s *Step) bool { return s.Call == call && !s.Inner })
}

func first(is func(*Step) bool) *Step {
	if i := slices.IndexFunc(steps, is); i >= 0 {
		return steps[i]
	}
	return nil
}
