package drawing

import (
	"cmp"
	"slices"
)

// align gives each line of the two columns its height, so that as many links as can be
// are straight.
func (l *layout) align() {
	pairs := l.straight()
	var y [2]int
	var next [2]int
	columns := [2]*column{l.left, l.right}
	advance := func(side, to int) {
		for ; next[side] < to; next[side]++ {
			columns[side].lines[next[side]].y = y[side]
			y[side]++
		}
	}
	for _, pair := range pairs {
		for side := range 2 {
			advance(side, columns[side].beginning(next[side], pair[side]))
		}
		var heights [2]int
		for side := range 2 {
			heights[side] = y[side] + pair[side] - next[side]
		}
		at := max(heights[0], heights[1])
		for side := range 2 {
			y[side] += at - heights[side]
			advance(side, pair[side]+1)
		}
	}
	for side := range 2 {
		advance(side, len(columns[side].lines))
	}
	l.height = max(y[0], y[1])
}

// beginning returns the line before which there may be blank ones to bring a line to
// its height: that of its box, if the box is not begun, else the line itself.
func (c *column) beginning(next, to int) int {
	for i := to; i > next; i-- {
		if c.lines[i].part == between || i == 0 {
			return i
		}
	}
	if next == 0 {
		return 0
	}
	return to
}

// straight chooses the links that are drawn without a bend: the longest run in which
// neither side goes back.
func (l *layout) straight() [][2]int {
	var pairs [][2]int
	for _, k := range l.links {
		a, b := l.left.first(k.from), l.right.first(k.to)
		if a >= 0 && b >= 0 {
			pairs = append(pairs, [2]int{a, b})
		}
	}
	slices.SortFunc(pairs, func(a, b [2]int) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	best := make([][][2]int, len(pairs))
	var longest [][2]int
	for i, pair := range pairs {
		for j := range i {
			if pairs[j][0] < pair[0] && pairs[j][1] < pair[1] && len(best[j]) > len(best[i]) {
				best[i] = best[j]
			}
		}
		best[i] = append(slices.Clone(best[i]), pair)
		if len(best[i]) > len(longest) {
			longest = best[i]
		}
	}
	return longest
}

// first returns the index of the first line of a row, or -1.
func (c *column) first(r *row) int {
	return slices.IndexFunc(c.lines, func(x line) bool { return x.row == r && x.first })
}
