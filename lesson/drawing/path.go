package drawing

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"fd3/lesson"
	"fd3/sockets/path"
)

// A Path is the way of a call through the kernel, arranged by packet: for each one the
// functions on the way down at the left, on the way up at the right, and a band for each
// layer. The numbers tell the order.
type Path struct{ legs []leg }

// A leg is the way of one packet, or of a call that sends none.
type leg struct {
	title string
	bands []band
	heads [2]string // what runs the functions of each column; empty: it has none

	folded bool // only how many functions there are is known, and not which way they go
}

// A band is a layer: the structures of the kernel that it works on, the functions on the way
// down, and those on the way up, the last one first.
type band struct {
	name       string
	structures []string // that its functions were given
	columns    [2][]function
}

// A function is a line, and lines of what was seen in it.
type function struct {
	number int // 0: it is several
	name   string
	given  *path.SkBuff // as it was entered; nil: that was not told
	seen   []string
}

// strange names the band of functions that are in no layer of the network, such as memory
// or security, or whose file is not known.
const strange = "elsewhere"

// NewPath arranges the way of a call.
func NewPath(p path.Path) Path {
	if p.Every != "" {
		return foldedPath(p)
	}
	packets := packetsOf(p.Visits)
	var d Path
	for _, packet := range slices.Compact(slices.Sorted(slices.Values(packets))) {
		l := leg{title: titleOf(p.Visits, packet)}
		bands := make(map[string]*band)
		for i, v := range p.Visits {
			if packets[i] != packet {
				continue
			}
			name := cmp.Or(string(v.Layer), strange)
			if bands[name] == nil {
				bands[name] = &band{name: name}
			}
			f := function{number: i + 1, name: v.Function, given: v.SkBuff}
			if v.File == "" {
				f.name += " ?"
			}
			for _, h := range v.Hits {
				f.seen = append(f.seen, Said(h))
			}
			for _, s := range v.Structures() {
				if b := bands[name]; !slices.Contains(b.structures, s) {
					b.structures = append(b.structures, s)
				}
			}
			side := 0
			if v.Up {
				side = 1
			}
			bands[name].columns[side] = append(bands[name].columns[side], f)
			if v.Layer != path.Softirq { // it is where the one becomes the other
				l.heads[side] = runs(l.heads[side], v)
			}
		}
		for _, b := range bands {
			for side := range b.columns {
				if len(b.columns[side]) > 0 {
					l.heads[side] = cmp.Or(l.heads[side], "process and softirq")
				}
			}
		}
		for _, layer := range path.Layers {
			if b := bands[string(layer)]; b != nil {
				slices.Reverse(b.columns[1])
				l.bands = append(l.bands, *b)
			}
		}
		if b := bands[strange]; b != nil {
			l.bands = append(l.bands, *b)
		}
		d.legs = append(d.legs, l)
	}
	return d
}

// foldedPath arranges a way of which every function has told: how many there were in each layer.
func foldedPath(p path.Path) Path {
	l := leg{title: "every function, by layer", heads: [2]string{"in the process"}, folded: true}
	for _, sum := range p.Sums() {
		name, side := cmp.Or(string(sum.Layer), strange), 0
		if sum.Softirq {
			side, l.heads[1] = 1, "in a softirq"
		}
		if n := len(l.bands); n == 0 || l.bands[n-1].name != name {
			l.bands = append(l.bands, band{name: name})
		}
		f := function{name: lesson.Counted(sum.Functions, "function"), seen: []string{lesson.Counted(sum.Calls, "call")}}
		if sum.OwnNS > 0 {
			f.seen[0] += ", " + lesson.Took(time.Duration(sum.OwnNS))
		}
		b := &l.bands[len(l.bands)-1]
		b.columns[side] = append(b.columns[side], f)
	}
	return Path{[]leg{l}}
}

// packetsOf says for each function which packet it belongs to. What comes before the first
// packet prepares it; what is about none later belongs to the one before.
func packetsOf(visits []path.Visit) []int {
	all := make([]int, len(visits))
	current := 0
	for _, v := range visits {
		if current = v.Packet; current > 0 {
			break
		}
	}
	for i, v := range visits {
		if v.Packet > 0 {
			current = v.Packet
		}
		all[i] = current
	}
	return all
}

// runs says who runs the functions of a column: a process, a softirq or both.
func runs(before string, v path.Visit) string {
	now := "in the process"
	if v.Softirq {
		now = "in a softirq"
	}
	switch before {
	case "", now:
		return now
	}
	return "process and softirq"
}

// titleOf names a packet by what its sk_buff had when it left.
func titleOf(visits []path.Visit, packet int) string {
	if packet == 0 {
		return "no packet"
	}
	title := fmt.Sprintf("packet %d", packet)
	for _, v := range visits {
		for _, h := range v.Hits {
			if h.Packet == packet && h.Event == "net_dev_start_xmit" {
				return fmt.Sprintf("%s, %d bytes when it leaves", title, h.Len)
			}
		}
	}
	return title
}

