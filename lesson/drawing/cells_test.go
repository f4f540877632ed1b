package drawing

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"fd3/lesson/golden"
	"fd3/sockets/kernel"
)

// marked is a drawing as a golden has it: what is bold stands between « and ».
func marked(lines [][]Span) string {
	var out strings.Builder
	for _, line := range lines {
		for _, s := range line {
			if s.Strong && strings.TrimSpace(s.Text) != "" {
				s.Text = "«" + s.Text + "»"
			}
			out.WriteString(s.Text)
		}
		out.WriteByte('\n')
	}
	return out.String()
}

func plainText(lines [][]Span) string {
	return strings.NewReplacer("«", "", "»", "").Replace(marked(lines))
}

// Each drawing is a file to be looked at in review.
func TestCells(t *testing.T) {
	for name, s := range scenes() {
		p := New(s.now, s.before)
		var all strings.Builder
		for _, columns := range []int{38, 60, 80, 120} {
			fmt.Fprintf(&all, "== %d columns\n%s", columns, marked(p.Cells(Room{columns, s.rows}, false)))
		}
		fmt.Fprintf(&all, "== 80 columns, ASCII\n%s", marked(p.Cells(Room{80, s.rows}, true)))
		golden.Compare(t, name+".txt", all.String())
	}
}

// No link lies upon another: two that share a row share no column of it, but for the edge
// of the box that both leave by.
func TestLinksKeepApart(t *testing.T) {
	for name, s := range scenes() {
		for columns := Narrowest; columns <= 130; columns++ {
			l := New(s.now, s.before).lay(Room{columns, s.rows})
			if l.right == nil {
				continue
			}
			lanes, _ := l.order()
			taken := make(map[[2]int]int) // the link of each cell, by its row and column
			for i, k := range l.links {
				from, to := l.end(k.from), l.end(k.to)
				runs := [][3]int{{from.y, l.edgeOf(from.column), l.lane(lanes[i])}, {to.y, l.lane(lanes[i]), l.edgeOf(to.column)}}
				if !l.bent(k) {
					runs = [][3]int{{from.y, l.edgeOf(from.column), l.edgeOf(to.column)}}
				}
				for _, run := range runs {
					for x := min(run[1], run[2]) + 1; x < max(run[1], run[2]); x++ {
						at := [2]int{run[0], x}
						if j, there := taken[at]; there && j != i {
							t.Fatalf("%s: two links in row %d and column %d of %d:\n%s", name, run[0], x, columns, plainText(New(s.now, s.before).Cells(Room{columns, s.rows}, false)))
						}
						taken[at] = i
					}
				}
			}
		}
	}
}

// A drawing fits into every height, and each connection of a crowd is drawn or counted.
func TestCellsFitBelow(t *testing.T) {
	number := regexp.MustCompile(`(\d+) ESTABLISHED`)
	for name, s := range scenes() {
		p := New(s.now, s.before)
		for rows := 4; rows <= 70; rows += 3 {
			for _, columns := range []int{38, 80, 120} {
				lines := p.Cells(Room{columns, rows}, false)
				if len(lines) > rows {
					t.Fatalf("%s: %d of %d rows", name, len(lines), rows)
				}
				drawn := plainText(lines)
				if name != "many" || strings.Contains(drawn, "lines more") {
					continue
				}
				ends := strings.Count(drawn, "ESTABLISHED :")
				for _, n := range number.FindAllStringSubmatch(drawn, -1) {
					count, _ := strconv.Atoi(n[1])
					if !strings.Contains(drawn, n[0]+" :") { // not a descriptor's number
						ends += count
					}
				}
				if ends != 60 {
					t.Fatalf("%d of 60 ends in %d columns and %d rows:\n%s", ends, columns, rows, drawn)
				}
			}
		}
	}
}

// Where a process sleeps is left out before a socket is.
func TestCellsWithoutWhere(t *testing.T) {
	s := accepted()
	s.Hosts[0].Processes[0].Wchan = "poll_schedule_timeout.constprop.0"
	p := New(s, nil)
	for rows, words := range map[int]string{0: "blocked in recvfrom(4), in poll_schedule_timeout.constprop.0 ╭", 9: "blocked in recvfrom(4) ╭"} {
		drawn := plainText(p.Cells(Room{66, rows}, false))
		if !strings.Contains(strings.Join(strings.Fields(drawn), " "), words) {
			t.Errorf("no %q in %d rows:\n%s", words, rows, drawn)
		}
	}
}

// A drawing fits into every width, and says what it says in ASCII too.
func TestCellsFit(t *testing.T) {
	for name, s := range scenes() {
		p := New(s.now, s.before)
		for columns := Narrowest; columns <= 130; columns++ {
			for _, ascii := range []bool{false, true} {
				drawn := plainText(p.Cells(Room{columns, 0}, ascii))
				for line := range strings.Lines(drawn) {
					if w := ansi.StringWidth(strings.TrimSuffix(line, "\n")); w > columns {
						t.Fatalf("%s: %d of %d columns: %q", name, w, columns, line)
					}
					if ascii && strings.IndexFunc(line, func(r rune) bool { return r > '~' }) >= 0 {
						t.Fatalf("%s: not ASCII: %q", name, line)
					}
				}
			}
		}
	}
}

// What has changed is drawn in any room that has the rows for it: what has not goes first,
// whole boxes too.
func TestCellsKeepWhatHasChanged(t *testing.T) {
	const many = 12
	var before kernel.Snapshot
	for n := range many {
		s := listening(128, 0)
		s.Cookie, s.Local = uint64(n+1), at(50001+n)
		before.Hosts = snapshot(append(hostOf(before).Processes, process("server", serverPID+10*n, 3)), append(hostOf(before).Sockets, held(serverPID+10*n, 3, s))...).Hosts
	}
	c, w := ends(58966, kernel.Established, kernel.Established)
	w.Listener, w.Local, c.Remote = 5, at(50005), at(50005)
	now := snapshot(append(slices.Clone(hostOf(before).Processes), process("client", clientPID, 3)), append(slices.Clone(hostOf(before).Sockets), held(clientPID, 3, c), w)...)
	now.Hosts[0].Sockets[4].Waiting = 1
	p := New(now, &before)
	for _, columns := range []int{60, 90} {
		for rows := 20; rows <= 70; rows += 5 {
			drawn := plainText(p.Cells(Room{columns, rows}, false))
			for _, changed := range []string{"+ client 24399", "ESTABLISHED :58966", "LISTEN 127.0.0.1:50005", "+:58966"} {
				if !strings.Contains(drawn, changed) {
					t.Fatalf("no %q in %d columns and %d rows:\n%s", changed, columns, rows, drawn)
				}
			}
		}
	}
}

func hostOf(s kernel.Snapshot) kernel.Host {
	if len(s.Hosts) == 0 {
		return kernel.Host{}
	}
	return s.Hosts[0]
}
