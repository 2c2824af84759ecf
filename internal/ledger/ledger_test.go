package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

var ctx = context.Background()

func post(d *db.DB, transfers ...ledger.Transfer) (p ledger.Posted, err error) {
	err = d.Write(ctx, func(tx *db.Tx) (err error) {
		p, err = ledger.Post(tx, transfers...)
		return err
	})
	return p, err
}

func mustPost(t testing.TB, d *db.DB, transfers ...ledger.Transfer) ledger.Posted {
	t.Helper()
	p, err := post(d, transfers...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func paid(key string, b id.Brand, minor int64) ledger.Transfer {
	return ledger.Transfer{Key: key, Kind: ledger.KindPaid, Currency: "USD",
		Legs: []ledger.Leg{ledger.Debit(ledger.Clearing("sandbox"), minor), ledger.Credit(ledger.BrandPending(b), minor)}}
}

func released(key string, b id.Brand, minor int64) ledger.Transfer {
	return ledger.Transfer{Key: key, Kind: ledger.KindReleased, Currency: "USD",
		Legs: []ledger.Leg{ledger.Debit(ledger.BrandPending(b), minor), ledger.Credit(ledger.BrandAvailable(b), minor)}}
}

func balance(t testing.TB, d *db.DB, a ledger.Account) int64 {
	t.Helper()
	m, err := db.Get(ctx, d, func(tx *db.Tx) (money.Amount, error) { return ledger.BalanceOf(tx, a, "USD") })
	if err != nil {
		t.Fatal(err)
	}
	return m.Minor
}

func mustBalance(t testing.TB, d *db.DB) ledger.Report {
	t.Helper()
	r, err := ledger.Check(ctx, d)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Balanced {
		t.Fatalf("the book does not balance:\n%s", strings.Join(r.Problems, "\n"))
	}
	return r
}

func TestPostAndRead(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		all, err := ledger.Paid(worked())
		if err != nil {
			t.Fatal(err)
		}
		if p := mustPost(t, d, all...); p.New != 2 || p.Replayed != 0 {
			t.Errorf("posted %+v", p)
		}
		for pass := range 2 { // before and after sealing the same numbers are read
			for a, want := range map[ledger.Account]int64{ledger.BrandPending(brand): 7185, ledger.CreatorPending(creator): 1275, ledger.FeeDeferred: 540,
				ledger.TaxOwed("US-CA"): 720, ledger.ShippingPayable: 499, ledger.Clearing("sandbox"): 9719, ledger.PromoPlatform: 500, ledger.FeeIncome: 0} {
				if got := balance(t, d, a); got != want {
					t.Errorf("pass %d: %s holds %d, want %d", pass, a, got, want)
				}
			}
			if r := mustBalance(t, d); r.CheckedTransfers != 2 || r.CheckedEntries != 8 {
				t.Errorf("checked %+v", r)
			}
			if _, err := ledger.Seal(ctx, d); err != nil {
				t.Fatal(err)
			}
		}
		entries, next, err := readEntries(d, ledger.BrandPending(brand), "", 10)
		if err != nil || len(entries) != 1 || next != "" {
			t.Fatalf("%d entries, %q, %v", len(entries), next, err)
		}
		e := entries[0]
		if e.Side != "credit" || e.Amount != money.Of(7185, "USD") || *e.After != money.Of(7185, "USD") || e.Version != 1 || e.Kind != ledger.KindPaid ||
			!e.At.Equal(c.Now()) || !e.Transfer.Valid() || e.Key != "order:"+string(order)+":paid:"+string(line) {
			t.Errorf("the entry is %+v", e)
		}
		entries, _, _ = readEntries(d, ledger.Clearing("sandbox"), "", 10)
		if len(entries) != 2 || entries[1].Side != "debit" || entries[1].Amount.Minor != 9220 || entries[1].After != nil {
			t.Errorf("clearing's entries are %+v", entries)
		}
	})
}

func readEntries(d *db.DB, a ledger.Account, cursor string, limit int) (page []ledger.Entry, next string, err error) {
	err = d.Read(ctx, func(tx *db.Tx) (err error) {
		page, next, err = ledger.Entries(tx, a, cursor, limit)
		return err
	})
	return page, next, err
}

func TestReplay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		a, b := paid("a", brand, 100), paid("b", brand, 50)
		mustPost(t, d, a)
		turned := a
		turned.Legs = []ledger.Leg{a.Legs[1], a.Legs[0], ledger.Credit(ledger.FeeDeferred, 0)}
		if p := mustPost(t, d, turned); p.New != 0 || p.Replayed != 1 {
			t.Errorf("the same in other words: %+v", p)
		}
		if p := mustPost(t, d, a, b, b); p.New != 1 || p.Replayed != 2 {
			t.Errorf("one new among old: %+v", p)
		}
		for name, other := range map[string]ledger.Transfer{"amount": paid("a", brand, 101), "account": paid("a", id.Brand("").From(raw(2)), 100)} {
			if _, err := post(d, other); !errors.Is(err, ledger.ErrDifferent) {
				t.Errorf("another %s under the key: %v", name, err)
			}
		}
		if _, err := post(d, paid("c", brand, 1), paid("c", brand, 2)); !errors.Is(err, ledger.ErrDifferent) {
			t.Errorf("one key twice at once: %v", err)
		}
		if got := balance(t, d, ledger.BrandPending(brand)); got != 150 {
			t.Errorf("%d pending", got)
		}
		mustBalance(t, d)
	})
}

