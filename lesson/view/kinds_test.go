package view

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"fd3/lesson"
	"fd3/sockets/kernel"
	"fd3/sockets/path"
	"fd3/sockets/wire"
)

// kinds are all kinds of Event that lesson declares.
func kinds(t *testing.T) []lesson.Kind {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []lesson.Kind
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			if typ, ok := spec.Type.(*ast.Ident); ok && typ.Name == "Kind" {
				value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, lesson.Kind(value))
			}
		}
		return true
	})
	if len(all) < 17 {
		t.Fatalf("only %q", all)
	}
	return all
}

// examples has an Event of each kind; the words that a reader is to find in it end
// in "here".
var examples = map[lesson.Kind]lesson.Event{
	lesson.KindStep:     {Title: "title here", Life: []string{"bind"}},
	lesson.KindText:     {Section: "next", Command: "command-here", Text: "text here"},
	lesson.KindEnter:    {Strace: "accept4(here"},
	lesson.KindReturn:   {Strace: "bind(here) = 0", Result: "0", Took: "2 here", Recap: true, Text: "2 here, note here"},
	lesson.KindArgument: {Name: "name-here", Value: "value-here", Text: "text here"},
	lesson.KindBytes:    {Title: "title here", Data: []byte("GET data-here"), Spans: []lesson.Span{{Name: "method", End: 3}}, Text: "text here"},
	lesson.KindEvidence: {Fact: "fact here", Value: "value-here", Source: "source-here", Command: "command-here", Text: "text here"},
	lesson.KindProcess:  {Title: "title here", Text: "text here"},
	lesson.KindSocket:   {FD: new(int), Value: "value-here", Source: "source-here", Command: "command-here", Text: "text here"},
	lesson.KindSnapshot: {Snapshot: &kernel.Snapshot{Hosts: []kernel.Host{{Processes: []kernel.Process{{Name: "server-here", PID: 4711}}}}}},
	lesson.KindPacket: {Text: "text here", Packet: &wire.Packet{Number: 4711, Summary: "summary here", From: "from-here", To: "to-here", Fate: "fate-here", Note: "note here",
		Data: []byte{0x45}, Layers: []wire.Layer{{Name: "layer-here", End: 1, Fields: []wire.Field{{Name: "name here", End: 1, Value: "value-here", Meaning: "meaning here"}}}},
		Labels: []wire.Label{"label here"}, Malformed: "malformed here", Before: wire.States{From: "before-here"}, Cause: &wire.Cause{Process: "process-here", Call: "call-here"}}},
	lesson.KindLadder: {Ladder: &lesson.Ladder{Left: lesson.Side{Name: "left-here"}, Right: lesson.Side{Name: "right-here"}, Rungs: []lesson.Rung{
		{Host: "left-here", Call: "call-here()", Returned: "4711"}, {Packet: &wire.Packet{Data: []byte{}, Summary: "summary here", From: "left-here", Before: wire.States{From: "state-here"}}}}}},
	lesson.KindSample: {Chart: &lesson.Chart{Host: "host-here", Device: "device-here", Room: 4712, Samples: []lesson.Sample{
		{Waiting: 4711, Dropped: 4713, Flow: &lesson.Flow{From: "from-here", Congestion: "reno-here", Cwnd: 4714}}}}},
	lesson.KindChart: {Chart: &lesson.Chart{Host: "cable", Device: "device-here", Rate: 4000, Room: 4712, Samples: []lesson.Sample{
		{Waiting: 4711, Dropped: 4713, Flow: &lesson.Flow{From: "from-here", Congestion: "reno-here", Cwnd: 4714}}}}},
	lesson.KindWay: {Way: &lesson.Way{Left: lesson.Side{Name: "left-here"}, Right: lesson.Side{Name: "right-here"}, Sent: "sent-here", Received: "received-here", Cable: "cable-here",
		Stops: []lesson.Stop{{Place: "out-here", Host: "left-here", Layer: "layer-here", Text: "seen-here"}, {Place: "in-here", Host: "right-here", Layer: "under-here", Text: "missed-here"}}}},
	lesson.KindProgram: {Title: "title here", Program: &lesson.Program{How: "how-here", Lines: []lesson.ProgramLine{{Code: "code-here", Does: "does here"}}, Refused: "errno-here", Log: []string{"log-here"}}},
	lesson.KindMoments: {Title: "title here", Moments: []lesson.Moment{{Host: "host-here", Name: "NAME_here", State: "STATE_here", To: "NEW_here", Local: "10.0.0.1:4711", Remote: "10.0.0.2:4712", After: 4713}}},
	lesson.KindPath: {Path: &path.Path{Made: time.Unix(0, 0).UTC(), Visits: []path.Visit{{Function: "function_here", File: "net/socket.c", Layer: path.Sockets, Packet: 4711,
		Hits: []path.Hit{{Event: "net_dev_queue", Len: 71, Says: "device-here"}}}}}},
	lesson.KindFrame: {Packet: &wire.Packet{Data: []byte("bytes-here"), Layers: []wire.Layer{{Name: "layer-here", End: 10, Fields: []wire.Field{{Name: "characters", End: 10}}}}}},
	lesson.KindLife:  {Connection: 1, FD: new(int), Process: "process-here", Value: "value here", Peer: "peer-here"},
	lesson.KindLives: {Lives: &lesson.Lives{Programs: []string{"left-here", "right-here"}, Groups: []lesson.LifeGroup{{Title: "GROUP-HERE", Lives: []string{"life-here", ""}, Rest: []int{0, 4712},
		Rows: []lesson.LifeRow{{Step: "bind", Calls: []*lesson.LifeCall{{Name: "call_here", Args: []lesson.LifeArg{{Value: "value-here", Differs: true}}, Result: "4711", Times: 4714, Fact: "fact-here", Note: "note-here"}, nil}}}}}}},
	lesson.KindConnection: {Connection: 1, FD: new(int), Peer: "peer-here", Loop: "loop here"},
	lesson.KindRequest:    {Connection: 1, FD: new(int), Request: "GET /here", Value: "404 here", Text: "text here"},
	lesson.KindLoad:       {Loads: []lesson.Load{{Loop: 1, Connections: 4711, Backlog: 5}}},
	lesson.KindEnd:        {Text: "text here"},
	lesson.KindLesson:     {Title: "title here", Text: "text here"},
	lesson.KindSetup:      {Text: "client: socket = 3, connect here"},
	lesson.KindChoice:     {Name: "a", Text: "text here"},
	lesson.KindVerdict:    {Name: "a", Title: "title here", Predicted: "b", Value: "value here", Text: "text here"},
}

