package drawing

import (
	"fmt"
	"strings"

	"fd3/sockets/wire"
)

// Sentences tells the Ladder for a reader who does not see it, from the first step to the
// last.
func (l Ladder) Sentences() []string {
	var all []string
	if l.router != nil {
		all = append(all, fmt.Sprintf("Between the cable and %s stands the %s, %s.", l.sides[1].Name, l.router.Name, l.router.Address))
	}
	for _, s := range l.steps {
		for side, words := range s.margin {
			if words != "" && s.arrow == nil {
				all = append(all, l.at(side, words, s.weight[side]))
			}
		}
		if s.fold != "" {
			all = append(all, "Then come "+strings.Trim(s.fold, "…"+tie)+".")
			continue
		}
		if a := s.arrow; a != nil {
			if words := s.margin[a.from]; words != "" {
				all = append(all, l.at(a.from, words, s.weight[a.from]))
			}
			all = append(all, l.told(a))
			if words := s.margin[1-a.from]; words != "" {
				all = append(all, l.at(1-a.from, words, s.weight[1-a.from]))
			}
		}
	}
	return harmlessly(all)
}

// harmlessly are sentences without anything that a terminal or a reader would stumble
// over.
func harmlessly(all []string) []string {
	plain := strings.NewReplacer(tie, " ", "…", "...", "µs", "us") // --accessible has only ASCII
	for i := range all {
		all[i] = harmless(plain.Replace(all[i]))
	}
	return all
}

// at says what stands at a side: a state is strong, a call is not.
func (l Ladder) at(side int, words string, w weight) string {
	name := l.sides[side].Name
	words = strings.ReplaceAll(words, tie, " ")
	switch {
	case w == strong && words == noSocket:
		return fmt.Sprintf("The socket of %s is gone.", name)
	case w == strong:
		return fmt.Sprintf("The socket of %s is in %s.", name, words)
	case strings.HasPrefix(words, "= "):
		return fmt.Sprintf("The call of %s returns %s.", name, strings.TrimPrefix(words, "= "))
	}
	return fmt.Sprintf("%s calls %s.", name, strings.Replace(words, " = ", ", which returns ", 1))
}

// told says a packet and what became of it.
func (l Ladder) told(a *arrow) string {
	to := l.sides[1-a.from].Name
	fate := map[wire.Fate]string{
		wire.Held: "It lies on the cable", wire.Dropped: "It is lost", wire.Duplicated: "It comes twice", wire.Corrupted: "It comes corrupted",
		wire.Delayed: "It comes late", wire.Swapped: "A later one comes before it", wire.Forged: "It is forged",
	}[a.fate]
	words := fmt.Sprintf("%s to %s: %s.", l.sides[a.from].Name, to, a.text(len(a.words)))
	if fate != "" {
		words += " " + fate + "."
	}
	if a.lay != "" {
		words += " It lay on the cable for " + a.lay + "."
	}
	return words
}
