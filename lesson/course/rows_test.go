package course

import (
	"slices"
	"strings"
	"testing"
)

// rows are what the course has to teach, by the IDs that a lesson names in its
// "Rows:".
var rows = strings.Fields(`
		A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15 A16
		B1 B2 B3 B4 B5 B6
		C1 C2 C3 C4 C5 C6 C7
		D1 D2 D3 D4 D5 D6 D7 D8 D9 D10 D11
		E1 E2 E3 E4 E5 E6 E7 E8 E9 E10 E11 E12 E13 E14 E15 E16 E17 E18 E19 E20 E21 E22 E23 E24 E25
		B-lock B-leak B-close B-address B-backlog B-crash
		C-unchecked C-root C-padding C-directory C-split C-large
		D-restart D-idle D-overwrite`)

// Every row has a lesson, and no lesson names a row that is none.
func TestRows(t *testing.T) {
	covered := make(map[string]bool)
	for _, l := range All() {
		for _, row := range l.Rows {
			covered[row] = true
			if !slices.Contains(rows, row) {
				t.Errorf("%s covers %q, which is no row of the course", l.ID, row)
			}
		}
	}
	for _, row := range rows {
		if !covered[row] {
			t.Errorf("no lesson covers %s", row)
		}
	}
}
