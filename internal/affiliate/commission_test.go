package affiliate_test

import (
	"strings"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/affiliate"
	"mezzo/internal/attribution"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// earn sells products by a creator's clicks and books the commissions at 300 each.
func (w *world) earn(creator int, products ...int) (affiliate.Sale, []affiliate.Commission) {
	w.t.Helper()
	for _, p := range products {
		w.click(w.viewer, creator, p)
	}
	s := w.sale(products...)
	var made []affiliate.Commission
	w.write(func(tx *db.Tx) error {
		got, err := affiliate.Decide(tx, s)
		if err != nil {
			return err
		}
		var list []affiliate.NewCommission
		for _, l := range s.Lines {
			d := got[l.Line]
			list = append(list, affiliate.NewCommission{Order: s.Order, Part: l.Part, Line: l.Line, Creator: d.Creator, Brand: l.Brand, Program: d.Program,
				Product: l.Product, Video: d.Video, Base: l.Base, Rate: d.Rate, Amount: money.Of(300, "EUR")})
		}
		made, err = affiliate.CreateCommissions(tx, list)
		return err
	})
	return s, made
}

func TestCommissionLife(t *testing.T) {
	room(t, 2, func(t *testing.T, a *affiliate.Affiliate, w *world) {
		p := w.open(a, func(in *affiliate.NewProgram) { in.Budget = ptr(money.Of(2000, "EUR")) })
		for i := range w.products {
			w.accept(a, 0, i)
		}
		spent := func(want int64) { t.Helper(); w.spent(a, p.ID, want) }
		sums := func(pending, available, reversed int64) { t.Helper(); w.sums(a, pending, available, reversed) }
		sums(0, 0, 0)
		s, made := w.earn(0, 0, 1)
		sums(600, 0, 0)
		spent(600)
		release := w.c.Now().Add(15 * day)
		w.write(func(tx *db.Tx) error { return affiliate.ScheduleCommissions(tx, s.Lines[0].Part, release) })
		if e, err := a.Earnings(ctx, w.creators[0]); err != nil || e.NextReleaseAt == nil || !e.NextReleaseAt.Equal(release) {
			t.Fatalf("next release %v, %v", e.NextReleaseAt, err)
		}
		var back, freed, again []affiliate.Commission
		w.write(func(tx *db.Tx) (err error) {
			back, err = affiliate.ReverseCommissions(tx, []id.Line{made[0].Line}, affiliate.OrderCancelled)
			return err
		})
		if len(back) != 1 || back[0].State != affiliate.Pending || back[0].ID != made[0].ID {
			t.Fatalf("reversed %+v", back)
		}
		spent(300)
		w.c.Advance(15 * day)
		w.write(func(tx *db.Tx) (err error) {
			if freed, err = affiliate.ReleaseCommissions(tx, s.Lines[0].Part); err != nil {
				return err
			}
			again, err = affiliate.ReleaseCommissions(tx, s.Lines[0].Part)
			return err
		})
		if len(freed) != 1 || freed[0].ID != made[1].ID || freed[0].State != affiliate.Available || len(again) != 0 {
			t.Fatalf("released %+v, then %+v", freed, again)
		}
		sums(0, 300, 300)
		w.write(func(tx *db.Tx) (err error) {
			back, err = affiliate.ReverseCommissions(tx, []id.Line{made[0].Line, made[1].Line}, affiliate.OrderRefunded)
			return err
		})
		if len(back) != 1 || back[0].State != affiliate.Available {
			t.Fatalf("reversed after release: %+v", back)
		}
		sums(0, 0, 600)
		list, err := a.Commissions(ctx, w.creators[0], affiliate.Reversed, "", 1)
		if err != nil || len(list) != 1 || list[0].Reason == "" || list[0].ProductTitle == "" || list[0].BrandName != "Kiln" || list[0].Rate != 1500 {
			t.Fatalf("listed %+v, %v", list, err)
		}
		if more, err := a.Commissions(ctx, w.creators[0], "", list[0].ID, 5); err != nil || len(more) != 1 {
			t.Fatalf("and then %+v, %v", more, err)
		}
		if none, err := a.Commissions(ctx, w.creators[1], "", "", 5); err != nil || len(none) != 0 {
			t.Fatalf("another creator sees %+v, %v", none, err)
		}
		if _, err := a.Earnings(ctx, w.owner); !fault.Is(err, fault.Forbidden) {
			t.Fatalf("no creator: %v", err)
		}
		w.facts(map[string]int{"commission.created": 2, "commission.released": 1, "commission.reversed": 2})
	})
}

func (w *world) spent(a *affiliate.Affiliate, p id.Program, want int64) {
	w.t.Helper()
	got, err := a.Program(ctx, w.owner, p)
	if err != nil || got.Spent == nil || got.Spent.Minor != want {
		w.t.Fatalf("spent %+v of %d, %v", got.Spent, want, err)
	}
}

// sums checks what the first creator has earned.
func (w *world) sums(a *affiliate.Affiliate, pending, available, reversed int64) {
	w.t.Helper()
	e, err := a.Earnings(ctx, w.creators[0])
	if err != nil || e.Pending.Minor != pending || e.Available.Minor != available || e.Reversed.Minor != reversed || e.Pending.Currency != "EUR" {
		w.t.Fatalf("earnings %+v, %v; want %d %d %d", e, err, pending, available, reversed)
	}
}

func (w *world) facts(want map[string]int) {
	w.t.Helper()
	for topic, n := range want {
		if got := w.count(`SELECT COUNT(*) FROM outbox WHERE topic = $1`, topic); got != int64(n) {
			w.t.Errorf("the log heard %s %d times, not %d", topic, got, n)
		}
	}
}

// TestReceiptViews: who asks decides what of a receipt they see.
func TestReceiptViews(t *testing.T) {
	room(t, 3, func(t *testing.T, a *affiliate.Affiliate, w *world) {
		w.open(a, nil)
		w.accept(a, 0, 0)
		w.accept(a, 1, 0)
		w.click(w.viewer, 0, 0)
		w.c.Advance(3 * time.Hour)
		s, _ := w.earn(1, 0)
		w.exec(`INSERT INTO orders (id, checkout_id, cart_id, viewer_id, currency, state, subtotal_minor, discount_minor, shipping_minor, tax_minor, tax_added_minor, total_minor, shipping_address, reserved_until, placed_at)
			VALUES ($1, $2, 'car_1', $3, 'EUR', 'paid', 1, 0, 0, 0, 0, 1, '{}', 0, $4)`, s.Order, s.Order, w.viewer, w.c.Now())
		see := func(who account.Asker) affiliate.LineReceipt {
			t.Helper()
			list, err := a.Attribution(ctx, who, s.Order, false)
			if err != nil || len(list) != 1 {
				t.Fatalf("%+v, %v", list, err)
			}
			return list[0]
		}
		var op id.Account
		all := see(account.Asker{Account: op.Next(w.c.Now()), Operator: true})
		if len(all.Touches) != 2 || all.Winner.Handle != "creator1" || *all.Rate != 1500 || !all.Touches[0].Won || all.Touches[1].Lost != attribution.Superseded || all.Rule == "" {
			t.Errorf("the operator sees %+v", all)
		}
		brand := see(w.owner)
		if len(brand.Touches) != 2 || brand.Touches[0].Creator.Handle != "creator1" || !brand.Touches[0].At.Equal(all.Touches[0].At.Truncate(day)) || brand.Touches[0].At.Equal(all.Touches[0].At) {
			t.Errorf("the brand sees %+v", brand)
		}
		won := see(w.creators[1])
		if len(won.Touches) != 1 || won.Others != 1 || won.Winner == nil || *won.Rate != 1500 {
			t.Errorf("the winner sees %+v", won)
		}
		lost := see(w.creators[0])
		if len(lost.Touches) != 1 || lost.Others != 1 || lost.Winner != nil || lost.Rate != nil || lost.Touches[0].Lost != attribution.Superseded {
			t.Errorf("who lost sees %+v", lost)
		}
		buyer := see(account.Asker{Viewer: w.viewer})
		if len(buyer.Touches) != 0 || buyer.Winner.Handle != "creator1" || buyer.Rate != nil || buyer.Base != nil {
			t.Errorf("the buyer sees %+v", buyer)
		}
		for _, who := range []account.Asker{{}, w.creators[2], {Viewer: "vwr_x"}} {
			if _, err := a.Attribution(ctx, who, s.Order, false); !fault.Is(err, fault.Missing) {
				t.Errorf("a stranger: %v", err)
			}
		}
		if list, err := a.Attribution(ctx, account.Asker{}, s.Order, true); err != nil || !strings.Contains(list[0].Says, "commission") {
			t.Errorf("a guest with the order's token: %+v, %v", list, err)
		}
	})
}
