// Package view arranges the Events of a lesson: as text for a terminal or a pipe,
// or as JSON lines for programs. A view computes nothing. Colours, glyphs and the
// width are given to it.
package view
