package affiliate_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/affiliate"
	"mezzo/internal/attribution"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// story lays down what happened and says who the sale's first line is owed to (-1: nobody, because of …).
type story struct {
	tell    func(w *world) affiliate.Sale
	creator int
	rate    money.Bps
	because attribution.Reason
}

func clickStories() map[string]story {
	return map[string]story{
		"the last click wins": {func(w *world) affiliate.Sale {
			w.click(w.viewer, 0, 0)
			w.c.Advance(time.Hour)
			w.click(w.viewer, 1, 0)
			return w.sale(0)
		}, 1, 1500, ""},
		"another product's click does not": {func(w *world) affiliate.Sale {
			w.click(w.viewer, 0, 0)
			w.c.Advance(time.Hour)
			w.click(w.viewer, 1, 1)
			return w.sale(0)
		}, 0, 1500, ""},
		"nobody clicked": {func(w *world) affiliate.Sale { return w.sale(0) }, -1, 0, attribution.NoTouch},
		"another viewer clicked": {func(w *world) affiliate.Sale {
			var other id.Viewer
			w.click(other.Next(w.c.Now()), 0, 0)
			return w.sale(0)
		}, -1, 0, attribution.NoTouch},
		"a click after the order": {func(w *world) affiliate.Sale {
			s := w.sale(0)
			w.c.Advance(time.Second)
			w.click(w.viewer, 0, 0)
			return s
		}, -1, 0, attribution.NoTouch},
		"outside the window": {func(w *world) affiliate.Sale {
			w.click(w.viewer, 0, 0)
			w.c.Advance(336*time.Hour + time.Microsecond)
			return w.sale(0)
		}, -1, 0, attribution.OutsideWindow},
		"a viewer joined to the account": {func(w *world) affiliate.Sale {
			shopper := w.person("shopper@example.com")
			w.click(shopper.Viewer, 0, 0)
			s := w.sale(0)
			s.Account = shopper.Account
			return s
		}, 0, 1500, ""},
	}
}

func peopleStories() map[string]story {
	return map[string]story{
		"own purchase, by account": {func(w *world) affiliate.Sale {
			w.click(w.viewer, 0, 0)
			s := w.sale(0)
			s.Account = w.creators[0].Account
			return s
		}, -1, 0, attribution.SelfPurchase},
		"own purchase, by e-mail address": {func(w *world) affiliate.Sale {
			w.click(w.viewer, 0, 0)
			s := w.sale(0)
			s.Email = " Creator0@Example.com"
			return s
		}, -1, 0, attribution.SelfPurchase},
		"own purchase, by the browser": {func(w *world) affiliate.Sale {
			w.click(w.creators[0].Viewer, 0, 0)
			s := w.sale(0)
			s.Viewer = w.creators[0].Viewer
			return s
		}, -1, 0, attribution.SelfPurchase},
		"a creator buys from another": {func(w *world) affiliate.Sale {
			w.click(w.creators[0].Viewer, 1, 0)
			s := w.sale(0)
			s.Viewer, s.Account = w.creators[0].Viewer, w.creators[0].Account
			return s
		}, 1, 1500, ""},
		"a member of the brand buys": {func(w *world) affiliate.Sale {
			w.click(w.viewer, 0, 0)
			s := w.sale(0)
			s.Account = w.owner.Account
			return s
		}, -1, 0, attribution.BrandMember},
		"a member of the brand as a guest": {func(w *world) affiliate.Sale {
			w.click(w.viewer, 0, 0)
			s := w.sale(0)
			s.Email = "owner@kiln.example"
			return s
		}, -1, 0, attribution.BrandMember},
		"not on the shelf": {func(w *world) affiliate.Sale {
			w.click(w.viewer, 0, 2)
			return w.sale(2)
		}, -1, 0, attribution.NotPromoting},
		"creator removed": {func(w *world) affiliate.Sale {
			w.click(w.viewer, 0, 0)
			w.exec(`UPDATE accounts SET standing = 'removed' WHERE id = $1`, w.creators[0].Account)
			return w.sale(0)
		}, -1, 0, attribution.CreatorRemoved},
		"the program has ended since": {func(w *world) affiliate.Sale {
			w.click(w.viewer, 0, 0)
			w.c.Advance(time.Hour)
			w.exec(`UPDATE programs SET ends_at = $1`, w.c.Now())
			w.c.Advance(time.Hour)
			return w.sale(0)
		}, 0, 1500, ""},
		"the budget is spent": {func(w *world) affiliate.Sale {
			w.exec(`UPDATE programs SET budget_minor = 1000, spent_minor = 800`)
			w.click(w.viewer, 0, 0)
			return w.sale(0)
		}, -1, 0, attribution.BudgetSpent},
	}
}

