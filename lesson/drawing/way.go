package drawing

import (
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"fd3/lesson"
)

// A Way is a packet's way through two hosts: down at the left, over the cable, and up at
// the right, with what one layer does at one height. Where there is no room for that, it
// goes down all the way.
type Way struct{ lesson.Way }

// NewWay returns the drawing of a way.
func NewWay(w lesson.Way) Way { return Way{w} }

// A wayRow is a line of one side: a place, the name of the layer whose places follow, or
// neither.
type wayRow struct {
	stop  *lesson.Stop
	layer string
}

// stopMark is what stands in the line of the way at a place.
func stopMark(s *lesson.Stop) string {
	switch {
	case s.Fate == lesson.Stopped:
		return "✕"
	case s.Fate == lesson.Redirected:
		return "▶"
	case s.Fate == lesson.Missed, s.Fate == lesson.Unseen, s.Fate == "" && len(s.Sits) == 0:
		return "○"
	}
	return "●"
}

// of returns the places of a host, in the order of the way.
func (w Way) of(host string) (all []*lesson.Stop) {
	for i := range w.Stops {
		if w.Stops[i].Host == host {
			all = append(all, &w.Stops[i])
		}
	}
	return all
}

// bands returns the rows of both hosts from the top: those of one layer are at one height.
func (w Way) bands() (left, right []wayRow) {
	down, up := w.of(w.Left.Name), w.of(w.Right.Name)
	slices.Reverse(up)
	for _, layer := range layers(up, down) {
		left = append(left, wayRow{layer: layer})
		right = append(right, wayRow{layer: layer})
		for _, side := range []struct {
			stops []*lesson.Stop
			rows  *[]wayRow
		}{{down, &left}, {up, &right}} {
			for _, s := range side.stops {
				if s.Layer == layer {
					*side.rows = append(*side.rows, wayRow{stop: s})
				}
			}
		}
		for len(left) < len(right) {
			left = append(left, wayRow{})
		}
		for len(right) < len(left) {
			right = append(right, wayRow{})
		}
	}
	return left, right
}

// layers returns the layers of both hosts from the top; a layer that only one of them has
// stands above the one below it there.
func layers(up, down []*lesson.Stop) (all []string) {
	for _, s := range up {
		if !slices.Contains(all, s.Layer) {
			all = append(all, s.Layer)
		}
	}
	at := len(all)
	for _, s := range slices.Backward(down) {
		if i := slices.Index(all, s.Layer); i >= 0 {
			at = i
			continue
		}
		all = slices.Insert(all, at, s.Layer)
	}
	return all
}

// Cells draws the Way in lines of a terminal.
func (w Way) Cells(room Room, ascii bool) [][]Span {
	var all [][]Span
	for _, row := range w.grid(room).rows {
		all = append(all, spans(row, ascii))
	}
	return all
}

// SVG draws the Way as SVG.
func (w Way) SVG(room Room) string {
	return w.grid(room).svg("A packet's way from "+w.Left.Name+" to "+w.Right.Name, w.Sentences(), nil)
}

// twoColumns is the width from which the way goes down and up.
const twoColumns = 76

func (w Way) grid(room Room) *grid {
	if room.Columns >= twoColumns {
		return w.beside(min(room.Columns, 100))
	}
	return w.below(max(room.Columns, Narrowest))
}

// name is what a host is called in a drawing.
func name(s lesson.Side) string { return strings.TrimSpace(s.Name + " " + s.Address) }

// onCable says what the cable had.
func (w Way) onCable() string {
	switch {
	case w.Cable != "":
		return "the cable: " + w.Cable
	case w.Sent != "":
		return "the cable: nothing"
	}
	return "the cable"
}

// head is how many rows stand above the places: the name of the host, and its call.
const head = 2

