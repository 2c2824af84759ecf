package lab

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Table is a data file in memory: columns by name, rows of text.
type Table struct {
	Name    string
	Columns []string
	Rows    [][]string
}

// mostRows bounds what is read.
const mostRows = 20_000_000

// Separator returns the character a flag means: one character, or \t.
func Separator(text string) (rune, error) {
	if text == `\t` || text == "tab" {
		return '\t', nil
	}
	r, size := utf8.DecodeRuneInString(text)
	if size == 0 || size != len(text) || r == utf8.RuneError || r == '"' || r == '\n' || r == '\r' {
		return 0, fmt.Errorf("--sep is one character, or \\t for a tab; %q is not", text)
	}
	return r, nil
}

// ReadTable reads a file. With columns they are its names in order and header says whether a first line is
// to be skipped; without, the first line names them.
func ReadTable(path string, separator rune, columns []string, header bool) (*Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t, err := readTable(f, separator, columns, header)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	t.Name = path
	return t, nil
}

func readTable(from io.Reader, separator rune, columns []string, header bool) (*Table, error) {
	r := csv.NewReader(from)
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = separator, -1, true
	t := &Table{Columns: columns}
	if header || len(columns) == 0 {
		first, err := r.Read()
		if err != nil {
			return nil, fmt.Errorf("there is no first line: %w", err)
		}
		if len(columns) == 0 {
			for _, name := range first {
				t.Columns = append(t.Columns, strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))
			}
		}
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return nil, err
		}
		if len(row) < len(t.Columns) {
			line, _ := r.FieldPos(0)
			return nil, fmt.Errorf("line %d has %d columns, fewer than the %d named (is --sep right?)", line, len(row), len(t.Columns))
		}
		if len(t.Rows) == mostRows {
			return nil, fmt.Errorf("it has more than %d rows", mostRows)
		}
		t.Rows = append(t.Rows, row)
	}
}

// Column returns the number of a column; the error lists what there is.
func (t *Table) Column(name string) (int, error) {
	for i, c := range t.Columns {
		if c == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%s has no column %q; it has %s", t.Name, name, strings.Join(t.Columns, ", "))
}

// Number returns a field as a number; the error says where it is.
func (t *Table) Number(row, column int) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(t.Rows[row][column]), 64)
	if err != nil {
		return 0, fmt.Errorf("%s: row %d, column %q: %q is not a number", t.Name, row+1, t.Columns[column], t.Rows[row][column])
	}
	return v, nil
}
