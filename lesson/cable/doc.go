// Package cable tells of a network that stands on its own, and of what lies on its cable.
// What it says is read from the keeper of the network (package netlab) and from the
// kernels of both hosts; its words are in cable.md.
package cable
