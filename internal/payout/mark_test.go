package payout_test

import (
	"slices"
	"testing"

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
