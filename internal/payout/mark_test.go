package payout_test

import (
	"database/sql"
	"slices"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/id"
)

// Who is paid at an address is known by it: what is bought for there is their own purchase.
func TestAPayeeIsKnownByTheAddress(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		h.known()
		home, _ := account.NewMark(account.MarkAddress, "7, secret lane", "", "73301", "us")
		same := must(db.Get(ctx, h.d, func(tx *db.Tx) ([]id.Account, error) {
			return account.SameAs(tx, account.Buyer{Viewer: "vwr_x", Marks: []account.Mark{home}})
		}))(t)
		if !slices.Contains(same, h.maker.Account) || slices.Contains(same, h.owner.Account) {
			t.Errorf("a parcel to the creator's address is of %v", same)
		}
	})
}

// Payees and places that were stored before anybody was known by them are noted by the sweep, once.
func TestOldPayeesAreNoted(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		h.known()
		must(h.AddDestination(ctx, h.maker, h.makers(), right, bank))(t)
		h.exec(`INSERT INTO brand_members (brand_id, account_id, role, created_at) VALUES ($1, 'acc_owner', 'owner', 1), ($1, 'acc_op0', 'staff', 1)`, string(h.brand))
		marks := func() []string {
			return must(db.Get(ctx, h.d, func(tx *db.Tx) ([]string, error) {
				return db.All(tx, func(r *sql.Rows) (s string, err error) { return s, r.Scan(&s) }, `SELECT account_id || ' ' || kind || ' ' || mark FROM account_marks ORDER BY 1`)
			}))(t)
		}
		want := marks()
		h.exec(`DELETE FROM account_marks`)
		h.sweep(time.Minute)
		if got := marks(); len(want) != 3 || !slices.Equal(got, want) {
			t.Errorf("known are %v, want %v", got, want)
		}
		h.exec(`DELETE FROM account_marks`) // as an erasure does: what is gone does not come back
		h.sweep(time.Minute)
		if got := marks(); len(got) != 0 {
			t.Errorf("noted again: %v", got)
		}
	})
}
