package payout

import (
	"strings"
	"testing"
)

// A sheet is opened by programs that part cells at semicolons or tabs too, whatever quotes say: no such part is a formula.
func TestASheetRunsNothing(t *testing.T) {
	for cell, want := range map[string]string{
		"Ada":                       "Ada",
		"-12.50":                    "-12.50",
		"=1+1":                      "'=1+1",
		"@sum":                      "'@sum",
		"Ada;=cmd|' /C calc'!A0":    "Ada;'=cmd|' /C calc'!A0",
		"Ada; +1":                   "Ada; '+1",
		"Ada;;@a;b":                 "Ada;;'@a;b",
		`Ada;"=1"`:                  `Ada;'"=1"`,
		"a\t-1":                     "a\t'-1",
		"a\n=1":                     "a\n'=1",
		"Müller & Söhne; Nr. 4":     "Müller & Söhne; Nr. 4",
		"12 High-Street (rear) = 4": "12 High-Street (rear) = 4",
	} {
		if got := harmless(cell); got != want {
			t.Errorf("%q is written %q, not %q", cell, got, want)
		}
	}
	s := newSheet("holder")
	s.row("Ada;=1+1")
	if got := s.String(); strings.Contains(got, ";=") {
		t.Errorf("the sheet is %q", got)
	}
}
