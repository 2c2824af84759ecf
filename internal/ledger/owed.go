package ledger

import (
	"maps"
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

// Came is what has just been posted to what is available in a purse, and what names it.
type Came struct {
	Cause    string
	Currency money.Currency
	Purse    Purse
	Amount   int64 // minor units
}

// CameTo returns what transfers have brought to a purse.
func CameTo(p Purse, cause string, c money.Currency, transfers []Transfer) Came {
	came := Came{Cause: cause, Currency: c, Purse: p}
	for _, t := range transfers {
		for _, l := range t.Legs {
			if l.Account == p.Available && t.Currency == c {
				came.Amount += l.Amount
			}
		}
	}
	return came
}

// Recover settles each purse: what its owner owes is paid from what is available, as far as that goes; and
// what was paid so for a debt that was taken back since becomes available again. cause names what made
// it due, once for each purse.
func Recover(tx *db.Tx, cause string, c money.Currency, purses ...Purse) error {
	came := make([]Came, len(purses))
	for i, p := range purses {
		came[i] = Came{Cause: cause, Currency: c, Purse: p}
	}
	return RecoverEach(tx, came...)
}

// pocket is an account in one currency.
type pocket struct {
	account  Account
	currency money.Currency
}

// RecoverEach is Recover for what was posted at once and came for several causes: it enters the transfers
// that Recover would have entered, had each been posted by itself and recovered from in turn.
func RecoverEach(tx *db.Tx, list ...Came) error {
	indebted, err := debtsOf(tx, list)
	if err != nil || len(indebted) == 0 {
		return err
	}
	list = slices.DeleteFunc(slices.Clone(list), func(c Came) bool { return indebted[pocket{c.Purse.Owes, c.Currency}] == 0 })
	left, err := takeAll(tx, list)
	if err != nil {
		return err
	}
	debts, err := debtsOf(tx, list) // again, now that nobody else can settle them
	if err != nil {
		return err
	}
	for _, c := range list {
		left[pocket{c.Purse.Available, c.Currency}] -= c.Amount
	}
	transfers, err := restored(tx, list, debts)
	if err != nil {
		return err
	}
	for _, c := range list {
		from, debt := pocket{c.Purse.Available, c.Currency}, pocket{c.Purse.Owes, c.Currency}
		left[from] += c.Amount
		x := min(debts[debt], left[from])
		if x == 0 {
			continue
		}
		left[from], debts[debt] = left[from]-x, debts[debt]-x
		transfers = append(transfers, Transfer{Key: "recovered:" + c.Cause + ":" + string(c.Purse.Available), Kind: KindRecovered, Currency: c.Currency,
			Legs: []Leg{{c.Purse.Available, -x}, {c.Purse.Owes, x}}})
	}
	for some := range slices.Chunk(transfers, MaxTransfers) {
		if _, err := Post(tx, some...); err != nil {
			return err
		}
	}
	return nil
}

// debtsOf returns what the owners of the purses owe, in the currencies it came in; nothing of those who owe nothing.
func debtsOf(tx *db.Tx, list []Came) (map[pocket]int64, error) {
	var names []Account
	asked := make(map[pocket]bool, len(list))
	for _, c := range list {
		names = append(names, c.Purse.Owes)
		asked[pocket{c.Purse.Owes, c.Currency}] = true
	}
	slices.Sort(names)
	standing, err := Balances(tx, slices.Compact(names)...)
	debts := map[pocket]int64{}
	for _, b := range standing {
		if p := (pocket{b.Account, b.Balance.Currency}); b.Balance.Minor != 0 && asked[p] {
			debts[p] = b.Balance.Minor
		}
	}
	return debts, err
}

// takeAll is Take for purses in several currencies.
func takeAll(tx *db.Tx, list []Came) (map[pocket]int64, error) {
	purses := map[money.Currency][]Purse{}
	for _, c := range list {
		purses[c.Currency] = append(purses[c.Currency], c.Purse)
	}
	left := map[pocket]int64{}
	for _, c := range slices.Sorted(maps.Keys(purses)) {
		of, err := Take(tx, c, purses[c]...)
		if err != nil {
			return nil, err
		}
		for a, minor := range of {
			left[pocket{a, c}] = minor
		}
	}
	return left, nil
}