// unsaid are the words of a kind that a view leaves to something else, which is named.
var unsaid = map[string]string{
	"text load 4711":        "the line at the bottom of the terminal (Load)",
	"text lesson text here": "the part \"question\", which follows",
	"json bytes the rest":   "data, which has all bytes",
	"json packet 45":        "data, which has all bytes",
	"json frame bytes-here": "data, which has all bytes",
	"json frame 10 bytes":   "the ends of the layers",
}

// Every kind of Event goes through every view, and its words come out.
func TestEveryViewDrawsEveryKind(t *testing.T) {
	views := map[string]func(*testing.T, lesson.Event) string{
		"text": func(t *testing.T, e lesson.Event) string {
			var out bytes.Buffer
			showAll(t, NewText(&out, Look{Width: 200}).Show, e)
			return out.String()
		},
		"markdown": func(t *testing.T, e lesson.Event) string { return documented(t, NewMarkdown, e) },
		"html":     func(t *testing.T, e lesson.Event) string { return documented(t, NewHTML, e) },
		"json": func(t *testing.T, e lesson.Event) string {
			var out bytes.Buffer
			showAll(t, JSON(&out), e)
			return out.String()
		},
		"cast": func(t *testing.T, e lesson.Event) string {
			var out bytes.Buffer
			cast, err := NewCast(&out, 200, 24, "", "xterm")
			if err != nil {
				t.Fatal(err)
			}
			showAll(t, NewText(cast, Look{Width: 200}).Show, e)
			return out.String()
		},
	}
	for _, kind := range kinds(t) {
		e, ok := examples[kind]
		if !ok {
			t.Errorf("no example of the kind %q: what are its words?", kind)
			continue
		}
		e.Kind, e.Step = kind, "bind"
		for name, view := range views {
			out := strings.Join(strings.Fields(view(t, e)), " ")
			for _, word := range wordsOf(e) {
				if name == "cast" {
					name = "text" // which it records
				}
				if _, excused := unsaid[name+" "+string(kind)+" "+word]; !excused && !strings.Contains(out, word) {
					t.Errorf("%s: a %s says nothing of %q:\n%s", name, kind, word, out)
				}
			}
		}
	}
}

