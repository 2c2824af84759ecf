package feed_test

import (
	"context"
	"encoding/json"
	"testing"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/event"
	"mezzo/internal/feed"
	"mezzo/internal/money"
)

// However often a program starts, the log is told once of each policy, in the words folds read.
func TestPoliciesAreDeclaredOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		ctx := context.Background()
		for range 3 {
			if err := feed.Declare(ctx, d); err != nil {
				t.Fatal(err)
			}
		}
		told := map[string]event.PolicyChanged{}
		n := 0
		err := d.Read(ctx, func(tx *db.Tx) error {
			rows, err := tx.Query(`SELECT body FROM outbox WHERE topic = $1`, event.TopicPolicyChanged)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var body string
				var p event.PolicyChanged
				if err := rows.Scan(&body); err != nil {
					return err
				}
				if err := json.Unmarshal([]byte(body), &p); err != nil {
					return err
				}
				told[p.Name], n = p, n+1
			}
			return rows.Err()
		})
		if err != nil || n != 2 {
			t.Fatalf("%d facts, %v", n, err)
		}
		if u := told["uniform"]; u.Policy != feed.Uniform().ID || u.Version != 1 || u.Share != money.Whole {
			t.Errorf("uniform: %+v", u)
		}
		if p := told["newest"]; p.Policy != feed.Newest().ID || p.Share != 0 {
			t.Errorf("newest: %+v", p)
		}
	})
}
