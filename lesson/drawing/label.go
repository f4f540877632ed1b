package drawing

import "slices"

// labelled reports whether a link has a label.
func (p Picture) labelled() bool {
	return slices.ContainsFunc(p.links, func(k link) bool { return k.label != "" })
}

// unlabelled returns the Picture with the labels of its links in the rows that they
// begin at, for want of room in the links.
func (p Picture) unlabelled() Picture {
	copies := make(map[*row]*row)
	var boxes []*box
	for _, b := range p.boxes {
		other := *b
		other.rows = nil
		for _, r := range b.rows {
			copied := *r
			copies[r] = &copied
			other.rows = append(other.rows, &copied)
		}
		boxes = append(boxes, &other)
	}
	p.boxes = boxes
	p.links = slices.Clone(p.links)
	for i, k := range p.links {
		k.from, k.to, k.by = copies[k.from], copies[k.to], copies[k.by]
		if k.label != "" {
			k.by.more = append(slices.Clone(k.by.more), k.label)
			k.label = ""
		}
		p.links[i] = k
	}
	return p
}
