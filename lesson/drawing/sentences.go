package drawing

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"fd3/sockets/kernel"
)

// Sentences tells the Picture for a reader who does not see it; of one with an earlier
// Snapshot it tells only what has changed.
func (p Picture) Sentences() []string {
	var all []string
	for _, b := range p.boxes {
		if !b.nobody && (p.diff == nil || b.mark != unchanged) {
			all = append(all, p.sentence(b.mark, b.name, b.standing()))
		}
		queue := ""
		for _, r := range b.rows {
			if r.part == top {
				queue = r.text
			}
			if p.diff != nil && r.mark == unchanged {
				continue
			}
			if words := p.told(r, queue); words != "" {
				all = append(all, p.sentence(r.mark, b.name, words))
			}
		}
	}
	if p.cable != nil {
		all = append(all, p.cable.sentences(p.diff != nil)...)
	}
	if len(all) == 0 {
		return []string{"Nothing has changed."}
	}
	return all
}

// standing says what a process does.
func (b *box) standing() string { return cmp.Or(b.state+b.where, "stands still") }

// told says what a row says, and where its link leads.
func (p Picture) told(r *row, queue string) string {
	all := append([]string{r.text}, r.more...)
	switch r.part {
	case top:
		return ""
	case bottom:
		if r.text == "" {
			return ""
		}
		all[0] = queue + ", " + r.text
	case slot:
		all[0] = queue + ": " + r.text
	case descriptor:
		if r.number != "" {
			all[0] = "descriptor " + r.number + ": " + r.text
		}
		if s := r.socket; s != nil && s.State == kernel.Listen {
			all = append(all, fmt.Sprintf("%d waiting, backlog %d", s.Waiting, s.Backlog))
		}
	}
	for _, k := range p.links {
		if k.by == r && k.label != "" {
			all = append(all, k.label)
		}
		if other := k.other(r); other != nil && r.part != refused {
			all = append(all, p.whereabouts(other))
		}
	}
	return strings.Join(all, "; ")
}

// other returns the other end of a link, or nil if a row is none of its ends.
func (k link) other(r *row) *row {
	switch {
	case k.refused:
		return nil
	case k.from == r:
		return k.to
	case k.to == r:
		return k.from
	}
	return nil
}

// whereabouts says where the other end of a link is.
func (p Picture) whereabouts(r *row) string {
	for _, b := range p.boxes {
		queue := ""
		for _, x := range b.rows {
			if x.part == top {
				queue = x.text
			}
			switch {
			case x != r:
			case r.part == slot:
				return fmt.Sprintf("its other end waits at %s, %s", b.name, queue)
			case r.number != "":
				return fmt.Sprintf("its other end is descriptor %s of %s", r.number, b.name)
			default:
				return "its other end is " + b.name
			}
		}
	}
	return ""
}

var (
	ports  = regexp.MustCompile(`(^| ):(\d+)`)
	blanks = regexp.MustCompile(` +`)
	blocks = strings.NewReplacer("█", "", "░", "")
)

// sentence is plain words about one place, without the marks that are for the eye.
func (p Picture) sentence(m mark, where, words string) string {
	words = blanks.ReplaceAllString(blocks.Replace(ports.ReplaceAllString(words, "${1}port $2")), " ")
	words = strings.ReplaceAll(words, " ;", ";")
	change := [...]string{added: "New: ", changed: "Changed: ", gone: "Gone: ", unchanged: ""}[m]
	return harmless(change + where + ", " + strings.TrimSpace(words) + ".")
}
