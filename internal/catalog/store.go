package catalog

import (
	"strconv"
	"strings"
)

// idList returns "($n, $n+1, …)" and its arguments. The list is filled up with its last id to the next
// power of two, so that a database keeps a handful of prepared statements and not one per length.
func idList[T ~string](from int, ids []T) (string, []any) {
	size := 1
	for size < len(ids) {
		size *= 2
	}
	var b strings.Builder
	args := make([]any, size)
	for i := range args {
		if i == 0 {
			b.WriteByte('(')
		} else {
			b.WriteByte(',')
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(from + i))
		args[i] = string(ids[min(i, len(ids)-1)])
	}
	b.WriteByte(')')
	return b.String(), args
}

// values collects the rows of one INSERT.
type values struct {
	width int
	args  []any
}

func rowsOf(width int) *values { return &values{width: width} }

func (v *values) add(row ...any) { v.args = append(v.args, row...) }

// text returns "($1,$2),($3,$4)" for the rows collected.
func (v *values) text() string {
	var b strings.Builder
	for i := range v.args {
		switch {
		case i == 0:
			b.WriteByte('(')
		case i%v.width == 0:
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