func TestDecide(t *testing.T) {
	stories := clickStories()
	maps.Copy(stories, peopleStories())
	for name, c := range stories {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, k *clock.Turned) {
				w := newWorld(t, d, k, 2, 3)
				for i := range w.creators {
					w.shelve(i, 0)
					w.shelve(i, 1)
				}
				w.program(1500, 336)
				k.Advance(time.Hour)
				got := w.decide(c.tell(w))[0]
				want := id.Creator("")
				if c.creator >= 0 {
					want = w.creators[c.creator].Creator
				}
				if got.Creator != want || got.Rate != c.rate || got.Because != c.because {
					t.Fatalf("got %q at %v because %q, want %q at %v because %q", got.Creator, got.Rate, got.Because, want, c.rate, c.because)
				}
				if (got.Touch != "") != (want != "") || (want != "" && (got.Video == "" || got.Request == "" || got.Slot != 3 || got.Surface != "home" || got.HoldDays != 15)) {
					t.Fatalf("the winning touch is %+v", got)
				}
			})
		})
	}
}

// TestBudgetWithinAnOrder: the second line of one order sees what the first took.
func TestBudgetWithinAnOrder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, k *clock.Turned) {
		w := newWorld(t, d, k, 1, 2)
		w.shelve(0, 0)
		w.shelve(0, 1)
		w.program(1500, 336)
		w.exec(`UPDATE programs SET budget_minor = 400`)
		w.click(w.viewer, 0, 0)
		w.click(w.viewer, 0, 1)
		got := w.decide(w.sale(0, 1))
		if got[0].Creator == "" || got[1].Because != attribution.BudgetSpent {
			t.Fatalf("got %+v", got)
		}
	})
}

// TestOneTokenManyIDs: a thousand repeats of one token's click, told by either door, are one touch.
func TestOneTokenManyIDs(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, k *clock.Turned) {
		w := newWorld(t, d, k, 1, 1)
		shown := w.shown(0)
		for range 10 {
			w.write(func(tx *db.Tx) error {
				for range 10 {
					if err := affiliate.RecordTouch(tx, affiliate.NewTouch{Asker: account.Asker{Viewer: w.viewer}, Impression: shown, Product: w.products[0], Kind: affiliate.TouchClick, At: k.Now()}); err != nil {
						return err
					}
				}
				return nil
			})
			k.Advance(time.Second)
		}
		if n := w.count(`SELECT COUNT(*) FROM touches`); n != 1 {
			t.Fatalf("one token made %d touches", n)
		}
		w.click(w.viewer, 0, 0) // another token
		if n := w.count(`SELECT COUNT(*) FROM touches`); n != 2 {
			t.Fatalf("two tokens made %d touches", n)
		}
		var foreign id.Product
		w.write(func(tx *db.Tx) error {
			return affiliate.RecordTouch(tx, affiliate.NewTouch{Asker: account.Asker{Viewer: w.viewer}, Impression: w.shown(0), Product: foreign.Next(k.Now()), Kind: affiliate.TouchClick, At: k.Now()})
		})
		if n := w.count(`SELECT COUNT(*) FROM touches`); n != 2 {
			t.Fatal("a product the video does not show made a touch")
		}
	})
}

func (w *world) count(q string, args ...any) (n int64) {
	w.t.Helper()
	err := w.d.Read(ctx, func(tx *db.Tx) error { return tx.Row(q, args...).Scan(&n) })
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// TestWaiting: a line that could not be decided is settled later as it would have been at the sale.
func TestWaiting(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, k *clock.Turned) {
		w := newWorld(t, d, k, 2, 1)
		w.shelve(0, 0)
		w.program(1500, 336)
		s := w.sale(0)
		s.CaughtUp, s.PlacedAt = false, k.Now().Add(time.Second)
		if got := w.decide(s)[0]; !got.Waiting || got.Creator != "" || got.Most != 1500 || got.HoldDays != 15 {
			t.Fatalf("while it waits: %+v", got)
		}
		w.click(w.viewer, 0, 0) // before the order, and told late by the follower
		k.Advance(time.Minute)
		w.click(w.viewer, 1, 0)
		w.write(func(tx *db.Tx) error {
			waiting, err := affiliate.Waiting(tx, []id.Order{s.Order})
			list, err2 := affiliate.Undecided(tx, 10)
			if len(waiting) != 1 || waiting[0] != s.Lines[0].Part || err != nil || err2 != nil || len(list) != 1 || list[0] != s.Order {
				return fmt.Errorf("waiting %v %v, undecided %v %v", waiting, err, list, err2)
			}
			return nil
		})
		var got map[id.Line]affiliate.Decision
		w.write(func(tx *db.Tx) (err error) { got, err = affiliate.DecideWaiting(tx, s.Order); return err })
		if len(got) != 1 || got[s.Lines[0].Line].Creator != w.creators[0].Creator {
			t.Fatalf("decided %+v", got)
		}
		w.write(func(tx *db.Tx) (err error) { got, err = affiliate.DecideWaiting(tx, s.Order); return err })
		if len(got) != 0 {
			t.Fatalf("decided twice: %+v", got)
		}
	})
}