// beside draws the two hosts side by side.
func (w Way) beside(columns int) *grid {
	left, right := w.bands()
	at := [2]int{1, columns/2 + 1}
	bottom := head + len(left)
	g := newGrid(columns, bottom+1)
	for i, s := range []lesson.Side{w.Left, w.Right} {
		g.put(at[i]-1, 0, name(s), strong)
		g.put(at[i]-1, 1, []string{w.Sent, w.Received}[i], normal)
	}
	widths := [2]int{at[1] - at[0] - 1, columns - at[1]}
	flows := w.went(w.Sent != "")
	for i, r := range left {
		flows = w.row(g, at[0], head+i, widths[0], r, flows)
	}
	flows = w.went(w.Cable != "")
	for i, r := range slices.Backward(right) {
		flows = w.row(g, at[1], head+i, widths[1], r, flows)
	}
	lost := w.Sent != "" && w.Cable == ""
	g.across(bottom, at[0], at[1], lost)
	g.join(at[0], bottom, north|east, false)
	g.join(at[1], bottom, north|west, false)
	text := " " + w.onCable() + " "
	if room := at[1] - at[0] - 3; ansi.StringWidth(text) <= room {
		g.put(at[0]+2+(room-ansi.StringWidth(text))/2, bottom, text, normal)
	}
	return g
}

// went is whether the line of the way is whole: where nothing was sent it is.
func (w Way) went(came bool) bool { return came || w.Sent == "" }

// row draws one row at a column, and returns whether the packet went on behind it.
func (w Way) row(g *grid, x, y, width int, r wayRow, flows bool) bool {
	if r.stop == nil {
		g.join(x, y, north|south, !flows)
		g.put(x+2, y, r.layer, faint)
		return flows
	}
	g.put(x, y, stopMark(r.stop), normal)
	weight := normal
	if f := r.stop.Fate; f == lesson.Stopped || f == lesson.Rewritten || f == lesson.Redirected {
		weight = strong
	}
	const place = 15 // "netdev-ingress" and a blank
	text := fmt.Sprintf("%-*s%s", place, r.stop.Place+" ", r.stop.Text)
	if tight := r.stop.Place + " " + r.stop.Text; ansi.StringWidth(text) > width-2 && ansi.StringWidth(tight) <= width-2 {
		text = tight
	}
	g.put(x+2, y, ansi.Truncate(text, max(width-2, place), "…"), weight)
	switch r.stop.Fate {
	case lesson.Stopped, lesson.Redirected, lesson.Missed:
		return false
	}
	return flows
}

// below draws the whole way from the top down.
func (w Way) below(columns int) *grid {
	var rows []wayRow
	layer := ""
	for _, host := range []string{w.Left.Name, w.Right.Name} {
		for _, s := range w.of(host) {
			if s.Layer != layer {
				layer = s.Layer
				rows = append(rows, wayRow{layer: layer})
			}
			rows = append(rows, wayRow{stop: s})
		}
		if host == w.Left.Name {
			rows, layer = append(rows, wayRow{layer: w.onCable()}), ""
		}
	}
	g := newGrid(columns, len(rows)+2*head)
	g.put(0, 0, name(w.Left), strong)
	g.put(0, 1, w.Sent, normal)
	flows := w.went(w.Sent != "")
	for i, r := range rows {
		flows = w.row(g, 1, head+i, columns-1, r, flows)
	}
	g.put(0, head+len(rows), w.Received, normal)
	g.put(0, head+len(rows)+1, name(w.Right), strong)
	return g
}

// Sentences tells the Way for a reader who does not see it, from the sender to the
// receiver.
func (w Way) Sentences() []string {
	var all []string
	add := func(format string, args ...any) {
		all = append(all, strings.NewReplacer("µs", "us", "…", "...").Replace(fmt.Sprintf(format, args...)))
	}
	if w.Sent != "" {
		add("%s calls %s.", name(w.Left), strings.Replace(w.Sent, " = ", ", which returns ", 1))
	}
	for _, host := range []string{w.Left.Name, w.Right.Name} {
		for _, s := range w.of(host) {
			add("%s, %s, %s: %s.", host, s.Layer, s.Place, s.Text)
		}
		if host == w.Left.Name {
			add("%s.", w.onCable())
		}
	}
	if w.Received != "" {
		add("%s calls %s.", name(w.Right), strings.Replace(w.Received, " = ", ", which returns ", 1))
	}
	return all
}
