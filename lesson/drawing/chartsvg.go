package drawing

import (
	"fmt"
	"strings"
)

// SVG draws the Chart as SVG: each track as a line.
func (c Chart) SVG(room Room) string {
	p := c.plot(room)
	var paths strings.Builder
	for i := range c.tracks {
		if d := p.line(i); d != "" {
			fmt.Fprintf(&paths, "<path d=\"%s\"/>\n", d)
		}
	}
	const end = "</svg>\n"
	return strings.TrimSuffix(p.frame().svg(c.title(), c.Sentences(), nil), end) + paths.String() + end
}

// line is the path of a track: from sample to sample, or a mark where the number has grown.
func (p plot) line(i int) string {
	t := p.tracks[i]
	if t.most == 0 {
		return ""
	}
	left, width := float64(p.left)*cellWidth+cellWidth/2., float64(p.width-1)*cellWidth
	if p.ending(i) {
		width = float64(p.width-len(t.label)-2) * cellWidth
	}
	bottom, height := float64(p.top[i]+p.height[i])*cellHeight-2, float64(p.height[i])*cellHeight-cellHeight/2.
	var d strings.Builder
	before, move := 0., "M"
	for n, s := range p.of.Samples {
		v := t.values[n]
		x := left + width*float64(s.At)/float64(p.span())
		switch {
		case !t.ticks:
			fmt.Fprintf(&d, "%s%.1f %.1f", move, x, bottom-height*v/t.most)
			move = "L"
		case v > before:
			fmt.Fprintf(&d, "M%.1f %.1fl6 8m0 -8l-6 8", x-3, bottom-cellHeight/2-2)
		}
		before = v
	}
	return d.String()
}
