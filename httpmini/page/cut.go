package page

import (
	"bytes"
	"strings"

	"fd3/httpmini"
)

// A line is bytes of a message up to and with an LF.
type line struct {
	Offset int // of its first byte in the message
	Pieces []piece
	Named  bool // the names of its pieces are drawn, and not only given in the legend
}

// A piece is bytes of one token that came in one receive.
type piece struct {
	Name       string // of the token, empty where the bytes are none
	Class      string // the name as a CSS class
	Text       string // the bytes, each visible
	Start, End int    // offsets in the message
	First      bool   // the token begins here
	Receive    int    // the receive that begins here, counted from 1; 0 where none does
}

// cut takes b[from:to] apart into lines and those into pieces: where a token
// ends, and where a receive did. Tokens are in order, and received are the sizes
// of the receives that brought b.
func cut(b []byte, tokens []httpmini.Token, received []int, from, to int) []line {
	var lines []line
	receive, came := 0, 0 // came: where the receive with this index begins
	open := false         // the last line has no LF yet
	for at := from; at < to; {
		p := piece{Start: at, End: to}
		for len(tokens) > 0 && tokens[0].End <= at {
			tokens = tokens[1:]
		}
		if len(tokens) > 0 {
			t := tokens[0]
			if t.Start > at {
				p.End = min(to, t.Start)
			} else {
				p.Name = t.Kind.String()
				p.Class = class(t.Kind)
				p.First = t.Start == at
				p.End = min(to, t.End)
			}
		}
		for receive < len(received) && came+received[receive] <= at {
			came += received[receive]
			receive++
		}
		if receive < len(received) {
			if came == at && len(received) > 1 {
				p.Receive = receive + 1
			}
			p.End = min(p.End, came+received[receive])
		}
		if lf := bytes.IndexByte(b[at:p.End], '\n'); lf >= 0 {
			p.End = at + lf + 1
		}
		p.Text = octets(b[at:p.End])
		if !open {
			lines = append(lines, line{Offset: at})
		}
		last := &lines[len(lines)-1]
		last.Pieces = append(last.Pieces, p)
		open = b[p.End-1] != '\n'
		at = p.End
	}
	return lines
}

// class is a kind as a CSS class.
func class(k httpmini.Kind) string {
	return strings.ReplaceAll(strings.ToLower(k.String()), " ", "-")
}

// name has the names drawn on the first line of each shape: the request line, a
// field, the empty line.
func name(lines []line) {
	seen := map[string]bool{}
	for i := range lines {
		first := lines[i].Pieces[0]
		if first.First && first.Name != "" && !seen[first.Name] {
			seen[first.Name] = true
			lines[i].Named = true
		}
	}
}
