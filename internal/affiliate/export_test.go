package affiliate_test

import (
	"testing"
	"time"

	"mezzo/internal/affiliate"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
)

func TestExportHoldsShelfAndCommissions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, 2, 2)
		w.program(1500, 336)
		w.shelve(0, 0)
		c.Advance(time.Second) // ids go by time
		w.shelve(0, 1)
		w.shelve(1, 1)
		w.exec(`UPDATE showcase SET removed_at = $1 WHERE creator_id = $2 AND product_id = $3`, c.Now(), w.creators[0].Creator, w.products[1])
		w.click(w.viewer, 0, 0)
		s := w.sale(0)
		w.write(func(tx *db.Tx) error {
			decided, err := affiliate.Decide(tx, s)
			if err != nil {
				return err
			}
			l, d := s.Lines[0], decided[s.Lines[0].Line]
			_, err = affiliate.CreateCommissions(tx, []affiliate.NewCommission{{Order: s.Order, Part: l.Part, Line: l.Line, Creator: d.Creator, Brand: l.Brand, Program: d.Program, Product: l.Product, Base: l.Base, Rate: d.Rate, Amount: l.Base}})
			return err
		})
		export := func(n int) affiliate.Exported {
			t.Helper()
			got, err := db.Get(ctx, d, func(tx *db.Tx) (any, error) {
				if n < 0 {
					return affiliate.Export(tx, w.owner.Account)
				}
				return affiliate.Export(tx, w.creators[n].Account)
			})
			if err != nil {
				t.Fatal(err)
			}
			return got.(affiliate.Exported)
		}
		first := export(0)
		if len(first.Showcase) != 2 || first.Showcase[0].Title != "Cup 0" || first.Showcase[0].RemovedAt != nil || first.Showcase[1].RemovedAt == nil {
			t.Errorf("the shelf: %+v", first.Showcase)
		}
		if len(first.Commissions) != 1 || first.Commissions[0].Creator != w.creators[0].Creator {
			t.Errorf("the commissions: %+v", first.Commissions)
		}
		if second := export(1); len(second.Showcase) != 1 || len(second.Commissions) != 0 {
			t.Errorf("another creator's: %+v", second)
		}
		if none := export(-1); none.Showcase == nil || len(none.Showcase)+len(none.Commissions) != 0 {
			t.Errorf("of who is no creator: %+v", none)
		}
	})
}