// showAll shows an Event and one after it, for what a view keeps until it knows more.
func showAll(t *testing.T, show func(lesson.Event) error, e lesson.Event) {
	t.Helper()
	for _, e := range []lesson.Event{e, {Kind: lesson.KindText, Section: "errno", Text: "after"}} {
		if err := show(e); err != nil {
			t.Fatal(err)
		}
	}
}

func documented(t *testing.T, form func(io.Writer, Head) *Document, e lesson.Event) string {
	t.Helper()
	var out bytes.Buffer
	d := form(&out, Head{})
	showAll(t, d.Show, e)
	if err := d.End(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// wordsOf are the words of an example that a reader is to find.
func wordsOf(e lesson.Event) []string {
	var all []string
	v := reflect.ValueOf(e)
	for i := range v.NumField() {
		if s, ok := v.Field(i).Interface().(string); ok && strings.HasSuffix(s, "here") {
			if rest, ok := strings.CutPrefix(s, e.Took+", "); ok && e.Took != "" {
				s = rest
			}
			all = append(all, s)
		}
	}
	switch e.Kind {
	case lesson.KindReturn:
		all = append(all, "bind(here) = 0")
	case lesson.KindBytes:
		all = append(all, "the rest")
	case lesson.KindSnapshot:
		all = append(all, "server-here")
	case lesson.KindPacket:
		all = append(all, "4711", "summary here", "from-here", "to-here", "fate-here", "note here", "layer-here", "45", "name here", "value-here", "meaning here",
			"label here", "malformed here", "before-here", "process-here", "call-here")
	case lesson.KindLadder:
		all = append(all, "left-here", "right-here", "call-here()", "4711", "summary here", "state-here")
	case lesson.KindSample:
		all = append(all, "host-here", "device-here", "4711", "4712", "4713", "from-here", "reno-here", "4714")
	case lesson.KindChart:
		all = append(all, "device-here", "4711", "4712", "4713", "from-here", "reno-here", "4714")
	case lesson.KindWay:
		all = append(all, "left-here", "right-here", "sent-here", "received-here", "cable-here", "out-here", "in-here", "layer-here", "under-here", "seen-here", "missed-here")
	case lesson.KindProgram:
		all = append(all, "how-here", "code-here", "does here", "errno-here", "log-here")
	case lesson.KindMoments:
		all = append(all, "host-here", "NAME_here", "STATE_here", "NEW_here", "4711", "4712", "47")
	case lesson.KindPath:
		all = append(all, "function_here", "4711", "71", "device-here", "socket")
	case lesson.KindFrame:
		all = append(all, "layer-here", "10 bytes", "bytes-here")
	case lesson.KindLives:
		all = append(all, "left-here", "right-here", "GROUP-HERE", "life-here", "4712", "call_here", "value-here", "4711", "fact-here", "note-here")
	case lesson.KindLoad:
		all = append(all, "4711")
	}
	return all
}

func TestUnknownKind(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an Event of a kind that nothing draws goes unnoticed")
		}
	}()
	draw(NewText(io.Discard, Look{}), lesson.Event{Kind: "new"})
}

// An Event as JSON says all that it holds.
func TestJSONLosesNothing(t *testing.T) {
	for kind, e := range examples {
		e.Kind = kind
		var out bytes.Buffer
		if err := JSON(&out)(e); err != nil {
			t.Fatal(err)
		}
		var back lesson.Event
		if err := json.Unmarshal(out.Bytes(), &back); err != nil || !reflect.DeepEqual(back, e) {
			t.Errorf("%v: %s", err, out.String())
		}
	}
}
