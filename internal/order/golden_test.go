package order_test

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
)

var update = flag.Bool("update", false, "write the golden files anew")

var publicID = regexp.MustCompile(`\b([a-z]{3})_[0-9a-z]{26}\b`)

// posted is every transfer of the book, leg by leg, debits first as they were posted; ids by kind and in
// the order they come up.
func (w *world) posted() string {
	w.t.Helper()
	var out strings.Builder
	err := w.d.Read(context.Background(), func(tx *db.Tx) error {
		last := ""
		_, err := db.All(tx, func(r *sql.Rows) (struct{}, error) {
			var key, kind, account string
			var minor int64
			if err := r.Scan(&key, &kind, &account, &minor); err != nil {
				return struct{}{}, err
			}
			if key != last {
				fmt.Fprintf(&out, "%s  %s\n", kind, key)
				last = key
			}
			side := "credit"
			if minor < 0 {
				side, minor = "debit ", -minor
			}
			fmt.Fprintf(&out, "    %s %6d.%02d  %s\n", side, minor/100, minor%100, account)
			return struct{}{}, nil
		}, `SELECT t.key, t.kind, e.account, e.amount FROM ledger_transfers t JOIN ledger_entries e ON e.id >= t.seq * 64 AND e.id < t.seq * 64 + 64 ORDER BY e.id`)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	known, count := map[string]string{}, map[string]int{}
	return publicID.ReplaceAllStringFunc(out.String(), func(s string) string {
		if known[s] == "" {
			count[s[:3]]++
			known[s] = fmt.Sprintf("%s%d", s[:3], count[s[:3]])
		}
		return known[s]
	})
}

// story is one case of a golden file: what happens in a shop of its own.
type story struct {
	name string
	goes func(*world)
}

// golden tells each story on both engines and holds what was posted, to the leg, against a file.
func golden(t *testing.T, file string, stories []story) {
	t.Helper()
	told := map[string]string{}
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
				w := newWorld(t, d, c, 100)
				s.goes(w)
				w.sound()
				if got := w.posted(); told[s.name] == "" {
					told[s.name] = got
				} else if told[s.name] != got {
					t.Errorf("one engine's books say\n%s\nand the other's\n%s", told[s.name], got)
				}
			})
		})
	}
	var out strings.Builder
	for _, s := range stories {
		fmt.Fprintf(&out, "# %s\n%s\n", s.name, told[s.name])
	}
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("posted\n%s\nwant\n%s", out.String(), want)
	}
}
