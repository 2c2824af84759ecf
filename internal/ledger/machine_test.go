package ledger_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

// machine posts at random and keeps a second book in a map to compare with.
type machine struct {
	d        *db.DB
	n        int
	book     map[string]ledger.Transfer
	reversed map[string]bool
	balances map[ledger.Account]map[money.Currency]int64
	sales    []ledger.Sale
}

func (m *machine) apply(t ledger.Transfer, sign int64) {
	for _, l := range t.Legs {
		if m.balances[l.Account] == nil {
			m.balances[l.Account] = map[money.Currency]int64{}
		}
		m.balances[l.Account][t.Currency] += sign * l.Amount
	}
}

// fits reports whether the transfer, turned round if sign is −1, leaves no limited account below zero.
func (m *machine) fits(t ledger.Transfer, sign int64) bool {
	sums := map[ledger.Account]int64{}
	for _, l := range t.Legs {
		sums[l.Account] += sign * l.Amount
	}
	for a, sum := range sums {
		if a.Limited() && m.balances[a][t.Currency]+sum < 0 {
			return false
		}
	}
	return true
}

// post tells the book transfers and checks that it does what the map says it must.
func (m *machine) post(t *rapid.T, transfers []ledger.Transfer) bool {
	want, fits := ledger.Posted{}, true
	shadow := &machine{balances: map[ledger.Account]map[money.Currency]int64{}}
	for a, in := range m.balances {
		shadow.balances[a] = map[money.Currency]int64{}
		for c, v := range in {
			shadow.balances[a][c] = v
		}
	}
	for _, tr := range transfers {
		if _, known := m.book[tr.Key]; known {
			want.Replayed++
			continue
		}
		want.New++
		fits = fits && shadow.fits(tr, 1)
		shadow.apply(tr, 1)
	}
	got, err := post(m.d, transfers...)
	var o *ledger.Overdraft
	switch {
	case !fits && !errors.As(err, &o):
		t.Fatalf("an overdraft was answered with %+v, %v", got, err)
	case fits && (err != nil || got != want):
		t.Fatalf("posted %+v, %v; want %+v", got, err, want)
	}
	if fits {
		for _, tr := range transfers {
			m.book[tr.Key] = tr
		}
		m.balances = shadow.balances
	}
	return fits
}

func (m *machine) pickKey(t *rapid.T) string {
	keys := make([]string, 0, len(m.book))
	for i := range m.n {
		for _, what := range []string{"p", "r", "s"} {
			if k := fmt.Sprintf("%d%s", i, what); m.book[k].Key != "" {
				keys = append(keys, k)
			}
		}
	}
	if len(keys) == 0 {
		return ""
	}
	return rapid.SampledFrom(keys).Draw(t, "key")
}

func (m *machine) actions(turn func()) map[string]func(*rapid.T) {
	someBrand := func(t *rapid.T) id.Brand { return id.Brand("").From(raw(rapid.ByteRange(1, 3).Draw(t, "b"))) }
	next := func(what string) string { m.n++; return fmt.Sprintf("%d%s", m.n-1, what) }
	return map[string]func(*rapid.T){
		"pay": func(t *rapid.T) {
			x := paid(next("p"), someBrand(t), rapid.Int64Range(1, 1000).Draw(t, "minor"))
			x.Currency = rapid.SampledFrom([]money.Currency{"USD", "JPY"}).Draw(t, "currency")
			m.post(t, []ledger.Transfer{x})
		},
		"release": func(t *rapid.T) {
			m.post(t, []ledger.Transfer{released(next("r"), someBrand(t), rapid.Int64Range(1, 1500).Draw(t, "minor"))})
		},
		"pay and release at once": func(t *rapid.T) {
			b := someBrand(t)
			m.post(t, []ledger.Transfer{paid(next("p"), b, rapid.Int64Range(1, 1000).Draw(t, "in")), released(next("r"), b, rapid.Int64Range(1, 1500).Draw(t, "out"))})
		},
		"sell": func(t *rapid.T) {
			s := someSale(t, byte(len(m.sales)))
			transfers, err := ledger.Paid(s)
			if err != nil {
				t.Fatal(err)
			}
			m.post(t, transfers)
			m.sales = append(m.sales, s)
		},
		"cancel": func(t *rapid.T) {
			if len(m.sales) == 0 {
				t.Skip("nothing is sold")
			}
			transfers, err := ledger.CancelledBeforeShipment(rapid.SampledFrom(m.sales).Draw(t, "sale"))
			if err != nil {
				t.Fatal(err)
			}
			m.post(t, transfers)
		},
		"replay": func(t *rapid.T) {
			if key := m.pickKey(t); key != "" {
				m.post(t, []ledger.Transfer{m.book[key]})
			}
		},
		"tell otherwise": func(t *rapid.T) {
			key := m.pickKey(t)
			if key == "" {
				t.Skip("nothing is posted")
			}
			other := m.book[key]
			other.Legs = []ledger.Leg{{Account: other.Legs[0].Account, Amount: other.Legs[0].Amount * 2}, {Account: other.Legs[1].Account, Amount: other.Legs[1].Amount * 2}}
			if _, err := post(m.d, other); !errors.Is(err, ledger.ErrDifferent) {
				t.Fatalf("%s told otherwise: %v", key, err)
			}
		},
		"reverse": func(t *rapid.T) { m.reverse(t) },
		"seal": func(t *rapid.T) {
			if _, err := ledger.Seal(ctx, m.d); err != nil {
				t.Fatal(err)
			}
		},
		"turn the clock": func(*rapid.T) { turn() },
		"":               func(t *rapid.T) { m.invariants(t) },
	}
}

