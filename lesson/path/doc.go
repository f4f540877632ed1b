// Package path tells of the way of one call through the kernel, as the package of that name
// in sockets has seen it. Its words are in path.md, and a sentence for each function that
// matters in functions.md.
package path
