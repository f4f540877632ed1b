package drawing

import (
	"strings"
	"testing"

	"fd3/lesson"
	"fd3/lesson/golden"
)

// lives are those of two programs, or of three.
func lives() map[string]lesson.Lives {
	call := func(name, result string, args ...string) *lesson.LifeCall {
		c := &lesson.LifeCall{Name: name, Result: result, Times: 1}
		for _, a := range args {
			value, differs := strings.CutPrefix(a, "!")
			c.Args = append(c.Args, lesson.LifeArg{Value: value, Differs: differs})
		}
		return c
	}
	row := func(step string, calls ...*lesson.LifeCall) lesson.LifeRow {
		return lesson.LifeRow{Step: step, Calls: calls}
	}
	listens, more := call("listen", "0", "3", "!5"), call("recvfrom", "78", "4", `"GET / HTTP/1.1\r\nHost: 127.0.0.1:"...`, "8192", "0", "NULL", "NULL")
	listens.Fact, more.Times, more.Differs = "backlog: 5 asked for, 5 there", 3, true
	read := call("read", "-1 EAGAIN", "20", "0x7ffe262c4b04", "65536")
	read.Differs, read.EndsOtherwise, more.EndsOtherwise = true, true, true
	nodelay := call("setsockopt", "0", "20", "SOL_TCP", "TCP_NODELAY", "[1]", "4")
	nodelay.Note = "what is written is sent at once,\nand does not wait (`tcp(7)`)"
	two := lesson.Lives{Programs: []string{"python3 -m http.server 8000", "fd3 serve"}, Groups: []lesson.LifeGroup{
		{Title: "a socket that listens", Lives: []string{"life 1, fd 3 of python3, TCP over IPv4", "life 2, fd 20 of fd3, TCP over IPv4"}, Rest: []int{0, 1}, Rows: []lesson.LifeRow{
			row("socket", call("socket", "3", "AF_INET", "!SOCK_STREAM|SOCK_CLOEXEC", "IPPROTO_IP"), call("socket", "20", "AF_INET", "!SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK", "IPPROTO_IP")),
			row("setsockopt", nil, nodelay),
			row("listen", listens, call("listen", "0", "20", "!4096")),
			row("recv", more, read)}},
		{Title: "how the program waits for several sockets", Lives: []string{"", ""}, Rest: []int{0, 0}, Rows: []lesson.LifeRow{
			row("epoll_create", nil, call("epoll_create1", "3", "EPOLL_CLOEXEC"))}},
		{Title: "besides: a Unix stream", Lives: []string{"", ""}, Rest: []int{2, 0}}}}
	three := lesson.Lives{Programs: []string{"python3", "node", "a program with a long name"}, Groups: []lesson.LifeGroup{
		{Title: "a socket that listens", Lives: []string{"life 1", "life 1", "life 5"}, Rest: []int{0, 0, 0}, Rows: []lesson.LifeRow{
			row("listen", call("listen", "0", "3", "!5"), call("listen", "0", "20", "!511"), call("listen", "0", "9", "!4096")),
			row("setsockopt", nil, nodelay, nil)}}}}
	alike := three
	alike.Programs = []string{"python3 -m http.server 8000", "python3 -m http.server 8001", "node"}
	return map[string]lesson.Lives{"two": two, "three": three, "alike": alike}
}

func TestLivesGolden(t *testing.T) {
	for name, all := range lives() {
		golden.Compare(t, "lives-"+name+".txt", inRooms(t, NewLives(all), 78, 58, 118))
		if svg := NewLives(all).SVG(Room{Columns: 84}); !strings.Contains(svg, all.Groups[0].Rows[0].Calls[0].Name) || !strings.Contains(svg, "<desc>") {
			t.Errorf("%s: %s", name, svg)
		}
	}
}

// However narrow it is, every value of a call comes out.
func TestLivesNarrow(t *testing.T) {
	for columns := 1; columns <= 130; columns += 3 {
		var all strings.Builder
		for _, line := range NewLives(lives()["two"]).Cells(Room{Columns: columns}, false) {
			for _, s := range line {
				all.WriteString(s.Text)
			}
		}
		text := strings.Join(strings.Fields(all.String()), "")
		for _, want := range []string{"4096", "SOCK_NONBLOCK", "TCP_NODELAY", "EAGAIN", "5askedfor"} {
			if !strings.Contains(text, want) && columns > 40 {
				t.Errorf("%d columns: no %s", columns, want)
			}
		}
	}
}

// The signs are explained where there are some.
func TestLivesLegend(t *testing.T) {
	drawn := func(rows ...lesson.LifeRow) string {
		l := NewLives(lesson.Lives{Programs: []string{"a", "b"}, Groups: []lesson.LifeGroup{{Title: "x", Lives: []string{"1", "2"}, Rest: []int{0, 0}, Rows: rows}}})
		all := ""
		for _, line := range l.Cells(Room{Columns: 80}, false) {
			for _, s := range line {
				all += s.Text
			}
		}
		return all
	}
	same := lesson.LifeRow{Step: "recv", Calls: []*lesson.LifeCall{{Name: "recvfrom", Result: "156"}, {Name: "recvfrom", Result: "2493"}}}
	if all := drawn(same); strings.Contains(all, "≠") || strings.Contains(all, "no such call") {
		t.Error(all)
	}
	one := lesson.LifeRow{Step: "recv", Calls: []*lesson.LifeCall{same.Calls[0], nil}}
	if all := drawn(same, one); strings.Contains(all, "≠") || !strings.Contains(all, "no such call") {
		t.Error(all)
	}
	other := lesson.LifeRow{Step: "recv", Calls: []*lesson.LifeCall{{Name: "read", Result: "1", Differs: true}, {Name: "recv", Result: "1", Differs: true}}}
	if all := drawn(other); strings.Count(all, "≠") != 3 || strings.Contains(all, "no such call") {
		t.Error(all)
	}
}
