package view

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"

	"fd3/lesson"
	"fd3/sockets/wire"
)

// packet draws the bytes of a packet, layer by layer, and what became of it; in short
// only a line of both.
func (v *Text) packet(e lesson.Event) {
	p := e.Packet
	if e.Recap {
		if v.section != "packet" {
			v.blank()
			v.section = "packet"
		}
		v.wrap(v.theme.dim.Render(packetName(p)+"  "+v.direction(p))+"  "+v.theme.strong.Render(said(p)), 2, 6)
		return
	}
	v.blank()
	v.section = "bytes"
	v.line("  " + v.theme.heading.Render(strings.ToUpper(packetName(p))) + "  " + v.direction(p))
	v.wrap(v.theme.strong.Render(said(p)), 4, 6)
	for _, f := range circumstances(p) {
		v.field(f.Name, f.Value, v.theme.dim, 9)
	}
	for depth, l := range p.Layers {
		v.layer(p, l, depth)
	}
	v.markdown(e.Text, 4)
}

func packetName(p *wire.Packet) string {
	return strings.TrimSpace("packet " + strconv.Itoa(p.Number))
}

// direction is where a packet came from and went, and what became of it.
func (v *Text) direction(p *wire.Packet) string {
	way := fmt.Sprintf("%s %s %s", p.From, v.theme.arrow, p.To)
	if p.From == "" {
		way = p.To
	}
	if p.Fate != "" {
		way += ", " + string(p.Fate)
	}
	return way
}

// said is what a packet says, and what it is to its connection.
func said(p *wire.Packet) string {
	all := p.Summary
	for _, l := range p.Labels {
		all += ", " + string(l)
	}
	if p.Again > 0 {
		all += ", again after " + lesson.Took(time.Duration(p.Again))
	}
	return all
}

// A circumstance of a packet is not in its bytes, or is said of all of them.
type circumstance struct{ Name, Value string }

func circumstances(p *wire.Packet) []circumstance {
	var all []circumstance
	add := func(name, value string) {
		if value != "" {
			all = append(all, circumstance{name, value})
		}
	}
	add("size", p.Size())
	add("malformed", p.Malformed)
	if o := p.Offload.String(); o != "" {
		add("offload", "the device is to "+o)
	}
	add("fate", p.Note)
	if c := p.Cause; c != nil {
		add("sent by", fmt.Sprintf("%s %d: %s", c.Process, c.PID, c.Call))
	}
	add(p.From, change(p.Before.From, p.After.From))
	add(p.To, change(p.Before.To, p.After.To))
	return all
}

// change is the state of a socket, and what it was before.
func change(before, after string) string {
	if after == "" || after == before {
		return before
	}
	return cmp.Or(before, "no socket") + ", then " + after
}

// layer draws the bytes of a layer under its name: the fields side by side, each with its
// bytes in hex, its value and its name.
func (v *Text) layer(p *wire.Packet, l wire.Layer, depth int) {
	v.line("")
	style := v.theme.layers[depth%len(v.theme.layers)]
	title := fmt.Sprintf("%s  %s", style.Render(v.theme.full+" "+l.Title()), v.theme.dim.Render(lesson.Counted(l.End-l.Start, "byte")))
	if l.Spec != "" && v.look.Width >= 60 {
		title += v.theme.dim.Render("  " + l.Spec)
	}
	v.line("  " + title)
	if content(l) {
		v.content(p, l)
		return
	}
	r := &fieldRow{room: v.look.Width - rowIndent}
	for fields := l.Fields; len(fields) > 0; {
		together := sharing(fields)
		if !r.fit(p.Data, together) {
			v.fields(r, style)
		}
		for _, f := range together {
			if !r.fit(p.Data, []wire.Field{f}) {
				v.fields(r, style)
			}
			r.add(p.Data, f)
		}
		fields = fields[len(together):]
	}
	v.fields(r, style)
	for _, f := range l.Fields {
		if len(f.Meaning) > longestMeaning {
			v.wrap(f.Name+": "+f.Meaning, rowIndent, rowIndent+2)
		}
	}
}

