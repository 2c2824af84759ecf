package ledger

import (
	"strconv"
	"strings"

	"mezzo/internal/db"
)

// span is a run of rows for one statement.
type span struct{ from, to int }

// chunks cuts n rows into statements of 64, 32 and 16 rows and one of the rest: few
// different texts, so that they stay prepared.
func chunks(n int) []span {
	out := make([]span, 0, 1+n/64)
	at := 0
	for _, size := range [...]int{64, 32, 16} {
		for ; n-at >= size; at += size {
			out = append(out, span{at, at + size})
		}
	}
	if at < n {
		out = append(out, span{at, n})
	}
	return out
}

// values returns "<head>($1,…),($n,…)" for rows of columns parameters.
func values(head string, rows, columns int) string {
	var b strings.Builder
	b.Grow(len(head) + rows*columns*5)
	b.WriteString(head)
	for i := range rows * columns {
		switch {
		case i == 0:
			b.WriteByte('(')
		case i%columns == 0:
			b.WriteString("),(")
		default:
			b.WriteByte(',')
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(i + 1))
	}
	b.WriteByte(')')
	return b.String()
}

// insertRows runs the statement for n rows in chunks; add appends the parameters of row i.
func insertRows(tx *db.Tx, head, tail string, n, columns int, add func(args []any, i int) []any) error {
	for _, c := range chunks(n) {
		args := make([]any, 0, (c.to-c.from)*columns)
		for i := c.from; i < c.to; i++ {
			args = add(args, i)
		}
		if _, err := tx.Exec(values(head, c.to-c.from, columns)+tail, args...); err != nil {
			return err
		}
	}
	return nil
}
