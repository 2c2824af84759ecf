// Package payout owns what is owed to brands and creators and how it reaches them.
package payout

import (
	"context"
	"log/slog"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

// Options say how money leaves. Without a vault and a rail balances can be read and nothing is paid out.
type Options struct {
	Vault *Vault
	Rails []Rail // the first takes new payouts; the others end those they have
	// Prove checks the password of somebody signed in: account.Accounts.Prove.
	Prove  func(ctx context.Context, who account.Asker, password string) error
	Report Reporter // of the provider whose money the books clear; nil: nothing is compared
	Log    *slog.Logger
}

// Payouts is the room.
type Payouts struct {
	db       *db.DB
	clock    clock.Clock
	vault    *Vault
	rail     Rail // takes new payouts
	rails    map[string]Rail
	prove    func(ctx context.Context, who account.Asker, password string) error
	report   Reporter
	together int // how many owners are paid in one transaction
	log      *slog.Logger
}

// New returns the room.
func New(d *db.DB, o Options) *Payouts {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if len(o.Rails) == 0 {
		o.Rails = []Rail{Manual("main")}
	}
	p := &Payouts{db: d, clock: d.Clock(), vault: o.Vault, rail: o.Rails[0], rails: map[string]Rail{}, prove: o.Prove, report: o.Report, together: ScheduleBatch, log: o.Log}
	for _, r := range o.Rails {
		p.rails[r.Name()] = r
	}
	return p
}

// Balance is what the books hold for a brand, in its currency.
type Balance struct {
	Pending   money.Amount `json:"pending" doc:"Sold, and held until delivery and the hold have passed"`
	Available money.Amount `json:"available" doc:"May be paid out"`
	Held      money.Amount `json:"held" doc:"Under dispute"`
	Reserve   money.Amount `json:"reserve" doc:"Kept back for refunds, and released in time"`
	Owed      money.Amount `json:"owed" doc:"What the brand owes the platform"`
}

// Brand returns the balance of a brand of the asker's.
func (p *Payouts) Brand(ctx context.Context, who account.Asker, brand id.Brand) (Balance, error) {
	if err := who.OfBrand(brand, account.MoneyRead); err != nil {
		return Balance{}, err
	}
	return db.Get(ctx, p.db, func(tx *db.Tx) (Balance, error) {
		b, err := account.BrandOf(tx, brand)
		if err != nil {
			return Balance{}, err
		}
		var out Balance
		for _, of := range []struct {
			to   *money.Amount
			name ledger.Account
		}{{&out.Pending, ledger.BrandPending(brand)}, {&out.Available, ledger.BrandAvailable(brand)}, {&out.Held, ledger.BrandHeld(brand)},
			{&out.Reserve, ledger.BrandReserve(brand)}, {&out.Owed, ledger.BrandOwes(brand)}} {
			if *of.to, err = ledger.BalanceOf(tx, of.name, b.Currency); err != nil {
				return Balance{}, err
			}
		}
		return out, nil
	})
}

// Page is a page of the transfers that made a brand's balance, newest first.
type Page struct {
	Account ledger.Account `json:"account"`
	Entries []ledger.Entry `json:"entries" nullable:"false"`
	Next    string         `json:"-"`
}

// Entries returns a page of one of a brand's accounts, kind is pending, available, held or reserve.
func (p *Payouts) Entries(ctx context.Context, who account.Asker, brand id.Brand, kind, cursor string, limit int) (Page, error) {
	if err := who.OfBrand(brand, account.MoneyRead); err != nil {
		return Page{}, err
	}
	name := ledger.BrandPending(brand)
	switch kind {
	case "available":
		name = ledger.BrandAvailable(brand)
	case "held":
		name = ledger.BrandHeld(brand)
	case "reserve":
		name = ledger.BrandReserve(brand)
	}
	return p.entries(ctx, name, cursor, limit)
}

// Book returns the accounts whose names begin with prefix, to the operator.
func (p *Payouts) Book(ctx context.Context, who account.Asker, prefix, cursor string, limit int) (list []ledger.Balance, next string, err error) {
	if err := who.IsOperator(); err != nil {
		return nil, "", err
	}
	err = p.db.Read(ctx, func(tx *db.Tx) error {
		list, next, err = ledger.List(tx, prefix, cursor, limit)
		return err
	})
	return list, next, err
}

// Account returns a page of one account of the book, newest first, to the operator.
func (p *Payouts) Account(ctx context.Context, who account.Asker, name ledger.Account, cursor string, limit int) (Page, error) {
	if err := who.IsOperator(); err != nil {
		return Page{}, err
	}
	return p.entries(ctx, name, cursor, limit)
}

func (p *Payouts) entries(ctx context.Context, name ledger.Account, cursor string, limit int) (Page, error) {
	s := Page{Account: name}
	err := p.db.Read(ctx, func(tx *db.Tx) error {
		var err error
		s.Entries, s.Next, err = ledger.Entries(tx, name, cursor, limit)
		return err
	})
	if s.Entries == nil {
		s.Entries = []ledger.Entry{}
	}
	return s, err
}