// content reports whether a layer is no header, but what headers are for.
func content(l wire.Layer) bool {
	return l.Name == "payload" || l.Name == "padding" || len(l.Fields) > 0 && l.Fields[0].Value == ""
}

// sharing returns the first fields, as many as share their bytes.
func sharing(fields []wire.Field) []wire.Field {
	for i, f := range fields {
		if f.Bits == 0 || (f.Bit+f.Bits)%8 == 0 {
			return fields[:i+1]
		}
	}
	return fields
}

// longestMeaning is how many columns the meaning of a value may have beside it; a longer
// one stands below.
const longestMeaning = 24

// A fieldRow is the fields that fit side by side.
type fieldRow struct {
	room   int // columns
	used   int // columns
	offset int // of its first byte
	shown  int // the bytes up to here stand in it
	fields []fieldPiece
}

// A fieldPiece is a field in a row: what stands in each of its three lines.
type fieldPiece struct {
	hex, value, name string
	width            int
	joined           bool // it shares a byte with the piece before it
}

// piece is what a field would be after those in the row.
func (r *fieldRow) piece(b []byte, f wire.Field) fieldPiece {
	p := fieldPiece{name: f.Name, value: f.Value, joined: len(r.fields) > 0 && f.Bits > 0 && f.Bit > 0}
	if f.Meaning != "" && len(f.Meaning) <= longestMeaning {
		p.value += ", " + f.Meaning
	}
	from := f.Start
	if len(r.fields) > 0 {
		from = max(f.Start, min(r.shown, f.End))
	}
	p.hex = hexOf(b[from:f.End], 16, "...")
	p.width = max(ansi.StringWidth(p.hex), ansi.StringWidth(p.value), ansi.StringWidth(p.name))
	return p
}

// fit reports whether fields have room in the row, as the first of it in any case.
func (r *fieldRow) fit(b []byte, fields []wire.Field) bool {
	rest := *r
	for _, f := range fields {
		rest.add(b, f)
	}
	return len(r.fields) == 0 || rest.used-1 <= rest.room
}

func (r *fieldRow) add(b []byte, f wire.Field) {
	p := r.piece(b, f)
	if len(r.fields) == 0 {
		r.offset = f.Start
	}
	r.shown = f.End
	r.used += p.width + 1
	r.fields = append(slices.Clip(r.fields), p)
}

// fields writes a row and empties it.
func (v *Text) fields(r *fieldRow, style lipgloss.Style) {
	if len(r.fields) == 0 {
		return
	}
	var lines [3]string
	for i, p := range r.fields {
		bar, gap := v.theme.line.Render(v.theme.bar), " "
		switch {
		case i == 0:
			bar, gap = "", ""
		case p.joined:
			bar = gap
		}
		lines[0] += bar + style.Render(pad(p.hex, p.width))
		lines[1] += bar + v.theme.strong.Render(pad(p.value, p.width))
		lines[2] += gap + v.theme.dim.Render(pad(p.name, p.width))
	}
	v.line(fmt.Sprintf("    %s  %s", v.theme.dim.Render(fmt.Sprintf("%4d", r.offset)), lines[0]))
	v.line(strings.Repeat(" ", rowIndent) + lines[1])
	v.line(strings.Repeat(" ", rowIndent) + lines[2])
	*r = fieldRow{room: r.room}
}

// mostContent is how many bytes of what the headers are for are drawn.
const mostContent = 256

// content draws the bytes that the headers are for, as those of a message.
func (v *Text) content(p *wire.Packet, l wire.Layer) {
	end := min(l.End, l.Start+mostContent)
	var spans []lesson.Span
	for _, f := range l.Fields {
		span := lesson.Span{Name: f.Name, Start: f.Start, End: min(f.End, end)}
		if len(l.Fields) == 1 { // the layer says what it is
			span.Name = ""
		}
		if span.Start < span.End {
			spans = append(spans, span)
		}
	}
	v.message(lesson.Event{Data: p.Data[:end], Spans: spans})
	if rest := l.End - end; rest > 0 {
		v.line(strings.Repeat(" ", rowIndent) + v.theme.dim.Render(v.theme.more+" "+lesson.Counted(rest, "byte")+" more"))
	}
}