// Said says what was seen in a function, in a few words.
func Said(h path.Hit) string {
	words := strings.ReplaceAll(h.Event, "_", " ")
	bytes := fmt.Sprintf("%d bytes", h.Len)
	if h.Len == 1 {
		bytes = "1 byte"
	}
	switch h.Event {
	case "net_dev_queue":
		words = bytes + " for " + h.Says
	case "net_dev_start_xmit":
		words = bytes + " to the driver"
		if h.Network > 0 && h.Transport > h.Network {
			words = fmt.Sprintf("%d = %d + %d + %d bytes", h.Len, h.Network, h.Transport-h.Network, h.Len-h.Transport)
		}
	case "netif_rx":
		words = bytes + " handed over"
	case "netif_receive_skb":
		words = bytes + " from " + h.Says
	case "tcp_probe":
		words = bytes + " for the reader"
	case "sk_data_ready":
		words = "the reader is told"
	case "sock_send_length":
		words = bytes + " taken: done"
	case "sock_recv_length":
		words = bytes + " given: done"
	case "skb_copy_datagram_iovec":
		words = bytes + " copied out"
	case "tcp_rcv_space_adjust":
		words = "receive buffer looked at"
	case "inet_sock_set_state":
		from, to, _ := strings.Cut(strings.ReplaceAll(h.Says, "TCP_", ""), " -> ")
		words = from + " to " + to
	case "kmem_cache_alloc":
		words = bytes + " of memory"
	case "kfree_skb":
		if words = "freed"; h.Dropped() {
			words = "dropped: " + h.Says
		}
	case "tcp_send_reset":
		words = "an RST is sent"
	case "tcp_receive_reset":
		words = "an RST has come"
	case "tcp_destroy_sock":
		words = "the socket ends"
	case "neigh_create":
		words = "a neighbour is noted"
	case "neigh_update":
		words = "a neighbour has changed"
	case "sched_waking":
		words = h.Says + " is woken"
	case "fib_table_lookup":
		words = "route looked up"
	case "qdisc_enqueue":
		words = "put into the queue"
	case "qdisc_dequeue":
		words = "taken from the queue"
	}
	if h.AfterNS > 0 {
		words += strings.ReplaceAll(" +"+lesson.Took(time.Duration(h.AfterNS)), " ", tie)
		words = strings.Replace(words, tie, " ", 1)
	}
	return words
}

// The columns of a leg: the names of the bands, then the functions.
const gutter = 11

// Cells draws the Path in lines of a terminal.
func (d Path) Cells(room Room, ascii bool) [][]Span {
	var all [][]Span
	for _, row := range d.grid(room).rows {
		all = append(all, spans(row, ascii))
	}
	if n := len(all) - room.Rows; room.Rows > 0 && n > 0 {
		all = append(all[:room.Rows-1], []Span{{Text: fmt.Sprintf("  %d lines more: no room", n+1)}})
	}
	return all
}

// SVG draws the Path as SVG.
func (d Path) SVG(room Room) string {
	return d.grid(room).svg("The way of a call through the kernel", d.Sentences(), nil)
}

// A pathLine is a line of a leg in the two columns.
type pathLine struct {
	text   [2]string
	weight [2]weight
}

// sideBySide is how many columns a drawing needs for two columns of functions. Where it has
// less, the way up stands below the way down.
const sideBySide = 74

// apart returns the way down, and the way up as a leg of its own, from its beginning on.
func (l leg) apart() []leg {
	again := ": up again"
	if l.folded {
		again = ": " + l.heads[1]
	}
	legs := []leg{{title: l.title, heads: [2]string{l.heads[0]}, folded: l.folded}, {title: l.title + again, heads: [2]string{l.heads[1]}, folded: l.folded}}
	for _, b := range l.bands {
		if len(b.columns[0]) > 0 {
			legs[0].bands = append(legs[0].bands, band{name: b.name, structures: b.structures, columns: [2][]function{b.columns[0]}})
		}
		if len(b.columns[1]) > 0 {
			up := slices.Clone(b.columns[1])
			slices.Reverse(up)
			legs[1].bands = append([]band{{name: b.name, structures: b.structures, columns: [2][]function{up}}}, legs[1].bands...)
		}
	}
	return slices.DeleteFunc(legs, func(l leg) bool { return len(l.bands) == 0 })
}