func (m *machine) reverse(t *rapid.T) {
	key := m.pickKey(t)
	if key == "" {
		t.Skip("nothing is posted")
	}
	x := m.book[key]
	var got ledger.Posted
	err := m.d.Write(ctx, func(tx *db.Tx) (err error) { got, err = ledger.Reverse(tx, key, key+":back"); return err })
	switch {
	case m.reversed[key]:
		if err != nil || got != (ledger.Posted{Replayed: 1}) {
			t.Fatalf("a repeated reversal: %+v, %v", got, err)
		}
	case !m.fits(x, -1):
		if !fault.Is(err, fault.Conflict) {
			t.Fatalf("a reversal of money that has moved on: %v", err)
		}
	case err != nil || got.New != 1:
		t.Fatalf("a reversal: %+v, %v", got, err)
	default:
		m.reversed[key] = true
		m.apply(x, -1)
	}
}

func (m *machine) invariants(t *rapid.T) {
	r, err := ledger.Check(ctx, m.d)
	if err != nil || !r.Balanced {
		t.Fatalf("%v: %v", err, r.Problems)
	}
	var all []ledger.Account
	for a := range m.balances {
		all = append(all, a)
	}
	got := map[ledger.Account]map[money.Currency]int64{}
	rows, err := db.Get(ctx, m.d, func(tx *db.Tx) ([]ledger.Balance, error) { return ledger.Balances(tx, all...) })
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range rows {
		if got[b.Account] == nil {
			got[b.Account] = map[money.Currency]int64{}
		}
		got[b.Account][b.Balance.Currency] = b.Balance.Minor
	}
	for a, in := range m.balances {
		for c, want := range in {
			if cl := a.Class(); cl == ledger.Asset || cl == ledger.Expense {
				want = -want
			}
			if got[a][c] != want {
				t.Fatalf("%s holds %d %s, want %d", a, got[a][c], c, want)
			}
		}
	}
}

// Random posts, replays, contradictions, reversals and seals: after each the book is what a
// map says it is, and Check finds nothing.
func TestBookStateMachine(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		dir := t.TempDir()
		empty := filepath.Join(dir, db.File)
		d, err := db.Open(ctx, db.Options{Dir: dir, Clock: clock.NewManual(dbtest.Start)})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil { // which leaves the whole schema in the one file
			t.Fatal(err)
		}
		schema, err := os.ReadFile(empty)
		if err != nil {
			t.Fatal(err)
		}
		runMachine(t, "40", func() (db.Options, error) {
			o := db.Options{Dir: t.TempDir()}
			return o, os.WriteFile(filepath.Join(o.Dir, db.File), schema, 0o600)
		})
	})
	t.Run("postgres", func(t *testing.T) {
		runMachine(t, "4", func() (db.Options, error) { return db.Options{URL: dbtest.NewPostgresURL(t)}, nil })
	})
}

// runMachine gives every run a book of its own, and makes runs of them unless told otherwise
// by -rapid.checks.
func runMachine(t *testing.T, runs string, fresh func() (db.Options, error)) {
	checks := flag.Lookup("rapid.checks")
	if before := checks.Value.String(); before == checks.DefValue {
		if err := checks.Value.Set(runs); err != nil {
			t.Fatal(err)
		}
		defer checks.Value.Set(before)
	}
	rapid.Check(t, func(t *rapid.T) {
		o, err := fresh()
		if err != nil {
			t.Fatal(err)
		}
		c := clock.NewManual(dbtest.Start)
		o.Clock = c
		d, err := db.Open(ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		m := &machine{d: d, book: map[string]ledger.Transfer{}, reversed: map[string]bool{}, balances: map[ledger.Account]map[money.Currency]int64{}}
		t.Repeat(m.actions(func() { c.Advance(time.Second) }))
	})
}
