package db

import (
	"bytes"
	"strings"
)

// KeepSQL returns the statements that keep a table's rows, or the columns named, from change.
func KeepSQL(e Engine, table, columns string) (statements []string) {
	var out bytes.Buffer
	writeKeep(&out, e, table, columns)
	for _, s := range strings.Split(out.String(), "-- +goose StatementBegin\n") {
		if s, _, ok := strings.Cut(s, "\n-- +goose"); ok {
			statements = append(statements, s)
		}
	}
	return statements
}

// WatchesWholeBodies reports whether a body is interrupted by one watch, and not statement by statement.
func (d *DB) WatchesWholeBodies() bool { return d.store.(*lite).writer.c.handle != 0 }
