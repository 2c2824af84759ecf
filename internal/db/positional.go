package db

import (
	"strconv"
	"strings"
)

// positional writes a statement whose parameters are $1 to $n, each once and in order, with ?
// for each. SQLite finds a named parameter by walking a list for every one it binds, which
// for inserts of many rows costs more than the rows; any other statement stays as it is.
func positional(q string) string {
	var out strings.Builder
	next, copied := 1, 0
	quote := byte(0)
	for i := 0; i < len(q); i++ {
		switch c := q[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '-' && strings.HasPrefix(q[i:], "--"), c == '/' && strings.HasPrefix(q[i:], "/*"), c == '?':
			return q
		case c == '$':
			n := strconv.Itoa(next)
			end := i + 1 + len(n)
			if !strings.HasPrefix(q[i+1:], n) || end < len(q) && q[end] >= '0' && q[end] <= '9' {
				return q
			}
			out.WriteString(q[copied:i])
			out.WriteByte('?')
			next, copied = next+1, end
			i = end - 1
		}
	}
	if copied == 0 {
		return q
	}
	return out.String() + q[copied:]
}
