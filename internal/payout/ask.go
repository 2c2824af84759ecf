package payout

import (
	"context"
	"database/sql"
	"maps"
	"slices"

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
	one := []Payout{p.draw(tx, r, payee, dst, set)}
	err = p.book(tx, one)
	return one[0], err
}

// draw makes a payout of what was asked and is in order; how many operators must look at it is seen when it is booked.
func (p *Payouts) draw(tx *db.Tx, r request, payee Payee, dst Destination, set SettingsView) Payout {
	pot := Payout{ID: id.Payout("").Next(tx.Now()), State: Created, Amount: r.amount, Destination: dst.ID, Label: dst.Label, Rail: p.rail.Name(),
		Scheduled: r.scheduled, Owner: r.owner, AskedBy: r.by, CreatedAt: tx.Now()}
	pot.Withheld = money.Of(0, r.amount.Currency)
	pot.Withheld.Minor, pot.Jurisdiction = set.withheld(r.owner, payee.Country, r.amount)
	return pot
}

// book stores payouts, takes their money out of what is available in one posting, and tells of them. What their
// owners owe is settled first. It notes in pots what must be approved.
func (p *Payouts) book(tx *db.Tx, pots []Payout) error {
	if len(pots) == 0 {
		return nil
	}
	if err := takePurses(tx, pots); err != nil { // two at once take turns
		return err
	}
	if err := watch(tx, pots); err != nil {
		return err
	}
	if err := roomFor(tx, pots); err != nil {
		return err
	}
	came := make([]ledger.Came, len(pots))
	for i, pot := range pots {
		came[i] = ledger.Came{Cause: string(pot.ID), Currency: pot.Amount.Currency, Purse: pot.Owner.Purse()}
	}
	if err := ledger.RecoverEach(tx, came...); err != nil {
		return err
	}
	if err := debtless(tx, pots); err != nil {
		return err
	}
	if err := insertPayouts(tx, pots); err != nil {
		return err
	}
	sent := make([]ledger.Transfer, len(pots))
	for i, pot := range pots {
		var err error
		if sent[i], err = ledger.PayoutSent(pot.paying(p.rail.Source())); err != nil {
			return err
		}
	}
	if _, err := ledger.Post(tx, sent...); err != nil {
		return err
	}
	for _, pot := range pots {
		if err := pot.tell(tx); err != nil {
			return err
		}
	}
	return nil
}

// takePurses takes what is available to the payouts' owners, in order of currencies and names.
func takePurses(tx *db.Tx, pots []Payout) error {
	purses := map[money.Currency][]ledger.Purse{}
	for _, pot := range pots {
		purses[pot.Amount.Currency] = append(purses[pot.Amount.Currency], pot.Owner.Purse())
	}
	for _, c := range slices.Sorted(maps.Keys(purses)) {
		if _, err := ledger.Take(tx, c, purses[c]...); err != nil {
			return err
		}
	}
	return nil
}

// roomFor refuses payouts of an owner of whom maxOpen are under way.
func roomFor(tx *db.Tx, pots []Payout) error {
	owners := make([]Owner, len(pots))
	for i, pot := range pots {
		owners[i] = pot.Owner
	}
	open := map[Owner]int64{}
	in, args := db.In(1, owners)
	_, err := db.All(tx, func(r *sql.Rows) (struct{}, error) {
		var o Owner
		var n int64
		err := r.Scan(&o, &n)
		open[o] = n
		return struct{}{}, err
	}, `SELECT owner, COUNT(*) FROM payouts WHERE state IN ('created','sent') AND owner IN `+in+` GROUP BY owner`, args...)
	if err != nil {
		return err
	}
	for _, o := range owners {
		if open[o]++; open[o] > maxOpen {
			return fault.New(fault.Conflict, "%d payouts are under way. Wait until they have arrived.", maxOpen)
		}
	}
	return nil
}

// debtless refuses payouts of owners who owe something in their currency.
func debtless(tx *db.Tx, pots []Payout) error {
	owes := make([]ledger.Account, len(pots))
	for i, pot := range pots {
		owes[i] = pot.Owner.Purse().Owes
	}
	debts, err := ledger.Balances(tx, owes...)
	if err != nil {
		return err
	}
	for _, pot := range pots {
		for _, d := range debts {
			if d.Account == pot.Owner.Purse().Owes && d.Balance.Currency == pot.Amount.Currency && d.Balance.Minor > 0 {
				return fault.New(fault.Conflict, "%s is still owed, of refunds after a payout or of labels; it is taken from the next money that becomes available, and payouts go on then.", d.Balance).WithType("balance_owed")
			}
		}
	}
	return nil
}

func insertPayouts(tx *db.Tx, pots []Payout) error {
	var rows db.Values
	for _, p := range pots {
		ask := int64(0)
		if p.Approvals == 0 {
			ask = db.Micros(tx.Now().Add(Patience))
		}
		rows.Row(string(p.ID), string(p.Owner), p.Rail, string(p.Destination), p.Label, string(p.Amount.Currency), p.Amount.Minor, p.Withheld.Minor, p.Jurisdiction,
			string(Created), p.Approvals, db.Flag(p.Scheduled), p.AskedBy, db.Micros(p.CreatedAt), ask, db.Micros(p.CreatedAt))
	}
	_, err := tx.Exec(`INSERT INTO payouts (id, owner, rail, destination_id, label, currency, amount_minor, withheld_minor, jurisdiction, state, approvals, scheduled,
		asked_by, created_at, ask_at, updated_at) VALUES `+rows.Text(), rows.Args()...)
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