func (d Path) grid(room Room) *grid {
	columns := max(room.Columns, Narrowest)
	if columns < sideBySide {
		var legs []leg
		for _, l := range d.legs {
			legs = append(legs, l.apart()...)
		}
		d.legs = legs
	}
	type block struct {
		name  []string // and the structures below it
		names int      // how many lines are the name
		lines []pathLine
	}
	height := 0
	blocks := make([][]block, len(d.legs))
	widths := make([]int, len(d.legs))
	for i, l := range d.legs {
		widths[i] = columns - gutter - 3
		if l.heads[1] != "" {
			widths[i] = (columns - gutter - 4) / 2
		}
		widths[i] = min(widths[i], mostFunction)
		height += 4 // the title, the heads, the lower edge and a blank line
		for _, b := range l.bands {
			x := block{name: wrap(b.name, gutter)}
			x.names = len(x.name)
			for _, s := range b.structures {
				x.name = append(x.name, " "+s)
			}
			for side, functions := range b.columns {
				n := 0
				for _, f := range functions {
					for _, line := range f.lines(widths[i] - 2) {
						if n == len(x.lines) {
							x.lines = append(x.lines, pathLine{})
						}
						x.lines[n].text[side], x.lines[n].weight[side] = line.text, line.weight
						n++
					}
				}
			}
			for len(x.lines) < len(x.name) {
				x.lines = append(x.lines, pathLine{})
			}
			blocks[i] = append(blocks[i], x)
			height += 1 + len(x.lines)
		}
	}
	g := newGrid(columns, max(height-1, 0))
	y := 0
	for i, l := range d.legs {
		g.put(0, y, strings.ToUpper(l.title[:1])+l.title[1:], strong)
		y++
		left := gutter + 1
		edges := []int{left, left + widths[i] + 1}
		arrows := []string{"▼ down, ", "▲ up, "}
		if columns < sideBySide {
			arrows[0] = "▼ "
		}
		if l.folded {
			arrows = []string{"", ""}
		}
		for side, head := range l.heads {
			if head != "" {
				g.put(edges[side]+2, y, arrows[side]+head, faint)
			}
		}
		y++
		if l.heads[1] != "" {
			edges = append(edges, edges[1]+widths[i]+1)
		}
		right := edges[len(edges)-1]
		for _, b := range blocks[i] {
			g.across(y, left, right, false)
			for _, x := range edges {
				g.down(x, y, y+len(b.lines)+1, false)
			}
			y++
			for n, name := range b.name {
				how := strong
				if n >= b.names {
					how = normal
				}
				g.put(0, y+n, name, how)
			}
			for n, line := range b.lines {
				for side, text := range line.text {
					g.put(edges[side]+2, y+n, text, line.weight[side])
				}
			}
			y += len(b.lines)
		}
		g.across(y, left, right, false)
		y += 2
	}
	return g
}

// mostFunction is how many columns a column of functions has at most.
const mostFunction = 44

// lines are the lines of a function: its number and name, at the other edge the bytes of the
// sk_buff that it was given, and what was seen in it.
func (f function) lines(width int) []struct {
	text   string
	weight weight
} {
	type line = struct {
		text   string
		weight weight
	}
	var all []line
	number := ""
	if f.number > 0 {
		number = fmt.Sprintf("%2d ", f.number)
	}
	bytes := ""
	if f.given != nil {
		bytes = fmt.Sprintf(" %d B", f.given.Len)
	}
	for _, part := range breakName(f.name, width-len(number)-len(bytes)) {
		part = number + part
		if bytes != "" {
			part = fmt.Sprintf("%-*s%s", width-len(bytes), part, bytes)
		}
		all = append(all, line{part, normal})
		number, bytes = strings.Repeat(" ", len(number)), ""
	}
	for _, s := range f.seen {
		for _, part := range wrap(s, width-len(number)-1) {
			all = append(all, line{number + " " + part, strong})
		}
	}
	return all
}

// breakName breaks the name of a function behind an underscore, where it is too long.
func breakName(name string, width int) []string {
	var all []string
	for len(name) > width {
		at := strings.LastIndex(strings.TrimRight(name[:width], "_"), "_") + 1
		if at <= 0 || strings.Trim(name[:at], "_") == "" {
			at = width
		}
		all, name = append(all, name[:at]), " "+name[at:]
	}
	return append(all, name)
}

// Sentences tells the Path for a reader who does not see it.
func (d Path) Sentences() []string {
	var all []string
	for _, l := range d.legs {
		all = append(all, strings.ToUpper(l.title[:1])+l.title[1:]+".")
		ways := []string{"Down", "Up"}
		if l.folded {
			ways = []string{"In the process", "In a softirq"}
		}
		for side, way := range ways {
			bands := slices.Clone(l.bands)
			if side == 1 {
				slices.Reverse(bands)
			}
			for _, b := range bands {
				functions := slices.Clone(b.columns[side])
				if side == 1 {
					slices.Reverse(functions)
				}
				var told []string
				for _, f := range functions {
					words := f.name
					if f.number > 0 {
						words = fmt.Sprintf("%d %s", f.number, f.name)
					}
					seen := f.seen
					if f.given != nil {
						seen = append([]string{"entered with " + lesson.Counted(f.given.Len, "byte")}, seen...)
					}
					if len(seen) > 0 {
						words += " (" + strings.Join(seen, "; ") + ")"
					}
					told = append(told, words)
				}
				if len(told) > 0 {
					all = append(all, fmt.Sprintf("%s, %s: %s.", way, b.name, strings.Join(told, ", ")))
				}
			}
		}
		var given []string
		for _, b := range l.bands {
			if len(b.structures) > 0 {
				given = append(given, b.name+" "+strings.Join(b.structures, ", "))
			}
		}
		if len(given) > 0 {
			all = append(all, "Structures that they were given: "+strings.Join(given, "; ")+".")
		}
	}
	plain := strings.NewReplacer("µs", "us", tie, " ")
	for i := range all {
		all[i] = harmless(plain.Replace(all[i]))
	}
	return all
}
