package payout

import (
	"encoding/csv"
	"regexp"
	"strings"
)

// sheet writes a CSV that a spreadsheet opens without harm: a text that would be read as a formula gets an
// apostrophe before it. Lines end as RFC 4180 says.
type sheet struct {
	text strings.Builder
	csv  *csv.Writer
}

func newSheet(heads ...string) *sheet {
	s := &sheet{}
	s.csv = csv.NewWriter(&s.text)
	s.csv.UseCRLF = true
	s.row(heads...)
	return s
}

func (s *sheet) row(cells ...string) {
	out := make([]string, len(cells))
	for i, c := range cells {
		out[i] = harmless(c)
	}
	_ = s.csv.Write(out) // into memory: it cannot fail
}

// String returns the file.
func (s *sheet) String() string {
	s.csv.Flush()
	return s.text.String()
}

// parted is where a program that parts cells at other than commas begins a cell that it runs, whatever stands in quotes.
var parted = regexp.MustCompile(`([;\t\r\n] *)("* *[=+\-@|])`)

// harmless guards a cell against being run by a spreadsheet. Numbers with a sign stay numbers.
func harmless(cell string) string {
	cell = parted.ReplaceAllString(cell, "$1'$2")
	if cell == "" || !strings.ContainsRune("=+-@\t\r\n|", rune(cell[0])) {
		return cell
	}
	if rest := strings.TrimPrefix(cell, "-"); rest != "" && rest != cell && strings.Trim(rest, "0123456789.") == "" {
		return cell
	}
	return "'" + cell
}

// bare takes the guard off a cell that came back.
func bare(cell string) string {
	cell = strings.TrimSpace(cell)
	if rest, guarded := strings.CutPrefix(cell, "'"); guarded && rest != "" && harmless(rest) != rest {
		return rest
	}
	return cell
}
