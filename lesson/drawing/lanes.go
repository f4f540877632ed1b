package drawing

// order returns the lane of each link that has a bend. Where one link begins at the left in
// the line in which another ends at the right, its lane is the one further to the left:
// else the two would lie one upon the other. Where each of several links begins where
// another of them ends, no order is right: tangled is one of these lines, else -1.
func (l *layout) order() (lanes []int, tangled int) {
	lanes, tangled = make([]int, len(l.links)), -1
	var open []int // the bent links that have no lane yet
	for i, k := range l.links {
		if l.bent(k) {
			open = append(open, i)
		}
	}
	for lane := 0; len(open) > 0; lane++ {
		next := 0
		for next < len(open) && !l.first(open, next) {
			next++
		}
		if next == len(open) {
			next = 0
			_, tangled = l.sides(l.links[open[next]])
		}
		lanes[open[next]] = lane
		open = append(open[:next], open[next+1:]...)
	}
	return lanes, tangled
}

// untangle moves down by one what stands in a line at the right and all that is below it on
// both sides, until an order of the lanes is right. A link that is straight stays so.
func (l *layout) untangle() {
	for {
		_, y := l.order()
		if y < 0 {
			return
		}
		for from, c := range map[int]*column{y + 1: l.left, y: l.right} {
			for i := range c.lines {
				if c.lines[i].y >= from {
					c.lines[i].y++
				}
			}
		}
		l.height++
	}
}

// first reports whether no other of these links needs a lane further to the left than the
// i-th.
func (l *layout) first(open []int, i int) bool {
	_, right := l.sides(l.links[open[i]])
	for j, other := range open {
		if left, _ := l.sides(l.links[other]); j != i && left >= 0 && left == right {
			return false
		}
	}
	return true
}

// sides are the lines in which a link leaves the left column and the right one; -1 where it
// does not.
func (l *layout) sides(k link) (left, right int) {
	left, right = -1, -1
	for _, p := range []place{l.end(k.from), l.end(k.to)} {
		switch {
		case p.column == nil:
		case p.column == l.right:
			right = p.y
		default:
			left = p.y
		}
	}
	return left, right
}
