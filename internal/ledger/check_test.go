package ledger_test

import (
	"fmt"
	"strings"
	"testing"

	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
)

// disarm takes the triggers away, as somebody with the file in their hands could.
func disarm(t *testing.T, d *db.DB) {
	t.Helper()
	if err := d.Write(ctx, func(tx *db.Tx) error {
		for _, table := range []string{"ledger_transfers", "ledger_entries", "ledger_seals", "ledger_sealed", "ledger_accounts"} {
			for _, verb := range []string{"update", "delete"} {
				if _, err := tx.Exec("DROP TRIGGER " + table + "_no_" + verb); err != nil {
					return err
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// Whatever is done to the rows behind the program's back, Check names it.
func TestCheckFindsTampering(t *testing.T) {
	const one = `(SELECT seq FROM ledger_transfers WHERE key = 'p1')`
	for name, c := range map[string]struct{ does, finds string }{
		"an amount, both sides":      {`UPDATE ledger_entries SET amount = 2 * amount WHERE id / 64 = ` + one, "does not have the content"},
		"an amount, one side":        {`UPDATE ledger_entries SET amount = amount + 1 WHERE id / 64 = ` + one + ` AND amount > 0`, "sum to 1"},
		"another account":            {`UPDATE ledger_entries SET account = 'brand:x:pending' WHERE id / 64 = ` + one + ` AND amount > 0`, "does not have the content"},
		"another currency":           {`UPDATE ledger_entries SET currency = 'EUR' WHERE id / 64 = ` + one, "out of place"},
		"the key":                    {`UPDATE ledger_transfers SET key = 'p9' WHERE key = 'p1'`, "p9 does not have the content"},
		"the kind":                   {`UPDATE ledger_transfers SET kind = 'hold_released' WHERE key = 'p1'`, "hold_released does not"},
		"an entry gone":              {`DELETE FROM ledger_entries WHERE id / 64 = ` + one + ` AND amount < 0`, "sum to 100"},
		"a transfer gone":            {`DELETE FROM ledger_transfers WHERE key = 'p1'`, "belongs to no transfer"},
		"the last transfer gone":     {`DELETE FROM ledger_transfers WHERE key = 'p3'`, "belongs to no transfer"},
		"an entry too many":          {`INSERT INTO ledger_entries (id, account, currency, amount) VALUES (63, 'fee:income', 'USD', 1)`, "belongs to no transfer"},
		"a balance":                  {`UPDATE ledger_accounts SET balance = balance + 1 WHERE limited = 1`, "its entries sum to"},
		"a sealed balance":           {`UPDATE ledger_accounts SET balance = balance + 1 WHERE limited = 0`, "its entries sum to"},
		"a balance gone":             {`DELETE FROM ledger_accounts WHERE limited = 1`, "no balance"},
		"a limit lifted":             {`UPDATE ledger_accounts SET limited = 0`, "as if its limit were another"},
		"a version":                  {`UPDATE ledger_entries SET version = 7 WHERE id / 64 = ` + one + ` AND amount > 0`, "version 7 follows version"},
		"a balance after":            {`UPDATE ledger_entries SET balance_after = 7 WHERE id / 64 = ` + one + ` AND amount > 0`, "leaves 7, not 100"},
		"a seal's hash":              {`UPDATE ledger_seals SET hash = zeroblob(32) WHERE number = 1`, "seal 1 does not close"},
		"a seal gone":                {`DELETE FROM ledger_seals WHERE number = 1`, "seal 2 follows seal 0"},
		"a sealed transfer unsealed": {`DELETE FROM ledger_sealed WHERE seq = ` + one, "p1 is neither sealed nor waiting"},
		"a seal forgotten":           {`INSERT INTO ledger_unsealed SELECT seq FROM ledger_sealed`, "sealed and waits"},
		"a reversal's mirror":        {`UPDATE ledger_transfers SET reverses = 'p1' WHERE key = 'p2:back'`, "p2:back is not the mirror"},
		"content with its hash":      {`UPDATE ledger_transfers SET key = 'p9', hash = (SELECT hash FROM ledger_transfers WHERE key = 'p2') WHERE key = 'p1'`, "seal 1 does not close"},
	} {
		t.Run(name, func(t *testing.T) {
			d, _ := dbtest.SQLite(t)
			mustPost(t, d, paid("p1", brand, 100))
			if _, err := ledger.Seal(ctx, d); err != nil {
				t.Fatal(err)
			}
			mustPost(t, d, paid("p2", id.Brand("").From(raw(2)), 100))
			if err := d.Write(ctx, func(tx *db.Tx) error { _, err := ledger.Reverse(tx, "p2", "p2:back"); return err }); err != nil {
				t.Fatal(err)
			}
			if _, err := ledger.Seal(ctx, d); err != nil {
				t.Fatal(err)
			}
			mustPost(t, d, paid("p3", id.Brand("").From(raw(3)), 5))
			if r := mustBalance(t, d); r.CheckedSeals != 2 || r.CheckedTransfers != 4 {
				t.Fatalf("checked %+v", r)
			}
			disarm(t, d)
			var changed int64
			if err := d.Write(ctx, func(tx *db.Tx) (err error) { changed, err = tx.Exec(c.does); return err }); err != nil || changed == 0 {
				t.Fatalf("%d rows, %v", changed, err)
			}
			r, err := ledger.Check(ctx, d)
			if err != nil {
				t.Fatal(err)
			}
			if all := strings.Join(r.Problems, "\n"); r.Balanced || !strings.Contains(all, c.finds) {
				t.Errorf("found only:\n%s", all)
			}
		})
	}
}

func TestCheckOfNothing(t *testing.T) {
	d, _ := dbtest.SQLite(t)
	if r := mustBalance(t, d); r.CheckedTransfers != 0 || r.Problems == nil {
		t.Errorf("%+v", r)
	}
	if n, err := ledger.Seal(ctx, d); n != 0 || err != nil {
		t.Errorf("sealed %d, %v", n, err)
	}
}

// A book of more than one page, more than one seal, and posts wider than one statement.
func TestLargerBook(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		const posts, width = 8, 180
		for p := range posts {
			var transfers []ledger.Transfer
			for i := range width {
				transfers = append(transfers, paid(fmt.Sprintf("p%d-%d", p, i), id.Brand("").From(raw(byte(i%100))), int64(i+1)))
			}
			mustPost(t, d, transfers...)
		}
		n, err := ledger.Seal(ctx, d)
		if err != nil || n != posts*width {
			t.Fatalf("sealed %d, %v", n, err)
		}
		r := mustBalance(t, d)
		if r.CheckedTransfers != posts*width || r.CheckedSeals != (posts*width+ledger.MaxSeal-1)/ledger.MaxSeal {
			t.Errorf("%+v", r)
		}
		if got, want := balance(t, d, ledger.Clearing("sandbox")), int64(posts*width*(width+1)/2); got != want {
			t.Errorf("clearing holds %d, want %d", got, want)
		}
	})
}

// Two at once may come into the book in another order than they moved an account: that is no break. A gap is.
func TestVersionsOutOfTheOrderOfTheBook(t *testing.T) {
	d, _ := dbtest.SQLite(t)
	for i, amount := range []int64{100, 50, 7} {
		mustPost(t, d, paid(fmt.Sprint("p", i), brand, amount))
	}
	disarm(t, d)
	change := func(version, to, after int64) {
		t.Helper()
		if err := d.Write(ctx, func(tx *db.Tx) error {
			n, err := tx.Exec(`UPDATE ledger_entries SET version = $1, balance_after = $2 WHERE version = $3`, to, after, version)
			if err == nil && n != 1 {
				err = fmt.Errorf("%d rows", n)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	change(1, 9, 157) // the first comes last: 50, 57, 157
	change(2, 1, 50)
	change(3, 2, 57)
	change(9, 3, 157)
	mustBalance(t, d)
	change(3, 4, 157)
	if r, err := ledger.Check(ctx, d); err != nil || len(r.Problems) != 1 || !strings.Contains(r.Problems[0], "version 4 follows version 2") {
		t.Errorf("%v %v", r.Problems, err)
	}
}