func (d *Document) packet(e lesson.Event) {
	d.flush(nil)
	p := *e.Packet
	way := strings.TrimSpace(p.From + " to " + p.To)
	if p.Fate != "" {
		way += ", " + string(p.Fate)
	}
	d.sheet.packet(sheetPacket{Title: strings.TrimSuffix("Packet "+strconv.Itoa(p.Number)+", "+way, ", "), Said: said(&p), About: circumstances(&p), Layers: layersOf(p, e.Recap)})
	d.prose(e.Text)
}

// A sheetPacket is a packet as a sheet writes it.
type sheetPacket struct {
	Title, Said string
	About       []circumstance
	Layers      []sheetLayer // none: the packet is told in short
}

type sheetLayer struct {
	Name, Spec string
	Depth      int
	Bytes      int
	Fields     []sheetField
}

// A sheetField is a field with its bytes, and where they are.
type sheetField struct{ From, Hex, Name, Value, Meaning string }

func layersOf(p wire.Packet, short bool) []sheetLayer {
	if short {
		return nil
	}
	var all []sheetLayer
	for depth, l := range p.Layers {
		layer := sheetLayer{Name: l.Title(), Spec: l.Spec, Depth: depth % layerColours, Bytes: l.End - l.Start}
		for _, f := range l.Fields {
			field := sheetField{from(f), hexOf(p.Data[f.Start:f.End], maxHex, "..."), f.Name, f.Value, f.Meaning}
			if content(l) {
				field.Value = strconv.Quote(string(p.Data[f.Start:min(f.End, f.Start+mostContent)]))
			}
			layer.Fields = append(layer.Fields, field)
		}
		all = append(all, layer)
	}
	return all
}

// from says where a field begins: its byte, and its bits if it is not whole bytes.
func from(f wire.Field) string {
	switch f.Bits {
	case 0:
		return strconv.Itoa(f.Start)
	case 1:
		return fmt.Sprintf("%d, bit %d", f.Start, f.Bit)
	}
	return fmt.Sprintf("%d, bits %d to %d", f.Start, f.Bit, f.Bit+f.Bits-1)
}

// packet writes a list for each layer.
func (m *markdownSheet) packet(p sheetPacket) {
	m.printf("\n**%s**: %s\n", literal(p.Title), literal(p.Said))
	if len(p.Layers) == 0 {
		return
	}
	m.printf("\n")
	for _, c := range p.About {
		m.printf("- %s: %s\n", literal(c.Name), literal(c.Value))
	}
	for _, l := range p.Layers {
		m.printf("\n%s, %s", literal(l.Name), lesson.Counted(l.Bytes, "byte"))
		if l.Spec != "" {
			m.printf(" (%s)", literal(l.Spec))
		}
		m.printf("\n\n")
		for _, f := range l.Fields {
			m.printf("- %s: %s %s %s", f.From, code(f.Hex), literal(f.Name), code(f.Value))
			if f.Meaning != "" {
				m.printf(" (%s)", literal(f.Meaning))
			}
			m.printf("\n")
		}
	}
}

func (h *htmlSheet) packet(p sheetPacket) { h.write("packet", p) }

// harmlessPacket returns a packet without control characters in what came from outside
// of its bytes.
func harmlessPacket(p *wire.Packet) *wire.Packet {
	if p == nil {
		return nil
	}
	clean := *p
	for _, s := range []*string{&clean.From, &clean.To, &clean.Note, &clean.Before.From, &clean.Before.To, &clean.After.From, &clean.After.To} {
		*s = withoutControl(*s)
	}
	if p.Cause != nil {
		clean.Cause = &wire.Cause{Process: withoutControl(p.Cause.Process), PID: p.Cause.PID, Call: withoutControl(p.Cause.Call)}
	}
	if p.Offload != nil {
		o := *p.Offload
		o.Cut = withoutControl(o.Cut)
		clean.Offload = &o
	}
	clean.Labels = slices.Clone(p.Labels)
	return &clean
}