func TestRefusals(t *testing.T) {
	d, _ := dbtest.SQLite(t)
	mustPost(t, d, paid("before", brand, 100))
	good := paid("x", brand, 5)
	change := func(f func(*ledger.Transfer)) ledger.Transfer {
		x := good
		x.Legs = append([]ledger.Leg(nil), good.Legs...)
		f(&x)
		return x
	}
	for name, x := range map[string]ledger.Transfer{
		"no key":           change(func(x *ledger.Transfer) { x.Key = "" }),
		"long key":         change(func(x *ledger.Transfer) { x.Key = strings.Repeat("k", 201) }),
		"no currency":      change(func(x *ledger.Transfer) { x.Currency = "" }),
		"unknown kind":     change(func(x *ledger.Transfer) { x.Kind = "gift" }),
		"a reversal":       change(func(x *ledger.Transfer) { x.Kind, x.Reverses = ledger.KindReversal, "before" }),
		"names a reversed": change(func(x *ledger.Transfer) { x.Reverses = "before" }),
		"unequal":          change(func(x *ledger.Transfer) { x.Legs[0].Amount-- }),
		"nothing":          change(func(x *ledger.Transfer) { x.Legs = nil }),
		"only zeros":       change(func(x *ledger.Transfer) { x.Legs[0].Amount, x.Legs[1].Amount = 0, 0 }),
		"too much":         change(func(x *ledger.Transfer) { x.Legs[0].Amount, x.Legs[1].Amount = -money.Max-1, money.Max+1 }),
		"sums overflow": change(func(x *ledger.Transfer) {
			x.Legs = []ledger.Leg{ledger.Debit(ledger.PromoPlatform, money.Max), ledger.Debit(ledger.Clearing("s"), money.Max), ledger.Credit(ledger.FeeDeferred, money.Max), ledger.Credit(ledger.FeeDeferred, money.Max)}
		}),
		"unknown account": change(func(x *ledger.Transfer) { x.Legs[1].Account = "brand:pending" }),
		"an odd word":     change(func(x *ledger.Transfer) { x.Legs[1].Account = "brand:a b:pending" }),
		"a long word": change(func(x *ledger.Transfer) {
			x.Legs[1].Account = ledger.Account("brand:" + strings.Repeat("a", 65) + ":pending")
		}),
		"not of the kind": change(func(x *ledger.Transfer) { x.Legs[1].Account = ledger.BrandAvailable(brand) }),
		"the wrong side":  change(func(x *ledger.Transfer) { x.Legs[0].Amount, x.Legs[1].Amount = 5, -5 }),
		"itself": change(func(x *ledger.Transfer) {
			x.Kind = ledger.KindCancelled
			x.Legs = []ledger.Leg{ledger.Debit(ledger.PromoPlatform, 5), ledger.Credit(ledger.PromoPlatform, 5)}
		}),
	} {
		if _, err := post(d, good, x); err == nil {
			t.Errorf("%s: posted", name)
		}
	}
	if got := balance(t, d, ledger.BrandPending(brand)); got != 100 {
		t.Errorf("a refused post moved the balance to %d", got)
	}
	mustBalance(t, d)
}

func TestOverdraft(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		refused := func(name string, transfers ...ledger.Transfer) {
			t.Helper()
			_, err := post(d, transfers...)
			var o *ledger.Overdraft
			if !fault.Is(err, fault.Conflict) || !errors.As(err, &o) || o.Account != ledger.BrandPending(brand) {
				t.Errorf("%s: %v", name, err)
			}
		}
		refused("never posted to", released("r0", brand, 1))
		mustPost(t, d, paid("p", brand, 100))
		refused("more than there is", released("r1", brand, 101))
		refused("in the middle of a post", released("r2", brand, 101), paid("p2", brand, 100))
		mustPost(t, d, paid("p3", brand, 50), released("r3", brand, 150))
		refused("from zero", released("r4", brand, 1))
		if got := balance(t, d, ledger.BrandAvailable(brand)); got != 150 {
			t.Errorf("%d available", got)
		}
		mustBalance(t, d)
	})
}

