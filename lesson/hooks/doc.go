// Package hooks tells what became of one packet at the places on its way where a rule or a
// program can be put, and what sits at these places. The trial is made by sockets/hooks.
package hooks
