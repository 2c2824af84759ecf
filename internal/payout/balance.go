// Package payout owns what is owed to brands and creators and how it reaches them.
package payout

import (
	"context"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

// Payouts is the room.
type Payouts struct{ db *db.DB }

// New returns the room.
func New(d *db.DB) *Payouts { return &Payouts{d} }

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

// Statement is a page of the transfers that made a brand's balance, newest first.
type Statement struct {
	Account ledger.Account `json:"account"`
	Entries []ledger.Entry `json:"entries" nullable:"false"`
	Next    string         `json:"-"`
}

// Entries returns a page of one of a brand's accounts, kind is pending, available, held or reserve.
func (p *Payouts) Entries(ctx context.Context, who account.Asker, brand id.Brand, kind, cursor string, limit int) (Statement, error) {
	if err := who.OfBrand(brand, account.MoneyRead); err != nil {
		return Statement{}, err
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
func (p *Payouts) Account(ctx context.Context, who account.Asker, name ledger.Account, cursor string, limit int) (Statement, error) {
	if err := who.IsOperator(); err != nil {
		return Statement{}, err
	}
	return p.entries(ctx, name, cursor, limit)
}

func (p *Payouts) entries(ctx context.Context, name ledger.Account, cursor string, limit int) (Statement, error) {
	s := Statement{Account: name}
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
