package main

import (
	"fmt"
	"html"
	"image/color"
	"strings"
	"time"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
)

// The size of a cell, in units of the SVG: a character of 15 is 9 wide.
const (
	cellWidth  = 9
	cellHeight = 20
	edge       = 14 // around the terminal
)

// style has the colours of a terminal, light and dark. The program's are those numbers of
// the 16 that it uses for accents.
const style = `svg{color:#1f2328;--paper:#fff;--line:#d0d7de;--c1:#b3261e;--c2:#116329;--c6:#0b6a75}` +
	`@media(prefers-color-scheme:dark){svg{color:#e3e6ea;--paper:#14171b;--line:#3d444d;--c1:#ff8f83;--c2:#7ccf8a;--c6:#6fcbd3}}` +
	`text{fill:currentColor;white-space:pre;font:15px ui-monospace,"Cascadia Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}` +
	`path{fill:none;stroke:currentColor;stroke-width:1.3}.b{font-weight:700}.f{opacity:.72}.u{text-decoration:underline}` +
	`.c1{color:var(--c1)}.c2{color:var(--c2)}.c6{color:var(--c6)}.r{fill:var(--paper)}`

// svg draws a terminal. Of several frames it is an animation, which goes round; for a
// reader who wants no motion it is the first.
func svg(title string, frames []frame) string {
	width, height := len(frames[0].rows[0])*cellWidth+2*edge, len(frames[0].rows)*cellHeight+2*edge
	var out, film strings.Builder
	rows := make(map[string]int) // the number of a row, by how it is drawn
	var drawn []string
	for i, f := range frames {
		fmt.Fprintf(&film, `<g transform="translate(%d)">`, i*width)
		for y, cells := range f.rows {
			row := draw(cells)
			if row == "" {
				continue
			}
			if _, there := rows[row]; !there {
				rows[row] = len(drawn)
				drawn = append(drawn, row)
			}
			fmt.Fprintf(&film, `<use href="#r%d" y="%d"/>`, rows[row], y*cellHeight)
		}
		film.WriteString("</g>\n")
	}
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="%d %d %d %d" width="%d" height="%d" role="img">`+"\n<title>%s</title>\n<style>%s%s</style>\n",
		-edge, -edge, width, height, width, height, html.EscapeString(title), style, motion(frames, width))
	fmt.Fprintf(&out, `<rect x="%g" y="%g" width="%d" height="%d" rx="9" style="fill:var(--paper);stroke:var(--line)"/>`+"\n<defs>\n", .5-edge, .5-edge, width-1, height-1)
	for i, row := range drawn {
		fmt.Fprintf(&out, "<g id=\"r%d\">%s</g>\n", i, row)
	}
	fmt.Fprintf(&out, "</defs>\n<g class=\"film\">\n%s</g>\n</svg>\n", film.String())
	return out.String()
}

// motion is the style that moves the frames by, each as long as it stays.
func motion(frames []frame, width int) string {
	if len(frames) == 1 {
		return ""
	}
	var whole, at time.Duration
	for _, f := range frames {
		whole += f.stays
	}
	var out strings.Builder
	fmt.Fprintf(&out, ".film{animation:film %.1fs steps(1,end) infinite}@media(prefers-reduced-motion:reduce){.film{animation:none}}@keyframes film{", whole.Seconds())
	for i, f := range frames {
		fmt.Fprintf(&out, "%.2f%%{transform:translate(%dpx)}", 100*at.Seconds()/whole.Seconds(), -i*width)
		at += f.stays
	}
	return out.String() + "}"
}

// A look is how a cell is drawn, but for its text.
type look struct {
	class, colour, behind string // colours that have no class
	reversed              bool
	line                  bool // it is a piece of a box
}

func lookOf(c uv.Cell) (l look) {
	var classes []string
	for _, a := range []struct {
		attribute uint8
		class     string
	}{{uv.AttrBold, "b"}, {uv.AttrFaint, "f"}} {
		if c.Style.Attrs&a.attribute != 0 {
			classes = append(classes, a.class)
		}
	}
	if c.Style.Underline != 0 {
		classes = append(classes, "u")
	}
	if n, basic := c.Style.Fg.(ansi.BasicColor); basic && (n == 1 || n == 2 || n == 6) {
		classes = append(classes, fmt.Sprint("c", n))
	} else {
		l.colour = hex(c.Style.Fg)
	}
	l.class, l.behind = strings.Join(classes, " "), hex(c.Style.Bg)
	l.reversed, l.line = c.Style.Attrs&uv.AttrReverse != 0, sides[c.Content] != ""
	return l
}

func hex(c color.Color) string {
	if c == nil {
		return ""
	}
	r, g, b, _ := c.RGBA()
	return fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
}

// draw draws a row: what has one look in one piece.
func draw(cells []uv.Cell) string {
	var out strings.Builder
	for x := 0; x < len(cells); {
		from, l := x, lookOf(cells[x])
		var texts []string
		for x < len(cells) && lookOf(cells[x]) == l {
			texts = append(texts, cells[x].Content)
			if cells[x].Content == "" {
				texts[len(texts)-1] = " "
			}
			x += max(cells[x].Width, 1)
		}
		l.write(&out, from, x-from, texts)
	}
	return out.String()
}

// write draws a piece of a row.
func (l look) write(out *strings.Builder, x, columns int, texts []string) {
	text := strings.Join(texts, "")
	if l.behind != "" || l.reversed {
		fill := "currentColor"
		if l.behind != "" {
			fill = l.behind
		}
		fmt.Fprintf(out, `<rect x="%d" width="%d" height="%d" fill="%s"/>`, x*cellWidth, columns*cellWidth, cellHeight, fill)
	} else {
		trimmed := strings.TrimLeft(text, " ")
		x += len(text) - len(trimmed)
		columns -= len(text) - len(trimmed)
		text = strings.TrimRight(trimmed, " ")
		columns -= len(trimmed) - len(text)
	}
	if text == "" {
		return
	}
	attributes := ""
	if class := strings.TrimSpace(l.class + map[bool]string{true: " r"}[l.reversed]); class != "" {
		attributes += fmt.Sprintf(` class="%s"`, class)
	}
	if l.colour != "" {
		attributes += fmt.Sprintf(` style="color:%s"`, l.colour)
	}
	if l.line {
		fmt.Fprintf(out, `<path%s d="%s"/>`, attributes, path(x, texts))
		return
	}
	fmt.Fprintf(out, `<text%s x="%d" y="15" textLength="%d">%s</text>`, attributes, x*cellWidth, columns*cellWidth, html.EscapeString(text))
}

// sides are where the lines of a piece of a box go from its middle: north, east, south,
// west. A dash, as in "e-", leaves the end open.
var sides = map[string]string{
	"─": "ew", "│": "ns", "╭": "es", "╮": "sw", "╰": "ne", "╯": "nw", "├": "nes", "┤": "nsw", "┬": "esw", "┴": "new", "┼": "nesw",
	"┌": "es", "┐": "sw", "└": "ne", "┘": "nw", "╌": "ew-", "╎": "ns-", "═": "ew", "╧": "new",
}

// bends are the round corners of boxes, from the middle of the cell's upper or lower edge.
var bends = map[string]string{
	"╭": "20v-5.5q0-4.5 4.5-4.5", "╮": "20v-5.5q0-4.5-4.5-4.5", "╰": "0v5.5q0 4.5 4.5 4.5", "╯": "0v5.5q0 4.5-4.5 4.5",
}

// path is the lines of boxes in a row, as the d of an SVG path.
func path(x int, texts []string) string {
	var d strings.Builder
	const middle = cellHeight / 2
	for i, text := range texts {
		at, s := float64((x+i)*cellWidth), sides[text]
		if bend := bends[text]; bend != "" {
			fmt.Fprintf(&d, "M%g %s", at+cellWidth/2., bend)
			continue
		}
		half, gap := cellWidth/2., 0.
		if strings.HasSuffix(s, "-") {
			gap = 2
		}
		west, east := strings.Contains(s, "w"), strings.Contains(s, "e")
		switch {
		case west && east:
			fmt.Fprintf(&d, "M%g %dh%g", at+gap, middle, cellWidth-2*gap)
		case west:
			fmt.Fprintf(&d, "M%g %dh%g", at, middle, half)
		case east:
			fmt.Fprintf(&d, "M%g %dh%g", at+half, middle, half)
		}
		north, south := strings.Contains(s, "n"), strings.Contains(s, "s")
		switch {
		case north && south:
			fmt.Fprintf(&d, "M%g %gv%g", at+half, gap, cellHeight-2*gap)
		case north:
			fmt.Fprintf(&d, "M%g 0v%d", at+half, middle)
		case south:
			fmt.Fprintf(&d, "M%g %dv%d", at+half, middle, middle)
		}
	}
	return d.String()
}
