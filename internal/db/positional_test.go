package db

import "testing"

func TestPositional(t *testing.T) {
	for q, want := range map[string]string{
		"SELECT 1":                             "SELECT 1",
		"INSERT INTO t VALUES ($1,$2),($3,$4)": "INSERT INTO t VALUES (?,?),(?,?)",
		"UPDATE t SET a = $1 WHERE b = $2":     "UPDATE t SET a = ? WHERE b = ?",
		"SELECT $2, $1":                        "SELECT $2, $1",
		"SELECT $1, $1":                        "SELECT $1, $1",
		"SELECT $1, $12":                       "SELECT $1, $12",
		"SELECT $1, '$2', $2":                  "SELECT ?, '$2', ?",
		"SELECT 'it''s $1', \"$1\", $1":        "SELECT 'it''s $1', \"$1\", ?",
		"SELECT $1 -- $2":                      "SELECT $1 -- $2",
		"SELECT $1 /* ' */, '$2'":              "SELECT $1 /* ' */, '$2'",
		"SELECT $1, ?":                         "SELECT $1, ?",
		"SELECT $one":                          "SELECT $one",
	} {
		if got := positional(q); got != want {
			t.Errorf("%s became %s", q, got)
		}
	}
}
