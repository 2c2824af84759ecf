package ledger

import (
	"slices"

	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Purse is somebody's two accounts that must be settled with one another: what may be paid out, and what
// they owe the platform since a refund found less there than it had to take.
type Purse struct{ Available, Owes Account }

// BrandPurse is a brand's purse.
func BrandPurse(b id.Brand) Purse { return Purse{BrandAvailable(b), BrandOwes(b)} }

// CreatorPurse is a creator's purse.
func CreatorPurse(c id.Creator) Purse { return Purse{CreatorAvailable(c), CreatorOwes(c)} }

// Take locks the purses' available accounts for the rest of the transaction, in order of their names, and
// returns what stands in them: nobody else moves them in between.
func Take(tx *db.Tx, c money.Currency, purses ...Purse) (map[Account]int64, error) {
	names := make([]Account, 0, len(purses))
	for _, p := range purses {
		names = append(names, p.Available)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if tx.Engine() != db.SQLite { // which has one writer
		for _, a := range names {
			if _, err := tx.Exec(`UPDATE ledger_accounts SET updated_at = updated_at WHERE name = $1 AND currency = $2`, string(a), string(c)); err != nil {
				return nil, err
			}
		}
	}
	list, err := Balances(tx, names...)
	left := make(map[Account]int64, len(list))
	for _, b := range list {
		if b.Balance.Currency == c {
			left[b.Account] = b.Balance.Minor
		}
	}
	return left, err
}

// Recover settles each purse: what its owner owes is paid from what is available, as far as that goes; and
// what was paid so for a debt that was taken back since becomes available again. cause names what made
// it due, once for each purse.
func Recover(tx *db.Tx, cause string, c money.Currency, purses ...Purse) error {
	owes := make([]Account, len(purses))
	for i, p := range purses {
		owes[i] = p.Owes
	}
	debts, err := Balances(tx, owes...)
	if err != nil {
		return err
	}
	var indebted []Purse
	for _, b := range debts {
		if b.Balance.Currency == c && b.Balance.Minor != 0 {
			indebted = append(indebted, purses[slices.Index(owes, b.Account)])
		}
	}
	if len(indebted) == 0 {
		return nil
	}
	left, err := Take(tx, c, indebted...)
	if err != nil {
		return err
	}
	var transfers []Transfer
	for _, p := range indebted {
		debt, err := BalanceOf(tx, p.Owes, c) // again, now that nobody else can settle it
		if err != nil {
			return err
		}
		if x := min(debt.Minor, left[p.Available]); x != 0 {
			transfers = append(transfers, Transfer{Key: "recovered:" + cause + ":" + string(p.Available), Kind: KindRecovered, Currency: c,
				Legs: []Leg{{p.Available, -x}, {p.Owes, x}}})
		}
	}
	if len(transfers) == 0 {
		return nil
	}
	_, err = Post(tx, transfers...)
	return err
}