func TestReverse(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		reverse := func(key, as string) (p ledger.Posted, err error) {
			err = d.Write(ctx, func(tx *db.Tx) (err error) { p, err = ledger.Reverse(tx, key, as); return err })
			return p, err
		}
		mustPost(t, d, paid("p", brand, 100), paid("q", brand, 30))
		for i, want := range []ledger.Posted{{New: 1}, {Replayed: 1}} {
			if p, err := reverse("p", "p:back"); err != nil || p != want {
				t.Errorf("time %d: %+v, %v", i+1, p, err)
			}
		}
		if _, err := reverse("p", "p:again"); !fault.Is(err, fault.Conflict) {
			t.Errorf("a second reversal: %v", err)
		}
		if _, err := reverse("p:back", "p:forth"); !fault.Is(err, fault.Conflict) {
			t.Errorf("a reversal of a reversal: %v", err)
		}
		if _, err := reverse("nothing", "n"); !fault.Is(err, fault.Missing) {
			t.Errorf("a reversal of nothing: %v", err)
		}
		mustPost(t, d, released("r", brand, 20))
		var o *ledger.Overdraft
		if _, err := reverse("q", "q:back"); !errors.As(err, &o) {
			t.Errorf("money that has moved on: %v", err)
		}
		if got := balance(t, d, ledger.BrandPending(brand)); got != 10 {
			t.Errorf("%d pending", got)
		}
		mustBalance(t, d)
	})
}

func TestBookIsAppendOnly(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		mustPost(t, d, paid("p", brand, 100))
		if n, err := ledger.Seal(ctx, d); err != nil || n != 1 {
			t.Fatal(n, err)
		}
		for _, q := range []string{
			`UPDATE ledger_transfers SET key = 'q'`, `DELETE FROM ledger_transfers`,
			`UPDATE ledger_entries SET amount = amount + 1`, `DELETE FROM ledger_entries`,
			`UPDATE ledger_seals SET transfers = 2`, `DELETE FROM ledger_seals`,
			`UPDATE ledger_sealed SET seal = 2`, `DELETE FROM ledger_sealed`,
			`UPDATE ledger_accounts SET limited = 1 - limited`, `DELETE FROM ledger_accounts`,
		} {
			err := d.Write(ctx, func(tx *db.Tx) error { _, err := tx.Exec(q); return err })
			if err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("%s: %v", q, err)
			}
		}
		mustBalance(t, d)
	})
}

func TestLists(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		var want []string
		for i := range 25 {
			b := id.Brand("").From(raw(byte(i)))
			mustPost(t, d, paid(fmt.Sprint("p", i), b, int64(i+1)))
			want = append(want, string(ledger.BrandPending(b)))
		}
		var got []string
		cursor := ""
		for {
			var page []ledger.Balance
			if err := d.Read(ctx, func(tx *db.Tx) (err error) {
				page, cursor, err = ledger.List(tx, "brand:", cursor, 10)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			for _, b := range page {
				if b.Balance.Minor != int64(len(got)+1) || b.Class != ledger.Liability {
					t.Errorf("%+v", b)
				}
				got = append(got, string(b.Account))
			}
			if cursor == "" {
				break
			}
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("listed %v", got)
		}
		first, next, err := readEntries(d, ledger.Clearing("sandbox"), "", 20)
		if err != nil || len(first) != 20 || next == "" || first[0].Amount.Minor != 25 {
			t.Fatalf("%d entries, next %q, %v", len(first), next, err)
		}
		rest, next, err := readEntries(d, ledger.Clearing("sandbox"), next, 20)
		if err != nil || len(rest) != 5 || next != "" || rest[4].Amount.Minor != 1 {
			t.Errorf("then %d entries, next %q, %v", len(rest), next, err)
		}
		if _, _, err := readEntries(d, ledger.Clearing("sandbox"), "!", 20); !fault.Is(err, fault.Invalid) {
			t.Errorf("a made-up cursor: %v", err)
		}
		missing, err := db.Get(ctx, d, func(tx *db.Tx) ([]string, error) { return ledger.Missing(tx, "p3", "x", "p24", "y") })
		if err != nil || strings.Join(missing, " ") != "x y" {
			t.Errorf("missing %v, %v", missing, err)
		}
	})
}

// Many callers at once on one brand: nothing is lost, no version doubled, the sealers meet.
func TestConcurrentPostsToOneAccount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		const callers, each = 16, 10
		var wg sync.WaitGroup
		errs := make(chan error, callers*each*2)
		for c := range callers {
			wg.Go(func() {
				for i := range each {
					// Every key is posted by two callers, and every tenth post takes money out.
					key := fmt.Sprintf("p%d-%d", c/2, i)
					_, err := post(d, paid(key, brand, 10), paid(key+"x", id.Brand("").From(raw(byte(c/2%3+2))), 7))
					errs <- err
					if i%5 == 0 {
						_, err := post(d, released("r"+key, brand, 5))
						errs <- err
					}
				}
			})
		}
		for range 2 {
			wg.Go(func() {
				for range 4 {
					_, err := ledger.Seal(ctx, d)
					errs <- err
				}
			})
		}
		wg.Wait()
		close(errs)
		for err := range errs {
			if err != nil {
				t.Error(err)
			}
		}
		r := mustBalance(t, d)
		if got, want := balance(t, d, ledger.BrandPending(brand))+balance(t, d, ledger.BrandAvailable(brand)), int64(callers/2*each*10); got != want {
			t.Errorf("the brand has %d, want %d", got, want)
		}
		if want := int64(callers / 2 * (each*2 + each/5)); r.CheckedTransfers != want {
			t.Errorf("%d transfers, want %d", r.CheckedTransfers, want)
		}
	})
}
