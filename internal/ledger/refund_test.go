package ledger_test

import (
	"context"
	"testing"

	"pgregory.net/rapid"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

func TestUnitsThatCannotBeTakenBack(t *testing.T) {
	l := worked().Lines[0]
	for name, c := range map[string][3]int64{"none": {0, 0, 2}, "fewer than none": {0, -1, 2}, "more than sold": {0, 3, 2}, "more than are left": {1, 2, 2}, "a line of too many": {0, 1, 1000}} {
		if got, err := l.Back(ledger.SaleLine{}, c[0], c[1], c[2]); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if _, err := ledger.Refunded(refundOf(worked(), false, ledger.SaleLine{Line: line, Goods: 100, Commission: 10, Undecided: true})); err == nil {
		t.Error("an undecided line was refunded")
	}
	if _, err := ledger.Refunded(refundOf(worked(), false, ledger.SaleLine{Line: line, Goods: -100})); err == nil {
		t.Error("a negative refund was posted")
	}
}

// Whatever the line and the steps: nobody is paid by a refund, no party gives back more than it got, the
// buyer gets each step within half a cent of the units' share of all, and after the last unit every party
// has given back exactly what it got.
func TestSeriesOfRefundsEndsAtZero(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := someSale(t, 1).Lines[0]
		if l.Undecided {
			l.Undecided, l.Creator = false, creator
		}
		of := rapid.Int64Range(1, 20).Draw(t, "units")
		taken, done := ledger.SaleLine{}, int64(0)
		for done < of {
			units := rapid.Int64Range(1, of-done).Draw(t, "back")
			got, err := l.Back(taken, done, units, of)
			if err != nil {
				t.Fatal(err)
			}
			if min(got.BrandShare(), got.Commission, got.Fee, got.Taxes[0].Amount, got.Voucher, got.Paid()) < 0 {
				t.Fatalf("somebody is paid by a refund: %+v", got)
			}
			done += units
			sum := ledger.SaleLine{Goods: taken.Goods + got.Goods, Voucher: taken.Voucher + got.Voucher, Fee: taken.Fee + got.Fee, Commission: taken.Commission + got.Commission, Taxes: got.Taxes}
			if len(taken.Taxes) > 0 {
				sum.Taxes[0].Amount += taken.Taxes[0].Amount
			}
			taken = sum
			if exact := l.Paid() * done; 2*abs(taken.Paid()*of-exact) > of {
				t.Fatalf("after %d of %d units the buyer got %d of %d", done, of, taken.Paid(), l.Paid())
			}
			left := l.Less(taken)
			if min(left.BrandShare(), left.Commission, left.Fee, left.Taxes[0].Amount, left.Voucher) < 0 {
				t.Fatalf("more was taken back than was got: %+v", left)
			}
		}
		if left := l.Less(taken); left.Goods != 0 || left.Voucher != 0 || left.Fee != 0 || left.Commission != 0 || left.Taxes[0].Amount != 0 {
			t.Fatalf("after all units %+v is left", left)
		}
	})
}

func abs(n int64) int64 { return max(n, -n) }

// sold posts the worked example once more, sold, shipped and released.
func sold(n byte) func(*db.Tx) error {
	s := worked()
	s.Order, s.Part, s.Lines[0].Line = id.Order("").From(raw(n)), id.Part("").From(raw(n)), id.Line("").From(raw(n))
	return func(tx *db.Tx) error {
		paid, err := ledger.Paid(s)
		if err != nil {
			return err
		}
		shipped, err := ledger.ShippedByBrand(s)
		if err != nil {
			return err
		}
		released, err := ledger.HoldReleased(s, 0)
		if err != nil {
			return err
		}
		_, err = ledger.Post(tx, append(append(paid, shipped...), released...)...)
		return err
	}
}

// What a refund finds missing is owed; what becomes available later pays it first; and a debt that is
// taken back after it was paid becomes available again.
func TestDebtsAreRecovered(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		ctx := context.Background()
		write := func(fn func(tx *db.Tx) error) {
			t.Helper()
			if err := d.Write(ctx, fn); err != nil {
				t.Fatal(err)
			}
		}
		holds := func(a ledger.Account, want int64) {
			t.Helper()
			got, err := db.Get(ctx, d, func(tx *db.Tx) (money.Amount, error) { return ledger.BalanceOf(tx, a, "USD") })
			if err != nil || got.Minor != want {
				t.Errorf("%s holds %d, want %d (%v)", a, got.Minor, want, err)
			}
		}
		earn := func(n byte) { t.Helper(); write(sold(n)) }
		purses := []ledger.Purse{ledger.BrandPurse(brand), ledger.CreatorPurse(creator)}
		s := worked()
		r := refundOf(s, true, s.Lines[0])
		r.Shipped, r.Delivered, r.Released = true, true, true
		transfers, err := ledger.Refunded(r)
		if err != nil {
			t.Fatal(err)
		}
		write(func(tx *db.Tx) error { _, err := ledger.Post(tx, transfers...); return err })
		holds(ledger.CreatorOwes(creator), 1275)
		holds(ledger.BrandOwes(brand), 7684)
		recover := func(cause string) {
			t.Helper()
			write(func(tx *db.Tx) error { return ledger.Recover(tx, cause, "USD", purses...) })
		}
		recover("nothing is there yet")
		holds(ledger.CreatorOwes(creator), 1275)
		earn(7)
		recover("a")
		holds(ledger.CreatorOwes(creator), 0)
		holds(ledger.CreatorAvailable(creator), 0)
		holds(ledger.BrandOwes(brand), 0)
		earn(8)
		recover("b")
		holds(ledger.CreatorAvailable(creator), 1275)
		write(func(tx *db.Tx) error {
			for _, tr := range transfers {
				if _, err := ledger.Reverse(tx, tr.Key, tr.Key+":failed"); err != nil {
					return err
				}
			}
			return ledger.Recover(tx, "c", "USD", purses...)
		})
		holds(ledger.CreatorOwes(creator), 0)
		holds(ledger.CreatorAvailable(creator), 2550)
		holds(ledger.BrandAvailable(brand), 2*7684)
		if r, err := ledger.Check(ctx, d); err != nil || !r.Balanced {
			t.Errorf("%v %v", err, r.Problems)
		}
	})
}
