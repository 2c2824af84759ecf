package payout

import (
	"context"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

// maxOpen is how many payouts of one owner are under way at a time.
const maxOpen = 50

// Ask pays an amount of what is available out. What the books do commits first; then the rail is asked, outside
// any transaction and under the payout's own key. Conflict says what stands in the way: an amount below the
// minimum or above the balance, a payee not known, a place that is new.
func (p *Payouts) Ask(ctx context.Context, who account.Asker, o Owner, amount money.Amount, dst id.Destination) (Payout, error) {
	if err := pays(who, o); err != nil {
		return Payout{}, err
	}
	if err := amount.Check(); err != nil || amount.Minor < 1 {
		return Payout{}, fault.InvalidField("body.amount", "Give an amount of 1 minor unit or more, and its currency: {\"amount\": 5000, \"currency\": \"USD\"}.")
	}
	made, err := db.Do(ctx, p.db, func(tx *db.Tx) (id.Payout, error) {
		pot, err := p.create(tx, request{owner: o, amount: amount, destination: dst, by: who.Actor()})
		return pot.ID, err
	})
	if err != nil {
		return Payout{}, err
	}
	ctx = db.WithoutKey(ctx)
	if err := p.settle(ctx, made); err != nil {
		p.log.Warn("a payout waits for its rail", "payout", made, "error", err) // the sweep asks again
	}
	return db.Get(ctx, p.db, func(tx *db.Tx) (Payout, error) { return payoutOf(tx, made) })
}

// request is what a payout is made of.
type request struct {
	owner       Owner
	amount      money.Amount
	destination id.Destination
	scheduled   bool
	by          string
}

// create books a payout: the intent and its posting, in one transaction.
func (p *Payouts) create(tx *db.Tx, r request) (Payout, error) {
	payee, err := p.payable(tx, r.owner)
	if err != nil {
		return Payout{}, err
	}
	dst, err := p.usable(tx, r.owner, r.destination)
	if err != nil {
		return Payout{}, err
	}
	set, err := settingsOf(tx)
	if err != nil {
		return Payout{}, err
	}
	if least := set.Minimum(r.amount.Currency); r.amount.Minor < least.Minor {
		return Payout{}, fault.InvalidField("body.amount", "The least that is paid out is %s. What is below it stays yours and waits.", least)
	}
	pot := Payout{ID: id.Payout("").Next(tx.Now()), State: Created, Amount: r.amount, Destination: dst.ID, Label: dst.Label, Rail: p.rail.Name(),
		Scheduled: r.scheduled, Owner: r.owner, AskedBy: r.by, CreatedAt: tx.Now()}
	pot.Withheld = money.Of(0, r.amount.Currency)
	pot.Withheld.Minor, pot.Jurisdiction = set.withheld(r.owner, payee.Country, r.amount)
	one := []Payout{pot}
	if _, err := ledger.Take(tx, pot.Amount.Currency, pot.Owner.Purse()); err != nil { // two at once take turns
		return Payout{}, err
	}
	if err := watch(tx, one); err != nil {
		return Payout{}, err
	}
	if err := p.book(tx, one[0]); err != nil {
		return Payout{}, err
	}
	return one[0], one[0].tell(tx)
}

// book stores a payout and takes its money out of what is available, of a purse that was taken. What its owner owes is settled first.
func (p *Payouts) book(tx *db.Tx, pot Payout) error {
	purse := pot.Owner.Purse()
	var open int64
	if err := tx.Row(`SELECT COUNT(*) FROM payouts WHERE owner = $1 AND state IN ('created','sent')`, string(pot.Owner)).Scan(&open); err != nil {
		return err
	}
	if open >= maxOpen {
		return fault.New(fault.Conflict, "%d payouts are under way. Wait until they have arrived.", maxOpen)
	}
	if err := ledger.Recover(tx, string(pot.ID), pot.Amount.Currency, purse); err != nil {
		return err
	}
	debt, err := ledger.BalanceOf(tx, purse.Owes, pot.Amount.Currency)
	if err != nil {
		return err
	}
	if debt.Minor > 0 {
		return fault.New(fault.Conflict, "%s of refunds after a payout is still owed; it is taken from the next money that becomes available, and payouts go on then.", debt).WithType("balance_owed")
	}
	if err := insertPayout(tx, pot); err != nil {
		return err
	}
	sent, err := ledger.PayoutSent(pot.paying(p.rail.Source()))
	if err != nil {
		return err
	}
	_, err = ledger.Post(tx, sent)
	return err
}

func insertPayout(tx *db.Tx, p Payout) error {
	ask := int64(0)
	if p.Approvals == 0 {
		ask = db.Micros(tx.Now().Add(Patience))
	}
	_, err := tx.Exec(`INSERT INTO payouts (id, owner, rail, destination_id, label, currency, amount_minor, withheld_minor, jurisdiction, state, approvals, scheduled,
		asked_by, created_at, ask_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'created', $10, $11, $12, $13, $14, $13)`,
		string(p.ID), string(p.Owner), p.Rail, string(p.Destination), p.Label, string(p.Amount.Currency), p.Amount.Minor, p.Withheld.Minor, p.Jurisdiction,
		p.Approvals, db.Flag(p.Scheduled), p.AskedBy, db.Micros(p.CreatedAt), ask)
	return err
}

// List returns an owner's payouts, newest first after the one named.
func (p *Payouts) List(ctx context.Context, who account.Asker, o Owner, after id.Payout, limit int) ([]Payout, error) {
	if err := reads(who, o); err != nil {
		return nil, err
	}
	return db.Get(ctx, p.db, func(tx *db.Tx) ([]Payout, error) {
		return payoutsOf(tx, `owner = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT CAST($3 AS INTEGER)`, string(o), string(after), limit)
	})
}

// One returns one payout of an owner; Missing for another's.
func (p *Payouts) One(ctx context.Context, who account.Asker, o Owner, pot id.Payout) (Payout, error) {
	if err := reads(who, o); err != nil {
		return Payout{}, err
	}
	return db.Get(ctx, p.db, func(tx *db.Tx) (Payout, error) {
		got, err := payoutOf(tx, pot)
		if err == nil && got.Owner != o {
			err = fault.New(fault.Missing, "There is no such payout.")
		}
		if err != nil {
			return Payout{}, err
		}
		return got, nil
	})
}

// Terms are what an owner may pay out now, in one currency.
type Terms struct {
	Available money.Amount `json:"available"`
	Minimum   money.Amount `json:"minimum"`
	Limit     money.Amount `json:"approval_limit"`
}

// TermsOf returns what may be paid out of each currency the owner's purse holds something in.
func (p *Payouts) TermsOf(ctx context.Context, who account.Asker, o Owner) ([]Terms, error) {
	if err := reads(who, o); err != nil {
		return nil, err
	}
	return db.Get(ctx, p.db, func(tx *db.Tx) ([]Terms, error) {
		set, err := settingsOf(tx)
		if err != nil {
			return nil, err
		}
		list, err := ledger.Balances(tx, o.Purse().Available)
		var out []Terms
		for _, b := range list {
			c := b.Balance.Currency
			out = append(out, Terms{Available: b.Balance, Minimum: set.Minimum(c), Limit: set.Limit(c)})
		}
		return out, err
	})
}
