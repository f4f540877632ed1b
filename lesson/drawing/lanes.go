package drawing

// order returns the lane of each link that has a bend. Where one link begins at the left in
// the line in which another ends at the right, its lane is the one further to the left:
// else the two would lie one upon the other.
func (l *layout) order() []int {
	lanes := make([]int, len(l.links))
	var open []int // the bent links that have no lane yet
	for i, k := range l.links {
		if l.bent(k) {
			open = append(open, i)
		}
	}
	for lane := 0; len(open) > 0; lane++ {
		next := 0
		for i := range open {
			if l.first(open, i) {
				next = i
				break
			}
		}
		lanes[open[next]] = lane
		open = append(open[:next], open[next+1:]...)
	}
	return lanes
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
