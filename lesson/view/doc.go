// Package view arranges the Events of a lesson: as text for a terminal or a pipe, as a
// handout in Markdown or HTML, as a recording of a terminal, or as JSON lines for
// programs. A view computes nothing, and draws every kind of Event. Colours, glyphs
// and the width are given to it.
package view
