package db

import (
	"strconv"
	"strings"
)

// In returns "($n,$n+1,…)" and the arguments for a list of ids that is not empty. The list is filled up
// with its last id to the next power of two, so that a handful of statements are prepared and not one
// for every length.
func In[T ~string](from int, ids []T) (text string, args []any) {
	size := 1
	for size < len(ids) {
		size *= 2
	}
	args = make([]any, size)
	for i := range args {
		args[i] = string(ids[min(i, len(ids)-1)])
	}
	var b strings.Builder
	writeRow(&b, from, size)
	return b.String(), args
}

// Values collects the rows of one INSERT. The zero value is ready.
type Values struct {
	text strings.Builder
	args []any
}

// Row adds one row.
func (v *Values) Row(args ...any) {
	if len(v.args) > 0 {
		v.text.WriteByte(',')
	}
	writeRow(&v.text, len(v.args)+1, len(args))
	v.args = append(v.args, args...)
}

// Empty reports whether no row was added.
func (v *Values) Empty() bool { return len(v.args) == 0 }

// Text returns "($1,$2),($3,$4)" for the rows added.
func (v *Values) Text() string { return v.text.String() }

// Args returns the arguments of the rows, in the order of Text.
func (v *Values) Args() []any { return v.args }

// writeRow writes "($from,…)" for n parameters.
func writeRow(b *strings.Builder, from, n int) {
	b.WriteByte('(')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(from + i))
	}
	b.WriteByte(')')
}
