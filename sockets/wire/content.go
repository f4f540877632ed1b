package wire

import "slices"

// Contain names the bytes of the payload, which only those know who read them: the tokens
// of an HTTP message, say. A field stands for its characters where it has no Value. What
// no field has is data, and a field that begins before the last one ends is left out.
func (p *Packet) Contain(name, spec string, fields []Field) {
	p.Layers = slices.Clone(p.Layers) // a copy of the packet has the same
	l := p.Layer("payload")
	if l == nil {
		return
	}
	l.Name, l.Spec, l.Fields = name, spec, nil
	at := l.Start
	add := func(f Field) {
		if f.Start > at {
			l.Fields = append(l.Fields, Field{Name: "data", Start: at, End: f.Start})
		}
		if f.Start < f.End {
			l.Fields = append(l.Fields, f)
		}
		at = f.End
	}
	for _, f := range fields {
		if f.Bits == 0 && f.Start >= at && f.Start < min(f.End, l.End) {
			f.End = min(f.End, l.End)
			add(f)
		}
	}
	add(Field{Start: l.End, End: l.End})
}
