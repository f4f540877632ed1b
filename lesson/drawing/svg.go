package drawing

import (
	"fmt"
	"html"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Style is the style sheet inside of every SVG, for a page whose policy asks for its
// hash. On paper the drawing is black on white.
const Style = `svg.fd3{color:#1c2127;background:#fdfcf9;max-width:100%;height:auto}` +
	`svg.fd3 path{fill:none;stroke:currentColor;stroke-width:1.3;stroke-linecap:round}` +
	`svg.fd3 text{fill:currentColor;white-space:pre;font:15px ui-monospace,"Cascadia Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}` +
	`svg.fd3 .strong{font-weight:700}svg.fd3 .faint{opacity:.75}svg.fd3 .dashed{stroke-dasharray:3 4}` +
	`svg.fd3 .layer1{fill:#7a3e8e}svg.fd3 .layer2{fill:#0b5cad}svg.fd3 .layer3{fill:#1d6b37}svg.fd3 .layer4{fill:#8a5a00}` +
	`@media screen and (prefers-color-scheme:dark){svg.fd3 .layer1{fill:#d3a4e3}svg.fd3 .layer2{fill:#8fc1ff}svg.fd3 .layer3{fill:#86d3a0}svg.fd3 .layer4{fill:#e8bf6a}}` +
	`@media (prefers-color-scheme:dark){svg.fd3{color:#e3e6ea;background:#14171b}}` +
	`@media print{svg.fd3{color:#000;background:#fff}svg.fd3 .faint{opacity:1}}`

// The size of a cell in an SVG, in its own units: a character of 15 px is 9 wide.
const (
	cellWidth  = 9
	cellHeight = 20
)

// SVG draws the Picture as SVG.
func (p Picture) SVG(room Room) string {
	l := p.lay(room)
	return l.grid().svg("What the kernel has", p.Sentences(), l.notes())
}

// svg is a grid as SVG, with notes below. Its words are text, which can be selected, and
// the sentences are its description.
func (g *grid) svg(title string, sentences, notes []string) string {
	var out strings.Builder
	width, height := (g.used()+2)*cellWidth, (len(g.rows)+len(notes)+1)*cellHeight
	fmt.Fprintf(&out, `<svg class="fd3" xmlns="http://www.w3.org/2000/svg" viewBox="%d %d %d %d" width="%d" height="%d" role="img">`,
		-cellWidth, -cellHeight/2, width, height, width, height)
	fmt.Fprintf(&out, "\n<title>%s</title>\n<desc>%s</desc>\n<style>%s</style>\n", html.EscapeString(title), html.EscapeString(strings.Join(sentences, " ")), Style)
	for _, dashed := range []bool{false, true} {
		if path := g.path(dashed); path != "" {
			fmt.Fprintf(&out, "<path class=\"%s\" d=\"%s\"/>\n", map[bool]string{false: "line", true: "dashed"}[dashed], path)
		}
	}
	for y, row := range g.rows {
		words(&out, y, row)
	}
	for i, note := range notes {
		text(&out, 0, len(g.rows)+i, note, "")
	}
	out.WriteString("</svg>\n")
	return out.String()
}

// used is how many columns have anything in them.
func (g *grid) used() int {
	most := 0
	for _, row := range g.rows {
		for x, c := range row {
			if c.text != "" || c.sides != 0 {
				most = max(most, x+1)
			}
		}
	}
	return most
}

// path is the lines of a grid, each as long as it goes without a bend.
func (g *grid) path(dashed bool) string {
	var d strings.Builder
	middle := func(n, size int) float64 { return float64(n*size) + float64(size)/2 }
	drawn := func(x, y int, side sides) bool {
		c := g.rows[y][x]
		return c.text == "" && c.dashed == dashed && c.sides&side != 0
	}
	for y := range g.rows {
		for x := 0; x < g.columns; x++ {
			if !drawn(x, y, east) && !drawn(x, y, west) {
				continue
			}
			from, to := middle(x, cellWidth), middle(x, cellWidth)
			if drawn(x, y, west) {
				from -= cellWidth / 2.
			}
			for drawn(x, y, east) {
				to += cellWidth / 2.
				if x+1 == g.columns || !drawn(x+1, y, west) {
					break
				}
				x++
				to = middle(x, cellWidth)
			}
			fmt.Fprintf(&d, "M%g %gH%g", from, middle(y, cellHeight), to)
		}
	}
	for x := range g.columns {
		for y := 0; y < len(g.rows); y++ {
			if !drawn(x, y, north) && !drawn(x, y, south) {
				continue
			}
			from, to := middle(y, cellHeight), middle(y, cellHeight)
			if drawn(x, y, north) {
				from -= cellHeight / 2.
			}
			for drawn(x, y, south) {
				to += cellHeight / 2.
				if y+1 == len(g.rows) || !drawn(x, y+1, north) {
					break
				}
				y++
				to = middle(y, cellHeight)
			}
			fmt.Fprintf(&d, "M%g %gV%g", middle(x, cellWidth), from, to)
		}
	}
	return d.String()
}

// words writes the texts of a row, each in one piece.
func words(out *strings.Builder, y int, row []cell) {
	for x := 0; x < len(row); {
		from, piece := x, ""
		for x < len(row) && (row[x].text != "" || row[x].second) && row[x].weight == row[from].weight {
			piece += row[x].text
			x++
		}
		if strings.TrimSpace(piece) != "" {
			text(out, from, y, piece, row[from].weight.class())
		}
		if x == from {
			x++
		}
	}
}

// layerClasses is how many layers of a packet have colours of their own.
const layerClasses = 4

// class is how Style calls the weight of a text.
func (w weight) class() string {
	switch {
	case w == strong:
		return "strong"
	case w == faint:
		return "faint"
	case w.layer() > 0:
		return fmt.Sprintf("layer%d", (w.layer()-1)%layerClasses+1)
	}
	return ""
}

// text writes one text at a cell, as wide as its cells are whatever the font.
func text(out *strings.Builder, x, y int, s, class string) {
	trimmed := strings.TrimLeft(s, " ")
	x += len(s) - len(trimmed)
	trimmed = strings.TrimRight(trimmed, " ")
	if class != "" {
		class = fmt.Sprintf(` class="%s"`, class)
	}
	fmt.Fprintf(out, `<text%s x="%d" y="%d" textLength="%d">%s</text>`+"\n", class, x*cellWidth, y*cellHeight+15, ansi.StringWidth(trimmed)*cellWidth, html.EscapeString(trimmed))
}
